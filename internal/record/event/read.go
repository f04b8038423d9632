package event

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/pg"
	"github.com/adzehq/adze/internal/core"
)

var (
	//go:embed by_id.sql
	byIDSQL string
	//go:embed last_id.sql
	lastIDSQL string
)

// ByID reads events with their payloads, in any order; ids without a row are left out.
// The payloads are copies, the caller's to keep.
func ByID(ctx context.Context, db pg.DB, ids []id.ID) ([]core.NewEvent, error) {
	rows, err := db.Query(ctx, byIDSQL, ids)
	if err != nil {
		return nil, fmt.Errorf("read %d events: %w", len(ids), err)
	}
	events, err := pgx.AppendRows(make([]core.NewEvent, 0, len(ids)), rows, scan)
	if err != nil {
		return nil, fmt.Errorf("read %d events: %w", len(ids), err)
	}
	return events, nil
}

func scan(row pgx.CollectableRow) (e core.NewEvent, err error) {
	var payload, metadata []byte
	err = row.Scan(&e.ID, &e.Tenant, &e.Target, &e.ReplayOf, &e.Priority, &e.Key, &e.Scope, &e.Warning, &payload, &metadata)
	e.Payload, e.Metadata = payload, metadata
	return e, err
}

// LastID is the largest id of any event of any shard, 0 if there is none: an owner
// whose clock is behind goes on above it.
func LastID(ctx context.Context, db pg.DB) (last id.ID, err error) {
	if err := db.QueryRow(ctx, lastIDSQL).Scan(&last); err != nil {
		return 0, fmt.Errorf("read last event id: %w", err)
	}
	return last, nil
}
