package core

// usage is what the tasks of a key have used of the workers, in a queue that goes by cost.
// A task is charged what those of its key took lately when it begins, and what it takes
// longer while it runs: no key has all slots because nobody knows yet how long its tasks
// take. What runs while nobody waits is held against no key.
type usage struct {
	mean    int64 // slot·ms of a task; 0 = not known
	slots   int64 // that its tasks take up, of those that were charged
	prepaid int64 // slot·ms that were charged and not used yet
	billed  Time  // so far the tag counts what was used
}

// estimate is what a task of sh will probably cost.
func (q *queue) estimate(sh *share) int64 {
	switch {
	case !q.all().ByCost:
		return 1
	case sh.mean > 0:
		return sh.mean
	}
	return max(1, q.mean)
}

// average follows the latest eight or so.
func average(mean, latest int64) int64 {
	if mean == 0 {
		return latest
	}
	return max(1, mean+(latest-mean)/8)
}

// use notes that a task of sh begins, which was charged.
func (sh *share) use(t *task) {
	sh.bill()
	sh.slots += units(t.def.Slots)
	sh.prepaid += t.charged
	t.tariff = sh.queue.tariff
}

// bill brings the tag up to date with what is used by tasks that run; it tells whether
// that moved it.
func (sh *share) bill() bool {
	q := sh.queue
	now := q.shard.now
	used := sh.slots * int64(now-max(sh.billed, q.since))
	sh.billed = now
	paid := min(used, sh.prepaid)
	sh.prepaid -= paid
	if used == paid {
		return false
	}
	sh.move(used - paid)
	return true
}

// bill has the lane that goes first be one whose tag is up to date. Those behind it may
// only fall back further.
func (c *class) bill() {
	if !c.queue.all().ByCost {
		return
	}
	for l := c.lanes.first(); l != nil && l.share.slots > 0 && l.share.bill(); {
		l = c.lanes.first()
	}
}

// level is how far those of the keys that wait are served of whom the least is: one that
// comes anew begins there.
func (q *queue) level() int64 {
	if !q.all().ByCost {
		return q.virtual
	}
	if q.waiting == 0 {
		q.since = q.shard.now
	}
	lowest, any := int64(0), false
	for _, c := range q.classes {
		if c.lanes.len() == 0 || len(q.shard.action(c.key.tenant, c.need.Action).workers) == 0 {
			continue
		}
		c.bill()
		if tag := c.lanes.first().share.tag; !any || tag < lowest {
			lowest, any = tag, true
		}
	}
	return max(q.virtual, lowest)
}

// settleShare gives back what a task was charged beyond what it used, and learns from that.
// It counts no more from now on.
func (s *Shard) settleShare(t *task) {
	sh := t.lane.share
	if sh == nil { // of one that was adopted before it was ready
		return
	}
	if q := sh.queue; q.all().ByCost && t.charged > 0 && t.tariff == q.tariff {
		took := max(1, int64(s.now-t.assigned)) * units(t.def.Slots)
		sh.bill()
		sh.slots -= units(t.def.Slots)
		sh.mean, q.mean = average(sh.mean, took), average(q.mean, took)
		left := min(max(t.charged-took, 0), sh.prepaid)
		sh.prepaid -= left
		sh.move(-left)
	}
	t.charged = 0
}
