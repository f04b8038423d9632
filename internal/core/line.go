package core

import (
	"cmp"
	"math"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
)

// line is an ordered set of tasks: a binary heap that knows where each one sits,
// so that any can leave. All operations are O(log n), n bounded by the window.
type line struct {
	tasks []*task
	kind  lineKind
}

type lineKind uint8

const (
	laneLine    lineKind = iota // ready tasks of a lane: rank, id
	ageLine                     // ready tasks of a lane where ranks do not count: id
	delayedLine                 // delayed and waiting tasks: due, those without last, id
	timerLine                   // ready and running tasks with a deadline: due, id
)

// seat is which of task.seats the line uses: a task is in a lane or delayed, never
// both, and may have a timer besides.
func (l *line) seat() int {
	if l.kind == timerLine {
		return 1
	}
	return 0
}

func (l *line) order(t *task) Order {
	switch {
	case l.kind == laneLine || l.kind == ageLine:
		return l.orderOf(t.rank, t.id)
	case t.due == 0:
		return Order{Rank: math.MaxInt64, ID: t.id}
	}
	return Order{Rank: int64(t.due), ID: t.id}
}

// orderOf is the place of a task in a lane by what its row says.
func (l *line) orderOf(rank int64, task id.ID) Order {
	if l.kind == ageLine {
		rank = 0
	}
	return Order{Rank: rank, ID: task}
}

func (l *line) len() int { return len(l.tasks) }

// first is the task that goes first; nil if there is none.
func (l *line) first() *task {
	if len(l.tasks) == 0 {
		return nil
	}
	return l.tasks[0]
}

func (l *line) has(t *task) bool {
	at := t.seats[l.seat()]
	return at >= 0 && int(at) < len(l.tasks) && l.tasks[at] == t
}

func (l *line) add(t *task) {
	l.tasks = append(l.tasks, t)
	l.place(t, len(l.tasks)-1)
	l.up(len(l.tasks) - 1)
}

func (l *line) remove(t *task) {
	seat := l.seat()
	at, last := int(t.seats[seat]), len(l.tasks)-1
	moved := l.tasks[last]
	l.tasks[last] = nil
	l.tasks = l.tasks[:last]
	t.seats[seat] = -1
	if at < last {
		l.place(moved, at)
		if !l.up(at) {
			l.down(at)
		}
	}
}

// cut takes what is beyond keep out of the line and returns it in order.
func (l *line) cut(keep int) []*task {
	l.sort()
	gone := slices.Clone(l.tasks[keep:])
	clear(l.tasks[keep:])
	l.tasks = l.tasks[:keep]
	for _, t := range gone {
		t.seats[l.seat()] = -1
	}
	return gone
}

// sort finds the places of all anew: a sorted list is a heap.
func (l *line) sort() {
	slices.SortFunc(l.tasks, func(a, b *task) int {
		if l.order(a).Before(l.order(b)) {
			return -1
		}
		return 1
	})
	for i, t := range l.tasks {
		l.place(t, i)
	}
}

// oldestFirst are the tasks of the line in the order of ids, which is the same for the same
// inputs; each may leave the line meanwhile.
func (l *line) oldestFirst() []*task {
	tasks := slices.Clone(l.tasks)
	slices.SortFunc(tasks, func(a, b *task) int { return cmp.Compare(a.id, b.id) })
	return tasks
}

func (l *line) place(t *task, at int) {
	l.tasks[at] = t
	t.seats[l.seat()] = int32(at)
}

func (l *line) before(i, j int) bool { return l.order(l.tasks[i]).Before(l.order(l.tasks[j])) }

func (l *line) swap(i, j int) {
	a, b := l.tasks[i], l.tasks[j]
	l.place(a, j)
	l.place(b, i)
}

func (l *line) up(i int) (moved bool) {
	for i > 0 {
		parent := (i - 1) / 2
		if !l.before(i, parent) {
			break
		}
		l.swap(i, parent)
		i, moved = parent, true
	}
	return moved
}

func (l *line) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(l.tasks) {
			return
		}
		if right := child + 1; right < len(l.tasks) && l.before(right, child) {
			child = right
		}
		if !l.before(child, i) {
			return
		}
		l.swap(i, child)
		i = child
	}
}
