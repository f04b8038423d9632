package history

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/pg"
)

//go:embed child_counts.sql
var childCountsSQL string

// ChildCounts are how many runs each of the tenant's tasks spawned, at most ChildrenMax of
// each; tasks without any are left out.
func ChildCounts(ctx context.Context, db pg.DB, tenant id.ID, tasks []id.ID) (map[id.ID]int64, error) {
	rows, err := db.Query(ctx, childCountsSQL, tenant, tasks, ChildrenMax)
	if err != nil {
		return nil, fmt.Errorf("count children of %d tasks: %w", len(tasks), err)
	}
	counts := map[id.ID]int64{}
	var task id.ID
	var count int64
	_, err = pgx.ForEachRow(rows, []any{&task, &count}, func() error {
		counts[task] = count
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count children of %d tasks: %w", len(tasks), err)
	}
	return counts, nil
}
