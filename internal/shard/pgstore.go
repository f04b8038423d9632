package shard

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/adzehq/adze/internal/base/clock"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/record/event"
	"github.com/adzehq/adze/internal/record/open"
	"github.com/adzehq/adze/internal/record/run"
	"github.com/adzehq/adze/internal/record/task"
	"github.com/adzehq/adze/internal/record/worker"
	"github.com/adzehq/adze/internal/record/workflow"
)

// postgres is the Store of production. It only puts together what the record
// packages read and write.
type postgres struct {
	pool  *pgxpool.Pool
	clock clock.Clock
}

// NewStore is a Store on the database behind pool.
func NewStore(pool *pgxpool.Pool, clock clock.Clock) Store { return &postgres{pool, clock} }

// Restore reads one statement after the other: the lease keeps all other writers
// of the shard away.
func (s *postgres) Restore(ctx context.Context, shard int32, epoch int64) (*core.Restore, error) {
	r := &core.Restore{Epoch: epoch}
	var err error
	if r.LowWater, err = open.LowWater(ctx, s.pool, shard); err != nil {
		return nil, err
	}
	if r.LastID, err = s.lastID(ctx); err != nil {
		return nil, err
	}
	if r.Running, err = open.Running(ctx, s.pool, shard); err != nil {
		return nil, err
	}
	if r.Runs, err = run.Saved(ctx, s.pool, shard); err != nil {
		return nil, err
	}
	if err = s.addFresh(ctx, shard, r); err != nil {
		return nil, err
	}
	if err = s.addEnded(ctx, shard, r.Runs); err != nil {
		return nil, err
	}
	if r.Lanes, err = open.Lanes(ctx, s.pool, shard); err != nil {
		return nil, err
	}
	if r.Delayed, err = open.Delayed(ctx, s.pool, shard); err != nil {
		return nil, err
	}
	r.NextDue, err = open.NextDue(ctx, s.pool, shard, 0)
	return r, err
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
	return max(lastTask, lastRun, lastEvent), err
}

// addFresh spares a shard that was never used the look at everybody's history: a
// task needs a definition first.
func (s *postgres) addFresh(ctx context.Context, shard int32, r *core.Restore) error {
	if r.LowWater == 0 {
		defined, err := workflow.OfShard(ctx, s.pool, shard)
		if err != nil || len(defined) == 0 {
			return err
		}
	}
	var err error
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
func (s *postgres) addEnded(ctx context.Context, shard int32, runs []core.OpenRun) error {
	if len(runs) == 0 {
		return nil
	}
	definitions, err := s.Definitions(ctx, shard)
	if err != nil {
		return err
	}
	nodes := make(map[id.ID]int, len(definitions))
	for _, d := range definitions {
		if d.Graph != nil {
			nodes[d.Version] = len(d.Graph.Nodes)
		}
	}
	return run.AddEnded(ctx, s.pool, runs, func(version id.ID) int { return nodes[version] })
}

func (s *postgres) Definitions(ctx context.Context, shard int32) ([]StoredDefinition, error) {
	versions, err := workflow.OfShard(ctx, s.pool, shard)
	if err != nil {
		return nil, err
	}
	stored := make([]StoredDefinition, len(versions))
	for i, v := range versions {
		d, err := DecodeDefinition(v.JSON)
		if err != nil {
			return nil, fmt.Errorf("read version %s: %w", v.ID, err)
		}
		d.Core.Version, d.Core.Tenant = v.ID, v.Tenant
		if d.Graph != nil {
			d.Graph.Version, d.Graph.Tenant = v.ID, v.Tenant
		}
		stored[i] = StoredDefinition{Definition: d.Core, Graph: d.Graph, Triggers: d.Triggers, Current: v.Current}
	}
	return stored, nil
}

func (s *postgres) Define(ctx context.Context, tenant id.ID, definitions []Definition, next func() id.ID) ([]Defined, error) {
	rows := make([]workflow.Definition, len(definitions))
	for i, d := range definitions {
		rows[i] = workflow.Definition{Name: d.Name, JSON: d.JSON}
	}
	puts, err := workflow.PutMany(ctx, s.pool, tenant, rows, next)
	if err != nil {
		return nil, err
	}
	defined := make([]Defined, len(puts))
	for i, p := range puts {
		defined[i] = Defined{Version: p.Version, Created: p.Changed}
	}
	return defined, nil
}

func (s *postgres) Load(ctx context.Context, shard int32, load core.Load) (*core.Loaded, error) {
	loaded := &core.Loaded{Load: load}
	var err error
	switch load.Kind {
	case core.LoadLane:
		loaded.Rows, err = open.Lane(ctx, s.pool, shard, load)
	case core.LoadTasks:
		loaded.Rows, err = open.ByID(ctx, s.pool, load.Tasks)
	default:
		if loaded.Rows, err = open.Due(ctx, s.pool, shard, load); err == nil {
			loaded.NextDue, err = open.NextDue(ctx, s.pool, shard, load.Until)
		}
	}
	return loaded, err
}

func (s *postgres) Inputs(ctx context.Context, ids []id.ID) ([]core.NewTask, error) {
	return task.Inputs(ctx, s.pool, ids)
}

func (s *postgres) Outcomes(ctx context.Context, tenant id.ID, ids []id.ID) ([]Outcome, error) {
	results, err := task.Outcomes(ctx, s.pool, tenant, ids)
	if err != nil {
		return nil, err
	}
	return outcomesOf(results), nil
}

func (s *postgres) RunOutcomes(ctx context.Context, tenant id.ID, ids []id.ID) ([]core.RunResult, error) {
	return run.Outcomes(ctx, s.pool, tenant, ids)
}

func (s *postgres) Runs(ctx context.Context, ids []id.ID) ([]core.NewTask, error) {
	return run.ByID(ctx, s.pool, ids)
}

func (s *postgres) Results(ctx context.Context, tenant, first, last id.ID) ([]Outcome, error) {
	results, err := task.Results(ctx, s.pool, tenant, first, last)
	if err != nil {
		return nil, err
	}
	return outcomesOf(results), nil
}

func outcomesOf(results []core.Result) []Outcome {
	outcomes := make([]Outcome, len(results))
	for i := range results {
		r := &results[i]
		outcomes[i] = Outcome{ID: r.Task, Status: r.Status, Attempt: r.Attempt, Error: r.Error, Output: r.Output}
	}
	return outcomes
}

func (s *postgres) Events(ctx context.Context, ids []id.ID) ([]core.NewEvent, error) {
	return event.ByID(ctx, s.pool, ids)
}

func (s *postgres) Filters(ctx context.Context, shard int32) ([]StoredFilter, error) {
	rows, err := event.FiltersOfShard(ctx, s.pool, shard)
	if err != nil {
		return nil, err
	}
	filters := make([]StoredFilter, len(rows))
	for i, f := range rows {
		filters[i] = StoredFilter{
			Filter: Filter{Workflow: f.Workflow, Scope: f.Scope, Expression: f.Expression, Payload: f.Payload},
			ID:     f.ID, Tenant: f.Tenant,
		}
	}
	return filters, nil
}

func (s *postgres) PutFilter(ctx context.Context, tenant, filter id.ID, f Filter) error {
	return event.InsertFilter(ctx, s.pool, event.Filter{
		ID: filter, Tenant: tenant, CreatedAt: s.clock.Now(),
		Workflow: f.Workflow, Scope: f.Scope, Expression: f.Expression, Payload: f.Payload,
	})
}

func (s *postgres) DeleteFilters(ctx context.Context, tenant id.ID, ids []id.ID) ([]id.ID, error) {
	return event.DeleteFilters(ctx, s.pool, tenant, ids)
}

func (s *postgres) Joined(ctx context.Context, workerID, tenant id.ID, hello Hello) error {
	return worker.Put(ctx, s.pool, worker.Worker{
		ID:       workerID,
		Tenant:   tenant,
		JoinedAt: s.clock.Now(),
		Slots:    hello.Slots,
		Name:     hello.Name,
		SDK:      hello.SDK,
		Actions:  hello.Actions,
	})
}

func (s *postgres) Log(context.Context, id.ID) ([]core.Entry, []core.Met, error) {
	return nil, nil, nil
}

func (s *postgres) Value(context.Context, id.ID, string) (core.Value, error) {
	return core.Value{}, nil
}

func (s *postgres) Replies(context.Context, id.ID, []id.ID) ([]core.Reply, error) { return nil, nil }

func (s *postgres) Requests(context.Context, []id.ID) ([]core.NewTask, error) { return nil, nil }
