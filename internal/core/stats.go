package core

import "github.com/adzehq/adze/internal/base/id"

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
		Workers: len(s.workers), Loads: s.loads.flying, Low: s.ledger.low,
		Watched: len(s.waits.events) + len(s.waits.runs), Closing: len(s.closing),
		Once: len(s.once.byRun), OnceStored: s.once.stored, Replaced: len(s.once.replaced),
	}
	count := func(l *lane) {
		stats.Ready += l.len() + len(l.arrived)
		stats.Stored += l.stored
	}
	for _, c := range s.classes {
		for _, l := range c.byKey {
			count(l)
		}
	}
	for _, l := range s.limits {
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
		return Live{State: OpenRunning, Tenant: r.graph.Tenant}
	}
	t := s.tasks[task]
	if t == nil {
		return Live{}
	}
	live := Live{State: t.state, Tenant: t.def.Tenant, Version: t.def.Version, Run: t.runID(), Node: t.node, Attempt: t.attempt, Due: t.due}
	if t.state == OpenRunning {
		live.Worker, live.Assigned, live.Started = t.worker.id, t.assigned, t.started
	}
	return live
}
