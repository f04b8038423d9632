package core

import (
	"cmp"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
)

// line is the ready tasks of a lane, in their order. Mostly the first one leaves, and one
// that comes goes last: neither touches any other task, which in a deep queue is in no cache
// of the processor. Others leave or come in O(n), n bounded by the window.
type line struct {
	tasks []*task
	start int  // of the first one in tasks
	byID  bool // ranks do not count
}

func (l *line) order(t *task) Order { return l.orderOf(t.rank, t.id) }

// orderOf is the place of a task in a lane by what its row says.
func (l *line) orderOf(rank int64, task id.ID) Order {
	if l.byID {
		rank = 0
	}
	return Order{Rank: rank, ID: task}
}

// all are the tasks of the line in their order.
func (l *line) all() []*task { return l.tasks[l.start:] }

func (l *line) len() int { return len(l.tasks) - l.start }

// first is the task that goes first; nil if there is none.
func (l *line) first() *task {
	if l.len() == 0 {
		return nil
	}
	return l.tasks[l.start]
}

// ahead is how many go before that order.
func (l *line) ahead(order Order) int {
	n, _ := slices.BinarySearchFunc(l.all(), order, func(t *task, order Order) int { return l.order(t).compare(order) })
	return n
}

func (l *line) add(t *task) {
	t.lined = true
	order, n := l.order(t), l.len()
	switch {
	case n == 0 || l.order(l.tasks[len(l.tasks)-1]).Before(order):
		l.makeRoom()
		l.tasks = append(l.tasks, t)
	case l.start > 0 && order.Before(l.order(l.first())):
		l.start--
		l.tasks[l.start] = t
	default:
		l.makeRoom()
		l.tasks = slices.Insert(l.tasks, l.start+l.ahead(order), t)
	}
}

// makeRoom moves the tasks to the front, if half of what is taken is free there and
// nowhere else is room: so it is not done again before as many have come.
func (l *line) makeRoom() {
	if len(l.tasks) == cap(l.tasks) && l.start > len(l.tasks)/2 {
		n := copy(l.tasks, l.all())
		clear(l.tasks[n:])
		l.tasks, l.start = l.tasks[:n], 0
	}
}

func (l *line) remove(t *task) {
	t.lined = false
	at := l.start
	if l.tasks[at] != t {
		at += l.ahead(l.order(t))
		l.tasks = slices.Delete(l.tasks, at, at+1)
		return
	}
	l.tasks[at] = nil
	if l.start++; l.len() == 0 {
		l.tasks, l.start = l.tasks[:0], 0
	}
}

// cut takes what is beyond keep out of the line and returns it in order.
func (l *line) cut(keep int) []*task {
	gone := slices.Clone(l.all()[keep:])
	clear(l.all()[keep:])
	l.tasks = l.tasks[:l.start+keep]
	for _, t := range gone {
		t.lined = false
	}
	return gone
}

// reorder has ranks count or not from now on.
func (l *line) reorder(byID bool) {
	l.byID = byID
	slices.SortFunc(l.all(), func(a, b *task) int { return l.order(a).compare(l.order(b)) })
}

// oldestFirst are the tasks of the line in the order of ids, which is the same for the same
// inputs; each may leave the line meanwhile.
func (l *line) oldestFirst() []*task {
	tasks := slices.Clone(l.all())
	slices.SortFunc(tasks, func(a, b *task) int { return cmp.Compare(a.id, b.id) })
	return tasks
}
