package core

import (
	"slices"

	"github.com/adzehq/adze/internal/base/id"
)

// crew is the workers of a tenant, their home, and who lets them run tasks: the home
// itself, and tenants that have granted it. These take turns by what they have had of the
// workers' time. Tenants that share no workers have none.
type crew struct {
	shard *Shard
	home  id.ID
	of    map[id.ID]*tenancy // by tenant

	waiting []*tenancy // those that have something to give to workers of the crew
	stirred []*tenancy // those with queues that are matched in this Apply
	virtual int64      // the tag of the tenancy that was served last
	turns   uint64
	mean    int64 // slot·ms of a task, of all tenants

	// An era begins when one waits after nobody did: what workers did while nobody waited
	// for them is held against none.
	era   uint64
	since Time // it began
}

// tenancy is what a tenant has had of a crew. Its tag is that in slot·ms over the tenant's
// weight; the one with the lowest tag is served next. A task is charged what one of its
// tenant took lately when it begins, and what it takes longer while it runs: nobody has
// all slots because nobody knows yet how long its tasks take. One that had nothing to give
// for a while begins a task behind those that wait: an idle tenant saves up nothing.
type tenancy struct {
	crew    *crew
	tenant  id.ID
	weight  int64  // in thousandths
	granted uint64 // the Apply of its grant; 0 = of an owner before

	tag     int64
	turn    uint64 // of those with the same tag, lower first
	mean    int64  // slot·ms of a task; 0 = not known
	slots   int64  // that its attempts hold
	prepaid int64  // slot·ms that were charged and not used yet
	billed  Time   // so far the tag counts what was used
	era     uint64 // of the tag

	ready   int // classes with something to give that workers of the crew offer to run
	missed  bool
	stirred []*queue
	spent   bool // nothing more of it can be matched in this round
}

// berth is a tenancy of a class: its crew has workers that offer to run the class.
type berth struct {
	of     *tenancy
	offers int
}

func (tn *tenancy) before(other *tenancy) bool {
	return tn.tag < other.tag || tn.tag == other.tag && tn.turn < other.turn
}

// stretch is how far so many slot·ms move the tag.
func (tn *tenancy) stretch(used int64) int64 { return used * tagOfTask * WeightDefault / tn.weight }

// estimate is what a task will probably take.
func (tn *tenancy) estimate() int64 {
	if tn.mean > 0 {
		return tn.mean
	}
	return max(1, tn.crew.mean)
}

// bill brings the tag up to date with what the tenant's attempts have used.
func (tn *tenancy) bill() {
	c := tn.crew
	if tn.era != c.era {
		tn.era, tn.tag, tn.prepaid, tn.billed = c.era, 0, 0, c.since
	}
	used := tn.slots * int64(c.shard.now-tn.billed)
	tn.billed = c.shard.now
	paid := min(used, tn.prepaid)
	tn.prepaid -= paid
	tn.tag += tn.stretch(used - paid)
}

// begin notes a class that has something to give from now on. A tenancy that had none goes
// behind those that wait.
func (tn *tenancy) begin() {
	if tn.ready++; tn.ready > 1 {
		return
	}
	c := tn.crew
	if len(c.waiting) == 0 {
		c.renew()
	}
	tn.bill()
	start := c.level()
	if !tn.missed {
		start += tn.stretch(tn.estimate())
	}
	tn.tag, tn.missed = max(tn.tag, start), false
	tn.turn = c.turn()
	c.waiting = append(c.waiting, tn)
}

// cease is the inverse of begin.
func (tn *tenancy) cease() {
	if tn.ready--; tn.ready == 0 {
		tn.crew.waiting = slices.DeleteFunc(tn.crew.waiting, func(other *tenancy) bool { return other == tn })
	}
}

// renew begins an era.
func (c *crew) renew() {
	c.era++
	c.since, c.virtual = c.shard.now, 0
}

// level is how far those are served that wait.
func (c *crew) level() int64 {
	lowest := c.virtual
	for i, tn := range c.waiting {
		if tn.bill(); i == 0 || tn.tag < lowest {
			lowest = tn.tag
		}
	}
	return max(c.virtual, lowest)
}

func (c *crew) turn() uint64 {
	c.turns++
	return c.turns
}

// charge counts for a task that was given to a worker of the crew. What its tenant has
// waited for a worker while others were served is not made up for.
func (tn *tenancy) charge(t *task) {
	c := tn.crew
	tn.bill()
	c.virtual = max(c.virtual, tn.tag)
	tn.tag, tn.missed = c.virtual, false
	tn.turn = c.turn()
	t.advance, t.era = tn.estimate(), tn.era
	tn.prepaid += t.advance
	tn.tag += tn.stretch(t.advance)
}

// settle gives back what t was charged beyond what it took, and learns from that.
func (tn *tenancy) settle(t *task, ran Time) {
	tn.bill()
	took := max(1, int64(ran)) * units(t.def.Slots)
	tn.mean = average(tn.mean, took)
	tn.crew.mean = average(tn.crew.mean, took)
	if t.era == tn.era {
		left := min(max(t.advance-took, 0), tn.prepaid)
		tn.prepaid -= left
		tn.tag -= tn.stretch(left)
	}
	t.advance, t.era = 0, 0
}

// occupy counts slots that an attempt takes up, and vacate those that it gives back.
func (tn *tenancy) occupy(uses []SlotUse) {
	tn.bill()
	tn.slots += units(uses)
}

func (tn *tenancy) vacate(uses []SlotUse) {
	tn.bill()
	tn.slots -= units(uses)
}

// units is how many slots a task takes up, of all types; at least it takes time.
func units(uses []SlotUse) (n int64) {
	for _, use := range uses {
		n += int64(use.Units)
	}
	return max(n, oneSlot)
}

// moor notes an offer by a worker of the crew to run the class, and unmoor that it is
// taken back.
func (c *class) moor(tn *tenancy) {
	for i := range c.berths {
		if c.berths[i].of == tn {
			c.berths[i].offers++
			return
		}
	}
	c.berths = append(c.berths, berth{tn, 1})
	if c.lanes.len() > 0 {
		tn.begin()
	}
}

func (c *class) unmoor(tn *tenancy) {
	at := slices.IndexFunc(c.berths, func(b berth) bool { return b.of == tn })
	if c.berths[at].offers--; c.berths[at].offers > 0 {
		return
	}
	c.berths = slices.Delete(c.berths, at, at+1)
	if c.lanes.len() > 0 {
		tn.cease()
	}
}

// tenancy is what a tenant has of the crew of w; nil if w is not shared.
func (w *worker) tenancy(tenant id.ID) *tenancy {
	if w.crew == nil {
		return nil
	}
	return w.crew.of[tenant]
}

// matchCrews gives ready tasks of tenants that share workers to these, until one side is
// used up.
func (s *Shard) matchCrews() {
	for ; s.mustered < len(s.stirred); s.mustered++ {
		q := s.stirred[s.mustered]
		for _, tn := range q.tenancies {
			if len(tn.stirred) == 0 {
				tn.crew.stirred = append(tn.crew.stirred, tn)
			}
			tn.stirred = append(tn.stirred, q)
		}
	}
	for _, c := range s.crewList {
		if c.serve() {
			s.astir = true
		}
	}
}

// dismiss ends a match.
func (s *Shard) dismiss() {
	s.mustered = 0
	for _, c := range s.crewList {
		for i, tn := range c.stirred {
			clear(tn.stirred)
			tn.stirred = tn.stirred[:0]
			c.stirred[i] = nil
		}
		c.stirred = c.stirred[:0]
	}
}

// serve gives tasks to workers of the crew, each the next one of the tenant whose turn it
// is, until none of them has one that they may have.
func (c *crew) serve() (served bool) {
	for _, tn := range c.stirred {
		tn.spent = false
	}
	for tn := c.next(); tn != nil; tn = c.next() {
		if tn.matchOne() {
			served = true
		} else {
			tn.spent = true
		}
	}
	return served
}

// next is the tenancy whose turn it is.
func (c *crew) next() (best *tenancy) {
	for _, tn := range c.stirred {
		if tn.spent {
			continue
		}
		if tn.bill(); best == nil || tn.before(best) {
			best = tn
		}
	}
	return best
}

// matchOne gives the next task of the tenant to a worker of the crew. Its queues take
// turns task by task.
func (tn *tenancy) matchOne() bool {
	for i, q := range tn.stirred {
		if q.matchOne(tn) {
			copy(tn.stirred[i:], tn.stirred[i+1:])
			tn.stirred[len(tn.stirred)-1] = q
			return true
		}
	}
	return false
}
