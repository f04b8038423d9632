package sim

import (
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// checkLimits looks at everything that must hold of limits after each step.
func (h *history) checkLimits(st *step) *Violation {
	if v := h.checkAges(st); v != nil || h.limitShare == 0 {
		return v
	}
	holders := h.model.holdersOf()
	return first(
		h.checkPlacesCounted(holders),
		h.checkPlacesExact(st, holders),
		h.checkPlacesInOrder(st),
		h.checkNoPlaceIdles(holders),
		h.checkVictims(st, holders),
		h.checkStrategies(holders),
	)
}

// checkPlacesCounted: who has a place is open, and has come by it as the rules say.
func (h *history) checkPlacesCounted(holders map[limitKey][]id.ID) *Violation {
	counted := 0
	for tenant := range tenants {
		for _, name := range slices.Concat(taskLimits, runLimits) {
			l := limitKey{tenant: firstTenant + id.ID(tenant), name: name}
			for _, held := range h.shard.Holdings(l.tenant, name) {
				l.key = held.Key
				if !slices.Equal(held.Held, holders[l]) {
					return broken(placesKept, "%d have places of %+v, want %d", held.Held, l, holders[l])
				}
				counted += len(held.Held)
			}
		}
	}
	want := 0
	for _, held := range holders {
		want += len(held)
	}
	if counted != want {
		return broken(placesKept, "%d places are taken, want %d", counted, want)
	}
	return nil
}

// checkPlacesExact: when a place of a key is given, no more have one than its maximum,
// with those that a worker has in hand since before a crash.
func (h *history) checkPlacesExact(st *step, holders map[limitKey][]id.ID) *Violation {
	for l, gained := range st.gained {
		inHand := h.inHand(l)
		if _, most := h.model.bounds(l); len(holders[l])+inHand > most {
			return broken(limitsExact, "task %d gets a place of %+v, with %d that have one, %d in hand, of %d",
				gained[len(gained)-1].task.row.ID, l, holders[l], inHand, most)
		}
	}
	return nil
}

// inHand counts the attempts of a key that the core does not know to run: workers that
// are awaited have them.
func (h *history) inHand(l limitKey) int {
	n := 0
	for _, a := range h.agents {
		if !h.model.expected[a.id] {
			continue
		}
		for _, r := range a.running {
			t := h.model.tasks[r.Task]
			if t != nil && t.state != core.OpenRunning && t.attempt == r.Attempt && slices.Contains(t.limits[t.passed:], l) {
				n++
			}
		}
	}
	return n
}

// checkPlacesInOrder: nobody gets a place while one waits who comes before.
func (h *history) checkPlacesInOrder(st *step) *Violation {
	for l, gained := range st.gained {
		if h.model.strategy(l) == core.LimitCancelRunning {
			continue
		}
		line := laneOf(l.tenant, limitPlace+l.name, l.key)
		for _, g := range gained {
			before := h.model.orderAt(l, g.rank, g.task.row.ID)
			for _, other := range h.model.tasks {
				if other.state == core.OpenReady && other.lane == line && other.inLimit() && !other.readied &&
					h.model.orderAt(l, other.rank, other.row.ID).Before(before) {
					return broken(placesInOrder, "task %d gets a place of %+v before task %d", g.task.row.ID, l, other.row.ID)
				}
			}
		}
	}
	return nil
}

// checkNoPlaceIdles: nothing waits for a place while there is room, unless it is being
// loaded, or workers are awaited who may have it.
func (h *history) checkNoPlaceIdles(holders map[limitKey][]id.ID) *Violation {
	for _, t := range h.model.tasks {
		if t.state != core.OpenReady || !t.inLimit() || h.model.loading(t.lane) || h.model.awaits(t.row.Tenant) {
			continue
		}
		l := t.limits[t.passed]
		if least, _ := h.model.bounds(l); len(holders[l]) < least {
			return broken(noPlaceIdles, "task %d waits for a place of %+v, of %d only %d are taken", t.row.ID, l, least, holders[l])
		}
	}
	return nil
}

// newer counts those of a key that came after one and are not being cancelled, and those
// of them that wait.
func (m *model) newer(l limitKey, than id.ID) (open, waiting, older int) {
	for target, t := range m.tasks {
		at := slices.Index(t.limits, l)
		switch {
		case at < 0 || t.stop == core.StopCancelled || at > int(t.passed):
		case at == int(t.passed) && (t.state != core.OpenReady || t.held != ""):
		case target > than:
			open++
			if at == int(t.passed) {
				waiting++
			}
		case target < than && at == int(t.passed):
			older++
		}
	}
	for run, r := range m.runs {
		if !r.cancelled && slices.Contains(r.limits[:r.passed], l) && run > than {
			open++
		}
	}
	return open, waiting, older
}

// checkVictims: a limit cancels whom its strategy says, and says so.
func (h *history) checkVictims(st *step, holders map[limitKey][]id.ID) *Violation {
	for i := range st.victims {
		v := &st.victims[i]
		l, ok := v.limit()
		if !ok {
			return broken(strategiesRight, "task %d ends with %q, and is of %+v", v.id, v.text, v.limits)
		}
		least, _ := h.model.bounds(l)
		open, waiting, older := h.model.newer(l, v.id)
		gone, right := st.gone[l], false // some may have been there before they ended for other reasons
		for _, g := range st.gained[l] { // or before one came that raised the maximum
			if g.task.row.ID > v.id {
				waiting++
			} else {
				older++
			}
		}
		switch h.model.strategy(l) {
		case core.LimitCancelRunning:
			right = open+gone >= least
		case core.LimitCancelNewest:
			right = len(holders[l])+gone >= least
		case core.LimitKeepNewest:
			right = waiting+gone > 0
		case core.LimitKeepOldest:
			right = older+gone > 0
		}
		if !right {
			return broken(strategiesRight, "task %d is cancelled by %+v (%d), with %d newer ones of %d, %d waiting, %d older, %d holding",
				v.id, l, h.model.strategy(l), open, least, waiting, older, holders[l])
		}
	}
	return nil
}

// checkStrategies: a strategy leaves nobody waiting whom it cancels.
func (h *history) checkStrategies(holders map[limitKey][]id.ID) *Violation {
	waiting := map[limitKey]int{}
	for _, t := range h.model.tasks {
		if t.state == core.OpenReady && t.inLimit() && !h.model.awaits(t.row.Tenant) && !h.model.loading(t.lane) {
			waiting[t.limits[t.passed]]++
		}
	}
	for l, n := range waiting {
		_, most := h.model.bounds(l)
		least := 0
		switch h.model.strategy(l) {
		case core.LimitCancelNewest:
		case core.LimitKeepNewest, core.LimitKeepOldest:
			least = 1
		case core.LimitCancelRunning:
			least = most
		default:
			continue
		}
		if n > least {
			return broken(strategiesRight, "%d wait for %+v (%d) with %d that have places", n, l, h.model.strategy(l), holders[l])
		}
	}
	return nil
}

// checkLimitsEnded: after the quiet phase no place is taken and nothing is remembered of
// whom nothing is open.
func (h *history) checkLimitsEnded() *Violation {
	stats := h.shard.Stats()
	if stats.Held+stats.Groups > 0 {
		return broken(placesKept, "%d places and %d keys of limits are left", stats.Held, stats.Groups)
	}
	if most := len(h.classNames()); stats.Lanes > most || stats.Classes > most {
		return broken(memoryBounded, "%d lanes of %d classes are left, of %d that stay", stats.Lanes, stats.Classes, most)
	}
	return nil
}
