package workflow

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/pg"
)

//go:embed by_id.sql
var byIDSQL string

// Registered is a version with the workflow that it is of.
type Registered struct {
	ID       id.ID
	Tenant   id.ID
	Workflow id.ID
	JSON     []byte
}

// ByID reads versions of any tenant, ids ascending; ids without one are left out.
func ByID(ctx context.Context, db pg.DB, ids []id.ID) ([]Registered, error) {
	rows, err := db.Query(ctx, byIDSQL, ids)
	if err != nil {
		return nil, fmt.Errorf("read %d definitions: %w", len(ids), err)
	}
	definitions, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Registered])
	if err != nil {
		return nil, fmt.Errorf("read %d definitions: %w", len(ids), err)
	}
	return definitions, nil
}
