package open

import (
	"context"
	_ "embed"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/pg"
	"github.com/adzehq/adze/internal/core"
)

var (
	//go:embed running.sql
	runningSQL string
	//go:embed holding.sql
	holdingSQL string
	//go:embed lanes.sql
	lanesSQL string
	//go:embed delayed.sql
	delayedSQL string
	//go:embed woken.sql
	wokenSQL string
	//go:embed low_water.sql
	lowWaterSQL string
)

// Running reads the rows of a shard that a worker has, ids ascending.
func Running(ctx context.Context, db pg.DB, shard int32) ([]core.OpenTask, error) {
	tasks, err := collect(ctx, db, 0, runningSQL, shard)
	if err != nil {
		return nil, fmt.Errorf("read running tasks of shard %d: %w", shard, err)
	}
	return tasks, nil
}

// Holding reads the rows of a shard that have places in limits and do not run, ids
// ascending.
func Holding(ctx context.Context, db pg.DB, shard int32) ([]core.OpenTask, error) {
	tasks, err := collect(ctx, db, 0, holdingSQL, shard)
	if err != nil {
		return nil, fmt.Errorf("read what has places in limits of shard %d: %w", shard, err)
	}
	return tasks, nil
}

// Lanes counts the ready rows of each lane of a shard, in the order (tenant,
// queue, key).
func Lanes(ctx context.Context, db pg.DB, shard int32) ([]core.LaneDepth, error) {
	rows, err := db.Query(ctx, lanesSQL, shard)
	if err != nil {
		return nil, fmt.Errorf("count lanes of shard %d: %w", shard, err)
	}
	lanes, err := pgx.CollectRows(rows, pgx.RowToStructByPos[core.LaneDepth])
	if err != nil {
		return nil, fmt.Errorf("count lanes of shard %d: %w", shard, err)
	}
	return lanes, nil
}

// Woken reads the ready and delayed tasks of a shard that have waits, in any order.
func Woken(ctx context.Context, db pg.DB, shard int32) ([]id.ID, error) {
	rows, err := db.Query(ctx, wokenSQL, shard)
	if err != nil {
		return nil, fmt.Errorf("read woken tasks of shard %d: %w", shard, err)
	}
	tasks, err := pgx.CollectRows(rows, pgx.RowTo[id.ID])
	if err != nil {
		return nil, fmt.Errorf("read woken tasks of shard %d: %w", shard, err)
	}
	return tasks, nil
}

// Delayed counts the delayed and waiting rows of a shard.
func Delayed(ctx context.Context, db pg.DB, shard int32) (int64, error) {
	var n int64
	if err := db.QueryRow(ctx, delayedSQL, shard).Scan(&n); err != nil {
		return 0, fmt.Errorf("count delayed tasks of shard %d: %w", shard, err)
	}
	return n, nil
}

// LowWater is the low-water mark of a shard, or 0 if it has none yet.
func LowWater(ctx context.Context, db pg.DB, shard int32) (id.ID, error) {
	var mark id.ID
	err := db.QueryRow(ctx, lowWaterSQL, shard).Scan(&mark)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return 0, fmt.Errorf("read low-water mark of shard %d: %w", shard, err)
	}
	return mark, nil
}
