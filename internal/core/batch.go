package core

import (
	"maps"
	"slices"
	"strings"

	"github.com/adzehq/adze/internal/base/id"
)

// batch is attempts that a worker was given together. They end one by one, and hold one
// slot until the worker has let go of the last.
type batch struct {
	id      Token     // that of its first member
	running int       // members that run, as far as the core is concerned
	held    int       // members that the worker has: those that run, and those it did not answer about
	uses    []SlotUse // that they take up together
}

// gathered is of a lane whose class has a batch rule: what of its tasks in memory is to
// go into batches.
type gathered struct {
	bytes   int64 // of their inputs
	ripe    int   // of them, those that have waited for the interval
	running int   // batches of the lane
}

// gathering watches over the tasks of a class whose lanes have the same interval, in the
// order in which they became ready: the first to have waited for it is the front.
type gathering struct {
	class      *class
	intervalMS int64
	arrivals   entries
	waiting    int // of arrivals, those that still wait and are not ripe
}

func (n *Need) gathers() bool { return n.Batch != nil }

// gathers tells whether the lane's tasks go to workers in batches.
func (l *lane) gathers() bool { return l.class != nil && l.class.need.gathers() }

// gives tells whether the lane has something to give, here or in Postgres: of one that
// gathers, a batch that is full or has waited for its interval, or so many tasks that
// only a part of them is in memory.
func (l *lane) gives() bool {
	if !l.gathers() {
		return !l.empty()
	}
	rule, s := l.rule(), l.shard
	switch {
	case l.empty():
		return false
	case rule.RunningMax > 0 && (l.gathered.running >= int(rule.RunningMax) || s.awaits(l.tenant)):
		return false // those of the owner before run until their workers say otherwise
	default:
		return l.len() >= int(rule.SizeMax) || l.gathered.ripe > 0 || l.stored > 0 && !l.loading ||
			rule.BytesMax > 0 && l.gathered.bytes >= rule.BytesMax
	}
}

// weigh offers the lane if it has something to give, or takes it back.
func (l *lane) weigh() {
	if l.gives() {
		l.place.offer(l)
	} else {
		l.place.withdraw(l)
	}
}

// bytes is what t counts in a batch.
func (t *task) bytes() int64 {
	if t.flow == nil {
		return 0
	}
	return int64(t.flow.Size)
}

// add has t in memory, in its order.
func (l *lane) add(t *task) {
	l.line.add(t)
	if l.gathers() {
		l.gathered.bytes += t.bytes()
		l.note(t)
		if t.ripe {
			l.gathered.ripe++
		}
	}
}

// remove takes t out of memory.
func (l *lane) remove(t *task) {
	l.line.remove(t)
	l.ungather(t)
}

// cut takes what is beyond keep out of memory.
func (l *lane) cut(keep int) []*task {
	gone := l.line.cut(keep)
	for _, t := range gone {
		l.ungather(t)
	}
	return gone
}

func (l *lane) ungather(t *task) {
	if !l.gathers() {
		return
	}
	l.gathered.bytes -= t.bytes()
	if t.ripe {
		l.gathered.ripe--
	}
	l.unnote(t)
}

// note has t wait for the interval at most, from when it came first: it may have had to
// wait for a load then.
func (l *lane) note(t *task) {
	if l.gathers() && t.arrived == 0 {
		t.arrived, t.ripe = l.shard.now, false
		l.gathering().note(t)
	}
}

func (l *lane) unnote(t *task) {
	if t.arrived > 0 && !t.ripe {
		l.gathering().waiting--
	}
	t.arrived, t.ripe = 0, false
}

// gathering is the one that watches over the tasks of l.
func (l *lane) gathering() *gathering {
	c, interval := l.class, l.rule().IntervalMS
	for _, g := range c.gatherings {
		if g.intervalMS == interval {
			return g
		}
	}
	g := &gathering{class: c, intervalMS: interval}
	c.gatherings = append(c.gatherings, g)
	return g
}

// note has t wait for the interval at most, since it arrived.
func (g *gathering) note(t *task) {
	s := g.class.shard
	if len(g.arrivals.list) == 0 {
		s.gathering = append(s.gathering, g)
	}
	g.waiting++
	g.arrivals.push(entry{t.id, t.arrived})
	g.trim()
	if due := t.arrived + Time(g.intervalMS); s.ripens == 0 || due < s.ripens {
		s.ripens = due
	}
}

// arrivalsSlack is how many arrivals of tasks that wait no more are kept at least.
const arrivalsSlack = 1_024

// trim forgets the arrivals of tasks that wait no more when they are the greater part.
func (g *gathering) trim() {
	if len(g.arrivals.list)-g.arrivals.head <= 2*g.waiting+arrivalsSlack {
		return
	}
	kept := slices.DeleteFunc(g.arrivals.list[g.arrivals.head:], func(e entry) bool { return g.class.gatheredAt(e) == nil })
	g.arrivals = entries{list: kept}
}

// gatheredAt is the task of an arrival, if it still waits.
func (c *class) gatheredAt(e entry) *task {
	t := c.shard.tasks[e.task]
	if t != nil && t.arrived == e.since && t.arrived > 0 && !t.ripe && t.lane.class == c {
		return t
	}
	return nil
}

// ripenBatches has the lanes give what they have whose first task has waited for the
// interval.
func (s *Shard) ripenBatches() {
	if s.ripens == 0 || s.now < s.ripens {
		return
	}
	s.ripens = 0
	s.gathering = slices.DeleteFunc(s.gathering, func(g *gathering) bool {
		due := g.ripen()
		if due > 0 && (s.ripens == 0 || due < s.ripens) {
			s.ripens = due
		}
		return due == 0
	})
}

// ripen marks the tasks that have waited for the interval, and returns when the
// next one will have; 0 if there is none.
func (g *gathering) ripen() Time {
	s := g.class.shard
	for e, ok := g.arrivals.first(); ok; e, ok = g.arrivals.first() {
		if t := g.class.gatheredAt(e); t != nil {
			if due := e.since + Time(g.intervalMS); due > s.now {
				return due
			}
			t.ripe = true
			g.waiting--
			if t.lane.has(t) {
				t.lane.gathered.ripe++
				t.lane.weigh()
			}
		}
		g.arrivals.pop()
	}
	return 0
}

// gather adds to the first task, which has left its lane, those that go along with it.
func (l *lane) gather(first *task) []*task {
	rule := l.rule()
	members, bytes := []*task{first}, first.bytes()
	for len(members) < int(rule.SizeMax) {
		t := l.first()
		if t == nil || l.beyond(t) || rule.BytesMax > 0 && bytes+t.bytes() > rule.BytesMax ||
			l.shard.pausedBy(t) != nil || !l.shard.drawAlong(l, t) {
			break
		}
		l.remove(t)
		l.class.queue.out.add(l.shard.now)
		bytes += t.bytes()
		members = append(members, t)
	}
	return members
}

// assignBatch gives tasks that left their lane to w, as one batch. They are told together,
// when the last of them is stored.
func (s *Shard) assignBatch(members []*task, w *worker) {
	first := len(s.out.Assigned)
	var b *batch
	var seq uint64
	for _, t := range members {
		if b == nil {
			b = w.batch(Token(s.epoch<<epochShift | s.dispatched + 1))
		}
		s.engage(t)
		t.batch = b
		s.assign(t, w)
		seq = max(seq, t.seq)
	}
	for i := range s.out.Assigned[first:] {
		a := &s.out.Assigned[first+i]
		a.Batch, a.BatchKey, a.Seq = b.id, members[i].batchKey(), seq
	}
}

// batchKey is by what t is gathered with others.
func (t *task) batchKey() string {
	if t.flow == nil {
		return ""
	}
	return t.flow.Batch
}

// batchOf is the batch of what w says it runs, or a row does; nil for 0, of what was
// given alone.
func (w *worker) batchOf(number Token) *batch {
	if number == 0 {
		return nil
	}
	return w.batch(number)
}

// batch finds a batch that w has, or makes it.
func (w *worker) batch(number Token) *batch {
	b := w.batches[number]
	if b == nil {
		b = &batch{id: number}
		if w.batches == nil {
			w.batches = map[Token]*batch{}
		}
		w.batches[number] = b
	}
	return b
}

// occupy has w hold an attempt; it tells whether that takes up a slot. Those of a batch
// share one.
func (w *worker) occupy(b *batch) bool {
	if b == nil {
		return true
	}
	b.held++
	return b.held == 1
}

// vacate is the reverse of occupy; it tells whether a slot is free again.
func (w *worker) vacate(b *batch) bool {
	if b == nil {
		return true
	}
	if b.held--; b.held > 0 {
		return false
	}
	delete(w.batches, b.id)
	return true
}

// joinBatch counts a member that begins to run, and leaveBatch one that ends.
func (t *task) joinBatch() {
	if t.batch == nil {
		return
	}
	if t.batch.running++; t.batch.running == 1 && t.lane.gathers() {
		t.lane.gathered.running++
		t.lane.weigh()
	}
}

func (t *task) leaveBatch() {
	if t.batch == nil {
		return
	}
	if t.batch.running--; t.batch.running == 0 && t.lane.gathers() {
		t.lane.gathered.running--
		t.lane.weigh()
	}
}

// mayJoin tells whether w may go on with t as a member of that batch: it runs already,
// or another one of its key may.
func (s *Shard) mayJoin(w *worker, t *task, number Token) bool {
	if t.def.Batch == nil {
		return true
	}
	c := s.classOf(t)
	most := c.rule(t.batchKey()).RunningMax
	if most == 0 {
		return true
	}
	if b := w.batches[number]; b != nil && b.running > 0 {
		return true
	}
	l := c.byKey[t.laneKey()]
	return l == nil || l.gathered.running < int(most)
}

// explainBatch is why a lane that gathers gives nothing: enough batches of it run, or the
// next one is neither full nor old enough.
func (l *lane) explainBatch(r *Reason) {
	rule := l.rule()
	r.Cause, r.Max, r.Held = CauseBatch, int(rule.RunningMax), l.gathered.running
	if rule.RunningMax > 0 && l.shard.awaits(l.tenant) {
		r.Cause, r.Until = CauseReturning, l.shard.returning(l.tenant)
		return
	}
	if l.gathered.ripe > 0 || rule.RunningMax > 0 && r.Held >= r.Max {
		return
	}
	for _, t := range l.all() {
		if due := t.arrived + Time(rule.IntervalMS); r.Until == 0 || due < r.Until {
			r.Until = due
		}
	}
}

// weighBatches looks at all lanes of a tenant again whose tasks go in batches.
func (s *Shard) weighBatches(tenant id.ID) {
	compare := func(a, b classKey) int { return strings.Compare(a.text, b.text) }
	for _, key := range slices.SortedFunc(maps.Keys(s.classes), compare) {
		c := s.classes[key]
		if key.tenant != tenant || !c.need.gathers() {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(c.byKey)) {
			c.byKey[name].weigh()
		}
	}
}
