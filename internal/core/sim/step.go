package sim

import (
	"reflect"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// step is one input with all that came of it.
type step struct {
	seq      uint64
	now      core.Time
	in       core.Input
	out      *core.Effects
	live     func(id.ID) core.Live // after the step
	resident map[id.ID]bool        // tasks the input names, or a tick may end, that were in memory before it

	results  map[id.ID]*core.Result  // of out, not yet explained
	attempts map[id.ID]*core.Attempt // of out, not yet explained
	stops    []core.Stop             // what the rules ask for
	settled  []core.Settlement
	answers  []core.Answer
}

// follow holds the effects of a step against the rules, and goes along.
func (m *model) follow(st *step) *Violation {
	m.now = max(m.now, st.now)
	st.now = m.now
	if v := st.index(); v != nil {
		return v
	}
	for _, t := range m.tasks {
		t.readied = false
	}
	m.forgetBusy()
	m.notePendingLoads(st)
	if v := m.takeInput(st); v != nil {
		return v
	}
	if v := st.unexplained(); v != nil {
		return v
	}
	m.forgetServed()
	m.wake(st.out)
	return m.assign(st)
}

// index finds the endings among the effects by task: one of each at most.
func (st *step) index() *Violation {
	st.results, st.attempts = map[id.ID]*core.Result{}, map[id.ID]*core.Attempt{}
	for i := range st.out.Results {
		r := &st.out.Results[i]
		if st.results[r.Task] != nil {
			return broken(oneResult, "task %d ends twice at once", r.Task)
		}
		st.results[r.Task] = r
	}
	for i := range st.out.Attempts {
		a := &st.out.Attempts[i]
		if st.attempts[a.Task] != nil {
			return broken(rightCause, "two attempts of task %d end at once", a.Task)
		}
		st.attempts[a.Task] = a
	}
	return nil
}

// unexplained finds what the core did and no rule asked for.
func (st *step) unexplained() *Violation {
	for _, r := range st.out.Results {
		if st.results[r.Task] != nil {
			return broken(rightCause, "task %d ends as %v (%q) for no reason", r.Task, r.Status, r.Error)
		}
	}
	for _, a := range st.out.Attempts {
		if st.attempts[a.Task] != nil {
			return broken(rightCause, "attempt %d of task %d ends as %v for no reason", a.Number, a.Task, a.Outcome)
		}
	}
	if _, ok := st.in.(*core.Submit); !ok && len(st.out.Tasks) > 0 {
		return broken(oneResult, "task %d is inserted without a submit", st.out.Tasks[0].ID)
	}
	if !slices.Equal(st.settled, st.out.Settled) {
		return broken(answered, "settled %+v, want %+v", st.out.Settled, st.settled)
	}
	if !slices.Equal(st.answers, st.out.Answers) {
		return broken(answered, "answers %+v, want %+v", st.out.Answers, st.answers)
	}
	return st.sameStops()
}

// sameStops compares without regard to order: which of several due timers is taken
// first is the core's choice.
func (st *step) sameStops() *Violation {
	left := slices.Clone(st.out.Stopped)
	for _, want := range st.stops {
		at := slices.Index(left, want)
		if at < 0 {
			return broken(answered, "worker %d is not told to stop task %d (%v)", want.Worker, want.Task, want.Reason)
		}
		left = slices.Delete(left, at, at+1)
	}
	if len(left) > 0 {
		return broken(answered, "worker %d is told to stop task %d (%v) for no reason", left[0].Worker, left[0].Task, left[0].Reason)
	}
	return nil
}

// notePendingLoads keeps which loads are on their way.
func (m *model) notePendingLoads(st *step) {
	if in, ok := st.in.(*core.Loaded); ok {
		at := slices.IndexFunc(m.loads, func(l core.Load) bool { return reflect.DeepEqual(l, in.Load) })
		m.loads = slices.Delete(m.loads, at, at+1)
	}
	m.loads = append(m.loads, st.out.Loads...)
}

func (m *model) loading(l lane) bool {
	return slices.ContainsFunc(m.loads, func(load core.Load) bool {
		return load.Kind == core.LoadLane && laneOf(load.Tenant, load.Queue, load.Key) == l
	})
}

func (m *model) loadingDue() bool {
	return slices.ContainsFunc(m.loads, func(load core.Load) bool { return load.Kind == core.LoadDue })
}

func (m *model) takeInput(st *step) *Violation {
	switch in := st.in.(type) {
	case *core.Define:
		m.definitions[in.Definition.Version] = in.Definition
	case *core.Submit:
		return m.takeSubmit(st, in)
	case *core.Join:
		return m.takeJoin(st, in)
	case *core.Resize:
		m.workers[in.Worker].slots = in.Slots
	case *core.Leave:
		return m.takeLeave(st, in)
	case *core.Report:
		return m.takeReport(st, in)
	case *core.Refresh:
		m.takeRefresh(st, in)
	case *core.Cancel:
		return m.cancelEach(st, in.Tenant, in.Tasks, in.Ref)
	case *core.Loaded:
		return m.takeLoaded(st, in)
	case *core.Tick:
		return m.takeTick(st)
	}
	return nil
}

func (m *model) takeSubmit(st *step, in *core.Submit) *Violation {
	if !reflect.DeepEqual(in.Tasks, st.out.Tasks) {
		return broken(nothingLost, "the rows of a submit differ from what was submitted")
	}
	for _, row := range in.Tasks {
		m.submit(row, st.now, st.seq)
	}
	return nil
}

// end has the current attempt of t, or its wait, end for one of causes; the core
// says which by what it writes.
func (m *model) end(st *step, t *task, item *core.ReportItem, causes ...cause) *Violation {
	r, a := st.results[t.row.ID], st.attempts[t.row.ID]
	delete(st.results, t.row.ID)
	delete(st.attempts, t.row.ID)
	for _, c := range causes {
		want := outcomeOf(t, c)
		if r != nil && a == nil && want.status == r.Status {
			return m.endTask(st, t, r, item)
		}
		if a != nil && r == nil && want.status == 0 && want.ended == a.Outcome {
			return m.endAttempt(st, t, a)
		}
	}
	return broken(rightCause, "task %d (%v, attempt %d, %d failures) ends with %+v %+v, want the outcome of %v",
		t.row.ID, t.state, t.attempt, t.failures, r, a, causes)
}

func (m *model) endTask(st *step, t *task, r *core.Result, item *core.ReportItem) *Violation {
	want := core.Result{
		Task: t.row.ID, Tenant: t.row.Tenant, Version: t.row.Version, Status: r.Status,
		Attempt: t.attempt, Worker: t.worker, Assigned: t.assigned, Started: t.started,
		Finished: st.now, Error: r.Error, Output: r.Output,
	}
	if t.state != core.OpenRunning {
		want.Attempt--
	}
	if !reflect.DeepEqual(*r, want) {
		return broken(rightCause, "result %+v, want %+v", *r, want)
	}
	if (r.Status == core.Succeeded) != (r.Error == "") {
		return broken(rightCause, "task %d ended as %v with error %q", r.Task, r.Status, r.Error)
	}
	if r.Status == core.Succeeded && string(r.Output) != string(item.Output) {
		return broken(rightCause, "task %d has not the output that its worker reported", r.Task)
	}
	delete(m.tasks, r.Task)
	m.ended[r.Task] = r.Status
	return nil
}

func (m *model) endAttempt(st *step, t *task, a *core.Attempt) *Violation {
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
		early, late = st.now+early, st.now+late
	}
	if a.RetryAt < early || a.RetryAt > late {
		return broken(retriesRight, "task %d is retried at %d, not between %d and %d", t.row.ID, a.RetryAt, early, late)
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
	return core.Time(pause / 2), core.Time(pause)
}

func (m *model) takeLeave(st *step, in *core.Leave) *Violation {
	w := m.workers[in.Worker]
	if in.Reason == core.LeaveClosed {
		w.away = st.now + core.GraceMS
		return nil
	}
	return m.lose(st, w)
}

// lose forgets a worker; what it had is lost.
func (m *model) lose(st *step, w *worker) *Violation {
	delete(m.workers, w.id)
	for _, t := range m.at(w) {
		if v := m.end(st, t, nil, m.causesOfLoss(t, st.now)...); v != nil {
			return v
		}
	}
	return nil
}

// causesOfLoss are two when an attempt is overdue besides: either may come first.
func (m *model) causesOfLoss(t *task, now core.Time) []cause {
	causes := []cause{causeAtStop(t, lost)}
	if t.stop == 0 && t.due > 0 && t.due <= now {
		causes = append(causes, timedOut)
	}
	return causes
}

// at are the tasks that run at w.
func (m *model) at(w *worker) []*task {
	var running []*task
	for _, t := range m.tasks {
		if t.state == core.OpenRunning && t.worker == w.id {
			running = append(running, t)
		}
	}
	return running
}

func (m *model) takeJoin(st *step, in *core.Join) *Violation {
	w := m.workers[in.Worker]
	if w == nil {
		w = &worker{id: in.Worker}
		m.workers[w.id] = w
	}
	m.forgetTurns(w)
	w.tenant, w.actions, w.slots, w.away = in.Tenant, in.Actions, in.Slots, 0
	w.held = map[core.Token]id.ID{}
	claimed := func(t *task) bool {
		return slices.ContainsFunc(in.Running, func(c core.Claim) bool { return c.Token == t.token })
	}
	for _, t := range m.at(w) {
		if claimed(t) {
			continue
		}
		if v := m.end(st, t, nil, causeAtStop(t, lost)); v != nil {
			return v
		}
	}
	for _, c := range in.Running {
		if _, twice := w.held[c.Token]; !twice {
			m.claim(st, w, c)
		}
	}
	return nil
}

// claim judges one attempt that w says it runs. Whatever comes of it, w runs it
// until it says otherwise.
func (m *model) claim(st *step, w *worker, c core.Claim) {
	w.held[c.Token] = c.Task
	t := m.tasks[c.Task]
	switch {
	case t != nil && t.state == core.OpenRunning && t.token == c.Token && t.worker == w.id:
		if t.stop != 0 { // it may have missed the first word
			st.stops = append(st.stops, core.Stop{Worker: w.id, Task: c.Task, Token: c.Token, Reason: t.stop})
		}
	case t != nil && st.resident[c.Task] && !st.left(c.Task) && m.adoptable(w, t, c.Attempt, c.Token):
		m.run(t, w, c.Token, st.now)
	default:
		st.stops = append(st.stops, core.Stop{Worker: w.id, Task: c.Task, Token: c.Token, Reason: core.StopForeign})
	}
}

// adoptable: given by an owner before, forgotten in the crash, and nobody else has
// been given it since.
func (m *model) adoptable(w *worker, t *task, attempt int32, token core.Token) bool {
	return t.row.Tenant == w.tenant && t.state != core.OpenRunning && t.attempt == attempt && epochOf(token) < m.epoch
}

func (m *model) takeReport(st *step, in *core.Report) *Violation {
	w := m.workers[in.Worker]
	for i := range in.Items {
		if v := m.takeItem(st, w, &in.Items[i]); v != nil {
			return v
		}
	}
	return nil
}

func (m *model) takeItem(st *step, w *worker, item *core.ReportItem) *Violation {
	t := m.tasks[item.Task]
	current := t != nil && w != nil && t.state == core.OpenRunning && t.token == item.Token && t.worker == w.id
	if item.Kind == core.ReportStarted {
		if current && t.started == 0 {
			t.started = st.now
		}
		return nil
	}
	if !current && t != nil && w != nil && st.resident[item.Task] && m.adoptable(w, t, item.Attempt, item.Token) {
		m.run(t, w, item.Token, st.now)
		current = true
	}
	if w != nil {
		delete(w.held, item.Token)
	}
	st.settled = append(st.settled, core.Settlement{Worker: st.in.(*core.Report).Worker, Task: item.Task, Token: item.Token, Stale: !current})
	if !current {
		return nil
	}
	causes := []cause{causeOfReport(t, item)}
	if t.stop == 0 && t.due > 0 && t.due <= st.now {
		causes = append(causes, timedOut) // the tick that tells it may be late
	}
	return m.end(st, t, item, causes...)
}

func (m *model) takeRefresh(st *step, in *core.Refresh) {
	answer := core.Answer{Ref: in.Ref, Task: in.Task, Kind: core.AnswerStale}
	t := m.tasks[in.Task]
	if t != nil && t.row.Tenant == in.Tenant && t.state == core.OpenRunning && t.token == in.Token && t.stop == 0 {
		if t.due > 0 {
			t.due = max(t.due, st.now+core.Time(in.ByMS))
		}
		answer.Kind, answer.Deadline = core.AnswerDone, t.due
	}
	st.answers = append(st.answers, answer)
}

// cancelEach cancels tasks of a tenant in order. The core puts off those that are
// not in memory by a Load of the same Ref, and no others of the tenant's.
func (m *model) cancelEach(st *step, tenant id.ID, tasks []id.ID, ref uint64) *Violation {
	later := st.putOff(ref)
	for _, target := range tasks {
		t := m.tasks[target]
		if t != nil && t.row.Tenant != tenant {
			t = nil
		}
		if slices.Contains(later, target) {
			if t != nil && st.resident[target] {
				return broken(answered, "the cancel of task %d is put off, though it is in memory", target)
			}
			continue
		}
		answer := core.Answer{Ref: ref, Task: target, Kind: core.AnswerUnknown}
		if t != nil {
			kind, v := m.cancel(st, t)
			if v != nil {
				return v
			}
			answer.Kind = kind
		}
		st.answers = append(st.answers, answer)
	}
	return nil
}

func (st *step) putOff(ref uint64) []id.ID {
	var tasks []id.ID
	for _, l := range st.out.Loads {
		if l.Kind == core.LoadTasks && l.Ref == ref {
			tasks = append(tasks, l.Tasks...)
		}
	}
	return tasks
}

func (m *model) cancel(st *step, t *task) (core.AnswerKind, *Violation) {
	if t.state != core.OpenRunning {
		return core.AnswerDone, m.end(st, t, nil, cancelled)
	}
	// One that timed out is still cancelled: the last word counts.
	if t.stop != core.StopCancelled {
		m.stop(st, t, core.StopCancelled)
	}
	return core.AnswerStarted, nil
}

func (m *model) stop(st *step, t *task, reason core.StopReason) {
	t.stop, t.stopBy = reason, st.now+core.StopGraceMS
	st.stops = append(st.stops, core.Stop{Worker: t.worker, Task: t.row.ID, Token: t.token, Reason: reason})
}

// takeLoaded: rows change nothing, but that those overdue may end by it, and that a
// Cancel goes on.
func (m *model) takeLoaded(st *step, in *core.Loaded) *Violation {
	if in.Load.Kind == core.LoadTasks {
		return m.cancelEach(st, in.Load.Tenant, in.Load.Tasks, in.Load.Ref)
	}
	for _, row := range in.Rows {
		t := m.tasks[row.ID]
		if t == nil || t.state != core.OpenReady || t.due == 0 || t.due > st.now || st.results[row.ID] == nil {
			continue
		}
		if v := m.end(st, t, nil, waitedTooLong); v != nil {
			return v
		}
	}
	return nil
}

// takeTick fires what is due.
func (m *model) takeTick(st *step) *Violation {
	for _, w := range m.sortedWorkers() {
		if w.away > 0 && w.away <= st.now {
			if v := m.lose(st, w); v != nil {
				return v
			}
		}
	}
	for _, t := range m.sorted() {
		if v := m.fire(st, t); v != nil {
			return v
		}
	}
	return nil
}

func (m *model) fire(st *step, t *task) *Violation {
	due := t.due > 0 && t.due <= st.now
	switch {
	case t.state == core.OpenRunning && t.stop != 0 && t.stopBy <= st.now:
		return m.end(st, t, nil, causeAtStop(t, lost))
	case t.state == core.OpenRunning && t.stop == 0 && due:
		m.stop(st, t, core.StopTimedOut)
	case t.state == core.OpenReady && due && st.resident[t.row.ID] && !st.left(t.row.ID):
		return m.end(st, t, nil, waitedTooLong)
	}
	return nil
}

// left tells whether a task that was in memory is in Postgres only after the step:
// it was lost at once and did not fit its lane, or one that was lost pushed it out.
func (st *step) left(target id.ID) bool {
	return st.results[target] == nil && st.live(target).State == 0
}

// wake follows the core in when a delayed task whose time has come is ready: rows
// and assignments say so, and then Shard.Live (see checkAgreement).
func (m *model) wake(out *core.Effects) {
	for _, o := range out.Open {
		if o.State == core.OpenReady {
			m.wakeDue(o.ID)
		}
	}
	for _, a := range out.Assigned {
		m.wakeDue(a.Task)
	}
}

func (m *model) wakeDue(target id.ID) {
	if t := m.tasks[target]; t != nil && t.state == core.OpenDelayed && t.due <= m.now {
		t.ready(m.now)
	}
}
