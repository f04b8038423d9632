package event

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/pg"
)

var (
	//go:embed put_filter.sql
	putFilterSQL string
	//go:embed filter_by_id.sql
	filterByIDSQL string
	//go:embed delete_filters.sql
	deleteFiltersSQL string
	//go:embed filters_of_shard.sql
	filtersOfShardSQL string
	//go:embed filter_page.sql
	filterPageSQL string
	//go:embed filters.sql
	filtersSQL string
)

// Filter is a row of event_filter.
type Filter struct {
	ID         id.ID
	Tenant     id.ID
	CreatedAt  time.Time
	Workflow   string
	Scope      string
	Expression string // CEL; "" = always
	Payload    []byte // JSON, or nil
	Declared   bool   // with its workflow
	UpdatedAt  time.Time
}

// PutFilter stores a filter: a new one, or as it is from now on.
func PutFilter(ctx context.Context, db pg.DB, f Filter) error {
	_, err := db.Exec(ctx, putFilterSQL, f.ID, f.Tenant, f.CreatedAt, f.Workflow, f.Scope, f.Expression, f.Payload, f.Declared)
	if err != nil {
		return fmt.Errorf("put filter of %s: %w", f.Workflow, err)
	}
	return nil
}

// FilterByID reads a filter of the tenant, or fails with fault.NotFound.
func FilterByID(ctx context.Context, db pg.DB, tenant, number id.ID) (Filter, error) {
	rows, err := db.Query(ctx, filterByIDSQL, tenant, number)
	if err != nil {
		return Filter{}, fmt.Errorf("read filter %s: %w", number, err)
	}
	f, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Filter])
	if errors.Is(err, pgx.ErrNoRows) {
		return Filter{}, fault.New(fault.NotFound, "filter", "no filter %s", number)
	}
	if err != nil {
		return Filter{}, fmt.Errorf("read filter %s: %w", number, err)
	}
	return f, nil
}

// DeleteFilters deletes filters of the tenant, and tells which of the ids there were,
// in any order.
func DeleteFilters(ctx context.Context, db pg.DB, tenant id.ID, ids []id.ID) ([]id.ID, error) {
	rows, err := db.Query(ctx, deleteFiltersSQL, tenant, ids)
	if err != nil {
		return nil, fmt.Errorf("delete %d filters: %w", len(ids), err)
	}
	deleted, err := pgx.CollectRows(rows, pgx.RowTo[id.ID])
	if err != nil {
		return nil, fmt.Errorf("delete %d filters: %w", len(ids), err)
	}
	return deleted, nil
}

// FiltersOfShard reads the filters of all tenants of a shard, ids ascending.
func FiltersOfShard(ctx context.Context, db pg.DB, shard int32) ([]Filter, error) {
	rows, err := db.Query(ctx, filtersOfShardSQL, shard)
	if err != nil {
		return nil, fmt.Errorf("read filters of shard %d: %w", shard, err)
	}
	filters, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Filter])
	if err != nil {
		return nil, fmt.Errorf("read filters of shard %d: %w", shard, err)
	}
	return filters, nil
}

// FilterChoice says which filters are wanted.
type FilterChoice struct {
	Workflows []string // nil = of all
	Scopes    []string // nil = all
}

// FilterPage reads a page of the tenant's filters, newest first, and tells how many there
// are in all. Past the end nobody counts.
func FilterPage(ctx context.Context, db pg.DB, tenant id.ID, c FilterChoice, offset, limit int) (page []Filter, all int, err error) {
	rows, err := db.Query(ctx, filterPageSQL, tenant, c.Workflows, c.Scopes, offset, limit)
	if err != nil {
		return nil, 0, fmt.Errorf("list filters: %w", err)
	}
	var f Filter
	_, err = pgx.ForEachRow(rows, []any{
		&f.ID, &f.Tenant, &f.CreatedAt, &f.Workflow, &f.Scope, &f.Expression, &f.Payload, &f.Declared, &f.UpdatedAt, &all,
	}, func() error {
		page = append(page, f)
		f.Payload = nil
		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list filters: %w", err)
	}
	return page, all, nil
}

// Filters reads at most limit of the tenant's filters with ids above after, ascending:
// those of a workflow, or all ("").
func Filters(ctx context.Context, db pg.DB, tenant, after id.ID, workflow string, limit int) ([]Filter, error) {
	rows, err := db.Query(ctx, filtersSQL, tenant, after, workflow, limit)
	if err != nil {
		return nil, fmt.Errorf("list filters: %w", err)
	}
	filters, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Filter])
	if err != nil {
		return nil, fmt.Errorf("list filters: %w", err)
	}
	return filters, nil
}
