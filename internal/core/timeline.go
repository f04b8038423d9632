package core

import (
	"math"
	"slices"
)

// timeline is tasks in the order of their due times, those without one last: a binary heap
// that knows where each one sits, so that any can leave. All operations are O(log n).
type timeline struct {
	tasks []*task
	seat  int // which of task.seats it uses
}

// The timelines that a task may be in.
const (
	delayedSeat = iota // of delayed and waiting tasks
	timerSeat          // of ready and running tasks with a deadline
	seatCount
)

var noSeats = [seatCount]int32{-1, -1}

func (l *timeline) order(t *task) Order {
	if t.due == 0 {
		return Order{Rank: math.MaxInt64, ID: t.id}
	}
	return Order{Rank: int64(t.due), ID: t.id}
}

func (l *timeline) len() int { return len(l.tasks) }

// first is the task that goes first; nil if there is none.
func (l *timeline) first() *task {
	if len(l.tasks) == 0 {
		return nil
	}
	return l.tasks[0]
}

func (l *timeline) has(t *task) bool {
	at := t.seats[l.seat]
	return at >= 0 && int(at) < len(l.tasks) && l.tasks[at] == t
}

func (l *timeline) add(t *task) {
	l.tasks = append(l.tasks, t)
	l.place(t, len(l.tasks)-1)
	l.up(len(l.tasks) - 1)
}

func (l *timeline) remove(t *task) {
	at, last := int(t.seats[l.seat]), len(l.tasks)-1
	moved := l.tasks[last]
	l.tasks[last] = nil
	l.tasks = l.tasks[:last]
	t.seats[l.seat] = -1
	if at < last {
		l.place(moved, at)
		if !l.up(at) {
			l.down(at)
		}
	}
}

// cut takes what is beyond keep out of the line and returns it in order.
func (l *timeline) cut(keep int) []*task {
	l.sort()
	gone := slices.Clone(l.tasks[keep:])
	clear(l.tasks[keep:])
	l.tasks = l.tasks[:keep]
	for _, t := range gone {
		t.seats[l.seat] = -1
	}
	return gone
}

// sort finds the places of all anew: a sorted list is a heap.
func (l *timeline) sort() {
	slices.SortFunc(l.tasks, func(a, b *task) int { return l.order(a).compare(l.order(b)) })
	for i, t := range l.tasks {
		l.place(t, i)
	}
}

func (l *timeline) place(t *task, at int) {
	l.tasks[at] = t
	t.seats[l.seat] = int32(at)
}

func (l *timeline) before(i, j int) bool { return l.order(l.tasks[i]).Before(l.order(l.tasks[j])) }

func (l *timeline) swap(i, j int) {
	a, b := l.tasks[i], l.tasks[j]
	l.place(a, j)
	l.place(b, i)
}

func (l *timeline) up(i int) (moved bool) {
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

func (l *timeline) down(i int) {
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
