package workflow

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/pg"
)

//go:embed names.sql
var namesSQL string

// Names reads what workflows of the tenant are called; ids that are none are left out.
func Names(ctx context.Context, db pg.DB, tenant id.ID, workflows []id.ID) (map[id.ID]string, error) {
	names := map[id.ID]string{}
	err := eachName(ctx, db, tenant, workflows, nil, func(workflow id.ID, name string) { names[workflow] = name })
	return names, err
}

// IDs reads the ids of workflows of the tenant; names that are none are left out.
func IDs(ctx context.Context, db pg.DB, tenant id.ID, names []string) (map[string]id.ID, error) {
	ids := map[string]id.ID{}
	err := eachName(ctx, db, tenant, nil, names, func(workflow id.ID, name string) { ids[name] = workflow })
	return ids, err
}

func eachName(ctx context.Context, db pg.DB, tenant id.ID, ids []id.ID, names []string, found func(id.ID, string)) error {
	rows, err := db.Query(ctx, namesSQL, tenant, ids, names)
	if err != nil {
		return fmt.Errorf("read names of workflows: %w", err)
	}
	var workflow id.ID
	var name string
	_, err = pgx.ForEachRow(rows, []any{&workflow, &name}, func() error {
		found(workflow, name)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read names of workflows: %w", err)
	}
	return nil
}
