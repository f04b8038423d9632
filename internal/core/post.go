package core

import "slices"

// post is where workers of a crew meet what its tenants have of the same need. A worker with
// a free slot is listed once, at its posts, and not with each tenant's class; these look who
// came when it is their turn. So a free slot costs the same however many tenants there are.
type post struct {
	crew    *crew
	need    string // class.key.text of all
	slots   []SlotUse
	line    turns    // of berths with something to give
	aside   []*berth // of them, those whose turn came to nothing in this round
	stirred bool     // in crew.stirred

	offers      int    // by workers of the crew, to all classes
	first, last *shift // with free slots; some may be full again, see roomy
	arrivals    uint64
}

// shift is a worker at a post.
type shift struct {
	worker     *worker
	post       *post
	offers     map[*class]*offer // to classes of the post
	arrived    uint64
	prev, next *shift
	listed     bool
}

// berth is a class at a post: workers of the crew offer to run it.
type berth struct {
	of     *tenancy
	class  *class
	post   *post
	offers int
	seen   uint64 // so far class.free has who arrived at the post
	waits  bool   // it has something to give
	seat   seat   // in post.line
	turn   uint64 // when the tenant's turn was taken by its queue
}

// moor notes an offer by a worker of a crew to run the class.
func (c *class) moor(tn *tenancy, o *offer) {
	b := c.berth(tn)
	if b == nil {
		b = &berth{of: tn, class: c, post: tn.crew.post(c)}
		b.seat = seat{of: tn, berth: b, at: -1}
		c.berths = append(c.berths, b)
	}
	b.offers++
	b.post.offers++
	o.worker.enlist(b.post).offers[c] = o
	c.enliven()
	c.attend()
}

// unmoor is the inverse of moor.
func (c *class) unmoor(tn *tenancy, w *worker) {
	b := c.berth(tn)
	w.shift(b.post).drop(c)
	if b.post.offers--; b.post.offers == 0 {
		delete(tn.crew.posts, b.post.need)
	}
	if b.offers--; b.offers > 0 {
		return
	}
	b.stand(false)
	c.berths = slices.DeleteFunc(c.berths, func(other *berth) bool { return other == b })
	c.enliven()
}

func (c *class) berth(tn *tenancy) *berth {
	for _, b := range c.berths {
		if b.of == tn {
			return b
		}
	}
	return nil
}

// attend has the class stand at its posts while it has something to give.
func (c *class) attend() {
	for _, b := range c.berths {
		b.stand(c.lanes.len() > 0 && !c.halted)
	}
}

func (b *berth) stand(waits bool) {
	switch {
	case waits == b.waits:
	case waits:
		b.waits = true
		b.of.begin(b)
		b.post.line.add(&b.seat)
		b.post.stir() // it may be in the middle of a match
	default:
		b.waits = false
		b.post.line.remove(&b.seat)
		b.of.cease(b)
	}
}

// meet lists the offers of workers that came to the posts of c since it was looked at.
func (c *class) meet() {
	for _, b := range c.berths {
		if b.seen == b.post.arrivals {
			continue
		}
		sh := b.post.last
		for sh != nil && sh.prev != nil && sh.prev.arrived > b.seen {
			sh = sh.prev
		}
		for ; sh != nil; sh = sh.next {
			if o := sh.offers[c]; o != nil && sh.arrived > b.seen && sh.worker.fits(c) {
				c.free.add(o)
			}
		}
		b.seen = b.post.arrivals
	}
}

// post finds the post of a class, or makes it.
func (c *crew) post(of *class) *post {
	p := c.posts[of.key.text]
	if p == nil {
		p = &post{crew: c, need: of.key.text, slots: of.need.Slots}
		c.posts[of.key.text] = p
	}
	return p
}

// shift is the worker's at a post; nil if it has none.
func (w *worker) shift(p *post) *shift {
	for _, sh := range w.shifts {
		if sh.post == p {
			return sh
		}
	}
	return nil
}

// enlist finds the worker's shift at a post, or has it come there.
func (w *worker) enlist(p *post) *shift {
	sh := w.shift(p)
	if sh != nil {
		return sh
	}
	sh = &shift{worker: w, post: p, offers: map[*class]*offer{}}
	w.shifts = append(w.shifts, sh)
	sh.arrive()
	return sh
}

// offerAtPost is offerOf of a worker that is shared.
func (w *worker) offerAtPost(c *class) *offer {
	for _, b := range c.berths {
		if b.of.crew != w.crew {
			continue
		}
		if sh := w.shift(b.post); sh != nil {
			return sh.offers[c]
		}
	}
	return nil
}

// drop takes back the offer to run a class. The shift ends with the last one.
func (sh *shift) drop(c *class) {
	if delete(sh.offers, c); len(sh.offers) > 0 {
		return
	}
	w := sh.worker
	sh.post.unlist(sh)
	w.shifts = slices.DeleteFunc(w.shifts, func(other *shift) bool { return other == sh })
}

// hail has the posts of w know that it has a free slot.
func (w *worker) hail() {
	for _, sh := range w.shifts {
		if w.has(sh.post.slots) {
			sh.arrive()
			sh.post.stir()
		}
	}
}

// arrive lists the shift as the latest.
func (sh *shift) arrive() {
	p := sh.post
	p.unlist(sh)
	p.arrivals++
	sh.arrived, sh.listed = p.arrivals, true
	sh.prev = p.last
	if p.last == nil {
		p.first = sh
	} else {
		p.last.next = sh
	}
	p.last = sh
}

func (p *post) unlist(sh *shift) {
	if !sh.listed {
		return
	}
	if sh.prev == nil {
		p.first = sh.next
	} else {
		sh.prev.next = sh.next
	}
	if sh.next == nil {
		p.last = sh.prev
	} else {
		sh.next.prev = sh.prev
	}
	sh.prev, sh.next, sh.listed = nil, nil, false
}

// roomy tells whether there is a worker with slots for what waits. Those that are full are
// dropped on the way: they come back when a slot is free.
func (p *post) roomy() bool {
	for sh := p.first; sh != nil; sh = p.first {
		if sh.worker.takes() && sh.worker.has(p.slots) {
			return true
		}
		p.unlist(sh)
	}
	return false
}

// stir has the post looked at in this Apply, if somebody waits there.
func (p *post) stir() {
	if p.line.Len()+len(p.aside) == 0 {
		return
	}
	p.crew.shard.astir = true
	if p.stirred {
		return
	}
	if len(p.crew.stirred) == 0 {
		p.crew.shard.called = append(p.crew.shard.called, p.crew)
	}
	p.stirred = true
	p.crew.stirred = append(p.crew.stirred, p)
}

// recall has those take part again whose turn came to nothing.
func (p *post) recall() {
	for i, b := range p.aside {
		if b.waits && b.seat.at < 0 {
			p.line.add(&b.seat)
		}
		p.aside[i] = nil
	}
	p.aside = p.aside[:0]
}

// matchCrews gives ready tasks of tenants that share workers to these, until one side is
// used up.
func (s *Shard) matchCrews() {
	for ; s.mustered < len(s.stirred); s.mustered++ {
		for _, c := range s.stirred[s.mustered].live {
			for _, b := range c.berths {
				b.post.stir()
			}
		}
	}
	for _, c := range s.called {
		if c.serve() {
			s.astir = true
		}
	}
}

// dismiss ends a match.
func (s *Shard) dismiss() {
	s.mustered = 0
	for at, c := range s.called {
		s.called[at] = nil
		for i, p := range c.stirred {
			p.recall()
			p.stirred = false
			c.stirred[i] = nil
		}
		c.stirred = c.stirred[:0]
	}
	s.called = s.called[:0]
}

// serve gives tasks to workers of the crew, each the next one of the tenant whose turn it
// is, until none of them has one that they may have.
func (c *crew) serve() (served bool) {
	for _, p := range c.stirred {
		p.recall()
	}
	for b := c.next(); b != nil; b = c.next() {
		if b.class.queue.matchOne(b.of) {
			b.turn, served = c.turn(), true
		} else if b.waits && b.seat.at >= 0 {
			b.post.line.remove(&b.seat)
			b.post.aside = append(b.post.aside, b)
		}
	}
	return served
}

// next is the berth whose turn it is. The queues of a tenant take turns.
func (c *crew) next() (best *berth) {
	for _, p := range c.stirred {
		if p.line.Len() == 0 || !p.roomy() {
			continue
		}
		if b := p.line.first().berth; best == nil || b.before(best) {
			best = b
		}
	}
	return best
}

func (b *berth) before(other *berth) bool {
	if b.of == other.of {
		return b.turn < other.turn
	}
	return b.of.before(other.of)
}
