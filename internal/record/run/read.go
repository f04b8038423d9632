package run

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/pg"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/record/flow"
	"github.com/adzehq/adze/internal/record/task"
)

var (
	//go:embed by_id.sql
	byIDSQL string
	//go:embed outcomes.sql
	outcomesSQL string
	//go:embed with_result.sql
	withResultSQL string
	//go:embed replayed.sql
	replayedSQL string
	//go:embed last_id.sql
	lastIDSQL string
)

// ByID reads runs with their payloads, in any order; ids without a row are left out.
// The payloads are copies, the caller's to keep.
func ByID(ctx context.Context, db pg.DB, ids []id.ID) ([]core.NewTask, error) {
	rows, err := db.Query(ctx, byIDSQL, ids)
	if err != nil {
		return nil, fmt.Errorf("read %d runs: %w", len(ids), err)
	}
	runs, err := pgx.AppendRows(make([]core.NewTask, 0, len(ids)), rows, scanRun)
	if err != nil {
		return nil, fmt.Errorf("read %d runs: %w", len(ids), err)
	}
	return runs, nil
}

func scanRun(row pgx.CollectableRow) (r core.NewTask, err error) {
	var input, metadata, given, encoded []byte
	err = row.Scan(&r.ID, &r.Tenant, &r.Version, &r.ReplayOf, &r.Event, &r.Schedule, &r.Parent, &r.RunAt, &r.Key, &r.Priority, &input, &metadata, &given, &encoded)
	if err != nil {
		return r, err
	}
	r.Input, r.Metadata, r.Given = input, metadata, given
	r.Flow, err = flow.Decode(encoded)
	return r, err
}

// Outcomes reads how runs ended, in any order; ids without a result, or of another
// tenant, are left out.
func Outcomes(ctx context.Context, db pg.DB, tenant id.ID, ids []id.ID) ([]core.RunResult, error) {
	rows, err := db.Query(ctx, outcomesSQL, tenant, ids)
	if err != nil {
		return nil, fmt.Errorf("read outcomes of %d runs: %w", len(ids), err)
	}
	results, err := pgx.AppendRows(make([]core.RunResult, 0, len(ids)), rows, scanResult)
	if err != nil {
		return nil, fmt.Errorf("read outcomes of %d runs: %w", len(ids), err)
	}
	return results, nil
}

func scanResult(row pgx.CollectableRow) (r core.RunResult, err error) {
	var status string
	err = row.Scan(&r.Run, &r.Tenant, &r.Version, &status, &r.Finished, &r.Error)
	r.Status = task.ParseStatus(status)
	return r, err
}

// WithResult tells which of the ids are runs of graphs that have ended, of any tenant,
// in any order.
func WithResult(ctx context.Context, db pg.DB, ids []id.ID) ([]id.ID, error) {
	rows, err := db.Query(ctx, withResultSQL, ids)
	if err != nil {
		return nil, fmt.Errorf("look up results of %d runs: %w", len(ids), err)
	}
	ended, err := pgx.CollectRows(rows, pgx.RowTo[id.ID])
	if err != nil {
		return nil, fmt.Errorf("look up results of %d runs: %w", len(ids), err)
	}
	return ended, nil
}

// Replayed tells which of the ids are runs that a run of a graph replays, of any tenant, and which
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

// LastID is an id that no run of any shard and none of its tasks is above, 0 if there
// is no run. A task of a graph that has not begun has no row to be found by.
func LastID(ctx context.Context, db pg.DB) (last id.ID, err error) {
	if err := db.QueryRow(ctx, lastIDSQL).Scan(&last); err != nil {
		return 0, fmt.Errorf("read last run id: %w", err)
	}
	if last > 0 {
		last += core.NodesMax
	}
	return last, nil
}
