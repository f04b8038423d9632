package sim

import (
	"cmp"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

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
	delete(m.expected, w.id)
	for _, t := range st.byEnd(m.at(w)) {
		if v := m.end(st, t, nil, m.causesOfLoss(t, st.now)...); v != nil {
			return v
		}
	}
	return nil
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

// byEnd sorts tasks as they end in the step: what waits for one may end after it. Those
// that do not end come last.
func (st *step) byEnd(tasks []*task) []*task {
	if len(st.out.Mets) == 0 {
		return tasks
	}
	place := func(t *task) int {
		at := slices.IndexFunc(st.out.Results, func(r core.Result) bool { return r.Task == t.row.ID })
		if at < 0 {
			return len(st.out.Results)
		}
		return at
	}
	slices.SortFunc(tasks, func(a, b *task) int { return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a.row.ID, b.row.ID)) })
	return tasks
}

func (m *model) takeJoin(st *step, in *core.Join) *Violation {
	w := m.workers[in.Worker]
	if w == nil {
		w = &worker{id: in.Worker, paused: in.Paused}
		m.workers[w.id] = w
	}
	m.forgetTurns(w)
	delete(m.expected, w.id)
	w.tenant, w.actions, w.slots, w.spared, w.away = in.Tenant, in.Actions, in.Slots, in.Spared, 0
	w.typed, w.labels = in.Types[0].Units, in.Labels
	claimed := func(t *task) bool {
		return slices.ContainsFunc(in.Running, func(c core.Claim) bool { return c.Token == t.token })
	}
	for _, t := range st.byEnd(m.at(w)) {
		if claimed(t) {
			continue
		}
		if v := m.end(st, t, nil, causeAtStop(t, lost)); v != nil {
			return v
		}
	}
	w.held = map[core.Token]hold{}
	for _, t := range m.at(w) {
		if !t.released {
			w.hold(t.token, t.grip())
		}
	}
	said := map[core.Token]bool{}
	for _, c := range in.Running {
		if !said[c.Token] {
			said[c.Token] = true
			m.claim(st, w, c)
		}
	}
	return nil
}

// claim judges one attempt that w says it runs. Whatever comes of it, w runs it
// until it says otherwise, and holds its slots if it has not given them back.
func (m *model) claim(st *step, w *worker, c core.Claim) {
	t := m.tasks[c.Task]
	if c.Released {
		defer delete(w.held, c.Token)
	}
	switch {
	case t != nil && t.state == core.OpenRunning && t.token == c.Token && t.worker == w.id:
		if c.Released || t.released {
			m.releaseSlots(st, t)
		}
		if t.stop != 0 { // it may have missed the first word
			st.stops = append(st.stops, core.Stop{Worker: w.id, Task: c.Task, Token: c.Token, Reason: t.stop})
		}
	case t != nil && st.resident[c.Task] && !st.left(c.Task) && m.adoptable(w, t, c.Attempt, c.Token) && m.mayHold(t, !st.refused(c.Token)) && m.mayJoin(w, t, c.Batch):
		t.passed, t.held = int32(len(t.limits)), ""
		m.enter(t, m.laneFor(t))
		if t.def.Batch != nil {
			t.batch = cmp.Or(c.Batch, c.Token)
		}
		m.run(t, w, c.Token, st.now)
		t.told = toldUnknown
		if c.Released {
			m.releaseSlots(st, t)
		}
	default:
		foreign := hold{uses: oneSlot, batch: c.Batch}
		if t != nil && st.resident[c.Task] { // else the core does not know what it takes up
			foreign.uses, foreign.doubtful = t.slots(), st.left(c.Task)
		}
		w.hold(c.Token, foreign)
		st.stops = append(st.stops, core.Stop{Worker: w.id, Task: c.Task, Token: c.Token, Reason: core.StopForeign})
	}
}

// adoptable: given by an owner before, forgotten in the crash, and nobody else has
// been given it since; durable tasks go on from their logs instead.
func (m *model) adoptable(w *worker, t *task, attempt int32, token core.Token) bool {
	return !t.def.Durable && m.mayHave(w, t.row.Tenant) && t.state != core.OpenRunning && t.attempt == attempt && epochOf(token) < m.epoch && t.ticket == nil
}

// refused tells whether a worker was told that an attempt is not its own.
func (st *step) refused(token core.Token) bool {
	return slices.ContainsFunc(st.out.Stopped, func(s core.Stop) bool { return s.Token == token && s.Reason == core.StopForeign }) ||
		slices.ContainsFunc(st.out.Settled, func(s core.Settlement) bool { return s.Token == token && s.Stale })
}

func (m *model) takeReport(st *step, in *core.Report) *Violation {
	w := m.workers[in.Worker]
	for i := range in.Items {
		if v := first(m.takeItem(st, w, &in.Items[i]), m.takeMets(st)); v != nil {
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
	if item.Kind == core.ReportReleased {
		if current {
			m.releaseSlots(st, t)
		} else if w != nil {
			delete(w.held, item.Token)
		}
		return nil
	}
	if item.Kind == core.ReportEntry {
		return m.takeEntry(st, w, t, item)
	}
	if w != nil {
		delete(w.held, item.Token)
	}
	st.settled = append(st.settled, core.Settlement{Worker: st.in.(*core.Report).Worker, Task: item.Task, Token: item.Token, Stale: !current})
	if !current {
		return nil
	}
	if item.Kind == core.ReportSuspended {
		return m.suspend(st, t, item.Heard)
	}
	causes := []cause{causeOfReport(t, item)}
	if t.stop == 0 && t.due > 0 && t.due <= st.now {
		causes = append(causes, timedOut) // the tick that tells it may be late
	}
	return m.end(st, t, item, causes...)
}

// left tells whether a task that was in memory is in Postgres only after the step:
// it was lost at once and did not fit its lane, or one that was lost pushed it out.
func (st *step) left(target id.ID) bool {
	return st.results[target] == nil && st.live(target).State == 0
}
