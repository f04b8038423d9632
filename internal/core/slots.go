package core

// room is how many slots of a type a worker has, and how many of them are taken.
type room struct {
	typ         string
	slots, used int32
}

// oneSlot is what a task takes up of which nothing is said.
const oneSlot = 1

// room is what tasks of that need take up of a worker.
func (n *Need) room() []SlotUse {
	if len(n.Slots) == 0 {
		return []SlotUse{{Units: oneSlot}}
	}
	return n.Slots
}

// has tells whether w has so many free slots of each type.
func (w *worker) has(uses []SlotUse) bool {
	if len(uses) == 0 {
		return w.used+oneSlot <= w.slots
	}
	for _, use := range uses {
		if slots, used := w.room(use.Type); used+use.Units > slots {
			return false
		}
	}
	return true
}

// couldHave is has of a worker that runs nothing.
func (w *worker) couldHave(uses []SlotUse) bool {
	for _, use := range uses {
		if slots, _ := w.room(use.Type); use.Units > slots {
			return false
		}
	}
	return len(uses) > 0 || w.slots > 0
}

// room is how many slots of a type w has, and how many are in use.
func (w *worker) room(typ string) (slots, used int32) {
	if typ == "" {
		return w.slots, w.used
	}
	for i := range w.types {
		if w.types[i].typ == typ {
			return w.types[i].slots, w.types[i].used
		}
	}
	return 0, 0
}

// take counts slots as used.
func (w *worker) take(uses []SlotUse) {
	if len(uses) == 0 {
		w.used += oneSlot
	}
	for _, use := range uses {
		*w.usedOf(use.Type) += use.Units
	}
}

// give counts them as free again.
func (w *worker) give(uses []SlotUse) {
	if len(uses) == 0 {
		w.used -= oneSlot
	}
	for _, use := range uses {
		*w.usedOf(use.Type) -= use.Units
	}
}

// grip is what an attempt holds of its worker: slots, which those of a batch share.
type grip struct {
	batch   *batch
	uses    []SlotUse
	tenancy *tenancy // whom that is counted for; nil = nobody
}

func (t *task) grip() grip { return grip{t.batch, t.def.Slots, t.tenancy} }

// hold has w hold an attempt.
func (w *worker) hold(g grip) {
	if !w.occupy(g.batch) {
		return
	}
	if g.batch != nil {
		g.batch.uses = g.uses
	}
	w.take(g.uses)
	if g.tenancy != nil {
		g.tenancy.occupy(g.uses)
	}
}

// letGo is the inverse of hold; it tells whether slots are free again.
func (w *worker) letGo(g grip) bool {
	if !w.vacate(g.batch) {
		return false
	}
	if g.batch != nil {
		g.uses = g.batch.uses
	}
	w.give(g.uses)
	if g.tenancy != nil {
		g.tenancy.vacate(g.uses)
	}
	return true
}

func (w *worker) usedOf(typ string) *int32 {
	if typ == "" {
		return &w.used
	}
	for i := range w.types {
		if w.types[i].typ == typ {
			return &w.types[i].used
		}
	}
	w.types = append(w.types, room{typ: typ})
	return &w.types[len(w.types)-1].used
}

// setTypes changes how many slots w has; what is in use stays so.
func (w *worker) setTypes(slots int32, types []SlotUse) {
	w.slots = slots
	for i := range w.types {
		w.types[i].slots = 0
	}
	for _, t := range types {
		w.usedOf(t.Type) // it is there now
		for i := range w.types {
			if w.types[i].typ == t.Type {
				w.types[i].slots = t.Units
			}
		}
	}
}

// wide tells whether tasks take up several slots: a worker that gives each free slot
// to the next one that needs only that would never have room for them.
func (n *Need) wide() bool {
	units := int32(0)
	for _, use := range n.Slots {
		units += use.Units
	}
	return units > oneSlot
}

// shares tells whether tasks of both needs take up slots of the same type.
func (n *Need) shares(other *Need) bool {
	if len(n.Slots) == 0 && len(other.Slots) == 0 {
		return true
	}
	for _, use := range n.Slots {
		if other.uses(use.Type) {
			return true
		}
	}
	return len(n.Slots) == 0 && other.uses("")
}

func (n *Need) uses(typ string) bool {
	if len(n.Slots) == 0 {
		return typ == ""
	}
	for _, use := range n.Slots {
		if use.Type == typ {
			return true
		}
	}
	return false
}

// reserveMS is how long a worker may be kept for a class before another one that
// passes it over is kept instead: what runs at the first may run for long.
const reserveMS = 10_000

// passedOver is the wide class that w goes by when it is given t, which has left l: its
// turn came before, or it is of another queue, and so has a turn of its own.
func (w *worker) passedOver(l *lane, t *task) *class {
	if w.wide == 0 || w.reserved != nil {
		return nil
	}
	if w.crew != nil {
		return w.passedAtPost(l, t)
	}
	for i := range w.offers {
		if c := w.offers[(w.turn+i)%len(w.offers)].class; w.passes(c, l, t) {
			return c
		}
	}
	return nil
}

// passes tells whether w goes by a class, of the same tenant, when it is given t.
func (w *worker) passes(c *class, l *lane, t *task) bool {
	switch own := l.class; {
	case c == own || !c.need.wide() || c.lanes.len() == 0 || c.halted:
	case !c.need.shares(&own.need) || !w.couldHave(c.need.Slots):
	case c.reserved != nil && c.reserved.takes() && c.shard.now < c.reservedAt+reserveMS:
	default:
		return c.queue != own.queue || c.goesBefore(l, t)
	}
	return false
}

// passedAtPost is passedOver of a worker that is shared: of another tenant's classes, those
// are passed over whose tenant's turn came before. Of a post's classes it is not in the hand
// of each.
func (w *worker) passedAtPost(l *lane, t *task) *class {
	turn := w.tenancy(l.class.key.tenant)
	for _, sh := range w.shifts {
		p := sh.post
		if !p.need.wide() || p.line.first() == nil {
			continue
		}
		passed := func(b *berth) bool { return b.class.mayTake(w) && w.passes(b.class, l, t) }
		if b := p.line.find(0, turn, passed); b != nil {
			return b.class
		}
	}
	return nil
}

// goesBefore tells whether the first task of c goes before t, which has left l.
func (c *class) goesBefore(l *lane, t *task) bool {
	first := c.lanes.first()
	if first.share != l.share {
		return first.share.before(l.share.standing)
	}
	other := first.first()
	return other != nil && first.order(other).Before(l.order(t))
}

// reserve keeps slots of w for c: until it was given a task, others get none of the types
// that it needs. One worker at a time is kept for a class.
func (c *class) reserve(w *worker) {
	c.unreserve()
	c.reserved, c.reservedAt, w.reserved = w, c.shard.now, c
}

// unreserve ends that.
func (c *class) unreserve() {
	if w := c.reserved; w != nil {
		c.reserved, w.reserved = nil, nil
		c.shard.welcome(w)
	}
}
