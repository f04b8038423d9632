package history

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/pg"
)

//go:embed children.sql
var childrenSQL string

// ChildrenMax is how many children are told of one task.
const ChildrenMax = 1_000

// Child is a run that a task spawned.
type Child struct {
	Run id.ID
	Key string // unique among the children of the task
}

// Children reads what the tenant's task spawned, by key, at most ChildrenMax.
func Children(ctx context.Context, db pg.DB, tenant, task id.ID) ([]Child, error) {
	rows, err := db.Query(ctx, childrenSQL, tenant, task, ChildrenMax)
	if err != nil {
		return nil, fmt.Errorf("read children of task %s: %w", task, err)
	}
	children, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Child])
	if err != nil {
		return nil, fmt.Errorf("read children of task %s: %w", task, err)
	}
	return children, nil
}
