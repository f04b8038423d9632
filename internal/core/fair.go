package core

import (
	"cmp"
	"slices"
)

// fairLine is lanes in the order of their shares: a binary heap that knows where each
// one sits. It has what it compares at hand: among ten thousand lanes each is in no cache of
// the processor.
type fairLine struct{ seats []fairSeat }

// fairSeat is a lane, and what its share was when its place was found.
type fairSeat struct {
	standing
	lane *lane
}

func seatOf(l *lane) fairSeat { return fairSeat{l.share.standing, l} }

func (f *fairLine) len() int { return len(f.seats) }

func (f *fairLine) first() *lane {
	if len(f.seats) == 0 {
		return nil
	}
	return f.seats[0].lane
}

func (f *fairLine) add(l *lane) {
	l.seat, l.among = len(f.seats), f
	f.seats = append(f.seats, seatOf(l))
	f.up(l.seat)
}

func (f *fairLine) remove(l *lane) {
	at, last := l.seat, len(f.seats)-1
	moved := f.seats[last]
	f.seats[last] = fairSeat{}
	f.seats = f.seats[:last]
	l.seat, l.among = -1, nil
	if at < last {
		f.place(moved, at)
		f.settle(at)
	}
}

// sort finds the places of all again.
func (f *fairLine) sort() {
	for i := range f.seats {
		f.seats[i] = seatOf(f.seats[i].lane)
	}
	slices.SortFunc(f.seats, func(a, b fairSeat) int {
		return cmp.Or(cmp.Compare(a.tag, b.tag), cmp.Compare(a.turn, b.turn), cmp.Compare(a.lane.key, b.lane.key))
	})
	for at, s := range f.seats { // a sorted list is a heap
		s.lane.seat = at
	}
}

// fix finds the place of l again after its share has moved.
func (f *fairLine) fix(l *lane) {
	f.seats[l.seat] = seatOf(l)
	f.settle(l.seat)
}

func (f *fairLine) settle(at int) {
	if !f.up(at) {
		f.down(at)
	}
}

func (f *fairLine) place(s fairSeat, at int) {
	f.seats[at] = s
	s.lane.seat = at
}

func (f *fairLine) up(at int) (moved bool) {
	s := f.seats[at]
	for at > 0 {
		parent := (at - 1) / 2
		if !s.before(f.seats[parent].standing) {
			break
		}
		f.place(f.seats[parent], at)
		at, moved = parent, true
	}
	f.place(s, at)
	return moved
}

func (f *fairLine) down(at int) {
	s := f.seats[at]
	for {
		child := 2*at + 1
		if child >= len(f.seats) {
			break
		}
		if right := child + 1; right < len(f.seats) && f.seats[right].before(f.seats[child].standing) {
			child = right
		}
		if !f.seats[child].before(s.standing) {
			break
		}
		f.place(f.seats[child], at)
		at = child
	}
	f.place(s, at)
}
