package core

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/adzehq/adze/internal/base/id"
)

// score is how well w meets labels; may is false if it lacks one that is required.
func (w *worker) score(labels []Label) (score int64, may bool) {
	for i := range labels {
		switch want := &labels[i]; {
		case want.met(w.labels):
			score += int64(want.Weight)
		case want.Required:
			return 0, false
		}
	}
	return score, true
}

// met tells whether labels have what is wanted. A label that is not there meets nothing.
func (l *Label) met(labels map[string]string) bool {
	have, ok := labels[l.Key]
	if !ok {
		return false
	}
	order := cmp.Compare(have, l.Value)
	if l.Number {
		a, errA := strconv.ParseFloat(have, 64)
		b, errB := strconv.ParseFloat(l.Value, 64)
		if errA != nil || errB != nil {
			return false
		}
		order = cmp.Compare(a, b)
	}
	switch l.Comparator {
	case LabelNotEqual:
		return order != 0
	case LabelGreater:
		return order > 0
	case LabelGreaterOrEqual:
		return order >= 0
	case LabelLess:
		return order < 0
	case LabelLessOrEqual:
		return order <= 0
	default:
		return order == 0
	}
}

// labelsOf are those that the worker of t should have: what is said of the run takes the
// place of what the definition says of the same key.
func (t *task) labelsOf() []Label {
	given := t.labelsGiven()
	if len(given) == 0 {
		return t.def.Labels
	}
	labels := slices.Clone(given)
	for _, l := range t.def.Labels {
		if !slices.ContainsFunc(given, func(own Label) bool { return own.Key == l.Key }) {
			labels = append(labels, l)
		}
	}
	slices.SortStableFunc(labels, func(a, b Label) int { return cmp.Compare(a.Key, b.Key) })
	return labels
}

// labelsGiven are those that are said of the run of t.
func (t *task) labelsGiven() []Label {
	switch {
	case t.run != nil && t.run.flow != nil:
		return t.run.flow.Labels
	case t.flow != nil:
		return t.flow.Labels
	}
	return nil
}

// wanted is the worker that a sticky task belongs to; 0 = any.
func (t *task) wanted() id.ID {
	switch {
	case t.def.Sticky == StickyNone:
		return 0
	case t.run != nil:
		return t.run.wanted(t.node)
	case t.flow != nil:
		return t.flow.Worker
	}
	return 0
}

// wanted is who ran the first parent of a node that anybody ran, or else who the run says.
func (r *run) wanted(node int32) id.ID {
	if r.ranAt != nil {
		for _, parent := range r.graph.Nodes[node].Parents {
			if w := r.ranAt[parent]; w != 0 {
				return w
			}
		}
	}
	if r.flow != nil {
		return r.flow.Worker
	}
	return 0
}

// ran notes who ran a node, where somebody will ask.
func (r *run) ran(node int32, worker id.ID) {
	if !r.graph.sticky || worker == 0 {
		return
	}
	if r.ranAt == nil {
		r.ranAt = make([]id.ID, len(r.nodes))
	}
	r.ranAt[node] = worker
}

// chosen is the offer that the next task of c is given to: that of the worker that it
// would rather have, if it has a free slot, else the one whose turn it is.
func (c *class) chosen(t *task) *offer {
	if t.def.Sticky == StickyPrefer {
		if w := c.shard.workers[t.wanted()]; w != nil {
			if o := w.offerOf(c); o != nil && w.fits(c) {
				return o
			}
		}
	}
	return c.free.first
}

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

// respread deals all hands of q again, if its keys are dealt otherwise now.
func (q *queue) respread() {
	spread := q.all().Spread
	if spread == q.spread {
		return
	}
	if q.spread == 0 {
		q.shard.spreads++
	} else if spread == 0 {
		q.shard.spreads--
	}
	q.spread = spread
	for _, c := range q.classes {
		c.redeal(q.shard.action(q.tenant, c.need.Action))
	}
}
