package sim

import (
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// oneSlot is what a task takes up of which nothing is said.
var oneSlot = []core.SlotUse{{Units: 1}}

// slots are what t takes up, by type.
func (t *task) slots() []core.SlotUse {
	if len(t.def.Slots) == 0 {
		return oneSlot
	}
	return t.def.Slots
}

// wide tells whether t takes up several slots: a worker may be kept for it.
func (t *task) wide() bool {
	units := int32(0)
	for _, use := range t.slots() {
		units += use.Units
	}
	return units > 1
}

// sharesSlots tells whether two tasks take up slots of the same type.
func (t *task) sharesSlots(other *task) bool {
	return slices.ContainsFunc(t.slots(), func(use core.SlotUse) bool {
		return slices.ContainsFunc(other.slots(), func(its core.SlotUse) bool { return its.Type == use.Type })
	})
}

func (w *worker) slotsOf(typ string) int32 {
	if typ == "" {
		return w.slots
	}
	return w.typed
}

// has tells whether w has so many free slots of each type.
func (w *worker) has(uses []core.SlotUse) bool {
	for _, use := range uses {
		if w.inUse(use.Type)+use.Units > w.slotsOf(use.Type) {
			return false
		}
	}
	return true
}

// couldHave is has of a worker that runs nothing.
func (w *worker) couldHave(uses []core.SlotUse) bool {
	return !slices.ContainsFunc(uses, func(use core.SlotUse) bool { return use.Units > w.slotsOf(use.Type) })
}

// takes tells whether w is given anything new.
func (w *worker) takes() bool { return w.away == 0 && !w.paused && !w.spared }

// free tells whether w has the slots that t takes up, and is given anything new.
func (w *worker) free(t *task) bool { return w.takes() && w.has(t.slots()) }

// keepers are tasks that take up several slots and wait, one of each class: a worker may
// be kept for each of them, so that it has room at last.
func (m *model) keepers() []*task {
	if m.kept != nil {
		return *m.kept
	}
	var keepers []*task
	seen := map[lane]bool{}
	for _, t := range m.tasks {
		class := m.class(t)
		if t.state == core.OpenReady && t.inClass() && t.wide() && !seen[class] {
			seen[class] = true
			keepers = append(keepers, t)
		}
	}
	m.kept = &keepers
	return keepers
}

// maybeKept tells whether w may be kept for others than t.
func (m *model) maybeKept(w *worker, t *task) bool {
	return slices.ContainsFunc(m.keepers(), func(other *task) bool {
		return m.class(t) != m.class(other) && t.sharesSlots(other) && m.serves(w, other) && w.couldHave(other.slots())
	})
}

// checkSlotsCounted: slots in use, of each type, are those of the attempts that a worker
// may still run, but for those that gave theirs back.
func (h *history) checkSlotsCounted() *Violation {
	for tenant := range tenants {
		for _, stat := range h.shard.Workers(firstTenant + id.ID(tenant)) {
			w := h.model.workers[stat.Worker]
			if w == nil {
				return broken(slotsCounted, "worker %d is gone, and the core has %+v", stat.Worker, stat)
			}
			for _, room := range stat.Rooms {
				least, most := w.certain(room.Type), w.inUse(room.Type)
				if room.Used < min(least, most) || room.Used > max(least, most) {
					return broken(slotsCounted, "worker %d has %d slots %q in use, those of %d attempts are %d to %d", w.id, room.Used, room.Type, len(w.held), least, most)
				}
			}
		}
	}
	return nil
}
