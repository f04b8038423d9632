package durable

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/pg"
	"github.com/adzehq/adze/internal/core"
)

var (
	//go:embed watched.sql
	watchedSQL string
	//go:embed log_sizes.sql
	logSizesSQL string
)

// Watched reads the waits of a shard that are for more than times, with what is met of
// them, by (task, index).
func Watched(ctx context.Context, db pg.DB, shard int32) ([]core.Wait, error) {
	waits, err := collectWaits(ctx, db, watchedSQL, shard)
	if err != nil {
		return nil, fmt.Errorf("read watched waits of shard %d: %w", shard, err)
	}
	return waits, nil
}

// LogSizes reads how many entries the logs of tasks have, in any order; tasks without
// an entry are left out.
func LogSizes(ctx context.Context, db pg.DB, tasks []id.ID) ([]core.LogSize, error) {
	rows, err := db.Query(ctx, logSizesSQL, tasks)
	if err != nil {
		return nil, fmt.Errorf("read log sizes of %d tasks: %w", len(tasks), err)
	}
	sizes, err := pgx.CollectRows(rows, pgx.RowToStructByPos[core.LogSize])
	if err != nil {
		return nil, fmt.Errorf("read log sizes of %d tasks: %w", len(tasks), err)
	}
	return sizes, nil
}
