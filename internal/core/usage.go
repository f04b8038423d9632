package core

// usage is what the tasks of a key in a queue that goes by cost, or those of a tenant that
// shares workers, have used of the workers. A task is charged what others of its kind took
// lately when it begins, and what it takes longer while it runs: nobody has all slots
// because nobody knows yet how long its tasks take.
type usage struct {
	mean    int64 // slot·ms of a task; 0 = not known
	slots   int64 // that its tasks take up, of those that were charged
	prepaid int64 // slot·ms that were charged and not used yet
	billed  Time  // so far the tag counts what was used
}

// estimate is what a task will probably take; of is the mean of all.
func (u *usage) estimate(of int64) int64 {
	if u.mean > 0 {
		return u.mean
	}
	return max(1, of)
}

// overrun is what has been used since it was billed, and not before since, beyond what was
// charged. From now on it is billed.
func (u *usage) overrun(now, since Time) int64 {
	used := u.slots * int64(now-max(u.billed, since))
	u.billed = now
	paid := min(used, u.prepaid)
	u.prepaid -= paid
	return used - paid
}

// refund is what a task was charged and did not take, as far as nothing else has used it.
func (u *usage) refund(charged, took int64) int64 {
	left := min(max(charged-took, 0), u.prepaid)
	u.prepaid -= left
	return left
}

// took is what t has used of the workers in so long a time, in slot·ms.
func (t *task) took(ran Time) int64 { return max(1, int64(ran)) * units(t.def.Slots) }

// estimate is what a task of sh will probably cost.
func (q *queue) estimate(sh *share) int64 {
	if !q.all().ByCost {
		return 1
	}
	return sh.usage.estimate(q.mean)
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
// that moved it. What ran while nobody waited is held against no key.
func (sh *share) bill() bool {
	used := sh.overrun(sh.queue.shard.now, sh.queue.since)
	if used == 0 {
		return false
	}
	sh.move(used)
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
		if c.lanes.len() == 0 || !c.isOffered() {
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
		took := t.took(s.now - t.assigned)
		sh.bill()
		sh.slots -= units(t.def.Slots)
		sh.mean, q.mean = average(sh.mean, took), average(q.mean, took)
		sh.move(-sh.refund(t.charged, took))
	}
	t.charged = 0
}
