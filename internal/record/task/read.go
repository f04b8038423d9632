package task

import (
	"context"
	_ "embed"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/pg"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/record/flow"
)

var (
	//go:embed inputs.sql
	inputsSQL string
	//go:embed payloads.sql
	payloadsSQL string
	//go:embed outcomes.sql
	outcomesSQL string
	//go:embed results.sql
	resultsSQL string
	//go:embed existing.sql
	existingSQL string
	//go:embed with_result.sql
	withResultSQL string
	//go:embed fresh.sql
	freshSQL string
	//go:embed replayed.sql
	replayedSQL string
	//go:embed last_id.sql
	lastIDSQL string
)

// Inputs reads tasks with their payloads, in any order; ids without a row are
// left out. The payloads are copies, the caller's to keep.
func Inputs(ctx context.Context, db pg.DB, ids []id.ID) ([]core.NewTask, error) {
	rows, err := db.Query(ctx, inputsSQL, ids)
	if err != nil {
		return nil, fmt.Errorf("read inputs of %d tasks: %w", len(ids), err)
	}
	tasks, err := pgx.AppendRows(make([]core.NewTask, 0, len(ids)), rows, scanTask)
	if err != nil {
		return nil, fmt.Errorf("read inputs of %d tasks: %w", len(ids), err)
	}
	return tasks, nil
}

// Payloads reads what workers are told of runs of one task, in any order: ID,
// ReplayOf, Event, Parent, Priority, Input, Metadata and Given; the rest is left zero. Ids
// without a row are left out. The payloads are copies, the caller's to keep.
func Payloads(ctx context.Context, db pg.DB, ids []id.ID) ([]core.NewTask, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	rows, err := db.Query(ctx, payloadsSQL, ids, slices.Min(ids), slices.Max(ids))
	if err != nil {
		return nil, fmt.Errorf("read payloads of %d tasks: %w", len(ids), err)
	}
	tasks := make([]core.NewTask, 0, len(ids))
	err = pg.Each(rows, func(r *pg.Row) error {
		tasks = append(tasks, readPayload(r))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read payloads of %d tasks: %w", len(ids), err)
	}
	return tasks, nil
}

func readPayload(r *pg.Row) (t core.NewTask) {
	t.ID = id.ID(r.Int64())
	t.ReplayOf = id.ID(r.Int64())
	t.Event = id.ID(r.Int64())
	t.Parent = id.ID(r.Int64())
	t.Priority = r.Int32()
	t.Input = r.Bytes()
	t.Metadata = r.Bytes()
	t.Given = r.Bytes()
	return t
}

func scanTask(row pgx.CollectableRow) (t core.NewTask, err error) {
	var input, metadata, given, encoded []byte
	err = row.Scan(&t.ID, &t.Tenant, &t.Version, &t.ReplayOf, &t.Event, &t.Schedule, &t.Parent, &t.Run, &t.Node, &t.RunAt, &t.Key, &t.Priority, &input, &metadata, &given, &encoded)
	if err != nil {
		return t, err
	}
	t.Input, t.Metadata, t.Given = input, metadata, given
	t.Flow, err = flow.Decode(encoded)
	return t, err
}

// Outcomes reads results with their outputs, in any order; ids without one, or
// of another tenant, are left out. Result.Version is not stored with a result
// and is left zero.
func Outcomes(ctx context.Context, db pg.DB, tenant id.ID, ids []id.ID) ([]core.Result, error) {
	rows, err := db.Query(ctx, outcomesSQL, tenant, ids)
	if err != nil {
		return nil, fmt.Errorf("read outcomes of %d tasks: %w", len(ids), err)
	}
	results, err := pgx.AppendRows(make([]core.Result, 0, len(ids)), rows, scanResult)
	if err != nil {
		return nil, fmt.Errorf("read outcomes of %d tasks: %w", len(ids), err)
	}
	return results, nil
}

// Results reads the tenant's results with ids from first to last, as Outcomes does,
// ids ascending: those of the tasks of a run of a graph, core.NodesMax at most.
func Results(ctx context.Context, db pg.DB, tenant, first, last id.ID) ([]core.Result, error) {
	rows, err := db.Query(ctx, resultsSQL, tenant, first, last, core.NodesMax)
	if err != nil {
		return nil, fmt.Errorf("read results from %s: %w", first, err)
	}
	results, err := pgx.CollectRows(rows, scanResult)
	if err != nil {
		return nil, fmt.Errorf("read results from %s: %w", first, err)
	}
	return results, nil
}

func scanResult(row pgx.CollectableRow) (r core.Result, err error) {
	var status string
	var output []byte
	err = row.Scan(&r.Task, &r.Tenant, &status, &r.Attempt, &r.Worker, &r.Assigned, &r.Started, &r.Finished, &r.Error, &output)
	r.Status, r.Output = ParseStatus(status), output
	return r, err
}

// ParseStatus is the inverse of core.Status.String; 0 if the name is unknown.
func ParseStatus(name string) core.Status {
	for s := core.Succeeded; s <= core.Skipped; s++ {
		if s.String() == name {
			return s
		}
	}
	return 0
}

// Existing tells which of the ids are tasks of the tenant, in any order.
func Existing(ctx context.Context, db pg.DB, tenant id.ID, ids []id.ID) ([]id.ID, error) {
	rows, err := db.Query(ctx, existingSQL, tenant, ids)
	if err != nil {
		return nil, fmt.Errorf("look up %d tasks: %w", len(ids), err)
	}
	found, err := pgx.AppendRows(make([]id.ID, 0, len(ids)), rows, pgx.RowTo[id.ID])
	if err != nil {
		return nil, fmt.Errorf("look up %d tasks: %w", len(ids), err)
	}
	return found, nil
}

// WithResult tells which of the ids are tasks that have ended, of any tenant, in any
// order.
func WithResult(ctx context.Context, db pg.DB, ids []id.ID) ([]id.ID, error) {
	rows, err := db.Query(ctx, withResultSQL, ids)
	if err != nil {
		return nil, fmt.Errorf("look up results of %d tasks: %w", len(ids), err)
	}
	ended, err := pgx.CollectRows(rows, pgx.RowTo[id.ID])
	if err != nil {
		return nil, fmt.Errorf("look up results of %d tasks: %w", len(ids), err)
	}
	return ended, nil
}

// freshSettings make the plan of fresh.sql hold whatever the statistics say. The
// ids since the mark are few or many, but always one range in each of the three
// tables: hashing the ranges costs 0.5 µs an id, a look-up each costs 3 µs.
const freshSettings = `
set local work_mem = '64MB';
set local enable_nestloop = off;
set local plan_cache_mode = force_custom_plan`

// Fresh reads the tasks of a shard above lowWater that have neither a result nor
// a checkpoint row, without payloads, ids ascending. It opens a transaction for
// its settings.
func Fresh(ctx context.Context, db pg.Beginner, shard int32, lowWater id.ID) ([]core.NewTask, error) {
	var tasks []core.NewTask
	err := pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, freshSettings); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, freshSQL, shard, lowWater)
		if err != nil {
			return err
		}
		tasks, err = pgx.CollectRows(rows, scanFresh)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read fresh tasks of shard %d: %w", shard, err)
	}
	return tasks, nil
}

func scanFresh(row pgx.CollectableRow) (t core.NewTask, err error) {
	var encoded []byte
	err = row.Scan(&t.ID, &t.Tenant, &t.Version, &t.ReplayOf, &t.Parent, &t.Run, &t.Node, &t.RunAt, &t.Key, &t.Priority, &encoded)
	if err != nil {
		return t, err
	}
	t.Flow, err = flow.Decode(encoded)
	return t, err
}

// ParseOutcome is the inverse of core.AttemptOutcome.String; 0 if the name is unknown.
func ParseOutcome(name string) core.AttemptOutcome {
	for o := core.AttemptFailed; o <= core.AttemptLost; o++ {
		if o.String() == name {
			return o
		}
	}
	return 0
}

// Replayed tells which of the ids are runs that a run of one task replays, of any tenant, and which
// replay of each is the newest. What was forked counts.
func Replayed(ctx context.Context, db pg.DB, ids []id.ID) (map[id.ID]id.ID, error) {
	rows, err := db.Query(ctx, replayedSQL, ids)
	if err != nil {
		return nil, fmt.Errorf("look up replays of %d runs: %w", len(ids), err)
	}
	replayed := map[id.ID]id.ID{}
	var run, replay id.ID
	_, err = pgx.ForEachRow(rows, []any{&run, &replay}, func() error {
		replayed[run] = replay
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look up replays of %d runs: %w", len(ids), err)
	}
	return replayed, nil
}

// LastID is the largest id of any task of any shard, 0 if there is none: an owner
// whose clock is behind goes on above it.
func LastID(ctx context.Context, db pg.DB) (last id.ID, err error) {
	if err := db.QueryRow(ctx, lastIDSQL).Scan(&last); err != nil {
		return 0, fmt.Errorf("read last task id: %w", err)
	}
	return last, nil
}
