package core

import (
	"math"
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

	posts   map[string]*post   // by need
	postsOf map[string][]*post // by action, oldest first
	wanted  []*post            // where somebody waits, and workers are
	stirred []*post            // that are looked at in this Apply
	musters uint64             // how often a worker came or went
	waiting int                // tenancies that have something to give, be there workers or not
	virtual int64              // the tag of the tenancy that was served last
	highest int64              // of all tags in this era and before
	turns   uint64
	mean    int64 // slot·ms of a task, of all tenants

	// An era begins when one waits for workers that there are, after nobody did: what workers
	// did while nobody waited for them is held against none.
	era   uint64
	since Time  // it began
	base  int64 // the tag of those who come in this era
}

// tenancy is what a tenant has had of a crew. Its tag is that in slot·ms over the tenant's
// weight; the one with the lowest tag is served next. One that had nothing to give for a
// while begins a task behind those that wait: an idle tenant saves up nothing.
type tenancy struct {
	crew    *crew
	tenant  id.ID
	weight  int64  // in thousandths
	granted uint64 // the Apply of its grant; 0 = of an owner before

	standing
	usage
	era     uint64 // of the tag
	account *int64 // see Shard.account
	entered Time   // so far it is kept

	berths []*berth // with something to give
	missed bool
}

// stretch is how far so many slot·ms move the tag.
func (tn *tenancy) stretch(used int64) int64 { return used * tagOfTask * WeightDefault / tn.weight }

// estimate is what a task will probably take.
func (tn *tenancy) estimate() int64 { return tn.usage.estimate(tn.crew.mean) }

// bill brings the tag up to date with what the tenant's attempts have used. Until then it
// may be lower than it should, never higher: who is first with a tag that was just billed is
// the first of all.
func (tn *tenancy) bill() {
	tn.enter()
	c := tn.crew
	if tn.era != c.era {
		tn.era, tn.prepaid, tn.billed = c.era, 0, c.since
		if len(tn.berths) == 0 { // who waits, at a post that had no workers, is in its line by the tag that it has
			tn.tag = c.base
		}
	}
	if used := tn.overrun(c.shard.now, c.since); used > 0 {
		tn.move(tn.stretch(used))
	}
}

// move changes the tag.
func (tn *tenancy) move(by int64) {
	tn.tag += by
	tn.crew.highest = max(tn.crew.highest, tn.tag)
	tn.fix()
}

// fix finds the places of tn again after its tag has moved, or its turn.
func (tn *tenancy) fix() {
	for _, b := range tn.berths {
		b.post.line.fix(b)
	}
}

// begin notes a berth with something to give from now on. A tenancy that had none goes
// behind those that wait.
func (tn *tenancy) begin(b *berth) {
	if len(tn.berths) == 0 {
		c := tn.crew
		tn.bill()
		start := c.level()
		if !tn.missed {
			start += tn.stretch(tn.estimate())
		}
		tn.move(max(start-tn.tag, 0))
		tn.turn, tn.missed = c.turn(), false
		c.waiting++
	}
	tn.berths = append(tn.berths, b)
}

// cease is the inverse of begin.
func (tn *tenancy) cease(b *berth) {
	tn.berths = slices.DeleteFunc(tn.berths, func(other *berth) bool { return other == b })
	if len(tn.berths) == 0 {
		tn.crew.waiting--
	}
}

// renew begins an era. Tags go back to nothing, or, if any wait at posts without workers,
// to where none of theirs is higher: so that lines need not be put in order again.
func (c *crew) renew() {
	c.era++
	c.since = c.shard.now
	if c.waiting == 0 {
		c.highest = 0
	}
	c.base, c.virtual = c.highest, c.highest
}

// level is how far those are served that wait for workers that there are.
func (c *crew) level() int64 {
	lowest := int64(math.MaxInt64)
	for _, p := range c.wanted {
		if first := p.line.first(); first != nil {
			lowest = min(lowest, first.of.tag)
		}
		for _, b := range p.aside {
			if b.waits {
				lowest = min(lowest, b.of.tag)
			}
		}
	}
	if lowest == math.MaxInt64 {
		return c.virtual
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
	tn.move(tn.stretch(t.advance))
}

// settle gives back what t was charged beyond what it took, and learns from that.
func (tn *tenancy) settle(t *task, ran Time) {
	tn.bill()
	took := t.took(ran)
	tn.mean = average(tn.mean, took)
	tn.crew.mean = average(tn.crew.mean, took)
	if t.era == tn.era {
		tn.move(-tn.stretch(tn.refund(t.advance, took)))
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

// tenancy is what a tenant has of the crew of w; nil if w is not shared.
func (w *worker) tenancy(tenant id.ID) *tenancy {
	if w.crew == nil {
		return nil
	}
	return w.crew.of[tenant]
}
