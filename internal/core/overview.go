package core

import (
	"cmp"
	"maps"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
)

// QueueStat is where a queue stands.
type QueueStat struct {
	Name         string
	Ready        int64 // tasks that wait for a worker
	Running      int   // tasks that one has
	Keys         int   // that have some
	Oldest       id.ID // of those that are first of their keys, and in memory; 0 = none
	InPerMinute  float64
	OutPerMinute float64
	DrainMS      int64 // until it is empty, if it goes on so; 0 = it does not, or is empty
	Workers      int   // that offer one of its actions, and are connected
	Slots        int   // they have
	SlotsUsed    int
	Setting      QueueSetting // in force
	Top          []KeyStat    // the deepest keys; TopMax at most
}

// KeyStat is a key of a queue or a limit.
type KeyStat struct {
	Key    string
	Ready  int64 // waiting
	Held   int   // of a limit: places that are taken
	Max    int   // of a limit
	Weight int32 // of a queue, in thousandths
}

// LimitStat is where a concurrency limit stands.
type LimitStat struct {
	Name    string
	Setting LimitSetting
	Keys    int // that have places taken, or somebody waiting
	Held    int
	Waiting int64
	Top     []KeyStat
}

// TopMax bounds QueueStat.Top and LimitStat.Top.
const TopMax = 20

// Queues tells where the queues of a tenant stand, by name: for people, by a walk over
// their keys.
func (s *Shard) Queues(tenant id.ID, now Time) []QueueStat {
	var stats []QueueStat
	running := s.running(tenant)
	for _, q := range s.queues {
		if q.tenant == tenant {
			stat := q.stat(max(s.now, now))
			stat.Running = running[q.name]
			delete(running, q.name)
			stats = append(stats, stat)
		}
	}
	for name, n := range running {
		stats = append(stats, QueueStat{Name: name, Running: n})
	}
	slices.SortFunc(stats, func(a, b QueueStat) int { return cmp.Compare(a.Name, b.Name) })
	return stats
}

// running counts the tasks of a tenant that workers have, by queue.
func (s *Shard) running(tenant id.ID) map[string]int {
	running := map[string]int{}
	for _, w := range s.workers {
		for t := w.first; t != nil; t = t.next {
			if t.def.Tenant == tenant {
				running[queueOf(t.def)]++
			}
		}
	}
	return running
}

func (q *queue) stat(now Time) QueueStat {
	stat := QueueStat{
		Name: q.name, Setting: *q.all(),
		InPerMinute: q.in.perMinute(now), OutPerMinute: q.out.perMinute(now),
	}
	keys := map[string]*KeyStat{}
	workers := map[*worker]bool{}
	for _, c := range q.classes {
		for _, l := range c.byKey {
			l.count(&stat, keys)
		}
		for w := range c.offering() {
			workers[w] = w.until == 0
		}
	}
	for w, here := range workers {
		if here {
			stat.Workers++
			stat.Slots += int(w.slots)
			stat.SlotsUsed += int(w.used)
		}
	}
	stat.Keys, stat.Top = len(keys), top(keys)
	if faster := stat.OutPerMinute - stat.InPerMinute; stat.Ready > 0 && faster > 0 {
		stat.DrainMS = int64(float64(stat.Ready) * 60_000 / faster)
	}
	return stat
}

// count adds what waits in l to a queue and its keys.
func (l *lane) count(stat *QueueStat, keys map[string]*KeyStat) {
	n := int64(l.len()+len(l.arrived)) + l.stored
	if n == 0 {
		return
	}
	stat.Ready += n
	if t := l.first(); t != nil && (stat.Oldest == 0 || t.id < stat.Oldest) {
		stat.Oldest = t.id
	}
	k := keys[l.share.key]
	if k == nil {
		k = &KeyStat{Key: l.share.key, Weight: int32(l.share.weight())}
		keys[l.share.key] = k
	}
	k.Ready += n
}

// Limits tells where the concurrency limits of a tenant stand, by name.
func (s *Shard) Limits(tenant id.ID) []LimitStat {
	var stats []LimitStat
	for _, l := range s.limits {
		if l.tenant == tenant {
			stats = append(stats, l.stat())
		}
	}
	slices.SortFunc(stats, func(a, b LimitStat) int { return cmp.Compare(a.Name, b.Name) })
	return stats
}

func (l *limit) stat() LimitStat {
	stat := LimitStat{Name: l.name, Setting: *l.all()}
	keys := map[string]*KeyStat{}
	for _, g := range l.groups {
		n := int64(g.lane.len()+len(g.lane.arrived)) + g.lane.stored
		if n == 0 && len(g.held) == 0 {
			continue
		}
		stat.Held += len(g.held)
		stat.Waiting += n
		keys[g.key] = &KeyStat{Key: g.key, Ready: n, Held: len(g.held), Max: g.bound()}
	}
	stat.Keys, stat.Top = len(keys), top(keys)
	return stat
}

// top are the deepest keys.
func top(keys map[string]*KeyStat) []KeyStat {
	all := make([]KeyStat, 0, len(keys))
	for _, k := range slices.Collect(maps.Values(keys)) {
		all = append(all, *k)
	}
	slices.SortFunc(all, func(a, b KeyStat) int {
		return cmp.Or(cmp.Compare(b.Ready, a.Ready), cmp.Compare(b.Held, a.Held), cmp.Compare(a.Key, b.Key))
	})
	return all[:min(len(all), TopMax)]
}
