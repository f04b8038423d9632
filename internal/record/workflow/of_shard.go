package workflow

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/pg"
)

//go:embed of_shard.sql
var ofShardSQL string

// Version is a definition as it was stored.
type Version struct {
	ID       id.ID
	Workflow id.ID
	Tenant   id.ID
	Current  bool // new runs of the workflow get it
	JSON     []byte
}

// OfShard reads all versions known to the tenants of a shard, ids ascending.
func OfShard(ctx context.Context, db pg.DB, shard int32) ([]Version, error) {
	rows, err := db.Query(ctx, ofShardSQL, shard)
	if err != nil {
		return nil, fmt.Errorf("read definitions of shard %d: %w", shard, err)
	}
	versions, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Version])
	if err != nil {
		return nil, fmt.Errorf("read definitions of shard %d: %w", shard, err)
	}
	return versions, nil
}
