package view

import (
	"context"

	"github.com/google/uuid"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/history"
	"github.com/adzehq/adze/internal/record/task"
)

// Place is what an id of the wire stands for now.
type Place struct {
	Run  id.ID  // the newest replay
	Task id.ID  // in it; 0: the id is that of a run of several tasks
	Name string // of the task; empty: it is the one of its run
}

// ParseID reads an id of the wire. What is no UUID is invalid; a UUID that is no id of
// ours is 0, which nothing has.
func ParseID(field, text string) (id.ID, error) {
	number, err := uuid.Parse(text)
	if err != nil {
		return 0, fault.New(fault.Invalid, field, "is %q, which is no UUID", text)
	}
	ours, err := id.FromUUID(number)
	if err != nil {
		return 0, nil
	}
	return ours, nil
}

func gone(err error) bool { return fault.KindOf(err) == fault.NotFound }

// Locate finds what an id of the wire stands for, or fails with fault.NotFound.
func (r *Reader) Locate(ctx context.Context, tenant, external id.ID) (Place, error) {
	latest, err := r.Shards.Latest(ctx, tenant, []id.ID{external})
	if err != nil {
		return Place{}, err
	}
	live, err := r.Shards.Live(ctx, tenant, latest)
	if err != nil {
		return Place{}, err
	}
	if live[0].State != 0 { // what is open has no replay
		return r.placed(ctx, latest[0], live[0].Run, live[0].Version, live[0].Node)
	}
	stored, err := history.Get(ctx, r.DB, tenant, latest[0], false)
	switch {
	case err == nil && stored.Graph:
		return Place{Run: stored.ID}, nil
	case err == nil:
		return Place{Run: stored.ID, Task: stored.ID}, nil
	case !gone(err):
		return Place{}, err
	}
	return r.locateTask(ctx, tenant, external)
}

// Lineage are the tasks that an id of the wire stood for, the one that it stands for now
// first; none if it is no task's.
func (r *Reader) Lineage(ctx context.Context, tenant, external id.ID) ([]id.ID, error) {
	at, err := r.Locate(ctx, tenant, external)
	if gone(err) || err == nil && at.Task == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	given, err := r.Shards.Given(ctx, tenant, at.Run)
	if err != nil {
		return nil, err
	}
	chain, err := r.Chain(ctx, tenant, given.ReplayOf)
	return append([]id.ID{at.Task}, chain.Earlier(at.Name)...), err
}

// locateTask finds what the id of a task of a graph stands for.
func (r *Reader) locateTask(ctx context.Context, tenant, external id.ID) (Place, error) {
	rows, err := task.Inputs(ctx, r.DB, []id.ID{external})
	if err != nil {
		return Place{}, err
	}
	if len(rows) == 0 || rows[0].Tenant != tenant || rows[0].Run == 0 {
		return Place{}, fault.New(fault.NotFound, "", "no run or task %s", external)
	}
	row := &rows[0]
	place, err := r.placed(ctx, row.ID, row.Run, row.Version, row.Node)
	if err != nil {
		return Place{}, err
	}
	latest, err := r.Shards.Latest(ctx, tenant, []id.ID{row.Run})
	if err != nil || latest[0] == row.Run {
		return place, err
	}
	stored, err := history.Get(ctx, r.DB, tenant, latest[0], false)
	if err != nil {
		return Place{}, err
	}
	for i := range stored.Tasks {
		if t := &stored.Tasks[i]; t.Name == place.Name {
			return Place{Run: stored.ID, Task: t.ID, Name: t.Name}, nil
		}
	}
	return Place{}, fault.New(fault.NotFound, "", "task %q is none of its workflow any longer", place.Name)
}

// placed is the place of a task, or of a run of one; run is 0 of what is its own.
func (r *Reader) placed(ctx context.Context, own, run, version id.ID, node int32) (Place, error) {
	if run == 0 {
		return r.placedRun(ctx, own, version)
	}
	v, err := r.Version(ctx, version)
	if err != nil {
		return Place{}, err
	}
	return Place{Run: run, Task: own, Name: v.Tasks[node].Name}, nil
}

// placedRun is the place of a run by its version: that of its task, if it has but one.
func (r *Reader) placedRun(ctx context.Context, run, version id.ID) (Place, error) {
	v, err := r.Version(ctx, version)
	if err != nil {
		return Place{}, err
	}
	if v.IsGraph() {
		return Place{Run: run}, nil
	}
	return Place{Run: run, Task: run}, nil
}
