package core

import (
	"slices"

	"github.com/adzehq/adze/internal/base/id"
)

// explain implements place.
func (c *class) explain(r *Reason, l *lane) {
	r.Queue, r.Key, r.Need, r.Worker = c.queue.name, l.share.key, c.need, c.need.Worker
	c.redealLate() // it may not have been looked at since a worker came
	c.countWorkers(r)
	r.Tenants = c.rivals()
	if r.Others = c.queue.waiting; l.share.ready > 0 {
		r.Others--
	}
	switch {
	case r.Offered == 0:
		r.Cause = CauseNoWorker
	case r.Fitting == 0 && r.Paused > 0:
		r.Cause = CausePaused
	case r.Fitting == 0:
		r.Cause = CauseNoMatch
		c.explainMismatch(r)
	case l.blocked != nil:
		l.blocked.bucket.explain(r, l)
	default:
		r.Cause = CauseBusy
	}
	if r.Cause == CauseBusy && l.gathers() && !l.gives() {
		l.explainBatch(r)
	}
	if r.Cause == CauseBusy {
		r.estimate(c.turns(l, r.Ahead+1), c.queue.out.pace(c.shard.now))
	}
}

// countWorkers counts who runs tasks of c. Who cannot be reached runs nothing for now.
func (c *class) countWorkers(r *Reason) {
	for _, w := range c.staff() {
		r.Offered++
		switch {
		case !w.mayHave(c) || !w.couldHave(c.need.Slots):
		case w.paused:
			r.Paused++
		default:
			r.Fitting++
			for _, use := range c.need.room() {
				slots, _ := w.room(use.Type)
				r.Slots += int(slots)
			}
			if w.crew != nil {
				r.Theirs += w.running - w.runs(c.key.tenant)
			}
		}
	}
}

// suits tells whether w is one of those that c may be given to, once it has a free slot.
func (c *class) suits(w *worker) bool {
	return w.takes() && w.mayHave(c) && w.couldHave(c.need.Slots)
}

// staff are the workers that are connected and run the action of c.
func (c *class) staff() (there []*worker) {
	for w := range c.offering() {
		if w.until == 0 && !w.spared {
			there = append(there, w)
		}
	}
	return there
}

// rivals is how many other tenants have something waiting for one of the workers that c may
// be given to.
func (c *class) rivals() int {
	tenants := map[id.ID]bool{}
	for _, b := range c.berths {
		for _, p := range b.of.crew.wanted {
			common := p.suiting(c)
			for _, other := range p.line.berths {
				if rival := other.of.tenant; rival != c.key.tenant && !tenants[rival] && other.class.waitsFor(common) {
					tenants[rival] = true
				}
			}
		}
	}
	return len(tenants)
}

// suiting are the workers of a post that c may be given to.
func (p *post) suiting(c *class) (common []*worker) {
	for _, sh := range p.shifts {
		if c.suits(sh.worker) {
			common = append(common, sh.worker)
		}
	}
	return common
}

// waitsFor tells whether anything that c has to give waits for one of these workers, and not
// for the end of a pause: what has been there since before that is passed by. Of what is in
// Postgres only that is not known: it counts.
func (c *class) waitsFor(workers []*worker) bool {
	if c.redealLate(); !slices.ContainsFunc(workers, c.suits) {
		return false
	}
	s := c.shard
	if len(s.pauses) == 0 {
		return true
	}
	for _, l := range c.byKey {
		listed := l.seat >= 0 && l.blocked == nil
		if listed && (l.stored > 0 || slices.ContainsFunc(l.all(), func(t *task) bool { return s.pausedBy(t) == nil })) {
			return true
		}
	}
	return false
}

// explainMismatch says what of the need no worker has that offers the action.
func (c *class) explainMismatch(r *Reason) {
	staff := c.staff()
	is := func(has func(*worker) bool) bool { return slices.ContainsFunc(staff, has) }
	r.Away = r.Worker != 0 && !is(func(w *worker) bool { return w.id == r.Worker })
	for _, l := range c.need.Labels {
		if l.Required && !is(func(w *worker) bool { return l.met(w.labels) }) {
			r.Unmet = append(r.Unmet, l)
		}
	}
	for _, use := range c.need.room() {
		if !is(func(w *worker) bool { return w.couldHave([]SlotUse{use}) }) {
			r.Scarce = append(r.Scarce, use)
		}
	}
}
