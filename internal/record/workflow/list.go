package workflow

import (
	"context"
	_ "embed"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/pg"
)

var (
	//go:embed list.sql
	listSQL string
	//go:embed get.sql
	getSQL string
	//go:embed versions.sql
	versionsSQL string
	//go:embed place.sql
	placeSQL string
)

// Listed is a workflow with its current version.
type Listed struct {
	ID      id.ID
	Name    string
	Version id.ID
	JSON    []byte
	Place   int // of Version, as Versions tells it; only of List
}

// Numbered is a version with its place among those of its workflow, from 1.
type Numbered struct {
	ID    id.ID
	Place int
	Label string // what its authors call it; empty: nothing
}

// List reads a page of the tenant's workflows whose name has part in it, whatever its
// case, newest first, and tells how many there are in all. Past the end nobody counts.
func List(ctx context.Context, db pg.DB, tenant id.ID, part string, offset, limit int) (page []Listed, all int, err error) {
	rows, err := db.Query(ctx, listSQL, tenant, part, offset, limit)
	if err != nil {
		return nil, 0, fmt.Errorf("list workflows: %w", err)
	}
	var one Listed
	_, err = pgx.ForEachRow(rows, []any{&one.ID, &one.Name, &one.Version, &one.JSON, &one.Place, &all}, func() error {
		page = append(page, one)
		one.JSON = nil
		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list workflows: %w", err)
	}
	return page, all, nil
}

// Get reads a workflow of the tenant, or fails with fault.NotFound.
func Get(ctx context.Context, db pg.DB, tenant, workflow id.ID) (Listed, error) {
	rows, err := db.Query(ctx, getSQL, tenant, workflow)
	if err != nil {
		return Listed{}, fmt.Errorf("read workflow %s: %w", workflow, err)
	}
	found, err := pgx.CollectExactlyOneRow(rows, scanListed)
	if errors.Is(err, pgx.ErrNoRows) {
		return Listed{}, fault.New(fault.NotFound, "workflow", "there is no workflow %s", workflow)
	}
	if err != nil {
		return Listed{}, fmt.Errorf("read workflow %s: %w", workflow, err)
	}
	return found, nil
}

func scanListed(row pgx.CollectableRow) (w Listed, err error) {
	err = row.Scan(&w.ID, &w.Name, &w.Version, &w.JSON)
	return w, err
}

// Place is that of a version of a workflow, as Versions tells it.
func Place(ctx context.Context, db pg.DB, workflow, version id.ID) (place int, err error) {
	if err := db.QueryRow(ctx, placeSQL, workflow, version).Scan(&place); err != nil {
		return 0, fmt.Errorf("count versions of workflow %s: %w", workflow, err)
	}
	return place, nil
}

// Versions reads the newest versions of a workflow, at most so many, newest first.
func Versions(ctx context.Context, db pg.DB, workflow id.ID, limit int) ([]Numbered, error) {
	rows, err := db.Query(ctx, versionsSQL, workflow, limit)
	if err != nil {
		return nil, fmt.Errorf("read versions of workflow %s: %w", workflow, err)
	}
	versions, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Numbered])
	if err != nil {
		return nil, fmt.Errorf("read versions of workflow %s: %w", workflow, err)
	}
	return versions, nil
}
