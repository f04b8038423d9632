package workflow

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/pg"
)

//go:embed drop.sql
var dropSQL string

// Drop leaves a workflow without a current version, and tells whether it had one.
func Drop(ctx context.Context, db pg.DB, tenant id.ID, name string) (bool, error) {
	tag, err := db.Exec(ctx, dropSQL, tenant, name)
	if err != nil {
		return false, fmt.Errorf("drop workflow %s: %w", name, err)
	}
	return tag.RowsAffected() > 0, nil
}
