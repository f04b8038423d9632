package history

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

//go:embed key.sql
var keySQL string

// HeldKey reads the idempotency key that the tenant's run holds, empty if none, and until
// when; 0 = until the run ends.
func HeldKey(ctx context.Context, db pg.DB, tenant, run id.ID) (key string, until core.Time, err error) {
	err = db.QueryRow(ctx, keySQL, tenant, run).Scan(&key, &until)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", 0, nil
	}
	if err != nil {
		return "", 0, fmt.Errorf("read key of run %s: %w", run, err)
	}
	return key, until, nil
}
