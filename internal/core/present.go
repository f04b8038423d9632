package core

import (
	"cmp"
	"maps"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
)

// WorkerStat is where a worker stands.
type WorkerStat struct {
	Worker  id.ID
	Home    id.ID // whose worker it is
	Actions []string
	Labels  map[string]string
	Rooms   []Room // by type; those of the default one first
	Running int    // attempts; of another tenant's worker: those of the tenant that asks
	Guests  int    // of them, those of other tenants
	Paused  bool
	Spared  bool // it is given nothing new, as it cannot be reached
	Until   Time // it is away, and expected back until then; 0 = it is connected
}

// Room is how many slots of a type a worker has, and how many of them are in use.
type Room struct {
	Type        string
	Slots, Used int32
}

// Workers tells where the workers of a tenant stand, and those of others that may run its
// tasks, oldest first: for people, not for the hot path.
func (s *Shard) Workers(tenant id.ID) (stats []WorkerStat) {
	for _, w := range s.workers {
		if w.tenant == tenant {
			stat := w.stat()
			stat.Guests = w.running - w.runs(tenant)
			stats = append(stats, stat)
		} else if s.serves(w.tenant, tenant) {
			stat := w.stat()
			stat.Running = w.runs(tenant)
			stats = append(stats, stat)
		}
	}
	slices.SortFunc(stats, func(a, b WorkerStat) int { return cmp.Compare(a.Worker, b.Worker) })
	return stats
}

// Held is an attempt that a worker has, as it was assigned.
type Held struct {
	Assignment      // without Seq
	Released   bool // it has given its slots back
}

// Held are the attempts of a tenant's worker, in the order of their assignment.
func (s *Shard) Held(tenant, of id.ID) (held []Held) {
	w := s.workers[of]
	if w == nil || w.tenant != tenant {
		return nil
	}
	for t := w.first; t != nil; t = t.next {
		a := Assignment{
			Worker: w.id, Task: t.id, Version: t.def.Version, Token: t.token, Attempt: t.attempt,
			Deadline: t.due, Run: t.runID(), Node: t.node, Entries: t.entries, Suspensions: t.rests,
		}
		if t.batch != nil {
			a.Batch, a.BatchKey = t.batch.id, t.batchKey()
		}
		held = append(held, Held{a, t.released})
	}
	return held
}

// runs counts the attempts of a tenant that w has.
func (w *worker) runs(tenant id.ID) (n int) {
	for t := w.first; t != nil; t = t.next {
		if t.def.Tenant == tenant {
			n++
		}
	}
	return n
}

func (w *worker) stat() WorkerStat {
	stat := WorkerStat{
		Worker: w.id, Home: w.tenant, Actions: w.actions(), Labels: maps.Clone(w.labels), Rooms: []Room{{Slots: w.slots, Used: w.used}},
		Running: w.running, Paused: w.paused, Spared: w.spared, Until: w.until,
	}
	for _, r := range w.types {
		stat.Rooms = append(stat.Rooms, Room{Type: r.typ, Slots: r.slots, Used: r.used})
	}
	slices.SortFunc(stat.Rooms, func(a, b Room) int { return cmp.Compare(a.Type, b.Type) })
	return stat
}
