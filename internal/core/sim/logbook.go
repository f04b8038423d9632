package sim

import (
	"reflect"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// takeEntry adds to the log of a task, if its worker says so and it is the next one.
func (m *model) takeEntry(st *step, w *worker, t *task, item *core.ReportItem) *Violation {
	e := *item.Entry // spawnLogged has it say what comes of its children
	settled := core.Settlement{
		Worker: st.in.(*core.Report).Worker, Task: item.Task, Token: item.Token, Entry: e.Index, At: st.now,
	}
	current := t != nil && w != nil && t.state == core.OpenRunning && t.token == item.Token && t.worker == w.id
	settled.Stale = !current || !t.def.Durable || t.stop != 0 || e.Index != t.entries+1
	at := len(st.settled)
	st.settled = append(st.settled, settled)
	if settled.Stale {
		return nil
	}
	if v := m.takeMets(st); v != nil { // what it slept through in its place
		return v
	}
	t.entries++
	t.seq = st.seq
	if v := first(m.follows(st, t, &e), m.expectEntry(st, t, &e)); v != nil {
		return v
	}
	if e.Kind == core.EntrySpawn {
		st.settled[at].Data, st.settled[at].Error = e.Data, e.Error
	}
	return m.takeMets(st)
}

// expectEntry expects the row of an entry.
func (m *model) expectEntry(st *step, t *task, e *core.NewEntry) *Violation {
	want := core.Entry{
		Task: t.row.ID, Tenant: t.row.Tenant, At: st.now, Index: e.Index, Kind: e.Kind,
		Name: e.Name, Error: e.Error, Data: e.Data, Conditions: dated(e.Conditions, st.now),
	}
	if st.entriesTaken == len(st.out.Entries) {
		return broken(recordedOnce, "entry %d of task %d is not written", e.Index, t.row.ID)
	}
	have := st.out.Entries[st.entriesTaken]
	st.entriesTaken++
	if !reflect.DeepEqual(have, want) {
		return broken(recordedOnce, "%s is written, want %s", show(have), show(want))
	}
	return nil
}

// follows expects what an entry leads to.
func (m *model) follows(st *step, t *task, e *core.NewEntry) *Violation {
	switch e.Kind {
	case core.EntryWait:
		return m.await(st, t, e)
	case core.EntrySpawn:
		return m.spawnLogged(st, t, e)
	case core.EntryValue:
		st.values = append(st.values, core.Value{Task: t.row.ID, Tenant: t.row.Tenant, At: st.now, Name: e.Name, Data: e.Data})
	case core.EntryAnswer:
		st.replies = append(st.replies, core.Reply{Event: e.Event, Tenant: t.row.Tenant, At: st.now, Error: e.Error, Data: e.Data})
	}
	return nil
}

// await expects the row of the wait of an entry.
func (m *model) await(st *step, t *task, e *core.NewEntry) *Violation {
	return m.expectWait(st, core.Wait{
		Task: t.row.ID, Tenant: t.row.Tenant, Run: t.row.Run, Index: e.Index, Conditions: dated(e.Conditions, st.now),
	})
}

// expectWait expects the row of a new wait.
func (m *model) expectWait(st *step, want core.Wait) *Violation {
	if !slices.ContainsFunc(st.out.Waits, func(w core.Wait) bool { return reflect.DeepEqual(w, want) }) {
		return broken(waitsRight, "want the row %s among %s", show(want), show(st.out.Waits))
	}
	st.waitsTaken++
	a := newAwaited(want, len(m.events)+m.coming)
	m.awaited[a.key] = a
	return nil
}

// suspend takes a task that waits from its worker; it is ready again at once if the
// worker has not heard all, or waits for nothing.
func (m *model) suspend(st *step, t *task, heard int32) *Violation {
	if t.stop != 0 {
		return m.end(st, t, nil, causeAtStop(t, lost))
	}
	rested := m.mark(st, t, core.MomentSuspended)
	rested.Assigned, rested.Started = t.assigned, t.started
	t.rests++
	if heard < t.told || len(m.awaitedBy(t)) == 0 {
		t.ready(st.now)
		return nil
	}
	t.ready(st.now) // lets go of the worker
	t.state, t.due, t.readied = core.OpenWaiting, m.nextSleep(t), false
	return nil
}

// takeFork opens a task with the beginning of a log.
func (m *model) takeFork(st *step, in *core.Fork) *Violation {
	st.own = append(st.own, in.Task)
	m.submit(in.Task, st.now, st.seq)
	t := m.tasks[in.Task.ID]
	t.entries = int32(len(in.Entries))
	if v := st.takeLog(in.Task.ID, in.Entries, in.Mets); v != nil {
		return v
	}
	if v := m.takeMets(st); v != nil || m.tasks[in.Task.ID] == nil { // it was doomed
		return v
	}
	for i := range in.Entries {
		if e := &in.Entries[i]; e.Kind == core.EntryWait && !core.Fulfilled(e, in.Mets) {
			if v := m.awaitAgain(st, in.Task.ID, e, in.Mets); v != nil {
				return v
			}
		}
	}
	return nil
}

// awaitAgain expects the row of a wait that is not over where a log is forked.
func (m *model) awaitAgain(st *step, fork id.ID, e *core.Entry, mets []core.Met) *Violation {
	v := m.expectWait(st, core.Wait{Task: fork, Tenant: e.Tenant, Index: e.Index, Conditions: e.Conditions})
	if v != nil {
		return v
	}
	for _, met := range mets {
		if met.Index == e.Index {
			m.awaited[core.WaitKey{Task: fork, Index: e.Index}].met[met.Condition] = true
		}
	}
	return nil
}

// unexplainedOfLogs finds what the core wrote of logs and no rule asked for.
func (st *step) unexplainedOfLogs() *Violation {
	if st.entriesTaken != len(st.out.Entries) {
		return broken(recordedOnce, "entry %s is written for no reason", show(st.out.Entries[st.entriesTaken]))
	}
	if !slices.EqualFunc(st.values, st.out.Values, func(a, b core.Value) bool { return reflect.DeepEqual(a, b) }) {
		return broken(published, "values %s are written, want %s", show(st.out.Values), show(st.values))
	}
	if !slices.EqualFunc(st.replies, st.out.Replies, func(a, b core.Reply) bool { return reflect.DeepEqual(a, b) }) {
		return broken(repliedOnce, "replies %s are written, want %s", show(st.out.Replies), show(st.replies))
	}
	return nil
}
