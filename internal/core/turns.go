package core

import "container/heap"

// turns is a line of tenancies: a binary heap in the order of their tags that knows where
// each one sits.
type turns struct{ seats []*seat }

// seat is where a tenancy sits in a line, by itself or for one of its berths.
type seat struct {
	of    *tenancy
	berth *berth
	at    int // in turns.seats; -1 = nowhere
}

// first is whose turn it is; nil if nobody is there.
func (l *turns) first() *seat {
	for len(l.seats) > 0 {
		first := l.seats[0]
		if first.of.bill(); l.seats[0] == first {
			return first
		}
	}
	return nil
}

func (l *turns) add(s *seat) { heap.Push(l, s) }

// remove takes s out if it is there.
func (l *turns) remove(s *seat) {
	if s.at >= 0 {
		heap.Remove(l, s.at)
	}
}

// fix finds the place of s again after its tenancy's tag has moved.
func (l *turns) fix(s *seat) {
	if s.at >= 0 {
		heap.Fix(l, s.at)
	}
}

// Len implements heap.Interface.
func (l *turns) Len() int { return len(l.seats) }

// Less implements heap.Interface.
func (l *turns) Less(i, j int) bool { return l.seats[i].of.before(l.seats[j].of) }

// Swap implements heap.Interface.
func (l *turns) Swap(i, j int) {
	l.seats[i], l.seats[j] = l.seats[j], l.seats[i]
	l.seats[i].at, l.seats[j].at = i, j
}

// Push implements heap.Interface.
func (l *turns) Push(s any) {
	last := s.(*seat)
	last.at = len(l.seats)
	l.seats = append(l.seats, last)
}

// Pop implements heap.Interface.
func (l *turns) Pop() any {
	n := len(l.seats) - 1
	last := l.seats[n]
	l.seats[n] = nil
	l.seats = l.seats[:n]
	last.at = -1
	return last
}
