package workflow

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/pg"
)

//go:embed current.sql
var currentSQL string

// Current reads the version of the tenant's workflow that new runs get, or fails with
// fault.NotFound.
func Current(ctx context.Context, db pg.DB, tenant id.ID, name string) (Version, error) {
	if strings.ContainsRune(name, 0) || !utf8.ValidString(name) { // no text of SQL has it
		return Version{}, unknown(name)
	}
	rows, err := db.Query(ctx, currentSQL, tenant, name)
	if err != nil {
		return Version{}, fmt.Errorf("read workflow %s: %w", name, err)
	}
	version, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Version])
	if errors.Is(err, pgx.ErrNoRows) {
		return Version{}, unknown(name)
	}
	if err != nil {
		return Version{}, fmt.Errorf("read workflow %s: %w", name, err)
	}
	return version, nil
}

func unknown(name string) error { return fault.New(fault.NotFound, "name", "no workflow %q", name) }
