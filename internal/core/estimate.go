package core

// estimate is how long it takes for so many to begin at a rate.
func (r *Reason) estimate(n int64, perMinute float64) {
	if perMinute > 0 {
		r.EstimateMS = int64(float64(n) * 60_000 / perMinute)
	}
}

// turns is how many tasks of the queue begin before the n-th of l's key has: of each other
// lane as many, or as there are.
func (c *class) turns(l *lane, n int64) int64 {
	sum := n
	for _, class := range c.queue.classes {
		for _, seat := range class.lanes.seats {
			if other := seat.lane; other.share != l.share || class != c {
				sum += min(n, int64(other.len())+other.stored)
			}
		}
	}
	return sum
}

// explain says what l waits for.
func (b *bucket) explain(r *Reason, l *lane) {
	d := b.wanted(l)
	b.refill()
	r.Cause, r.Name, r.Key, r.Max, r.Held = CauseRate, b.rate.name, b.key, int(b.limitFor(d)), int(b.spent())
	if b.has(d) || b.limitFor(d) == 0 {
		return
	}
	if r.Until = b.when(d); r.Until > 0 {
		r.EstimateMS = int64(r.Until-b.rate.shard.now) + b.wait(r.Ahead, d)
	}
}

// wait is how long it takes until so many more have drawn as much as the first: in turn
// with those of other lanes.
func (b *bucket) wait(more int64, d demand) int64 {
	lanes := int64(0)
	for _, line := range b.lines {
		lanes += int64(line.lanes.len())
	}
	limit, period := b.limitFor(d), b.length()
	if d.units <= 0 || d.units > limit {
		return 0
	}
	if b.rate.all().Smooth {
		return more * lanes * d.units * period / limit
	}
	return more * lanes / (limit / d.units) * period
}

// limit says when the task of a row is cancelled that waits for p to end.
func (p *pause) limit(r *Reason, row *OpenTask) {
	if p.ttl == 0 {
		return
	}
	due := p.since + p.ttl
	if row.Queue == p.key.text() {
		due = Time(row.Rank) + p.ttl
	}
	if r.Expires == 0 || due < r.Expires {
		r.Expires = due
	}
}
