package core

import (
	"encoding/json"
	"iter"
	"slices"
	"strings"

	"github.com/adzehq/adze/internal/base/id"
)

type classKey struct {
	tenant id.ID
	text   string
}

// class is the ready tasks of a queue that the same workers can run. Its lanes, one
// per key, are served by their shares; so the workers that it may be given to take
// turns.
type class struct {
	shard *Shard
	queue *queue
	need  Need
	key   classKey
	rows  string           // its name in rows, which know of no hands
	hands map[int32]string // names of those that it is dealt into, see inHand

	byKey  map[string]*lane
	lanes  fairLine  // those with something to give
	savers []*bucket // that save up for it
	free   offers    // by workers with free slots; some may be full again, see freeOffer
	live   bool      // in queue.live

	dealt      []*worker // with need.Spread: who is in that hand,
	dealtAt    uint64    // and, where workers are shared, by which musters
	halted     bool      // its queue is paused, or all workflows that it has tasks of
	reserved   *worker   // whose free slots are kept for it
	reservedAt Time
	kept       bool // it stays, empty or not: definitions refer to it

	gatherings []*gathering            // with Need.Batch, by interval
	batches    *settings[BatchSetting] // likewise, of its action

	berths []*berth // whose workers offer to run it, where workers are shared
}

// text names the class of a need: the action if there is no more to it, else the action
// and the need in JSON. No name has a space.
func (n *Need) text() string {
	if n.plain() {
		return n.Action
	}
	encoded, err := json.Marshal(n)
	if err != nil { // it has numbers and texts only
		panic(err)
	}
	return n.Action + " " + string(encoded)
}

func (n *Need) plain() bool {
	return (n.Queue == "" || n.Queue == n.Action) && len(n.Slots)+len(n.Labels) == 0 && n.Worker == 0 && n.Spread == 0 && n.Batch == nil
}

// needOf is the inverse of Need.text.
func needOf(text string) (n Need) {
	action, encoded, more := strings.Cut(text, " ")
	if !more {
		return Need{Action: text}
	}
	if err := json.Unmarshal([]byte(encoded), &n); err != nil {
		return Need{Action: action} // of a class that no longer is
	}
	return n
}

// class finds a class by its name, or makes it.
func (s *Shard) class(tenant id.ID, text string) *class {
	key := classKey{tenant, text}
	c := s.classes[key]
	if c != nil {
		return c
	}
	need := needOf(text)
	kept := need.Worker == 0 && need.Spread == 0 && len(need.Labels) == 0 // a definition's, and not one run's
	if need.Queue == "" {
		need.Queue = need.Action
	}
	c = &class{shard: s, queue: s.queue(tenant, need.Queue), need: need, key: key, rows: dealt(text, 0), kept: kept, byKey: map[string]*lane{}}
	if need.gathers() {
		c.batches = s.batchRules.at(tenant, need.Action)
	}
	s.classes[key] = c
	c.queue.classes = append(c.queue.classes, c)
	a := s.action(tenant, need.Action)
	a.classes = append(a.classes, c)
	c.halted = c.isPaused()
	if len(c.queue.tenancies) > 0 {
		c.moor()
		return c
	}
	c.deal()
	for _, w := range a.workers {
		if o := w.consider(c); o != nil && w.fits(c) {
			c.free.add(o)
		}
	}
	return c
}

// classOf is the class of t.
func (s *Shard) classOf(t *task) *class {
	hand := int32(0)
	if s.spreads > 0 {
		hand = s.queue(t.def.Tenant, queueOf(t.def)).handOf(t.shareKey())
	}
	only, usual := s.narrowed(t)
	if usual && t.def.class != nil {
		return t.def.class.inHand(hand)
	}
	need := Need{
		Queue: t.def.Queue, Action: t.def.Action, Slots: t.def.Slots, Labels: t.labelsOf(), Worker: only, Batch: t.def.Batch,
	}
	if !usual {
		return s.class(t.def.Tenant, dealt(need.text(), hand))
	}
	c := s.class(t.def.Tenant, need.text())
	t.def.class, c.kept = c, true
	return c.inHand(hand)
}

// narrowed is which worker t is for; 0 = any. It is usual if nothing is said of its run
// either: then it goes with all others of its definition.
func (s *Shard) narrowed(t *task) (only id.ID, usual bool) {
	if t.def.Sticky == StickyOnly {
		only = t.wanted()
	}
	return only, only == 0 && len(t.labelsGiven()) == 0
}

// lane finds the lane of a key, or makes it.
func (c *class) lane(key string) *lane {
	l := c.byKey[key]
	if l == nil {
		share, draws := readLaneKey(key)
		l = c.shard.newLane(c, c.key.tenant, c.rows, key)
		l.class, l.share, l.draws = c, c.queue.share(share), draws
		l.share.lanes = append(l.share.lanes, l)
		c.byKey[key] = l
	}
	return l
}

// offer implements place: l has something to give. It goes on waiting for units if
// whoever needs them still goes first.
func (c *class) offer(l *lane) {
	if !l.gives() {
		return
	}
	if t := l.first(); l.blocked != nil && t != nil && t.id == l.claim {
		return
	}
	if l.blocked != nil { // nobody has to wait behind who needed them before
		l.unblock()
		c.shard.passOn(l)
	}
	if l.seat < 0 {
		l.share.begin()
		c.lanes.add(l)
		c.attend()
		c.enliven()
	}
	c.queue.stir()
}

// withdraw implements place: l has nothing to give for now.
func (c *class) withdraw(l *lane) {
	l.unblock()
	c.retract(l)
	c.shard.passOn(l)
}

// retract takes l out of the lanes that have something to give.
func (c *class) retract(l *lane) {
	if l.seat >= 0 {
		c.lanes.remove(l)
		l.share.cease()
		c.enliven()
		if c.lanes.len() == 0 {
			c.attend()
			c.unreserve()
		}
	}
}

// rank implements place: higher priority goes first, and what was begun before goes
// before what is new. Where waiting counts, so much of it is worth one of priority.
func (c *class) rank(t *task) int64 { return t.byPriority() + c.queue.worth() }

// forget implements place.
func (c *class) forget(l *lane) {
	if l.key == "" && c.kept || c.byKey[l.key] != l {
		return // the lane of a queue without keys stays; others go once
	}
	c.withdraw(l)
	delete(c.byKey, l.key)
	l.share.drop(l)
	if len(c.byKey) == 0 && !c.kept {
		c.end()
	}
}

// end forgets a class without lanes.
func (c *class) end() {
	s := c.shard
	a := s.action(c.key.tenant, c.need.Action)
	a.classes = slices.DeleteFunc(a.classes, func(other *class) bool { return other == c })
	if len(c.berths) > 0 {
		c.castOff()
	} else {
		for _, w := range a.workers {
			w.unconsider(c)
		}
	}
	c.queue.drop(c)
	delete(s.classes, c.key)
}

// before tells whether c's first task goes before that of other: its key has had less,
// or it is of the same key and has a better place.
func (c *class) before(other *class) bool {
	a, b := c.lanes.first(), other.lanes.first()
	if a.share != b.share {
		return a.share.before(b.share.standing)
	}
	x, y := a.first(), b.first()
	if x == nil || y == nil {
		return x == nil && y != nil // what is in Postgres is asked for first
	}
	return a.order(x).Before(b.order(y))
}

// enliven keeps c among the live ones of its queue while it is. Whether a worker that is
// shared is free shows when one is looked for.
func (c *class) enliven() {
	live := c.lanes.len() > 0 && (c.free.first != nil || len(c.berths) > 0)
	if live == c.live {
		return
	}
	c.live = live
	q := c.queue
	if live {
		q.live = append(q.live, c)
		return
	}
	q.live = slices.DeleteFunc(q.live, func(other *class) bool { return other == c })
}

// freeOffer is the next offer by a worker with a free slot. Offers of full workers
// are dropped on the way: they come back when a slot is free.
func (c *class) freeOffer() *offer {
	c.meet()
	for o := c.free.first; o != nil; o = c.free.first {
		if o.worker.fits(c) {
			return o
		}
		c.free.remove(o)
	}
	c.enliven()
	return nil
}

// mayServe tells whether a task of c could be given to a worker now.
func (c *class) mayServe() bool { return !c.halted && c.freeOffer() != nil }

// offering are the workers that run the action of c: those of its tenant, and those that it
// shares.
func (c *class) offering() iter.Seq[*worker] {
	return func(yield func(*worker) bool) {
		each := func(home id.ID) bool {
			for _, w := range c.shard.staff(home, c.need.Action) {
				if !yield(w) {
					return false
				}
			}
			return true
		}
		if len(c.queue.tenancies) == 0 {
			each(c.key.tenant)
			return
		}
		for _, tn := range c.queue.tenancies {
			if !each(tn.crew.home) {
				return
			}
		}
	}
}

// isOffered tells whether there is one.
func (c *class) isOffered() bool {
	for range c.offering() {
		return true
	}
	return false
}

// action is the workers of a tenant that run an action, and what it has to run of it.
type action struct {
	tenant id.ID
	name   string
	// The workflows that have tasks of it.
	workflows []string
	workers   []*worker
	classes   []*class
}

// staff are the workers of a tenant that run an action.
func (s *Shard) staff(tenant id.ID, name string) []*worker {
	if a := s.actions[queueKey{tenant, name}]; a != nil {
		return a.workers
	}
	return nil
}

func (s *Shard) action(tenant id.ID, name string) *action {
	key := queueKey{tenant, name}
	a := s.actions[key]
	if a == nil {
		a = &action{tenant: tenant, name: name}
		s.actions[key] = a
	}
	return a
}
