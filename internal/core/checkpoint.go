package core

import "github.com/adzehq/adze/internal/base/id"

// ledger is what the checkpoint is behind with. Entries are lazy: a task that
// ended, or was saved for another reason, is skipped when its entry comes up.
type ledger struct {
	fresh   entries // tasks and runs that never had a row, ids ascending
	changed entries // tasks whose row is behind
	next    Time    // when the next checkpoint is; 0 = nothing to write
	low     id.ID   // the low-water mark as stored
}

type entry struct {
	task  id.ID
	since Time
}

// entries is a queue in a slice whose room is used again.
type entries struct {
	list []entry
	head int
}

func (q *entries) push(e entry) { q.list = append(q.list, e) }

func (q *entries) first() (entry, bool) {
	if q.head == len(q.list) {
		return entry{}, false
	}
	return q.list[q.head], true
}

func (q *entries) pop() {
	q.head++
	switch {
	case q.head == len(q.list):
		q.list, q.head = q.list[:0], 0
	case q.head > 1_024 && q.head > len(q.list)/2:
		q.list, q.head = q.list[:copy(q.list, q.list[q.head:])], 0
	}
}

// enter notes a new task, or a new run of a graph: its tasks come with it.
func (l *ledger) enter(fresh id.ID, now Time) {
	l.fresh.push(entry{fresh, now})
	l.schedule(now)
}

func (l *ledger) schedule(now Time) {
	if l.next == 0 {
		l.next = now + CheckpointAgeMS
	}
}

// changed notes that t is in a new state: if it lasts, its row is brought up to date.
func (s *Shard) changed(t *task) {
	if t.counted {
		t.dirty, t.counted = true, false
		s.save(t)
		return
	}
	if t.saved && !t.dirty {
		t.dirty = true
		s.ledger.changed.push(entry{t.id, s.now})
		s.ledger.schedule(s.now)
	}
}

// save writes t's checkpoint row if it is behind. A run that waited for places has its row
// before any of its tasks: a new owner tells by it that it has begun.
func (s *Shard) save(t *task) {
	if r := t.run; r != nil && !r.saved && len(r.graph.Limits) > 0 {
		s.saveRun(r)
	}
	if !t.saved || t.dirty {
		s.out.Open = append(s.out.Open, s.rowOf(t))
		t.saved, t.dirty = true, false
	}
}

// checkpoint saves what has been open, or in its state, for CheckpointAgeMS, and
// raises the low-water mark to the first open task without a row.
func (s *Shard) checkpoint() {
	l := &s.ledger
	if l.next == 0 || s.now < l.next {
		return
	}
	rows := len(s.out.Open) + len(s.out.OpenRuns)
	more := s.saveAged(&l.fresh, rows+CheckpointRowsMax, s.unsaved)
	more = s.saveAged(&l.changed, rows+CheckpointRowsMax, s.behind) || more
	s.raiseLowWater()
	switch {
	case more:
		l.next = s.now + CheckpointAgeMS/20
	case len(l.fresh.list) == 0 && len(l.changed.list) == 0:
		l.next = 0
	default:
		l.next = s.now + CheckpointAgeMS
	}
}

// saveAged saves what of q is old enough and still to be saved, until the effects
// have rowsMax rows; more tells that some is left.
func (s *Shard) saveAged(q *entries, rowsMax int, pending func(id.ID) (save func())) (more bool) {
	for e, ok := q.first(); ok; e, ok = q.first() {
		if save := pending(e.task); save != nil {
			if e.since+CheckpointAgeMS > s.now {
				return false
			}
			if len(s.out.Open)+len(s.out.OpenRuns) >= rowsMax {
				return true
			}
			save()
		}
		q.pop()
	}
	return false
}

// unsaved is how to save a task or run that has no row; nil if it has, or ended.
func (s *Shard) unsaved(fresh id.ID) func() {
	if t := s.tasks[fresh]; t != nil && !t.saved {
		return func() { s.save(t) }
	}
	if r := s.runs[fresh]; r != nil && !r.saved {
		return func() { s.saveRun(r) }
	}
	return nil
}

// behind is how to save a task whose row is behind; nil if it is not, or ended.
func (s *Shard) behind(changed id.ID) func() {
	if t := s.tasks[changed]; t != nil && t.dirty {
		return func() { s.save(t) }
	}
	return nil
}

// raiseLowWater stores the first id that may be open without a row.
func (s *Shard) raiseLowWater() {
	low := s.last + 1
	if e, ok := s.ledger.fresh.first(); ok {
		low = e.task
	}
	if low > s.ledger.low {
		s.ledger.low = low
		s.out.LowWater = low
	}
}
