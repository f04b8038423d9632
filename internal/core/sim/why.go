package sim

import (
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// wonder asks why some tasks and runs are not done, open or not, known or not.
func (h *history) wonder() *Violation {
	in := &core.Ask{}
	for range 1 + h.rand.IntN(3) {
		target := h.someTarget()
		if open := h.model.sorted(); len(open) > 0 && h.rand.IntN(2) == 0 {
			target = pick(h, open).row.ID
		}
		if !slices.Contains(in.Tasks, target) {
			in.Tasks = append(in.Tasks, target)
		}
	}
	if t := h.forsaken(); t != nil && !slices.Contains(in.Tasks, t.row.ID) {
		in.Tasks = append(in.Tasks, t.row.ID)
	}
	h.lastRef++
	in.Ref, in.Tenant = h.lastRef, h.tenantOf(in.Tasks[0])
	h.asked[in.Ref] = len(in.Tasks)
	return h.apply(in)
}

// forsaken is the first task that is ready for a worker that is gone; nil if there is none.
func (h *history) forsaken() *task {
	for _, t := range h.model.sorted() {
		if t.only != 0 && h.model.workers[t.only] == nil && t.state == core.OpenReady {
			return t
		}
	}
	return nil
}

// someTarget is a task or run, mostly of late.
func (h *history) someTarget() id.ID {
	back := h.rand.IntN(20)
	if len(h.runs) > 0 && h.rand.IntN(3) == 0 {
		return h.runs[max(0, len(h.runs)-1-back)]
	}
	return max(firstTask, h.lastTask+1-id.ID(back))
}

// takeWhy holds answers why against the rules. What was not in memory is answered when
// it has been read.
func (m *model) takeWhy(st *step, ref uint64, tenant id.ID) *Violation {
	for _, a := range st.out.Answers {
		if a.Ref != ref {
			continue
		}
		st.answers = append(st.answers, a)
		t, r := m.tasks[a.Task], m.runs[a.Task]
		open := t != nil && t.row.Tenant == tenant || r != nil && r.row.Tenant == tenant
		if open != (a.Kind == core.AnswerDone && a.Reason != nil) {
			return broken(whyTrue, "task %d: open %v, answered %s", a.Task, open, show(a))
		}
		if open && t != nil {
			if v := m.checkReason(t, a.Reason); v != nil {
				return v
			}
		}
	}
	return nil
}

// checkReason: what is told of an open task is so.
func (m *model) checkReason(t *task, r *core.Reason) *Violation {
	offered, fitting, paused, away := 0, 0, 0, t.only != 0
	for _, w := range m.workers {
		if w.away != 0 || w.spared || !m.offers(w, t) {
			continue
		}
		offered++
		away = away && w.id != t.only
		switch {
		case !m.serves(w, t) || !w.couldHave(t.slots()):
		case w.paused:
			paused++
		default:
			fitting++
		}
	}
	var right bool
	switch t.state {
	case core.OpenRunning:
		right = r.Worker == t.worker && (r.Cause == core.CauseRunning && t.stop == 0 || r.Cause == core.CauseStopping && t.stop != 0)
	case core.OpenDelayed:
		right = r.Cause == core.CauseTime && r.Until == t.due
	case core.OpenWaiting:
		right = r.Cause == core.CauseWaits
	case core.OpenReady:
		held := t.held != "" || m.pausedBy(t) != nil
		right = r.Expires == m.expires(t) && (!held || r.Cause == core.CausePaused)
		switch r.Cause {
		case core.CausePaused:
			right = right && (held || fitting == 0 && paused > 0)
		case core.CauseNoWorker:
			right = right && offered == 0
		case core.CauseBusy:
			right = right && fitting > 0
		case core.CauseNoMatch:
			right = right && offered > 0 && fitting+paused == 0 && r.Away == away
		case core.CauseLimit:
			right = right && t.inLimit()
		case core.CauseRate:
			right = right && t.inClass() && len(t.def.Rates) > 0
		}
	}
	woken := t.state == core.OpenReady && t.readied || t.roused || t.state == core.OpenDelayed && t.due <= m.now
	if (!right || r.State != t.state || r.Attempt != t.attempt) && !woken {
		return broken(whyTrue, "task %d is %v, attempt %d, due %d; told %s", t.row.ID, t.state, t.attempt, t.due, show(*r))
	}
	return nil
}
