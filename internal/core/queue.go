package core

import "github.com/adzehq/adze/internal/base/id"

type queueKey struct {
	tenant id.ID
	name   string
}

// queue is where the tasks of one action of one tenant wait. Its lanes, one per
// key, take turns; so do the workers that offer the action.
type queue struct {
	shard  *Shard
	tenant id.ID
	name   string

	lanes map[string]*lane
	ring  *lane // the lane whose turn it is, in a ring of those with something to give; nil = none

	free    offers // by workers with free slots; some may be full again, see match
	stirred bool   // in Shard.stirred
}

// queue finds a queue, or makes it.
func (s *Shard) queue(tenant id.ID, name string) *queue {
	key := queueKey{tenant, name}
	q := s.queues[key]
	if q == nil {
		q = &queue{shard: s, tenant: tenant, name: name, lanes: map[string]*lane{}}
		s.queues[key] = q
	}
	return q
}

// lane finds the lane of a key, or makes it.
func (q *queue) lane(key string) *lane {
	l := q.lanes[key]
	if l == nil {
		l = &lane{queue: q, key: key, line: line{kind: laneLine}}
		q.lanes[key] = l
	}
	return l
}

// stir has the queue matched at the end of this Apply.
func (q *queue) stir() {
	if !q.stirred {
		q.stirred = true
		q.shard.stirred = append(q.shard.stirred, q)
	}
}

// match gives ready tasks to free workers until one side of each stirred queue is
// used up. Queues take turns task by task: a worker that serves several is shared.
func (s *Shard) match() {
	for progress := true; progress; {
		progress = false
		for _, q := range s.stirred {
			if q.matchOne() {
				progress = true
			}
		}
	}
	for i, q := range s.stirred {
		q.stirred = false
		s.stirred[i] = nil
	}
	s.stirred = s.stirred[:0]
}

// matchOne gives the next task of q to the next free worker, if there are both.
func (q *queue) matchOne() bool {
	offer := q.freeOffer()
	if offer == nil {
		return false
	}
	for q.ring != nil {
		l := q.ring
		t := l.take()
		if t == nil { // all it has is in Postgres
			l.leaveRing()
			q.shard.requestLane(l)
			continue
		}
		q.ring = l.nextInRing
		if l.empty() {
			l.leaveRing()
		}
		q.shard.refill(l)
		q.free.toBack(offer)
		offer.worker.turn = offer.place + 1
		q.shard.assign(t, offer.worker)
		return true
	}
	return false
}

// freeOffer is the next offer by a worker with a free slot. Offers of full workers
// are dropped on the way: they come back when a slot is free.
func (q *queue) freeOffer() *offer {
	for o := q.free.first; o != nil; o = q.free.first {
		if o.worker.hasSlot() {
			return o
		}
		q.free.remove(o)
	}
	return nil
}
