package core

import "github.com/adzehq/adze/internal/base/id"

// ledger is what the checkpoint is behind with. Entries are lazy: a task that
// ended, or was saved for another reason, is skipped when its entry comes up.
type ledger struct {
	fresh   entries // tasks that never had a row, ids ascending
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

// enter notes a new task.
func (l *ledger) enter(t *task, now Time) {
	l.fresh.push(entry{t.id, now})
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

// save writes t's checkpoint row if it is behind.
func (s *Shard) save(t *task) {
	if !t.saved || t.dirty {
		s.out.Open = append(s.out.Open, t.row())
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
	rows := len(s.out.Open)
	more := s.saveAged(&l.fresh, rows+CheckpointRowsMax, func(t *task) bool { return !t.saved })
	more = s.saveAged(&l.changed, rows+CheckpointRowsMax, func(t *task) bool { return t.dirty }) || more
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

// saveAged saves the tasks of q that are old enough and still behind, until the
// effects have rowsMax rows; more tells that some are left.
func (s *Shard) saveAged(q *entries, rowsMax int, behind func(*task) bool) (more bool) {
	for e, ok := q.first(); ok; e, ok = q.first() {
		t := s.tasks[e.task]
		if t != nil && behind(t) {
			if e.since+CheckpointAgeMS > s.now {
				return false
			}
			if len(s.out.Open) >= rowsMax {
				return true
			}
			s.save(t)
		}
		q.pop()
	}
	return false
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
