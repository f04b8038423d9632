package core

// offer is a worker's word that it runs the tasks of a class. While the worker has
// free slots it stands in the class's list; the one in front is next.
type offer struct {
	worker     *worker
	class      *class
	place      int // in worker.offers
	prev, next *offer
	listed     bool
}

// offers is a list of offers whose workers take turns.
type offers struct{ first, last *offer }

func (l *offers) add(o *offer) {
	if o.listed {
		return
	}
	o.listed = true
	o.prev, o.next = l.last, nil
	if l.last == nil {
		l.first = o
	} else {
		l.last.next = o
	}
	l.last = o
}

func (l *offers) remove(o *offer) {
	if !o.listed {
		return
	}
	if o.prev == nil {
		l.first = o.next
	} else {
		o.prev.next = o.next
	}
	if o.next == nil {
		l.last = o.prev
	} else {
		o.next.prev = o.prev
	}
	o.prev, o.next, o.listed = nil, nil, false
}

func (l *offers) toBack(o *offer) {
	l.remove(o)
	l.add(o)
}
