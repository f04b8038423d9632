package event

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/pg"
)

//go:embed last_id.sql
var lastIDSQL string

// LastID is the largest id of any event of any shard, 0 if there is none: an owner
// whose clock is behind goes on above it.
func LastID(ctx context.Context, db pg.DB) (last id.ID, err error) {
	if err := db.QueryRow(ctx, lastIDSQL).Scan(&last); err != nil {
		return 0, fmt.Errorf("read last event id: %w", err)
	}
	return last, nil
}
