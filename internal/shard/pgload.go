package shard

import (
	"context"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/record/child"
	"github.com/adzehq/adze/internal/record/durable"
	"github.com/adzehq/adze/internal/record/event"
	"github.com/adzehq/adze/internal/record/open"
	"github.com/adzehq/adze/internal/record/run"
	"github.com/adzehq/adze/internal/record/task"
)

// Load implements Store. Rows are read before what belongs to them: whatever comes
// between is newer than the load, and the core knows of it.
func (s *postgres) Load(ctx context.Context, shard int32, load core.Load) (*core.Loaded, error) {
	loaded := &core.Loaded{Load: load}
	var err error
	switch load.Kind {
	case core.LoadLane:
		loaded.Rows, err = open.Lane(ctx, s.pool, shard, load)
	case core.LoadDue:
		if loaded.Rows, err = open.Due(ctx, s.pool, shard, load); err == nil {
			loaded.NextDue, err = open.NextDue(ctx, s.pool, shard, load.Until)
		}
	case core.LoadTasks:
		loaded.Rows, err = open.ByID(ctx, s.pool, load.Tasks)
	case core.LoadPast:
		loaded.Past, err = s.past(ctx, load.Past)
	case core.LoadEnded:
		loaded.Ended, err = s.ended(ctx, load.Tasks)
	case core.LoadChildren:
		if loaded.Children, err = child.OpenOfParent(ctx, s.pool, load.Tasks[0]); err == nil {
			loaded.Rows, err = s.openTasks(ctx, loaded.Children)
		}
	case core.LoadKeys:
		loaded.Children, err = child.OfParent(ctx, s.pool, load.Tasks[0])
	}
	if err == nil {
		loaded.Waits, err = s.waitsOf(ctx, loaded.Rows)
	}
	return loaded, err
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
	after := look.Condition.After
	for looked := 0; looked < lookEventsMax; looked += lookPage {
		page, err := event.Past(ctx, s.pool, look, after, lookPage)
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
		after = page.Last
	}
	return core.Past{}, nil
}
