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
