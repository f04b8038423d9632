package child

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
	//go:embed of_parent.sql
	ofParentSQL string
	//go:embed open_of_parent.sql
	openOfParentSQL string
	//go:embed closing.sql
	closingSQL string
)

// OfParent reads all that a task spawned, by key.
func OfParent(ctx context.Context, db pg.DB, parent id.ID) ([]core.ChildRun, error) {
	children, err := collect(ctx, db, ofParentSQL, parent)
	if err != nil {
		return nil, fmt.Errorf("read children of task %s: %w", parent, err)
	}
	return children, nil
}

// OpenOfParent reads what a task spawned and has not ended, by key.
func OpenOfParent(ctx context.Context, db pg.DB, parent id.ID) ([]core.ChildRun, error) {
	children, err := collect(ctx, db, openOfParentSQL, parent)
	if err != nil {
		return nil, fmt.Errorf("read open children of task %s: %w", parent, err)
	}
	return children, nil
}

func collect(ctx context.Context, db pg.DB, sql string, parent id.ID) ([]core.ChildRun, error) {
	rows, err := db.Query(ctx, sql, parent)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[core.ChildRun])
}

// Closing reads of which tasks of a shard the children are still to be cancelled, by
// task.
func Closing(ctx context.Context, db pg.DB, shard int32) ([]core.Closing, error) {
	rows, err := db.Query(ctx, closingSQL, shard)
	if err != nil {
		return nil, fmt.Errorf("read closing tasks of shard %d: %w", shard, err)
	}
	closing, err := pgx.CollectRows(rows, pgx.RowToStructByPos[core.Closing])
	if err != nil {
		return nil, fmt.Errorf("read closing tasks of shard %d: %w", shard, err)
	}
	return closing, nil
}
