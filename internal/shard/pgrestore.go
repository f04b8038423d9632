package shard

import (
	"cmp"
	"context"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/record/child"
	"github.com/adzehq/adze/internal/record/durable"
	"github.com/adzehq/adze/internal/record/event"
	"github.com/adzehq/adze/internal/record/flow"
	"github.com/adzehq/adze/internal/record/idempotency"
	"github.com/adzehq/adze/internal/record/open"
	"github.com/adzehq/adze/internal/record/run"
	"github.com/adzehq/adze/internal/record/schedule"
	"github.com/adzehq/adze/internal/record/task"
	"github.com/adzehq/adze/internal/record/worker"
)

// Restore reads one statement after the other: the lease keeps all other writers
// of the shard away.
func (s *postgres) Restore(ctx context.Context, shard int32, epoch int64) (*core.Restore, error) {
	definitions, err := s.Definitions(ctx, shard)
	if err != nil {
		return nil, err
	}
	r := &core.Restore{Epoch: epoch}
	for _, add := range []func() error{
		func() error { return s.addMarks(ctx, shard, r) },
		func() error { return s.addTasks(ctx, shard, r, len(definitions) > 0) },
		func() error { return s.addEnded(ctx, r.Runs, definitions) },
		func() error { return s.addDurable(ctx, shard, r, definitions) },
		func() error { return s.addSchedules(ctx, shard, r) },
		func() error { return s.addOnce(ctx, shard, r) },
		func() error { return s.addBacklog(ctx, shard, r) },
		func() error { return s.addFlow(ctx, shard, r) },
	} {
		if err := add(); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (s *postgres) addMarks(ctx context.Context, shard int32, r *core.Restore) (err error) {
	if r.LowWater, err = open.LowWater(ctx, s.pool, shard); err != nil {
		return err
	}
	r.LastID, err = s.lastID(ctx)
	return err
}

// lastID is an id that no row of any shard is above, be it there yet or to come.
func (s *postgres) lastID(ctx context.Context) (id.ID, error) {
	lastTask, err := task.LastID(ctx, s.pool)
	if err != nil {
		return 0, err
	}
	lastRun, err := run.LastID(ctx, s.pool)
	if err != nil {
		return 0, err
	}
	lastEvent, err := event.LastID(ctx, s.pool)
	if err != nil {
		return 0, err
	}
	lastSchedule, err := schedule.LastID(ctx, s.pool)
	return max(lastTask, lastRun, lastEvent, lastSchedule), err
}

// addTasks reads the tasks and runs that go on. A shard that was never used is spared
// the look at everybody's history: a task needs a definition first.
func (s *postgres) addTasks(ctx context.Context, shard int32, r *core.Restore, defined bool) (err error) {
	if r.Running, err = open.Running(ctx, s.pool, shard); err != nil {
		return err
	}
	if r.Runs, err = run.Saved(ctx, s.pool, shard); err != nil {
		return err
	}
	if r.LowWater == 0 && !defined {
		return nil
	}
	if r.Fresh, err = task.Fresh(ctx, s.pool, shard, r.LowWater); err != nil {
		return err
	}
	runs, err := run.Fresh(ctx, s.pool, shard, r.LowWater)
	r.Runs = append(r.Runs, runs...)
	slices.SortFunc(r.Runs, func(a, b core.OpenRun) int { return cmp.Compare(a.ID, b.ID) })
	return err
}

// addEnded adds to open runs how their tasks ended. How many a run has is its
// definition's to say.
func (s *postgres) addEnded(ctx context.Context, runs []core.OpenRun, definitions []StoredDefinition) error {
	if len(runs) == 0 {
		return nil
	}
	nodes := make(map[id.ID]int, len(definitions))
	for i := range definitions {
		if graph := definitions[i].Graph; graph != nil {
			nodes[definitions[i].Version] = len(graph.Nodes)
		}
	}
	return run.AddEnded(ctx, s.pool, runs, func(version id.ID) int { return nodes[version] })
}

// addDurable reads how far the logs of durable tasks are, what is waited for, and whose
// children are still to be cancelled.
func (s *postgres) addDurable(ctx context.Context, shard int32, r *core.Restore, definitions []StoredDefinition) error {
	logged, waiting := loggedAndWaiting(r, definitions)
	woken, err := open.Woken(ctx, s.pool, shard)
	if err != nil {
		return err
	}
	for part := range slices.Chunk(logged, restoreIDsMax) {
		sizes, err := durable.LogSizes(ctx, s.pool, part)
		if err != nil {
			return err
		}
		r.Logs = append(r.Logs, sizes...)
	}
	if r.Waits, err = durable.Watched(ctx, s.pool, shard); err != nil {
		return err
	}
	for part := range slices.Chunk(append(waiting, woken...), restoreIDsMax) {
		waits, err := durable.Waits(ctx, s.pool, part)
		if err != nil {
			return err
		}
		r.Waits = append(r.Waits, waits...)
	}
	r.Waits = distinct(r.Waits)
	r.Closing, err = child.Closing(ctx, s.pool, shard)
	return err
}

// restoreIDsMax bounds the ids of one look-up.
const restoreIDsMax = 10_000

// loggedAndWaiting are the tasks among those that go on that may have a log, and those
// that may have a wait: durable ones, and tasks of graphs that have not begun.
func loggedAndWaiting(r *core.Restore, definitions []StoredDefinition) (logged, waiting []id.ID) {
	of := make(map[id.ID]*StoredDefinition, len(definitions))
	for i := range definitions {
		of[definitions[i].Version] = &definitions[i]
	}
	for i := range r.Running {
		if o := &r.Running[i]; of[o.Version].durable(o.Run, o.Node) {
			logged, waiting = append(logged, o.ID), append(waiting, o.ID)
		}
	}
	for i := range r.Fresh {
		t := &r.Fresh[i]
		if of[t.Version].durable(t.Run, t.Node) {
			logged, waiting = append(logged, t.ID), append(waiting, t.ID)
		} else if t.Run != 0 {
			waiting = append(waiting, t.ID)
		}
	}
	return logged, waiting
}

// durable tells whether tasks of the version are, or that one of a graph.
func (d *StoredDefinition) durable(run id.ID, node int32) bool {
	switch {
	case d == nil:
		return false
	case run == 0:
		return d.Durable
	default:
		return d.Graph != nil && int(node) < len(d.Graph.Nodes) && d.Graph.Nodes[node].Durable
	}
}

// distinct sorts waits by their keys and keeps one of each.
func distinct(waits []core.Wait) []core.Wait {
	slices.SortFunc(waits, func(a, b core.Wait) int {
		return cmp.Or(cmp.Compare(a.Task, b.Task), cmp.Compare(a.Index, b.Index))
	})
	return slices.CompactFunc(waits, func(a, b core.Wait) bool { return a.Task == b.Task && a.Index == b.Index })
}

// addSchedules reads where schedules stand.
func (s *postgres) addSchedules(ctx context.Context, shard int32, r *core.Restore) (err error) {
	r.Schedules, err = schedule.States(ctx, s.pool, shard)
	return err
}

// addOnce reads who holds which once key, and who is still to be cancelled.
func (s *postgres) addOnce(ctx context.Context, shard int32, r *core.Restore) (err error) {
	if r.Once, r.OnceStored, err = idempotency.Held(ctx, s.pool, shard, core.OnceKeysMax); err != nil {
		return err
	}
	if r.OnceStored > 0 { // the others are not free before these
		r.OnceDue = r.Once[len(r.Once)-1].Until
	}
	replaced, err := idempotency.Replaced(ctx, s.pool, shard)
	r.Once = append(r.Once, replaced...)
	return err
}

// addFlow reads how things work, who has places in limits, and who may run something.
func (s *postgres) addFlow(ctx context.Context, shard int32, r *core.Restore) (err error) {
	if r.Settings, err = flow.OfShard(ctx, s.pool, shard); err != nil {
		return err
	}
	if r.Rates, err = flow.RatesOfShard(ctx, s.pool, shard); err != nil {
		return err
	}
	if r.Holding, err = open.Holding(ctx, s.pool, shard); err != nil {
		return err
	}
	r.Workers, err = worker.Present(ctx, s.pool, shard)
	return err
}

// addBacklog counts what stays in Postgres until its turn comes.
func (s *postgres) addBacklog(ctx context.Context, shard int32, r *core.Restore) (err error) {
	if r.Lanes, err = open.Lanes(ctx, s.pool, shard); err != nil {
		return err
	}
	if r.Delayed, err = open.Delayed(ctx, s.pool, shard); err != nil {
		return err
	}
	r.NextDue, err = open.NextDue(ctx, s.pool, shard, 0)
	return err
}
