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
	Actions []string
	Labels  map[string]string
	Rooms   []Room // by type; those of the default one first
	Running int    // attempts
	Paused  bool
	Until   Time // it is away, and expected back until then; 0 = it is connected
}

// Room is how many slots of a type a worker has, and how many of them are in use.
type Room struct {
	Type        string
	Slots, Used int32
}

// Workers tells where the workers of a tenant stand, oldest first: for people, not for the
// hot path.
func (s *Shard) Workers(tenant id.ID) (stats []WorkerStat) {
	for _, w := range s.workers {
		if w.tenant == tenant {
			stats = append(stats, w.stat())
		}
	}
	slices.SortFunc(stats, func(a, b WorkerStat) int { return cmp.Compare(a.Worker, b.Worker) })
	return stats
}

func (w *worker) stat() WorkerStat {
	stat := WorkerStat{
		Worker: w.id, Labels: maps.Clone(w.labels), Rooms: []Room{{Slots: w.slots, Used: w.used}},
		Running: w.running, Paused: w.paused, Until: w.until,
	}
	for _, a := range w.served {
		stat.Actions = append(stat.Actions, a.name)
	}
	for _, r := range w.types {
		stat.Rooms = append(stat.Rooms, Room{Type: r.typ, Slots: r.slots, Used: r.used})
	}
	slices.SortFunc(stat.Rooms, func(a, b Room) int { return cmp.Compare(a.Type, b.Type) })
	return stat
}
