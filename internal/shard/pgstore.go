package shard

import (
	"context"
	"fmt"
	"maps"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/adzehq/adze/internal/base/clock"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/history"
	"github.com/adzehq/adze/internal/record/durable"
	"github.com/adzehq/adze/internal/record/event"
	"github.com/adzehq/adze/internal/record/run"
	"github.com/adzehq/adze/internal/record/schedule"
	"github.com/adzehq/adze/internal/record/task"
	"github.com/adzehq/adze/internal/record/worker"
	"github.com/adzehq/adze/internal/record/workflow"
)

// postgres is the Store of production. It only puts together what the record
// packages read and write.
type postgres struct {
	pool  *pgxpool.Pool
	clock clock.Clock
	nodes sync.Map // version → how many tasks it has, an int; of graphs
}

// NewStore is a Store on the database behind pool.
func NewStore(pool *pgxpool.Pool, clock clock.Clock) Store {
	return &postgres{pool: pool, clock: clock}
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
			s.nodes.Store(v.ID, len(d.Graph.Nodes))
		}
		stored[i] = StoredDefinition{
			ID: v.Workflow, Definition: d.Core, Graph: d.Graph, Triggers: d.Triggers, Keyed: d.Keyed, Flow: d.Flow, Current: v.Current,
		}
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
		defined[i] = Defined{Workflow: p.Workflow, Version: p.Version, Created: p.Changed}
		if graph := definitions[i].Graph; graph != nil {
			s.nodes.Store(p.Version, len(graph.Nodes))
		}
	}
	return defined, nil
}

func (s *postgres) DropWorkflow(ctx context.Context, tenant id.ID, name string) (bool, error) {
	return workflow.Drop(ctx, s.pool, tenant, name)
}

func (s *postgres) SchedulesOf(ctx context.Context, tenant id.ID, workflow string) ([]id.ID, error) {
	return schedule.Of(ctx, s.pool, tenant, workflow)
}

func (s *postgres) Payloads(ctx context.Context, ids []id.ID) ([]core.NewTask, error) {
	return task.Payloads(ctx, s.pool, ids)
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

func (s *postgres) Failed(ctx context.Context, tenant id.ID, f history.FailureFilter, limit int) ([]id.ID, id.ID, error) {
	return history.Failed(ctx, s.pool, tenant, f, limit)
}

func (s *postgres) Replayed(ctx context.Context, ids []id.ID) (map[id.ID]id.ID, error) {
	tasks, err := task.Replayed(ctx, s.pool, ids)
	if err != nil {
		return nil, err
	}
	runs, err := run.Replayed(ctx, s.pool, ids)
	maps.Copy(tasks, runs) // a run is of one of the two
	return tasks, err
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
			Filter: Filter{ID: f.ID, Workflow: f.Workflow, Scope: f.Scope, Expression: f.Expression, Payload: f.Payload, Declared: f.Declared},
			Tenant: f.Tenant,
		}
	}
	return filters, nil
}

func (s *postgres) PutFilters(ctx context.Context, tenant id.ID, filters []Filter, drops []id.ID) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if len(drops) > 0 {
			if _, err := event.DeleteFilters(ctx, tx, tenant, drops); err != nil {
				return err
			}
		}
		for _, f := range filters {
			if err := event.PutFilter(ctx, tx, event.Filter{
				ID: f.ID, Tenant: tenant, CreatedAt: s.clock.Now(),
				Workflow: f.Workflow, Scope: f.Scope, Expression: f.Expression, Payload: f.Payload, Declared: f.Declared,
			}); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *postgres) DeleteFilters(ctx context.Context, tenant id.ID, ids []id.ID) ([]id.ID, error) {
	return event.DeleteFilters(ctx, s.pool, tenant, ids)
}

func (s *postgres) Schedules(ctx context.Context, ids []id.ID) ([]core.Schedule, error) {
	return schedule.ByID(ctx, s.pool, ids)
}

func (s *postgres) SchedulesNamed(ctx context.Context, tenant id.ID, names []string) ([]core.Schedule, error) {
	return schedule.ByName(ctx, s.pool, tenant, names)
}

func (s *postgres) SchedulesDeclared(ctx context.Context, tenant id.ID, workflows []string) ([]core.Schedule, error) {
	return schedule.Declared(ctx, s.pool, tenant, workflows)
}

func (s *postgres) Joined(ctx context.Context, workerID, tenant id.ID, hello Hello) (bool, error) {
	return worker.Join(ctx, s.pool, s.workerOf(workerID, tenant, &hello))
}

func (s *postgres) Introduced(ctx context.Context, workerID, tenant id.ID, hello Hello) error {
	return worker.Introduce(ctx, s.pool, s.workerOf(workerID, tenant, &hello))
}

func (s *postgres) PausedAway(ctx context.Context, tenant id.ID, workers []id.ID, paused bool) ([]id.ID, error) {
	return worker.PauseAway(ctx, s.pool, tenant, workers, paused)
}

func (s *postgres) workerOf(workerID, tenant id.ID, hello *Hello) worker.Worker {
	row := worker.Worker{
		ID:       workerID,
		Tenant:   tenant,
		JoinedAt: s.clock.Now(),
		Slots:    hello.Slots,
		Name:     hello.Name,
		SDK:      hello.SDK,
		Actions:  hello.Actions,
		Labels:   hello.Labels,
		Types:    make(map[string]int32, len(hello.Types)),
		Runtime:  hello.Runtime,
	}
	for _, use := range hello.Types {
		row.Types[use.Type] = use.Units
	}
	return row
}

func (s *postgres) Logs(ctx context.Context, tasks []id.ID) ([]core.Entry, []core.Met, error) {
	// What was met is read first: what is read of it then has its entry.
	mets, err := durable.Mets(ctx, s.pool, tasks...)
	if err != nil {
		return nil, nil, err
	}
	entries, err := durable.Log(ctx, s.pool, tasks...)
	return entries, mets, err
}

func (s *postgres) Replies(ctx context.Context, tenant id.ID, events []id.ID) ([]core.Reply, error) {
	return durable.Replies(ctx, s.pool, tenant, events)
}

func (s *postgres) Requests(ctx context.Context, ids []id.ID) ([]core.NewTask, error) {
	return event.Requests(ctx, s.pool, ids)
}

func (s *postgres) Value(ctx context.Context, task id.ID, name string) (core.Value, error) {
	return durable.Value(ctx, s.pool, task, name)
}
