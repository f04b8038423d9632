package shard

import (
	"context"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/record/child"
	"github.com/adzehq/adze/internal/record/durable"
	"github.com/adzehq/adze/internal/record/event"
	"github.com/adzehq/adze/internal/record/idempotency"
	"github.com/adzehq/adze/internal/record/open"
	"github.com/adzehq/adze/internal/record/run"
	"github.com/adzehq/adze/internal/record/task"
)

// Load implements Store. Rows are read before what belongs to them: whatever comes
// between is newer than the load, and the core knows of it.
func (s *postgres) Load(ctx context.Context, shard int32, load core.Load) (*core.Loaded, error) {
	if load.Kind == core.LoadLane {
		all, err := s.LoadLanes(ctx, shard, []core.Load{load})
		if err != nil {
			return nil, err
		}
		return all[0], nil
	}
	loaded := &core.Loaded{Load: load}
	var err error
	switch load.Kind {
	case core.LoadDue:
		if loaded.Rows, err = open.Due(ctx, s.pool, shard, load); err == nil {
			loaded.NextDue, err = open.NextDue(ctx, s.pool, shard, load.Until)
		}
	case core.LoadTasks, core.LoadWake:
		loaded.Rows, err = open.ByID(ctx, s.pool, load.Tasks)
	case core.LoadWhy:
		if loaded.Rows, err = open.ByID(ctx, s.pool, load.Tasks); err == nil {
			loaded.Ahead, err = open.Ahead(ctx, s.pool, shard, loaded.Rows)
		}
	case core.LoadPast:
		loaded.Past, err = s.past(ctx, load.Past)
	case core.LoadEnded:
		loaded.Ended, err = s.ended(ctx, load.Tasks)
	case core.LoadChildren:
		if loaded.Children, err = child.OpenOfParent(ctx, s.pool, load.Tasks[0]); err == nil {
			loaded.Rows, err = s.openTasks(ctx, loaded.Children)
		}
	case core.LoadOnce:
		loaded.Once, err = idempotency.ByKey(ctx, s.pool, load.Tenant, load.Keys)
	case core.LoadOnceDue:
		loaded.Once, loaded.NextDue, err = idempotency.Due(ctx, s.pool, shard, load.Until, load.Limit)
	case core.LoadOnceEnded:
		loaded.Once, err = idempotency.Ended(ctx, s.pool, load.Tasks)
	case core.LoadKeys:
		loaded.Children, err = child.OfParent(ctx, s.pool, load.Tasks[0])
	}
	if err != nil {
		return nil, err
	}
	return loaded, s.complete(ctx, shard, loaded)
}

// LoadLanes implements Store.
func (s *postgres) LoadLanes(ctx context.Context, shard int32, loads []core.Load) ([]*core.Loaded, error) {
	windows, err := open.Windows(ctx, s.pool, shard, loads, loads[0].Limit)
	if err != nil {
		return nil, err
	}
	all := make([]*core.Loaded, len(loads))
	for i := range loads {
		all[i] = &core.Loaded{Load: loads[i], Rows: windows[i]}
		if err := s.complete(ctx, shard, all[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// complete adds what belongs to the rows.
func (s *postgres) complete(ctx context.Context, shard int32, loaded *core.Loaded) (err error) {
	if loaded.Waits, err = s.waitsOf(ctx, loaded.Rows); err != nil {
		return err
	}
	loaded.Runs, err = s.runsOf(ctx, shard, loaded)
	return err
}

// runsOf reads the open runs of tasks that were loaded, and those that a task load may
// be about.
func (s *postgres) runsOf(ctx context.Context, shard int32, loaded *core.Loaded) ([]core.OpenRun, error) {
	var ids []id.ID
	for i := range loaded.Rows {
		if run := loaded.Rows[i].Run; run != 0 {
			ids = append(ids, run)
		}
	}
	switch loaded.Load.Kind {
	case core.LoadTasks, core.LoadWhy:
		ids = append(ids, loaded.Load.Tasks...)
	case core.LoadChildren:
		for i := range loaded.Children {
			ids = append(ids, loaded.Children[i].Run)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	slices.Sort(ids)
	runs, err := run.OpenByID(ctx, s.pool, slices.Compact(ids))
	if err != nil || len(runs) == 0 {
		return nil, err
	}
	return runs, s.addEndedByVersion(ctx, shard, runs)
}

// addEndedByVersion is addEnded of runs whose definitions were read before, mostly.
func (s *postgres) addEndedByVersion(ctx context.Context, shard int32, runs []core.OpenRun) error {
	for i := range runs {
		if _, known := s.nodes.Load(runs[i].Version); known {
			continue
		}
		if _, err := s.Definitions(ctx, shard); err != nil { // another engine defined it
			return err
		}
		break
	}
	return run.AddEnded(ctx, s.pool, runs, func(version id.ID) int {
		nodes, _ := s.nodes.Load(version)
		n, _ := nodes.(int)
		return n
	})
}

// waitsOf reads what tasks wait for, of those that have waits.
func (s *postgres) waitsOf(ctx context.Context, rows []core.OpenTask) ([]core.Wait, error) {
	var waiting []id.ID
	for i := range rows {
		if rows[i].Waits > 0 {
			waiting = append(waiting, rows[i].ID)
		}
	}
	if len(waiting) == 0 {
		return nil, nil
	}
	return durable.Waits(ctx, s.pool, waiting)
}

// openTasks reads the checkpoint rows of those children that are tasks.
func (s *postgres) openTasks(ctx context.Context, children []core.ChildRun) ([]core.OpenTask, error) {
	if len(children) == 0 {
		return nil, nil
	}
	ids := make([]id.ID, len(children))
	for i := range children {
		ids[i] = children[i].Run
	}
	return open.ByID(ctx, s.pool, ids)
}

// ended tells which of the ids are tasks, or runs of graphs, that have ended.
func (s *postgres) ended(ctx context.Context, ids []id.ID) ([]id.ID, error) {
	tasks, err := task.WithResult(ctx, s.pool, ids)
	if err != nil || len(tasks) == len(ids) {
		return tasks, err
	}
	runs, err := run.WithResult(ctx, s.pool, ids)
	return append(tasks, runs...), err
}

const (
	// lookPage is how many events are read at once by whoever looks back. Their payloads
	// are in memory meanwhile.
	lookPage = 100

	// lookEventsMax is how many events one condition looks at, those included that it is
	// not about: some seconds' work. One that is not among them counts as not there: the
	// condition waits for the next.
	lookEventsMax = 100_000
)

// past finds for each lookback the first event that meets its condition.
func (s *postgres) past(ctx context.Context, lookbacks []core.Lookback) ([]core.Past, error) {
	found := make([]core.Past, len(lookbacks))
	var filters watches // its own: many of one load wait for the same
	for i := range lookbacks {
		var err error
		if found[i], err = s.lookBack(ctx, &lookbacks[i], &filters); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// lookBack goes through the past page by page, up to the first event that fits.
func (s *postgres) lookBack(ctx context.Context, look *core.Lookback, filters *watches) (core.Past, error) {
	from, read := look.Condition.After, event.Past
	if look.Condition.Newest {
		from, read = 0, event.PastNewest
	}
	for looked := 0; looked < lookEventsMax; looked += lookPage {
		page, err := read(ctx, s.pool, look, from, lookPage)
		if err != nil {
			return core.Past{}, err
		}
		for i := range page.Events {
			if e := &page.Events[i]; filters.fits(look.Condition.Filter, e) {
				return core.Past{Event: e.ID, Payload: e.Payload}, nil
			}
		}
		if page.Looked < lookPage {
			break
		}
		from = page.Last
	}
	return core.Past{}, nil
}
