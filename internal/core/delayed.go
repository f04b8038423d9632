package core

import (
	"cmp"

	"github.com/adzehq/adze/internal/base/id"
)

// delayed is the line of tasks that wait for a time (run-at, back-off) or for what
// their Waits say; those without a time come last. With more than two windows in
// memory the later part is left to its checkpoint rows.
//
// It also watches the clock for all tasks that are in Postgres only: a due load
// brings in what has fallen due there, delayed ones to become ready and ready ones
// to end by their schedule timeout.
type delayed struct {
	timeline

	stored int64 // delayed tasks that are in Postgres only
	// With due > 0: no task that is in Postgres only is due before, and those with a
	// due time come after from, but for those already brought in.
	due     Time
	from    Order
	loading bool
	// meanwhile is the earliest task stored while loading; the zero Order is none.
	meanwhile Order
}

// awaits notes that a task with a due time (0 = none) is in Postgres only now.
func (d *delayed) awaits(due Time, task id.ID) {
	if due == 0 {
		return
	}
	order := Order{Rank: int64(due), ID: task}
	if d.loading && (d.meanwhile.Rank == 0 || order.Before(d.meanwhile)) {
		d.meanwhile = order
	}
	if d.due == 0 || due < d.due {
		d.due = due
	}
	if just := (Order{Rank: order.Rank, ID: order.ID - 1}); just.Before(d.from) {
		d.from = just
	}
}

// delay has t wait until due.
func (s *Shard) delay(t *task, due Time) {
	t.state, t.due = OpenDelayed, due
	s.moveTo(t, nil)
	s.changed(t)
	s.postpone(t)
}

// postpone adds t to the line of the delayed, which keeps to its bound.
func (s *Shard) postpone(t *task) {
	s.delayed.add(t)
	if s.delayed.len() > 2*s.window {
		for _, later := range s.delayed.cut(s.window) {
			s.delayed.stored++
			s.store(later)
		}
	}
}

// wake makes the delayed tasks ready that are due.
func (s *Shard) wake() {
	for t := s.delayed.first(); t != nil && t.due > 0 && t.due <= s.now; t = s.delayed.first() {
		s.delayed.remove(t)
		if t.state == OpenWaiting {
			s.rouse(t, false)
			continue
		}
		s.makeReady(t)
	}
	s.requestDue()
}

// requestDue has the tasks loaded that fell due in Postgres.
func (s *Shard) requestDue() {
	d := &s.delayed
	if d.loading || d.due == 0 || d.due > s.now {
		return
	}
	d.loading = true
	s.request(Load{Kind: LoadDue, After: d.from, Until: s.now, Limit: s.window})
}

// loadedDue wakes what fell due, and notes when the next one does.
func (s *Shard) loadedDue(in *Loaded) {
	d := &s.delayed
	for i := range in.Rows {
		row := &in.Rows[i]
		if !s.absent(in.Load, row.ID) {
			continue
		}
		if text := s.replacedRow(row); text != "" {
			s.recall(in, row.ID)
			s.endStored(row, text, false)
			continue
		}
		if row.State == OpenReady {
			s.recall(in, row.ID)
			s.expireStored(row)
			continue
		}
		d.stored--
		t := s.revive(row)
		s.recall(in, t.id)
		if t.state == OpenWaiting {
			s.rouse(t, true)
			continue
		}
		s.makeReady(t)
	}
	d.loading = false // only now: a task made ready above may have been stored again
	if n := len(in.Rows); n == in.Load.Limit {
		d.due, d.from = in.Rows[n-1].Due, Order{Rank: int64(in.Rows[n-1].Due), ID: in.Rows[n-1].ID}
	} else {
		d.due, d.from = in.NextDue, Order{Rank: int64(in.Load.Until), ID: maxID}
	}
	if m := d.meanwhile; m.Rank != 0 {
		d.meanwhile = Order{}
		d.awaits(Time(m.Rank), m.ID)
	}
	s.requestDue()
}

const maxID = id.ID(1<<63 - 1)

// expireStored ends a ready task that is in Postgres only by its schedule timeout.
func (s *Shard) expireStored(row *OpenTask) {
	s.endStored(row, scheduleTimeoutText(s.definition(row.Version, row.Run, row.Node)), false)
}

// endStored cancels a task that is in Postgres only, its waits recalled; with tree,
// what it spawned too.
func (s *Shard) endStored(row *OpenTask, text string, tree bool) {
	def := s.definition(row.Version, row.Run, row.Node)
	if row.State != OpenReady {
		s.delayed.stored--
	} else {
		l := s.lane(def.Tenant, row.Queue, row.Key)
		s.unstore(l)
		l.retire()
	}
	s.letGo(row.ID, def.Tenant, def.Limits, row.Flow, row.Passed)
	s.out.Closed = append(s.out.Closed, row.ID)
	s.left(row.ID, closed)
	if def.isTicket() {
		s.tearStored(row, text)
		return
	}
	s.out.Results = append(s.out.Results, Result{
		Task: row.ID, Tenant: def.Tenant, Version: row.Version, Status: Cancelled,
		Attempt: row.Attempt - 1, Suspensions: row.Suspensions, Finished: s.now, Error: text, Run: row.Run, Node: row.Node,
	})
	s.closeWaits(row.ID)
	if row.Binds || tree {
		s.closeChildren(Closing{Task: row.ID, Tenant: def.Tenant, Whole: tree, Reason: cmp.Or(text, textParentEnded)})
	}
	if r := s.runs[row.Run]; r != nil {
		s.nodeEnded(r, row.Node, Cancelled)
		return
	}
	s.ended(row.ID)
}
