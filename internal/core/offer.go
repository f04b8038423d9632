package core

// offer is a worker's word that it runs the tasks of a class. While the worker has
// free slots it stands in the class's list; the one in front is next.
type offer struct {
	worker     *worker
	class      *class
	score      int64 // how well the worker meets the labels of the class
	place      int   // in worker.offers
	prev, next *offer
	listed     bool
}

// offers is a list of offers: those with a higher score first, and the workers of those
// with the same one take turns.
type offers struct{ first, last *offer }

func (l *offers) add(o *offer) {
	if o.listed {
		return
	}
	o.listed = true
	before := l.last
	for before != nil && before.score < o.score {
		before = before.prev
	}
	o.prev = before
	if before == nil {
		o.next, l.first = l.first, o
	} else {
		o.next, before.next = before.next, o
	}
	if o.next == nil {
		l.last = o
	} else {
		o.next.prev = o
	}
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

// toBack has o come after all others of its score.
func (l *offers) toBack(o *offer) {
	l.remove(o)
	l.add(o)
}
