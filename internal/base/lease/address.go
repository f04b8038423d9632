package lease

import (
	"context"
	_ "embed"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/adzehq/adze/internal/base/pg"
)

//go:embed address.sql
var addressSQL string

// Address is where the owner of a shard listens; empty if it does not, or was silent for
// longer than TTL.
func Address(ctx context.Context, db pg.DB, shard int32) (address string, err error) {
	err = db.QueryRow(ctx, addressSQL, shard, TTL.Seconds()).Scan(&address)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("look up owner of shard %d: %w", shard, err)
	}
	return address, nil
}
