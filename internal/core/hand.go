package core

import (
	"cmp"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
)

// Hands is how many hands of workers there are where keys are dealt some of them each
// (QueueSetting.Spread). Keys of one hand share all of its workers, those of two hands
// few of them; each hand in use is a class, and costs a look per task.
const Hands = 128

// handOf is the hand of a key.
func handOf(key string) int32 {
	var sum uint64
	for i := range len(key) {
		sum = id.Mix(sum ^ uint64(key[i]))
	}
	return int32(sum%Hands) + 1
}

// deal works out who is in the hand of c, among those who may run it: those whose ids
// score highest with the number of the hand. So a worker that comes or goes changes each
// hand by one at most.
func (c *class) deal() {
	c.dealt = nil
	spread := int(c.queue.spread)
	if c.need.Spread == 0 || spread == 0 {
		return
	}
	var seats []*worker
	for w := range c.offering() {
		if _, may := w.score(c.need.Labels); may {
			seats = append(seats, w)
		}
	}
	luck := func(w *worker) uint64 { return id.Mix(uint64(w.id) ^ id.Mix(uint64(c.need.Spread))) }
	slices.SortFunc(seats, func(a, b *worker) int {
		return cmp.Or(cmp.Compare(luck(b), luck(a)), cmp.Compare(a.id, b.id))
	})
	c.dealt = seats[:min(spread, len(seats))]
}

// mayTake tells whether w is in the hand of c, if there are hands.
func (c *class) mayTake(w *worker) bool {
	return c.need.Spread == 0 || c.queue.spread == 0 || slices.Contains(c.dealt, w)
}

// redeal brings the offers of c in line with who is in its hand now.
func (c *class) redeal(a *action) {
	if c.need.Spread == 0 {
		return
	}
	if len(c.berths) > 0 {
		c.redealAtPosts()
		c.queue.stir()
		return
	}
	c.deal()
	for _, w := range a.workers {
		had, may := w.offerOf(c), c.mayTake(w)
		switch {
		case had != nil && !may:
			w.unconsider(c)
		case had == nil && may:
			if o := w.consider(c); o != nil && w.fits(c) {
				c.free.add(o)
			}
		}
	}
	c.enliven()
	if c.live {
		c.queue.stir()
	}
}

// dealt is the name of a class for the keys of a hand; 0 = for all.
func dealt(text string, hand int32) string {
	n := needOf(text)
	if n.Spread == hand {
		return text
	}
	n.Spread = hand
	return n.text()
}

// inHand is c for the keys of a hand; 0 = c itself.
func (c *class) inHand(hand int32) *class {
	if hand == 0 {
		return c
	}
	name := c.hands[hand]
	if name == "" {
		if c.hands == nil {
			c.hands = map[int32]string{}
		}
		name = dealt(c.key.text, hand)
		c.hands[hand] = name
	}
	return c.shard.class(c.key.tenant, name)
}

// classAt is the class of the lane of that key, by its name in rows.
func (s *Shard) classAt(tenant id.ID, rows, key string) *class {
	if s.spreads == 0 {
		return s.class(tenant, rows)
	}
	share, _ := readLaneKey(key)
	if c := s.classes[classKey{tenant, rows}]; c != nil {
		return c.inHand(c.queue.handOf(share))
	}
	need := needOf(rows)
	hand := s.queue(tenant, cmp.Or(need.Queue, need.Action)).handOf(share)
	return s.class(tenant, dealt(rows, hand))
}

// handOf is the hand of a key of q; 0 = all workers. Without a key there is none.
func (q *queue) handOf(key string) int32 {
	if q.spread == 0 || key == "" {
		return 0
	}
	return handOf(key)
}

// respread deals all hands of q again, if its keys are dealt otherwise now. What waits goes
// along, and costs a step for each key of it: rows need not be written.
func (q *queue) respread() {
	spread := q.all().Spread
	if spread == q.spread {
		return
	}
	before := q.spread
	q.spread = spread
	switch {
	case before == 0:
		q.shard.spreads++
		q.rearrange()
	case spread == 0:
		q.rearrange()
		q.shard.spreads--
	}
	for _, c := range q.classes {
		c.redeal(q.shard.action(q.tenant, c.need.Action))
	}
}

// rearrange has all lanes of q be of the classes that their keys are for now.
func (q *queue) rearrange() {
	s := q.shard
	for _, c := range slices.SortedFunc(slices.Values(q.classes), func(a, b *class) int { return cmp.Compare(a.key.text, b.key.text) }) {
		for _, l := range c.sortedLanes() {
			if to := s.classAt(q.tenant, c.rows, l.key); to != c {
				l.join(to)
			}
		}
	}
	for _, c := range slices.Clone(q.classes) {
		if c.need.gathers() {
			c.regather()
		}
		if len(c.byKey) == 0 && !c.kept {
			c.end()
		}
	}
}

// join has the lane, with all that it has here and in Postgres, be of another class of its
// queue. Its key keeps its turn.
func (l *lane) join(to *class) {
	from := l.class
	l.share.missed = l.share.missed || l.share.ready > 0
	from.withdraw(l)
	delete(from.byKey, l.key)
	to.byKey[l.key] = l
	l.class, l.place = to, to
	l.weigh()
}
