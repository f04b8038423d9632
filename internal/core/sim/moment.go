package sim

import (
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// momentKey is the primary key of a moment.
type momentKey struct {
	task     id.ID
	token    core.Token
	kind     core.MomentKind
	deadline core.Time
}

// refresh asks for more time for an attempt, and release gives its slots back: by the word
// of its worker, or by an order of somebody who wants to know.
func (h *history) refresh(a *agent) *Violation {
	if len(a.running) == 0 {
		return nil
	}
	r := pick(h, a.running)
	h.lastRef++
	h.asked[h.lastRef] = 1
	return h.apply(&core.Refresh{Ref: h.lastRef, Tenant: h.bearer(a, r), Task: r.Task, Token: r.Token, ByMS: int64(h.rand.IntN(10_000)), Further: h.rand.IntN(2) == 0})
}

func (h *history) release(a *agent) *Violation {
	if len(a.running) == 0 {
		return nil
	}
	r := pick(h, a.running)
	if h.rand.IntN(2) == 0 {
		h.lastRef++
		h.asked[h.lastRef] = 1
		return h.apply(&core.Release{Ref: h.lastRef, Tenant: h.bearer(a, r), Task: r.Task, Token: r.Token})
	}
	if a.released == nil {
		a.released = map[core.Token]bool{}
	}
	a.released[r.Token] = true
	v := h.report(a, core.ReportItem{Task: r.Task, Attempt: r.Attempt, Token: r.Token, Kind: core.ReportReleased})
	if v != nil || h.rand.IntN(3) > 0 {
		return v
	}
	a.disconnect() // and comes back with what it runs
	return h.rejoin(a)
}

// ordered is the task of an order, if it is for its current attempt.
func (m *model) ordered(tenant, target id.ID, token core.Token) *task {
	t := m.tasks[target]
	if t == nil || t.row.Tenant != tenant || t.state != core.OpenRunning || t.token != token || t.stop != 0 {
		return nil
	}
	return t
}

// takeRefresh: the deadline that is told is in a row with the answer.
func (m *model) takeRefresh(st *step, in *core.Refresh) *Violation {
	answer := core.Answer{Ref: in.Ref, Task: in.Task, Kind: core.AnswerStale}
	if t := m.ordered(in.Tenant, in.Task, in.Token); t != nil {
		from := st.now
		if in.Further {
			from = t.due
		}
		if to := from + core.Time(in.ByMS); t.due > 0 && to > t.due {
			moved := m.mark(st, t, core.MomentPostponed)
			moved.Deadline, moved.ByMS = to, int64(to-t.due)
			t.due = to
			if o, _ := st.row(in.Task); o.Due != to || o.Token != in.Token {
				return broken(deadlinesKept, "task %d may run until %d, and its row is %s", in.Task, to, show(o))
			}
		}
		answer.Kind, answer.Deadline = core.AnswerDone, t.due
	}
	st.answers = append(st.answers, answer)
	return nil
}

func (m *model) takeRelease(st *step, in *core.Release) {
	answer := core.Answer{Ref: in.Ref, Task: in.Task, Kind: core.AnswerStale}
	if t := m.ordered(in.Tenant, in.Task, in.Token); t != nil {
		answer.Kind = core.AnswerDone
		m.releaseSlots(st, t)
	}
	st.answers = append(st.answers, answer)
}

// releaseSlots has t go on without its slots.
func (m *model) releaseSlots(st *step, t *task) {
	if !t.released {
		m.mark(st, t, core.MomentReleased)
	}
	t.released = true
	delete(m.workers[t.worker].held, t.token)
}

// mark notes what must be written of the attempt that runs.
func (m *model) mark(st *step, t *task, kind core.MomentKind) *core.Moment {
	st.moments = append(st.moments, core.Moment{
		Task: t.row.ID, Tenant: t.row.Tenant, Worker: t.worker, Token: t.token, At: st.now, Attempt: t.attempt, Kind: kind,
	})
	return &st.moments[len(st.moments)-1]
}

func (st *step) unexplainedOfMoments() *Violation {
	if !slices.Equal(st.moments, st.out.Moments) {
		return broken(momentsTold, "moments %s, want %s", show(st.out.Moments), show(st.moments))
	}
	return nil
}

// applyMoments inserts what happened. A row that is there is of an attempt that was
// released before a crash too, which its worker tells again: maybe another one, who took it
// over.
func (s *store) applyMoments(e *core.Effects) *Violation {
	for _, moment := range e.Moments {
		key := momentKey{moment.Task, moment.Token, moment.Kind, moment.Deadline}
		first, twice := s.moments[key]
		if twice && moment.Kind != core.MomentReleased {
			return broken(momentsTold, "moment %s comes after %s", show(moment), show(first))
		}
		if !twice {
			s.moments[key] = moment
		}
	}
	return nil
}
