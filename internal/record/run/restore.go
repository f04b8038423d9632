package run

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
	"github.com/adzehq/adze/internal/record/task"
)

var (
	//go:embed saved.sql
	savedSQL string
	//go:embed open_by_id.sql
	openByIDSQL string
	//go:embed fresh.sql
	freshSQL string
	//go:embed ended.sql
	endedSQL string
)

// Saved reads the checkpoint rows of a shard that a new owner must know at once, ids
// ascending. Ended is left to AddEnded.
func Saved(ctx context.Context, db pg.DB, shard int32) ([]core.OpenRun, error) {
	runs, err := open(ctx, db, savedSQL, shard)
	if err != nil {
		return nil, fmt.Errorf("read open runs of shard %d: %w", shard, err)
	}
	return runs, nil
}

// OpenByID reads checkpoint rows by id, ids ascending; those without one are left out.
// Ended is left to AddEnded.
func OpenByID(ctx context.Context, db pg.DB, ids []id.ID) ([]core.OpenRun, error) {
	runs, err := open(ctx, db, openByIDSQL, ids)
	if err != nil {
		return nil, fmt.Errorf("read %d open runs: %w", len(ids), err)
	}
	return runs, nil
}

func open(ctx context.Context, db pg.DB, sql string, argument any) ([]core.OpenRun, error) {
	rows, err := db.Query(ctx, sql, argument)
	if err != nil {
		return nil, err
	}
	runs, err := pgx.CollectRows(rows, scanOpen)
	for i := range runs {
		runs[i].Saved = true
	}
	return runs, err
}

// freshSettings make the plan of fresh.sql hold whatever the statistics say: see task.
const freshSettings = `
set local work_mem = '64MB';
set local enable_nestloop = off;
set local plan_cache_mode = force_custom_plan`

// Fresh reads the runs of a shard above lowWater that have neither a result nor a
// checkpoint row, ids ascending. Ended is left to AddEnded. It opens a transaction for
// its settings.
func Fresh(ctx context.Context, db pg.Beginner, shard int32, lowWater id.ID) ([]core.OpenRun, error) {
	var runs []core.OpenRun
	err := pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, freshSettings); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, freshSQL, shard, lowWater)
		if err != nil {
			return err
		}
		runs, err = pgx.CollectRows(rows, scanOpen)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read fresh runs of shard %d: %w", shard, err)
	}
	return runs, nil
}

func scanOpen(row pgx.CollectableRow) (r core.OpenRun, err error) {
	var encoded []byte
	err = row.Scan(&r.ID, &r.Tenant, &r.Version, &r.RunAt, &r.Priority, &r.Key, &r.Cancel, &r.Scopes, &r.Passed, &encoded)
	if err != nil {
		return r, err
	}
	r.Flow, err = flow.Decode(encoded)
	return r, err
}

// endedRunsMax bounds the runs of one look-up, and so its rows.
const endedRunsMax = 10_000

// AddEnded fills Ended of runs, whose versions have as many tasks as nodes says.
func AddEnded(ctx context.Context, db pg.DB, runs []core.OpenRun, nodes func(version id.ID) int) error {
	for part := range slices.Chunk(runs, endedRunsMax) {
		if err := addEnded(ctx, db, part, nodes); err != nil {
			return fmt.Errorf("read ended tasks of %d runs: %w", len(part), err)
		}
	}
	return nil
}

func addEnded(ctx context.Context, db pg.DB, runs []core.OpenRun, nodes func(version id.ID) int) error {
	ids, lasts := make([]id.ID, len(runs)), make([]id.ID, len(runs))
	for i := range runs {
		ids[i] = runs[i].ID
		lasts[i] = runs[i].ID + id.ID(nodes(runs[i].Version))
	}
	rows, err := db.Query(ctx, endedSQL, ids, lasts, core.NodesMax)
	if err != nil {
		return err
	}
	var place int64 // 1-based
	var ended core.EndedNode
	var status string
	var verdicts []int32
	_, err = pgx.ForEachRow(rows, []any{&place, &ended.Node, &status, &verdicts, &ended.Worker}, func() error {
		ended.Status, ended.Verdicts = task.ParseStatus(status), task.DecodeVerdicts(verdicts)
		run := &runs[place-1]
		run.Ended = append(run.Ended, ended)
		return nil
	})
	return err
}
