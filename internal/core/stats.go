package core

import (
	"maps"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
)

// Stats counts what the shard holds.
type Stats struct {
	Resident   int   // tasks in memory
	Runs       int   // open runs of graphs
	Ready      int   // of them, in a lane
	Delayed    int   // of them, waiting for a time
	Running    int   // of them, at a worker
	Stored     int64 // tasks in Postgres only
	Workers    int   // connected or expected back
	SlotsUsed  int   // of all types, by attempts outstanding at workers, abandoned ones included; those of a batch share theirs
	Held       int   // places of limits that are taken
	Groups     int   // keys of limits that somebody has a place of, or waits for one
	Classes    int   // kinds of tasks that the same workers can run
	Lanes      int   // of classes
	Shares     int   // keys of queues that are remembered
	Loads      int   // in flight
	Waits      int   // open waits in memory
	Watched    int   // what they are found by: keys of events, runs
	Closing    int   // tasks whose children are being cancelled
	Once       int   // once keys in memory, held
	OnceStored int64 // once keys in Postgres only
	Replaced   int   // runs that lost their once key and are being cancelled
	Low        id.ID // the low-water mark
}

// Stats counts by a walk over the workers and lanes: for tests and metrics, not
// for the hot path.
func (s *Shard) Stats() Stats {
	stats := Stats{
		Resident: len(s.tasks), Runs: len(s.runs), Delayed: s.delayed.len(), Stored: s.delayed.stored,
		Workers: len(s.workers), Classes: len(s.classes), Loads: s.loads.flying, Low: s.ledger.low,
		Watched: len(s.waits.events) + len(s.waits.runs), Closing: len(s.closing),
		Once: len(s.once.byRun), OnceStored: s.once.stored, Replaced: len(s.once.replaced),
	}
	count := func(l *lane) {
		stats.Ready += l.len() + len(l.arrived)
		stats.Stored += l.stored
	}
	for _, q := range s.queues {
		stats.Shares += len(q.shares)
	}
	for _, c := range s.classes {
		for _, l := range c.byKey {
			count(l)
		}
		stats.Lanes += len(c.byKey)
	}
	for _, l := range s.limits {
		stats.Groups += len(l.groups)
		for _, g := range l.groups {
			stats.Held += len(g.held)
			count(g.lane)
		}
	}
	for _, p := range s.pauses {
		count(p.lane)
	}
	for _, waits := range s.waits.of {
		stats.Waits += len(waits)
	}
	for _, w := range s.workers {
		stats.SlotsUsed += int(w.used)
		for _, of := range w.types {
			stats.SlotsUsed += int(of.used)
		}
		stats.Running += w.running
	}
	return stats
}

// Live is where a task stands right now.
func (s *Shard) Live(task id.ID) Live {
	if r := s.runs[task]; r != nil {
		return Live{State: OpenRunning, Tenant: r.graph.Tenant, Version: r.graph.Version, Passed: r.passed}
	}
	t := s.tasks[task]
	if t == nil {
		return Live{}
	}
	live := Live{State: t.state, Tenant: t.def.Tenant, Version: t.def.Version, Run: t.runID(), Node: t.node, Attempt: t.attempt, Due: t.due, Passed: t.passed, Suspensions: t.rests}
	switch t.state {
	case OpenRunning:
		live.Worker, live.Token, live.Assigned, live.Started = t.worker.id, t.token, t.assigned, t.started
	case OpenReady:
		if p, waits := t.lane.place.(*pause); waits {
			live.Paused = p.key.what() + " " + p.key.name
		}
	}
	return live
}

// Holding is who has the places of one key of a limit.
type Holding struct {
	Key   string
	Max   int     // how many may have one
	Held  []id.ID // tasks, and runs of graphs; ascending
	Queue int64   // how many wait for one, here or in Postgres
}

// Holdings are those of a limit that are in use, by key.
func (s *Shard) Holdings(tenant id.ID, limit string) []Holding {
	l := s.limits[queueKey{tenant, limit}]
	if l == nil {
		return nil
	}
	holdings := make([]Holding, 0, len(l.groups))
	for _, key := range slices.Sorted(maps.Keys(l.groups)) {
		g := l.groups[key]
		held := Holding{Key: key, Max: g.bound(), Queue: int64(g.lane.len()+len(g.lane.arrived)) + g.lane.stored}
		for i := range g.held {
			held.Held = append(held.Held, g.held[i].id)
		}
		holdings = append(holdings, held)
	}
	return holdings
}
