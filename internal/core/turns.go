package core

import "container/heap"

// turns is a line of berths: a binary heap in the order of their tenancies' tags that knows
// where each one sits.
type turns struct{ berths []*berth }

// first is whose turn it is; nil if nobody is there.
func (l *turns) first() *berth {
	for len(l.berths) > 0 {
		first := l.berths[0]
		if first.of.bill(); l.berths[0] == first {
			return first
		}
	}
	return nil
}

// find is a berth that is wanted, of those whose turn is before that of a tenancy, or that
// are its own; it looks at no others but those that come after such a one.
func (l *turns) find(at int, turn *tenancy, wanted func(*berth) bool) *berth {
	if at >= len(l.berths) {
		return nil
	}
	b := l.berths[at]
	if b.of != turn && !b.of.before(turn.standing) {
		return nil
	}
	if wanted(b) {
		return b
	}
	if found := l.find(2*at+1, turn, wanted); found != nil {
		return found
	}
	return l.find(2*at+2, turn, wanted)
}

func (l *turns) add(b *berth) { heap.Push(l, b) }

// remove takes b out if it is there.
func (l *turns) remove(b *berth) {
	if b.at >= 0 {
		heap.Remove(l, b.at)
	}
}

// fix finds the place of b again after its tenancy's tag has moved.
func (l *turns) fix(b *berth) {
	if b.at >= 0 {
		heap.Fix(l, b.at)
	}
}

// Len implements heap.Interface.
func (l *turns) Len() int { return len(l.berths) }

// Less implements heap.Interface.
func (l *turns) Less(i, j int) bool { return l.berths[i].of.before(l.berths[j].of.standing) }

// Swap implements heap.Interface.
func (l *turns) Swap(i, j int) {
	l.berths[i], l.berths[j] = l.berths[j], l.berths[i]
	l.berths[i].at, l.berths[j].at = i, j
}

// Push implements heap.Interface.
func (l *turns) Push(b any) {
	last := b.(*berth)
	last.at = len(l.berths)
	l.berths = append(l.berths, last)
}

// Pop implements heap.Interface.
func (l *turns) Pop() any {
	n := len(l.berths) - 1
	last := l.berths[n]
	l.berths[n] = nil
	l.berths = l.berths[:n]
	last.at = -1
	return last
}
