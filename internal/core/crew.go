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

	waiting turns            // tenancies that have something to give to workers of the crew
	posts   map[string]*post // by need
	stirred []*post          // that are looked at in this Apply
	virtual int64            // the tag of the tenancy that was served last
	turns   uint64
	mean    int64 // slot·ms of a task, of all tenants

	// An era begins when one waits after nobody did: what workers did while nobody waited
	// for them is held against none.
	era   uint64
	since Time // it began
}

// tenancy is what a tenant has had of a crew. Its tag is that in slot·ms over the tenant's
// weight; the one with the lowest tag is served next. One that had nothing to give for a
// while begins a task behind those that wait: an idle tenant saves up nothing.
type tenancy struct {
	crew    *crew
	tenant  id.ID
	weight  int64  // in thousandths
	granted uint64 // the Apply of its grant; 0 = of an owner before

	tag  int64
	turn uint64 // of those with the same tag, lower first
	usage
	era uint64 // of the tag

	berths []*berth // with something to give
	seat   seat     // in crew.waiting
	missed bool
}

func (tn *tenancy) before(other *tenancy) bool {
	return tn.tag < other.tag || tn.tag == other.tag && tn.turn < other.turn
}

// stretch is how far so many slot·ms move the tag.
func (tn *tenancy) stretch(used int64) int64 { return used * tagOfTask * WeightDefault / tn.weight }

// estimate is what a task will probably take.
func (tn *tenancy) estimate() int64 { return tn.usage.estimate(tn.crew.mean) }

// bill brings the tag up to date with what the tenant's attempts have used. Until then it
// may be lower than it should, never higher: who is first with a tag that was just billed is
// the first of all.
func (tn *tenancy) bill() {
	c := tn.crew
	if tn.era != c.era {
		tn.era, tn.tag, tn.prepaid, tn.billed = c.era, 0, 0, c.since
	}
	tn.tag += tn.stretch(tn.overrun(c.shard.now, c.since))
	tn.fix()
}

// fix finds the places of tn again after its tag has moved.
func (tn *tenancy) fix() {
	tn.crew.waiting.fix(&tn.seat)
	for _, b := range tn.berths {
		b.post.line.fix(&b.seat)
	}
}

// begin notes a berth with something to give from now on. A tenancy that had none goes
// behind those that wait.
func (tn *tenancy) begin(b *berth) {
	tn.berths = append(tn.berths, b)
	if len(tn.berths) > 1 {
		return
	}
	c := tn.crew
	if c.waiting.Len() == 0 {
		c.renew()
	}
	tn.bill()
	start := c.level()
	if !tn.missed {
		start += tn.stretch(tn.estimate())
	}
	tn.tag, tn.missed = max(tn.tag, start), false
	tn.turn = c.turn()
	c.waiting.add(&tn.seat)
}

// cease is the inverse of begin.
func (tn *tenancy) cease(b *berth) {
	tn.berths = slices.DeleteFunc(tn.berths, func(other *berth) bool { return other == b })
	if len(tn.berths) == 0 {
		tn.crew.waiting.remove(&tn.seat)
	}
}

// renew begins an era.
func (c *crew) renew() {
	c.era++
	c.since, c.virtual = c.shard.now, 0
}

// level is how far those are served that wait.
func (c *crew) level() int64 {
	if first := c.waiting.first(); first != nil {
		return max(c.virtual, first.of.tag)
	}
	return c.virtual
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
	tn.fix()
}

// settle gives back what t was charged beyond what it took, and learns from that.
func (tn *tenancy) settle(t *task, ran Time) {
	tn.bill()
	took := t.took(ran)
	tn.mean = average(tn.mean, took)
	tn.crew.mean = average(tn.crew.mean, took)
	if t.era == tn.era {
		tn.tag -= tn.stretch(tn.refund(t.advance, took))
		tn.fix()
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
