package core

import "slices"

// post is where workers of a crew meet what its tenants have of the same need. A worker
// stands there once, and not in the list of each tenant's class: these look who came when it
// is their turn. So a worker that joins or leaves, and a slot that gets free, cost the same
// however many tenants there are.
type post struct {
	crew    *crew
	key     string // class.key.text of all
	need    *Need
	berths  int      // of all classes with the need
	waits   int      // of them, those with something to give
	line    turns    // of these
	aside   []*berth // but for those whose turn came to nothing in this round
	stirred bool     // in crew.stirred
	place   int      // in crew.wanted; -1 = nowhere

	shifts      []*shift // of all workers that may have it
	first, last *shift   // of them, those with free slots; some may be full again, see roomy
	arrivals    uint64
}

// shift is a worker at a post.
type shift struct {
	worker     *worker
	post       *post
	score      int64             // how well the worker meets the labels of the need
	offers     map[*class]*offer // to those that have met it
	arrived    uint64
	prev, next *shift
	listed     bool
}

// berth is a class at a post: workers of the crew may be given what it has.
type berth struct {
	of    *tenancy
	class *class
	post  *post
	seen  uint64 // so far class.free has who arrived at the post
	waits bool   // it has something to give
	at    int    // in post.line; -1 = nowhere
	turn  uint64 // when the tenant's turn was taken by its queue
}

// moor gives a class a berth with each crew that its tenant shares.
func (c *class) moor() {
	for _, tn := range c.queue.tenancies {
		p := tn.crew.post(c)
		p.berths++
		c.berths = append(c.berths, &berth{of: tn, class: c, post: p, at: -1})
	}
	c.dealtAt = c.musters()
	c.deal()
	c.enliven()
	c.attend()
}

// castOff is the inverse of moor. A post ends with its last berth.
func (c *class) castOff() {
	for _, b := range c.berths {
		b.stand(false)
		for _, sh := range b.post.shifts {
			sh.withdraw(c)
		}
		if b.post.berths--; b.post.berths == 0 {
			b.post.end()
		}
	}
	c.berths = nil
	c.enliven()
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
		b.post.waits++
		b.post.want()
		b.of.begin(b)
		b.post.line.add(b)
		b.post.stir() // it may be in the middle of a match
	default:
		b.waits = false
		b.post.line.remove(b)
		b.of.cease(b)
		b.post.waits--
		b.post.want()
	}
}

// meet lists the offers of workers that came to the posts of c since it was looked at.
func (c *class) meet() {
	c.redealLate()
	for _, b := range c.berths {
		if b.seen == b.post.arrivals {
			continue
		}
		sh := b.post.last
		for sh != nil && sh.prev != nil && sh.prev.arrived > b.seen {
			sh = sh.prev
		}
		for ; sh != nil; sh = sh.next {
			if sh.arrived > b.seen && sh.worker.fits(c) && c.mayTake(sh.worker) {
				c.free.add(sh.offer(c))
			}
		}
		b.seen = b.post.arrivals
	}
}

// post finds the post of a class, or makes it and has the workers of the crew come there.
func (c *crew) post(of *class) *post {
	if p := c.posts[of.key.text]; p != nil {
		return p
	}
	p := &post{crew: c, key: of.key.text, need: &of.need, place: -1}
	c.posts[p.key] = p
	c.postsOf[p.need.Action] = append(c.postsOf[p.need.Action], p)
	for _, w := range c.shard.staff(c.home, p.need.Action) {
		w.enlist(p)
	}
	return p
}

// end forgets a post without berths.
func (p *post) end() {
	for len(p.shifts) > 0 {
		p.shifts[0].end()
	}
	delete(p.crew.posts, p.key)
	same := slices.DeleteFunc(p.crew.postsOf[p.need.Action], func(other *post) bool { return other == p })
	if p.crew.postsOf[p.need.Action] = same; len(same) == 0 {
		delete(p.crew.postsOf, p.need.Action)
	}
}

// want keeps the post among those of its crew where somebody waits for workers that there
// are.
func (p *post) want() {
	c := p.crew
	wanted := p.waits > 0 && len(p.shifts) > 0
	switch {
	case wanted == (p.place >= 0):
	case wanted:
		if len(c.wanted) == 0 {
			c.renew()
		}
		p.place = len(c.wanted)
		c.wanted = append(c.wanted, p)
	default:
		last := c.wanted[len(c.wanted)-1]
		c.wanted[p.place], last.place = last, p.place
		c.wanted[len(c.wanted)-1] = nil
		c.wanted = c.wanted[:len(c.wanted)-1]
		p.place = -1
	}
}

// enlist has a worker of the crew come to a post, if it may have what is there.
func (w *worker) enlist(p *post) {
	score, may := w.score(p.need.Labels)
	if !may || p.need.Worker != 0 && p.need.Worker != w.id {
		return
	}
	sh := &shift{worker: w, post: p, score: score, offers: map[*class]*offer{}}
	w.shifts = append(w.shifts, sh)
	p.shifts = append(p.shifts, sh)
	if p.need.wide() {
		w.wide++
	}
	p.want()
	sh.arrive()
}

// end is the inverse of enlist.
func (sh *shift) end() {
	w, p := sh.worker, sh.post
	for c := range sh.offers {
		sh.withdraw(c)
	}
	p.unlist(sh)
	isThis := func(other *shift) bool { return other == sh }
	w.shifts, p.shifts = slices.DeleteFunc(w.shifts, isThis), slices.DeleteFunc(p.shifts, isThis)
	if p.need.wide() {
		w.wide--
	}
	p.want()
	if p.need.Spread != 0 { // another one is in its hands, maybe one of another crew
		for _, b := range p.line.berths {
			b.class.queue.stir()
		}
	}
}

// offer is that of the worker to a class of the post.
func (sh *shift) offer(c *class) *offer {
	o := sh.offers[c]
	if o == nil {
		o = &offer{worker: sh.worker, class: c, score: sh.worker.preference(c, sh.score)}
		sh.offers[c] = o
	}
	return o
}

// withdraw takes back the offer to a class.
func (sh *shift) withdraw(c *class) {
	if o := sh.offers[c]; o != nil {
		c.free.remove(o)
		delete(sh.offers, c)
	}
	if c.reserved == sh.worker {
		c.unreserve()
	}
}

// shift is the worker's at a post of a class; nil if it has none.
func (w *worker) shift(c *class) *shift {
	for _, b := range c.berths {
		if b.of.crew != w.crew {
			continue
		}
		for _, sh := range w.shifts {
			if sh.post == b.post {
				return sh
			}
		}
	}
	return nil
}

// musters is how often it changed which workers there are in the crews of c.
func (c *class) musters() (n uint64) {
	for _, b := range c.berths {
		n += b.of.crew.musters
	}
	return n
}

// redealLate deals the hand of c again, if its workers have changed since.
func (c *class) redealLate() {
	if n := c.musters(); c.need.Spread != 0 && n != c.dealtAt {
		c.dealtAt = n
		c.redealAtPosts()
	}
}

// redealAtPosts is redeal where workers are shared.
func (c *class) redealAtPosts() {
	c.deal()
	for _, b := range c.berths {
		for _, sh := range b.post.shifts {
			switch {
			case !c.mayTake(sh.worker):
				sh.withdraw(c)
			case sh.worker.fits(c):
				c.free.add(sh.offer(c))
			}
		}
	}
}

// hail has the posts of w know that it has a free slot.
func (w *worker) hail() {
	for _, sh := range w.shifts {
		if w.has(sh.post.need.Slots) {
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

// keeps tells whether the free slots of w are kept for what is at another post.
func (w *worker) keeps(p *post) bool {
	c := w.reserved
	return c != nil && c.key.text != p.key && c.need.shares(p.need)
}

// roomy tells whether there is a worker with slots for what waits. Those that are full are
// dropped on the way: they come back when a slot is free.
func (p *post) roomy() bool {
	for sh := p.first; sh != nil; sh = p.first {
		if sh.worker.takes() && sh.worker.has(p.need.Slots) && !sh.worker.keeps(p) {
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
		if b.waits && b.at < 0 {
			p.line.add(b)
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
		} else if b.waits && b.at >= 0 {
			b.post.line.remove(b)
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
		if b := p.line.first(); best == nil || b.before(best) {
			best = b
		}
	}
	return best
}

func (b *berth) before(other *berth) bool {
	if b.of == other.of {
		return b.turn < other.turn
	}
	return b.of.before(other.of.standing)
}
