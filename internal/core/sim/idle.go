package sim

import (
	"github.com/adzehq/adze/internal/core"
)

// heads are the tasks that are next in the lanes of classes. What is paused is passed by.
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
	for _, t := range heads {
		w := h.model.freeFor(t)
		if w == nil || h.model.loading(t.lane) || !h.mayDraw(t, heads) {
			continue
		}
		return broken(nothingIdles, "worker %d has %d of %d slots %q in use while task %d is ready",
			w.id, w.inUse(t.slotOf()), w.slotsOf(t.slotOf()), t.slotOf(), t.row.ID)
	}
	return nil
}

// freeFor is a worker that could be given t now; nil if there is none.
func (m *model) freeFor(t *task) *worker {
	for _, w := range m.workers {
		if w.free(t.slotOf()) && w.serves(t) {
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
	for name, units := range t.rateKeys() {
		if !h.hasUnits(name, units) {
			return false
		}
		for _, other := range heads {
			needs, draws := other.rateKeys()[name]
			lacking := !h.hasUnits(name, needs) || h.model.loading(other.lane)
			if draws && lacking && (other.lane.sameClass(t.lane) || h.model.freeFor(other) != nil) {
				return false
			}
		}
	}
	return true
}

// sameClass tells whether the same workers serve two lanes, in turns of one order.
func (l lane) sameClass(other lane) bool { return l.tenant == other.tenant && l.queue == other.queue }

// hasUnits tells whether so many units of a key can be drawn now.
func (h *history) hasUnits(name core.RateName, units int64) bool {
	rule := h.model.rateRule(name)
	if rule.PausedUntil > h.model.now || rule.PeriodMS == 0 { // or nobody has said how it works
		return false
	}
	debt := int64(0)
	if m := h.meters[name]; m != nil {
		debt = m.debt(rule, h.model.now)
	}
	return debt+units*rule.PeriodMS <= int64(rule.Limit)*rule.PeriodMS
}
