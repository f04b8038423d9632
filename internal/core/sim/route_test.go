package sim

import (
	"slices"

	"github.com/adzehq/adze/internal/core"
)

// routeSabotages break the promises of who is given what.
var routeSabotages = map[string]attack{
	"a worker is given what another meets better": {labelsCount, preferOther},
	"a worker lacks a label that is required":     {rightWorker, stripLabels},
	"a slot of a type is given twice":             {slotsKept, takeTyped},
	"a slot of a type is never freed":             {slotsCounted, leakTyped},
	"a slot that is given back stays taken":       {slotsCounted, ignoreReleased},
	"who gave slots back is lost with its worker": {rightCause, forgetReleased},
	"a task goes to another worker than its own":  {stickyKept, strayFromWorker},
	"a task goes elsewhere than it would rather":  {stickyKept, rejectWorker},
	"a key runs on a worker it is not dealt":      {handsKept, strayFromHand},
	"two workers are kept for one kind of task":   {nothingIdles, keepTwo},
}

// preferOther has another free worker meet labels better than who is given the task.
func preferOther(h *history, st *step) bool {
	for _, a := range st.out.Assigned {
		t, w := h.model.tasks[a.Task], h.model.workers[a.Worker]
		if t == nil || w == nil || len(t.labels) == 0 || t.labels[0].Required || t.labels[0].Key != zoneLabel || t.labels[0].Comparator != core.LabelEqual {
			continue
		}
		for _, other := range h.model.sortedWorkers() {
			if other != w && h.model.offers(other, t) && other.free(t) {
				w.labels, other.labels = nil, map[string]string{zoneLabel: t.labels[0].Value}
				return true
			}
		}
	}
	return false
}

func stripLabels(h *history, st *step) bool {
	for _, a := range st.out.Assigned {
		t, w := h.model.tasks[a.Task], h.model.workers[a.Worker]
		if t != nil && w != nil && len(t.labels) > 0 && t.labels[0].Required {
			w.labels = nil
			return true
		}
	}
	return false
}

func takeTyped(h *history, st *step) bool {
	for _, a := range st.out.Assigned {
		t, w := h.model.tasks[a.Task], h.model.workers[a.Worker]
		if t != nil && w != nil && t.slots()[0].Type == slotType {
			w.typed = 0
			return true
		}
	}
	return false
}

func leakTyped(h *history, _ *step) bool {
	for _, w := range h.model.sortedWorkers() {
		if w.away == 0 && w.typed > 0 {
			w.held[-1] = hold{uses: []core.SlotUse{{Type: slotType, Units: 1}}}
			return true
		}
	}
	return false
}

// ignoreReleased has the rules not hear that an attempt gives its slots back.
func ignoreReleased(h *history, st *step) bool {
	report, is := st.in.(*core.Report)
	if !is || h.model.workers[report.Worker] == nil {
		return false
	}
	for i, item := range report.Items {
		_, held := h.model.workers[report.Worker].held[item.Token]
		if item.Kind == core.ReportReleased && held {
			dropWhere(&st.out.Moments, func(m core.Moment) bool { return m.Token == item.Token && m.Kind == core.MomentReleased })
			st.in = &core.Report{Worker: report.Worker, Items: slices.Delete(slices.Clone(report.Items), i, i+1)}
			return true
		}
	}
	return false
}

func forgetReleased(h *history, st *step) bool {
	return dropWhere(&st.out.Attempts, func(a core.Attempt) bool {
		t := h.model.tasks[a.Task]
		return a.Outcome == core.AttemptLost && t != nil && t.released
	})
}

// strayFromWorker has a task be for another worker than it was given to.
func strayFromWorker(h *history, st *step) bool {
	for _, a := range st.out.Assigned {
		t := h.model.tasks[a.Task]
		switch {
		case t == nil || t.def.Sticky != core.StickyOnly || t.wants == 0:
		case !t.entered:
			t.wants++
			return true
		case t.only != 0:
			t.only++
			return true
		}
	}
	return false
}

// rejectWorker has a task like another worker better, which is free as well.
func rejectWorker(h *history, st *step) bool {
	for _, a := range st.out.Assigned {
		t, w := h.model.tasks[a.Task], h.model.workers[a.Worker]
		if t == nil || w == nil || t.def.Sticky != core.StickyPrefer {
			continue
		}
		for _, other := range h.model.sortedWorkers() {
			if other != w && h.model.serves(other, t) && other.free(t) && !h.model.maybeKept(other, t) {
				t.wants = other.id
				return true
			}
		}
	}
	return false
}

// strayFromHand gives a task to a worker that could have it, were its key not dealt others.
func strayFromHand(h *history, st *step) bool {
	for i := range st.out.Assigned {
		a := &st.out.Assigned[i]
		t := h.model.tasks[a.Task]
		if t == nil || h.model.hand(t) == 0 {
			continue
		}
		for _, w := range h.model.sortedWorkers() {
			if h.model.offers(w, t) && w.takes() && !h.model.inHand(w, t) {
				a.Worker = w.id
				return true
			}
		}
	}
	return false
}

// keepTwo has two more workers be free for tasks that wait, one of which another one may be
// kept for.
func keepTwo(h *history, st *step) bool {
	if len(h.model.keepers()) == 0 || len(st.out.Assigned) > 0 {
		return false
	}
	for _, t := range h.model.heads() {
		free := 0
		for _, w := range h.model.workers {
			if len(t.def.Rates) == 0 && w.takes() && h.model.serves(w, t) {
				w.slots, w.typed = w.slots+10, w.typed+10
				free++
			}
		}
		if free > len(h.model.keepers()) {
			return true
		}
	}
	return false
}
