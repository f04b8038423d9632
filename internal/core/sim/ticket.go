package sim

import (
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// issue opens the ticket of a run of a limited graph: it stands among the tasks until the
// run begins.
func (m *model) issue(r *graphRun, now core.Time, seq uint64) {
	t := &task{
		row: r.row, def: core.Definition{Version: r.row.Version, Tenant: r.row.Tenant, Workflow: r.graph.Workflow, Limits: r.graph.Limits},
		flow: r.row.Flow, limits: r.limits, attempt: 1, seq: seq, ticket: r,
	}
	m.tasks[r.row.ID] = t
	if r.row.RunAt > now {
		t.delay(now, r.row.RunAt)
		return
	}
	t.ready(now)
}

// takeTickets follows the core in which runs begin.
func (m *model) takeTickets(st *step) *Violation {
	if len(st.begun)+len(st.results)+len(st.runResults) == 0 {
		return nil
	}
	for _, t := range m.sorted() {
		if t.ticket == nil || !st.begins(t.ticket) {
			continue
		}
		m.wakeDue(t.row.ID)
		if v := m.redeem(st, t); v != nil {
			return v
		}
	}
	return nil
}

// begins tells whether something of a run that waited comes about in the step.
func (st *step) begins(r *graphRun) bool {
	if st.runResults[r.row.ID] != nil {
		return true
	}
	return st.beginsTask(r) || slices.ContainsFunc(r.nodes(), func(target id.ID) bool { return st.results[target] != nil })
}

func (st *step) beginsTask(r *graphRun) bool {
	return slices.ContainsFunc(r.nodes(), func(target id.ID) bool { return st.begun[target] != nil })
}

// redeem has a run take the place of its ticket.
func (m *model) redeem(st *step, t *task) *Violation {
	r := t.ticket
	if !r.cancelled {
		if t.state != core.OpenReady {
			return broken(ticketsWait, "run %d, which is %v and due at %d, begins before its time", t.row.ID, t.state, t.due)
		}
		for at := t.passed; int(at) < len(t.limits); at++ {
			st.gain(t, at, m.rankAt(t, at))
		}
		t.passed = int32(len(t.limits))
	}
	delete(m.tasks, t.row.ID)
	r.passed, r.since = t.passed, st.now
	m.runs[t.row.ID] = r
	return m.settle(st, r)
}

// tear ends a run that waited, with all its nodes.
func (m *model) tear(st *step, t *task) *Violation {
	t.ticket.cancelled = true
	return m.redeem(st, t)
}

// hasBegun tells whether rows say that a run had its places.
func (s *store) hasBegunRun(run id.ID, graph *core.Graph) bool {
	if _, saved := s.openRuns[run]; saved || len(graph.Limits) == 0 || doomed(s.runs[run].Flow) {
		return true
	}
	kept := 0
	if flow := s.runs[run].Flow; flow != nil {
		kept = len(flow.Kept)
	}
	ended := 0
	for i := range graph.Nodes {
		target := run + 1 + id.ID(i)
		if _, begun := s.tasks[target]; begun {
			return true
		}
		if _, has := s.results[target]; has {
			ended++
		}
	}
	return ended > kept
}
