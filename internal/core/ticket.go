package core

import "github.com/adzehq/adze/internal/base/id"

// A run of a graph that is limited begins with a ticket: a task that has the id of the
// run, waits for its places, and goes to no worker. Once it has them it is the run.

func (t *task) isTicket() bool { return t.def.isTicket() }

func (d *Definition) isTicket() bool { return d.Action == "" }

// issue opens the ticket of a new run. What the run needs when it begins goes with it.
func (s *Shard) issue(row *NewTask, keep []KeptNode) {
	graph := s.graphs[row.Version]
	flow := row.ownFlow()
	flow.Scopes = row.Scopes
	for _, kept := range keep {
		if graph.Nodes[kept.Node].Role == NodeTask {
			s.endKept(graph, row.ID, kept)
			flow.Kept = append(flow.Kept, EndedNode{Node: kept.Node, Status: Succeeded, Verdicts: kept.Verdicts})
		}
	}
	row.Flow = flow
	s.out.Runs = append(s.out.Runs, *row)
	s.last = max(s.last, row.ID+id.ID(len(graph.Nodes)))
	s.enter(row, s.seq, 0)
}

// hasBegun tells whether r, as a new owner finds it, had its places: it has a row of its
// own, or one of its tasks does.
func (s *Shard) hasBegun(r *OpenRun, begun map[id.ID]bool) bool {
	return len(s.graphs[r.Version].Limits) == 0 || r.Saved || begun[r.ID] || r.Flow == nil || len(r.Ended) > len(r.Flow.Kept)
}

// reissue opens the ticket of a run again, for a new owner.
func (s *Shard) reissue(r *OpenRun) {
	row := NewTask{
		ID: r.ID, Tenant: r.Tenant, Version: r.Version, RunAt: r.RunAt, Priority: r.Priority, Key: r.Key, Flow: r.Flow,
	}
	s.enter(&row, 0, 0)
}

// redeem begins the run of a ticket that has all its places.
func (s *Shard) redeem(t *task) { s.embark(s.exchange(t)) }

// tear ends the run of a ticket that will not get its places.
func (s *Shard) tear(t *task, text string) {
	s.unplace(t)
	r := s.exchange(t)
	r.cancelled = text
	s.embark(r)
}

// tearStored is tear of a ticket that is in Postgres only, and whose row is closed.
func (s *Shard) tearStored(row *OpenTask, text string) {
	r := s.openRun(&OpenRun{ID: row.ID, Version: row.Version, Key: row.Flow.Share, Flow: row.Flow, Ended: row.Flow.Kept})
	r.cancelled = text
	s.embark(r)
}

// exchange has a run take the place of its ticket.
func (s *Shard) exchange(t *task) *run {
	row := OpenRun{
		ID: t.id, Version: t.def.Version, Priority: t.priority, Key: t.share,
		Flow: t.flow, Passed: t.passed, Scopes: t.flow.Scopes, Ended: t.flow.Kept,
	}
	saved := t.saved
	s.stopTimer(t)
	if saved {
		s.out.Closed = append(s.out.Closed, t.id)
		s.left(t.id, closed)
	}
	s.forget(t)
	r := s.openRun(&row)
	if saved { // its id may be below the low-water mark
		s.saveRun(r)
	}
	return r
}

// embark has a run go on from its beginning.
func (s *Shard) embark(r *run) {
	s.resting = append(s.resting, r.id)
	s.advance(r)
}
