package core

import (
	"slices"

	"github.com/adzehq/adze/internal/base/id"
)

type queueKey struct {
	tenant id.ID
	name   string
}

// queue is where tasks of a tenant wait for workers, those of one action or of
// several. Its keys share it by their weights; what the same workers can run is a
// class.
type queue struct {
	shard  *Shard
	tenant id.ID
	name   string
	settings[QueueSetting]
	spread int32 // as its setting: how many workers each key is dealt; 0 = all
	age    AgeSetting

	shares map[string]*share
	idle   []*share // that have had more than their share, and nothing waits of them
	// The virtual time: the tag of the share that was served last. See share.
	virtual int64
	turns   uint64
	mean    int64  // slot·ms of a task, of all keys
	waiting int    // shares that have something to give
	since   Time   // one waits, after none did
	tariff  uint64 // how often it was changed how keys are charged
	in, out meter  // tasks that came, and that a worker was given

	tenancies []*tenancy // of its tenant, see Shard.tenancies

	classes []*class
	live    []*class // of them, those with a task to give and a worker who may take it
	stirred bool     // in Shard.stirred
}

// queue finds a queue, or makes it.
func (s *Shard) queue(tenant id.ID, name string) *queue {
	key := queueKey{tenant, name}
	q := s.queues[key]
	if q == nil {
		q = &queue{shard: s, tenant: tenant, name: name, shares: map[string]*share{}, tenancies: s.tenancies(tenant)}
		s.queues[key] = q
	}
	return q
}

// stir has the queue matched at the end of this Apply.
func (q *queue) stir() {
	q.shard.astir = true
	if !q.stirred {
		q.stirred = true
		q.shard.stirred = append(q.shard.stirred, q)
	}
}

// match gives ready tasks to free workers until one side of each stirred queue is
// used up. Queues take turns task by task: a worker that serves several is shared. So do
// the tenants of a crew first, by the time of its workers.
func (s *Shard) match() {
	for s.astir {
		s.astir = false
		for _, q := range s.stirred {
			if len(q.tenancies) == 0 && q.matchOne(nil) {
				s.astir = true
			}
		}
		if len(s.crews) > 0 {
			s.matchCrews()
		}
	}
	s.dismiss()
	for i, q := range s.stirred {
		q.stirred = false
		s.stirred[i] = nil
	}
	s.stirred = s.stirred[:0]
}

// matchOne gives the next task of q to the next free worker, if there are both. With a
// tenancy that must be one of its crew, and is counted for it.
func (q *queue) matchOne(turn *tenancy) bool {
	for c := q.next(); c != nil; c = q.next() {
		l := c.lanes.first()
		t := l.head()
		if t == nil { // all it has is in Postgres
			l.share.missed = true
			if turn != nil {
				turn.missed = true
			}
			c.withdraw(l)
			q.shard.requestLane(l)
			continue
		}
		if p := q.shard.pausedBy(t); p != nil { // one of several workflows that have this action
			l.remove(t)
			if !l.gives() {
				c.withdraw(l)
			}
			q.shard.refill(l)
			q.shard.shelve(t, p)
			continue
		}
		if turn != nil && c.chosen(t).worker.crew != turn.crew {
			return false
		}
		if l.draws != nil && !q.shard.draw(l, t) {
			continue
		}
		l.remove(t)
		offer := c.chosen(t)
		passed := offer.worker.passedOver(l, t)
		c.unreserve() // it had its turn
		q.shard.engage(t)
		q.charge(l.share, t)
		var members []*task
		if l.gathers() {
			members = l.gather(t)
		}
		q.shard.refill(l)
		if !l.gives() {
			c.withdraw(l)
		}
		c.free.toBack(offer)
		offer.worker.turn = offer.place + 1
		if members != nil {
			q.shard.assignBatch(members, offer.worker)
		} else {
			q.shard.assign(t, offer.worker)
		}
		if turn != nil {
			turn.charge(t)
		}
		if passed != nil && !offer.worker.has(passed.need.Slots) {
			passed.reserve(offer.worker)
		}
		return true
	}
	return false
}

// next is the class whose first task goes first, of those that have a free worker.
func (q *queue) next() *class {
	var best *class
	for i := 0; i < len(q.live); {
		c := q.live[i]
		if c.mayServe() {
			c.bill()
			if best == nil || c.before(best) {
				best = c
			}
		}
		if c.live { // else another one is in its place
			i++
		}
	}
	return best
}

// settings are how something works, as it was declared, and as it was set since.
type settings[T comparable] struct {
	declared T
	set      *T
	keys     map[string]T // what is different for a key
}

// settingsOf are those of all things of a kind, by name.
type settingsOf[T comparable] map[queueKey]*settings[T]

// at finds what is set of a thing, or makes room for it.
func (m settingsOf[T]) at(tenant id.ID, name string) *settings[T] {
	key := queueKey{tenant, name}
	of := m[key]
	if of == nil {
		of = &settings[T]{}
		m[key] = of
	}
	return of
}

// forgetUnset forgets a thing of which nothing is said.
func (m settingsOf[T]) forgetUnset(key queueKey) {
	if of := m[key]; of != nil && of.unset() {
		delete(m, key)
	}
}

// unset tells whether nothing is said.
func (s *settings[T]) unset() bool {
	var none T
	return s.declared == none && s.set == nil && len(s.keys) == 0
}

// all is what is in force for all keys of which nothing else is said.
func (s *settings[T]) all() *T {
	if s.set != nil {
		return s.set
	}
	return &s.declared
}

func (s *settings[T]) of(key string) (T, bool) {
	setting, own := s.keys[key]
	return setting, own
}

// change notes a setting.
func (s *settings[T]) change(in *Setting, to T) {
	var none T
	switch {
	case in.Key != "" && in.Dropped:
		delete(s.keys, in.Key)
	case in.Key != "":
		if s.keys == nil {
			s.keys = map[string]T{}
		}
		s.keys[in.Key] = to
	case in.Declared && in.Dropped:
		s.declared = none
	case in.Declared:
		s.declared = to
	case in.Dropped:
		s.set = nil
	default:
		s.set = &to
	}
}

// drop takes c out of its queue.
func (q *queue) drop(c *class) {
	q.classes = slices.DeleteFunc(q.classes, func(other *class) bool { return other == c })
}
