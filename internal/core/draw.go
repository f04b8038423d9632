package core

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A task that draws from rate limits waits in a lane of its class with those that draw
// from the same keys. When the first of a lane lacks units, the lane steps out of the
// class and stands in a line of the bucket until there are enough: nothing is moved, and
// the other lanes go on. The line is in the order of the shares, so that who was served
// least goes first, and the bucket saves up for it.

// rateLine is the lanes of a class that wait for units of a bucket.
type rateLine struct {
	bucket *bucket
	class  *class
	lanes  fairLine
}

// drawsMark begins the key of a lane whose tasks draw from rate limits. The share follows,
// and of each rate limit its name and its key, each after its length.
const drawsMark = "\x1f"

// laneOf is the lane of its class that t waits in, and runs from.
func (s *Shard) laneOf(t *task) *lane { return s.classOf(t).lane(t.laneKey()) }

// laneKey is the key of that lane: what goes in batches is with what it goes along with.
func (t *task) laneKey() string {
	share := t.shareKey()
	if len(t.def.Rates) == 0 && !strings.HasPrefix(share, drawsMark) {
		return share
	}
	key := appendPart([]byte(drawsMark), share)
	for i, use := range t.def.Rates {
		key = appendPart(appendPart(key, use.Name), t.draws(i).Key)
	}
	return string(key)
}

// shareKey is the key of its queue that t counts for.
func (t *task) shareKey() string {
	if t.def.Batch != nil {
		return t.batchKey()
	}
	return t.share
}

func appendPart(key []byte, part string) []byte {
	key = strconv.AppendInt(key, int64(len(part)), 10)
	return append(append(key, ':'), part...)
}

// readLaneKey is the inverse of laneKey: the share, and the names and keys of the rate
// limits.
func readLaneKey(key string) (share string, rates []string) {
	encoded, draws := strings.CutPrefix(key, drawsMark)
	if !draws {
		return key, nil
	}
	var parts []string
	for encoded != "" {
		size, rest, _ := strings.Cut(encoded, ":")
		n, err := strconv.Atoi(size)
		if err != nil || n < 0 || n > len(rest) {
			return key, nil // of a lane that no task comes to any more
		}
		parts, encoded = append(parts, rest[:n]), rest[n:]
	}
	if len(parts) == 0 {
		return key, nil
	}
	return parts[0], parts[1:]
}

// draws is what t draws from the i-th rate limit of its definition: one unit, if nothing
// is said of it.
func (t *task) draws(i int) RateKey {
	if t.flow == nil || i >= len(t.flow.Rates) {
		return RateKey{Units: 1}
	}
	key := t.flow.Rates[i]
	key.Units = max(key.Units, 0)
	return key
}

// bucketOf is what t draws from for the i-th rate limit of its definition.
func (s *Shard) bucketOf(t *task, i int) *bucket {
	return s.rate(t.def.Tenant, t.def.Rates[i].Name).bucket(t.draws(i).Key)
}

// demand is what t needs of b.
func (b *bucket) demand(t *task) (d demand) {
	for i, use := range t.def.Rates {
		if key := t.draws(i); use.Name == b.rate.name && key.Key == b.key {
			d = d.and(demand{int64(key.Units), key.Limit})
		}
	}
	return d
}

// wanted is how much of b the first of a lane needs. Of one in Postgres that is not
// known, and one that is paused does not wait for it: they go on as if they needed
// nothing.
func (b *bucket) wanted(l *lane) demand {
	t := l.head()
	if t == nil || b.rate.shard.pausedBy(t) != nil {
		return demand{}
	}
	return b.demand(t)
}

// draw takes what t, the first of l, needs of each of its rate limits: all at once, or
// nothing, and then l waits. A task that needs more than there can ever be fails.
func (s *Shard) draw(l *lane, t *task) bool {
	for i, use := range t.def.Rates {
		b := s.bucketOf(t, i)
		b.refill()
		d := b.demand(t)
		if limit := b.limitWith(d.given); limit > 0 && d.units > limit {
			s.passOn(l)
			s.finish(t, Failed, fmt.Sprintf("rate limit %s: needs %d units, and it never has more than %d", use.Name, d.units, limit), nil)
			return false
		}
		if d.units > 0 && (!b.has(d) || b.savesBefore(l)) {
			b.block(l, d)
			return false
		}
	}
	s.spend(l, t)
	return true
}

// drawAlong takes what t needs to go along with another one of l, if there is as much.
func (s *Shard) drawAlong(l *lane, t *task) bool {
	for i := range t.def.Rates {
		b := s.bucketOf(t, i)
		b.refill()
		if d := b.demand(t); d.units > 0 && !b.has(d) {
			s.passOn(l)
			return false
		}
	}
	if len(t.def.Rates) > 0 {
		s.spend(l, t)
	}
	return true
}

// spend draws what t needs. Its worker is told when it is certain that this is spent.
func (s *Shard) spend(l *lane, t *task) {
	for i := range t.def.Rates {
		if key := t.draws(i); key.Units > 0 {
			s.bucketOf(t, i).spend(demand{int64(key.Units), key.Limit})
		}
	}
	t.seq = s.seq
	s.passOn(l)
}

// saveFor notes that b saves its units up for c, because c has a worker that could be given
// a task.
func (b *bucket) saveFor(c *class) {
	if b.saves == c {
		return
	}
	b.saves = c
	if len(c.savers) == 0 {
		c.shard.savedFor = append(c.shard.savedFor, c)
	}
	c.savers = append(c.savers, b)
}

// saveNoMore has the buckets looked at again that save up for a class which has no free
// worker any more: others may go on with what there is.
func (s *Shard) saveNoMore() {
	s.savedFor = slices.DeleteFunc(s.savedFor, func(c *class) bool {
		if c.mayServe() {
			return false
		}
		for i, b := range c.savers {
			if b.saves == c {
				b.saves = nil
				s.kept = append(s.kept, b)
			}
			c.savers[i] = nil
		}
		c.savers = c.savers[:0]
		return true
	})
}

// lookAgain looks at the buckets that kept units for someone who was matched since.
func (s *Shard) lookAgain() {
	again := s.kept
	s.kept = nil
	for _, b := range again {
		b.look()
		b.tidy()
	}
}

// savesBefore tells whether b keeps its units for a lane that waits for more of them: l
// comes after that one, and waits until there are as many.
func (b *bucket) savesBefore(l *lane) bool {
	for _, line := range b.lines {
		first, own := line.lanes.first(), line.class == l.class
		if own && l.before(first) {
			return false
		}
		if d := b.wanted(first); !b.has(d) && (own || line.class.mayServe()) {
			b.lookAt(b.when(d))
			b.saveFor(line.class)
			return true
		}
		if own {
			return false
		}
	}
	return false
}

// before tells whether l is served before another lane of its class.
func (l *lane) before(other *lane) bool {
	if l.share != other.share {
		return l.share.before(other.share.standing)
	}
	a, b := l.first(), other.first()
	return a != nil && (b == nil || l.order(a).Before(l.order(b)))
}

// block has l wait until its first task can draw so much from b. What it might have
// drawn elsewhere is for others.
func (b *bucket) block(l *lane, d demand) {
	c := l.class
	c.retract(l)
	line := b.line(c)
	line.lanes.add(l)
	l.blocked, l.claim = line, l.first().id
	if !b.has(d) {
		b.lookAt(b.when(d))
	}
	c.shard.passOn(l)
}

// line finds the line of a class, or makes it: the last in turn.
func (b *bucket) line(c *class) *rateLine {
	for _, line := range b.lines {
		if line.class == c {
			return line
		}
	}
	line := &rateLine{bucket: b, class: c}
	b.lines = append(b.lines, line)
	return line
}

// unblock takes l out of the line that it waits in.
func (l *lane) unblock() {
	line := l.blocked
	if line == nil {
		return
	}
	line.lanes.remove(l)
	l.blocked, l.claim = nil, 0
	if b := line.bucket; line.lanes.len() == 0 {
		b.lines = slices.DeleteFunc(b.lines, func(other *rateLine) bool { return other == line })
		b.tidy()
	}
}

// passOn looks for others who may draw what l might have drawn.
func (s *Shard) passOn(l *lane) {
	for i := 0; i+1 < len(l.draws); i += 2 {
		if b := s.rate(l.tenant, l.draws[i]).buckets[l.draws[i+1]]; b != nil && (l.blocked == nil || l.blocked.bucket != b) {
			b.look()
			b.tidy()
		}
	}
}

// look has the first of each line go on that there are units for. It keeps for it what
// it needs if there is a worker, until that one was matched, and saves up if there are
// not enough for now.
func (b *bucket) look() {
	b.refill()
	kept := demand{}
	for i := 0; i < len(b.lines); {
		line := b.lines[i]
		l := line.lanes.first()
		d, free := b.wanted(l), line.class.mayServe()
		if d.units > 0 && !b.has(kept.and(d)) {
			if b.has(d) {
				b.rate.shard.kept = append(b.rate.shard.kept, b)
				return
			}
			b.lookAt(b.when(d))
			if free {
				b.saveFor(line.class)
				return
			}
			i++
			continue
		}
		if free {
			kept = kept.and(d)
		}
		l.unblock()
		line.class.offer(l)
		if i < len(b.lines) && b.lines[i] == line {
			i++
		}
	}
}
