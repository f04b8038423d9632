package sim

import (
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// heads are the tasks that are next in the lanes of classes. What is paused is passed by.
// Of a lane whose window is being loaded it may be one that is not here yet.
func (m *model) heads() map[lane]*task {
	heads := map[lane]*task{}
	for _, t := range m.tasks {
		if t.state != core.OpenReady || !t.inClass() || m.pausedBy(t) != nil {
			continue
		}
		if first := heads[t.lane]; first == nil || t.order().Before(first.order()) {
			heads[t.lane] = t
		}
	}
	return heads
}

// checkNothingIdles: no connected worker has a free slot while a task that it could be
// given is next in its lane, unless a rate limit says otherwise.
func (h *history) checkNothingIdles() *Violation {
	heads := h.model.heads()
	if v := h.checkFewKept(heads); v != nil {
		return v
	}
	for _, t := range heads {
		w := h.model.freeFor(t, true)
		if w == nil || t.def.Batch != nil || h.model.loading(t.lane) || !h.mayDraw(t, heads) {
			continue
		}
		return broken(nothingIdles, "worker %d has %d of %d slots in use, and %d of %d of the other type, while task %d (%v) is ready",
			w.id, w.inUse(""), w.slots, w.inUse(slotType), w.typed, t.row.ID, t.slots())
	}
	return nil
}

// checkFewKept: one worker at most is kept for a class whose tasks take up several slots.
func (h *history) checkFewKept(heads map[lane]*task) *Violation {
	all := func(t *task) id.ID { // who share workers are looked at as one
		if len(h.model.crews) > 0 {
			return 0
		}
		return t.row.Tenant
	}
	keepers := map[id.ID]int{}
	for _, t := range h.model.keepers() {
		keepers[all(t)]++
	}
	kept := map[id.ID]map[id.ID]bool{}
	for _, t := range heads {
		if keepers[all(t)] == 0 || t.def.Batch != nil || h.model.loading(t.lane) || !h.mayDraw(t, heads) {
			continue
		}
		for _, w := range h.model.workers {
			if !w.free(t) || !h.model.serves(w, t) {
				continue
			}
			if kept[all(t)] == nil {
				kept[all(t)] = map[id.ID]bool{}
			}
			kept[all(t)][w.id] = true
		}
	}
	for tenant, workers := range kept {
		if len(workers) > keepers[tenant] {
			return broken(nothingIdles, "%d workers have free slots that others need, and are kept for %d kinds of task", len(workers), keepers[tenant])
		}
	}
	return nil
}

// freeFor is a worker that could be given t now; nil if there is none. One that may be kept
// for others is none either, but for those that are certain.
func (m *model) freeFor(t *task, certain bool) *worker {
	for _, w := range m.workers {
		if w.free(t) && m.serves(w, t) && (!certain || !m.maybeKept(w, t)) {
			return w
		}
	}
	return nil
}

// mayDraw tells whether nothing of rate limits holds t back, which is next in its lane: no
// units are lacking, and none are saved up for another one, which may have to be loaded
// first. Units that have come since the last tick are for the next one to give.
func (h *history) mayDraw(t *task, heads map[lane]*task) bool {
	if len(t.def.Rates) == 0 {
		return true
	}
	if next := h.shard.NextDue(); next > 0 && next <= h.model.now {
		return false
	}
	for name, key := range t.rateKeys() {
		if !h.hasUnits(name, key) {
			return false
		}
		for _, other := range heads {
			needs, draws := other.rateKeys()[name]
			if h.model.loading(other.lane) {
				needs.Units, needs.Limit = rateUnitsMax, rateUnitsMax
			}
			if draws && !h.hasUnits(name, needs) && (h.model.class(other) == h.model.class(t) || h.model.freeFor(other, false) != nil) {
				return false
			}
		}
	}
	return true
}

// hasUnits tells whether so much of a key can be drawn now.
func (h *history) hasUnits(name core.RateName, needs core.RateKey) bool {
	rule := h.model.rateRule(name)
	if rule.PausedUntil > h.model.now || rule.PeriodMS == 0 { // or nobody has said how it works
		return false
	}
	m := h.meters[name].owed(rule, h.model.now)
	return m.debt+int64(needs.Units)*rule.PeriodMS <= rule.limit(smaller(m.said, needs.Limit))*rule.PeriodMS
}
