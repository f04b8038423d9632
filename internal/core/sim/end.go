package sim

import (
	"reflect"

	"github.com/adzehq/adze/internal/core"
)

// end has the current attempt of t, or its wait, end for one of causes; the core
// says which by what it writes.
func (m *model) end(st *step, t *task, item *core.ReportItem, causes ...cause) *Violation {
	key := attemptKey{t.row.ID, t.attempt}
	r, a := st.results[t.row.ID], st.attempts[key]
	if a != nil {
		r = nil // of a later attempt, if there is one
		delete(st.attempts, key)
	} else {
		delete(st.results, t.row.ID)
	}
	for _, c := range causes {
		want := outcomeOf(t, c)
		if r != nil && want.status == r.Status {
			return m.endTask(st, t, r, item)
		}
		if a != nil && want.status == 0 && want.ended == a.Outcome {
			return m.endAttempt(st, t, a, item)
		}
	}
	return broken(rightCause, "task %d (%v, attempt %d, %d failures) ends with %s %s, want the outcome of %v",
		t.row.ID, t.state, t.attempt, t.failures, show(r), show(a), causes)
}

func (m *model) endTask(st *step, t *task, r *core.Result, item *core.ReportItem) *Violation {
	want := core.Result{
		Task: t.row.ID, Tenant: t.row.Tenant, Version: t.row.Version, Status: r.Status,
		Attempt: t.attempt, Suspensions: t.rests, Worker: t.worker, Assigned: t.assigned, Started: t.started,
		Finished: st.now, Error: r.Error, Output: r.Output,
		Run: t.row.Run, Node: t.row.Node,
	}
	if r.Status == core.Succeeded && t.row.Run != 0 {
		want.Verdicts = item.Verdicts
	}
	if t.state != core.OpenRunning {
		want.Attempt--
	}
	if r.Run != want.Run || r.Node != want.Node || !reflect.DeepEqual(r.Verdicts, want.Verdicts) {
		return broken(nodesNamed, "result %+v, want %+v", *r, want)
	}
	if !reflect.DeepEqual(*r, want) {
		return broken(rightCause, "result %+v, want %+v", *r, want)
	}
	if (r.Status == core.Succeeded || r.Status == core.Skipped) != (r.Error == "") {
		return broken(rightCause, "task %d ended as %v with error %q", r.Task, r.Status, r.Error)
	}
	if r.Status == core.Succeeded && string(r.Output) != string(item.Output) {
		return broken(rightCause, "task %d has not the output that its worker reported", r.Task)
	}
	st.leave(t.limits, r.Error)
	delete(m.tasks, r.Task)
	m.ended[r.Task] = r.Status
	m.endWaits(st, t)
	if r.Run != 0 {
		return m.nodeEnds(st, r)
	}
	m.scheduledEnds(r.Task)
	m.onceEnds(r.Task)
	return m.takeMets(st)
}

func (m *model) endAttempt(st *step, t *task, a *core.Attempt, item *core.ReportItem) *Violation {
	if a.Outcome != core.AttemptLost {
		t.failures++
	}
	want := core.Attempt{
		Task: t.row.ID, Tenant: t.row.Tenant, Number: t.attempt, Outcome: a.Outcome,
		Worker: t.worker, Assigned: t.assigned, Started: t.started, Finished: st.now,
		RetryAt: a.RetryAt, Error: a.Error,
	}
	if *a != want || a.Error == "" {
		return broken(rightCause, "attempt %+v, want %+v", *a, want)
	}
	early, late := st.now, st.now
	if a.Outcome != core.AttemptLost {
		early, late = t.backoff()
		if a.Outcome == core.AttemptFailed {
			early, late = max(early, core.Time(item.RetryAfterMS)), max(late, core.Time(item.RetryAfterMS))
		}
		early, late = st.now+early, st.now+late
	}
	if a.RetryAt < early || a.RetryAt > late {
		return broken(retriesRight, "task %d is retried at %d, not between %d and %d", t.row.ID, a.RetryAt, early, late)
	}
	if !m.keepsPlaces(t) {
		t.passed = 0
	}
	t.attempt++
	if a.RetryAt > st.now {
		t.delay(st.now, a.RetryAt)
	} else {
		t.ready(st.now)
	}
	return nil
}

// backoff is the shortest and the longest pause after the failures so far.
func (t *task) backoff() (shortest, longest core.Time) {
	pause := float64(t.def.BackoffMS)
	for range t.failures - 1 {
		pause *= t.def.BackoffFactor
	}
	pause = min(pause, float64(t.def.BackoffMaxMS))
	if t.def.BackoffExact {
		return core.Time(pause), core.Time(pause)
	}
	return core.Time(pause / 2), core.Time(pause)
}

// causesOfLoss are two when an attempt is overdue besides: either may come first.
func (m *model) causesOfLoss(t *task, now core.Time) []cause {
	causes := []cause{causeAtStop(t, lost)}
	if t.stop == 0 && t.due > 0 && t.due <= now {
		causes = append(causes, timedOut)
	}
	return causes
}
