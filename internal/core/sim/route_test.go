package sim

// routeSabotages break the promises of who is given what.
var routeSabotages = map[string]attack{
	"a worker is given what another meets better": {labelsCount, preferOther},
	"a worker lacks a label that is required":     {rightWorker, stripLabels},
	"a slot of a type is given twice":             {slotsKept, takeTyped},
}

// preferOther has another free worker meet labels better than who is given the task.
func preferOther(h *history, st *step) bool {
	for _, a := range st.out.Assigned {
		t, w := h.model.tasks[a.Task], h.model.workers[a.Worker]
		if t == nil || w == nil || len(t.def.Labels) == 0 || t.def.Labels[0].Required {
			continue
		}
		for _, other := range h.model.sortedWorkers() {
			if other != w && other.offers(t) && other.free(t.slotOf()) {
				w.labels, other.labels = nil, map[string]string{labelKey: t.def.Labels[0].Value}
				return true
			}
		}
	}
	return false
}

func stripLabels(h *history, st *step) bool {
	for _, a := range st.out.Assigned {
		t, w := h.model.tasks[a.Task], h.model.workers[a.Worker]
		if t != nil && w != nil && len(t.def.Labels) > 0 && t.def.Labels[0].Required {
			w.labels = nil
			return true
		}
	}
	return false
}

func takeTyped(h *history, st *step) bool {
	for _, a := range st.out.Assigned {
		t, w := h.model.tasks[a.Task], h.model.workers[a.Worker]
		if t != nil && w != nil && t.slotOf() == slotType {
			w.typed = 0
			return true
		}
	}
	return false
}
