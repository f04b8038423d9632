package sim

import "github.com/adzehq/adze/internal/core"

// grantSabotages are ways to break the promises of workers that tenants share.
var grantSabotages = map[string]attack{
	"a grant does not end":                {grantsKept, outlive},
	"a worker is told before its grant":   {storedFirst, hurryGrant},
	"a guest's task waits for nothing":    {nothingIdles, grantMore},
	"a task goes abroad and not home":     {labelsCount, sendAbroad},
	"a grant is not written":              {settingsKept, dropGrant},
	"what is told of the wait is of home": {whyTrue, denyGuests},
}

// guests are the assignments to workers of another tenant than the task's, in a step that
// changes no grant.
func guests(h *history, st *step) (all []*core.Assignment) {
	if _, set := st.in.(*core.Set); set {
		return nil
	}
	for i := range st.out.Assigned {
		a := &st.out.Assigned[i]
		if t, w := h.model.tasks[a.Task], h.model.workers[a.Worker]; t != nil && w != nil && !w.isAtHome(t) {
			all = append(all, a)
		}
	}
	return all
}

// outlive has a grant have ended by which a task is given to a worker.
func outlive(h *history, st *step) bool {
	for _, a := range guests(h, st) {
		delete(h.model.grants, pact{h.model.tasks[a.Task].row.Tenant, h.model.workers[a.Worker].tenant})
		return true
	}
	return false
}

func hurryGrant(h *history, st *step) bool {
	for _, a := range guests(h, st) {
		granted := h.model.crews[pact{h.model.tasks[a.Task].row.Tenant, h.model.workers[a.Worker].tenant}]
		if a.Batch == 0 && a.Seq > 0 && a.Seq == granted && h.bySeq[granted] >= h.durable {
			a.Seq = 0
			return true
		}
	}
	return false
}

// grantMore has a grant be in force by which a task that waits could be given to somebody.
func grantMore(h *history, st *step) bool {
	if _, tick := st.in.(*core.Tick); !tick || len(st.out.Assigned) > 0 {
		return false
	}
	for _, t := range h.model.heads() {
		if len(t.def.Rates) > 0 || t.def.Batch != nil || h.model.freeFor(t, true) != nil {
			continue
		}
		by := pact{t.row.Tenant, firstTenant}
		if by.tenant == by.home {
			by.home++
		}
		h.model.grants[by] = true
		if h.model.freeFor(t, true) != nil {
			return true
		}
		delete(h.model.grants, by)
	}
	return false
}

// sendAbroad has a task be given to another tenant's worker, and one of its own is free.
func sendAbroad(h *history, st *step) bool {
	for i := range st.out.Assigned {
		a := &st.out.Assigned[i]
		t, w := h.model.tasks[a.Task], h.model.workers[a.Worker]
		if t == nil || w == nil || !w.isAtHome(t) || len(t.labels) > 0 || len(st.out.Assigned) > 1 || t.def.Sticky != core.StickyNone {
			continue
		}
		for _, other := range h.model.sortedWorkers() {
			if !other.isAtHome(t) && h.model.serves(other, t) && other.free(t) && !h.model.maybeKept(w, t) && a.Seq >= h.model.crews[pact{t.row.Tenant, other.tenant}] {
				a.Worker = other.id
				return true
			}
		}
	}
	return false
}

func dropGrant(_ *history, st *step) bool {
	return dropWhere(&st.out.Settings, func(s core.Setting) bool { return s.Kind == core.SettingGrant })
}

// denyGuests has whoever asks be told that nobody runs such tasks, and workers of another
// tenant do.
func denyGuests(h *history, st *step) bool {
	for i := range st.out.Answers {
		a := &st.out.Answers[i]
		t := h.model.tasks[a.Task]
		if a.Reason == nil || t == nil || t.readied || a.Reason.Cause != core.CauseBusy && a.Reason.Cause != core.CauseNoMatch {
			continue
		}
		for _, w := range h.model.workers {
			if !w.isAtHome(t) && h.model.offers(w, t) {
				why := *a.Reason
				why.Cause = core.CauseNoWorker
				a.Reason = &why
				return true
			}
		}
	}
	return false
}
