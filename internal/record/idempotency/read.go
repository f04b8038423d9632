package idempotency

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
	//go:embed by_key.sql
	byKeySQL string
	//go:embed by_run.sql
	byRunSQL string
	//go:embed due.sql
	dueSQL string
	//go:embed next_due.sql
	nextDueSQL string
	//go:embed held.sql
	heldSQL string
	//go:embed held_count.sql
	heldCountSQL string
	//go:embed replaced.sql
	replacedSQL string
	//go:embed progress.sql
	progressSQL string
)

// ByKey reads which runs of a tenant hold the keys, in any order.
func ByKey(ctx context.Context, db pg.DB, tenant id.ID, keys []string) ([]core.OnceKey, error) {
	return read(ctx, db, byKeySQL, tenant, keys)
}

// Ended reads the keys that those of the runs held until they ended that have, in any
// order.
func Ended(ctx context.Context, db pg.DB, runs []id.ID) ([]core.OnceKey, error) {
	keys, err := read(ctx, db, byRunSQL, runs)
	ended := keys[:0]
	for _, k := range keys {
		if k.Ended {
			ended = append(ended, k)
		}
	}
	return ended, err
}

// Due reads at most limit keys of a shard that are free by until, by that time, and when
// the next one is; 0 = none by time.
func Due(ctx context.Context, db pg.DB, shard int32, until core.Time, limit int) ([]core.OnceKey, core.Time, error) {
	keys, err := read(ctx, db, dueSQL, shard, until, limit)
	if err != nil {
		return nil, 0, err
	}
	var next core.Time
	if err := db.QueryRow(ctx, nextDueSQL, shard, until).Scan(&next); err != nil {
		return nil, 0, fmt.Errorf("read when the next key of shard %d is free: %w", shard, err)
	}
	return keys, next, nil
}

// Held reads at most limit keys of a shard, those that are free first before the others,
// and how many more there are.
func Held(ctx context.Context, db pg.DB, shard int32, limit int) (keys []core.OnceKey, more int64, err error) {
	var all int64
	if err := db.QueryRow(ctx, heldCountSQL, shard).Scan(&all); err != nil {
		return nil, 0, fmt.Errorf("count keys of shard %d: %w", shard, err)
	}
	if all == 0 {
		return nil, 0, nil
	}
	keys, err = read(ctx, db, heldSQL, shard, limit)
	return keys, all - int64(len(keys)), err
}

// Replaced reads the runs of a shard that were replaced and are still to be cancelled, by
// id.
func Replaced(ctx context.Context, db pg.DB, shard int32) ([]core.OnceKey, error) {
	return collect(ctx, db, replacedSQL, shard)
}

// read reads keys with how far their runs have come.
func read(ctx context.Context, db pg.DB, sql string, args ...any) ([]core.OnceKey, error) {
	keys, err := collect(ctx, db, sql, args...)
	if err != nil || len(keys) == 0 {
		return nil, err
	}
	return keys, addProgress(ctx, db, keys)
}

func collect(ctx context.Context, db pg.DB, sql string, args ...any) ([]core.OnceKey, error) {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read idempotency keys: %w", err)
	}
	keys, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, fmt.Errorf("read idempotency keys: %w", err)
	}
	return keys, nil
}

func scan(row pgx.CollectableRow) (k core.OnceKey, err error) {
	var hold string
	if err := row.Scan(&k.Run, &k.Tenant, &k.By, &k.Until, &k.First, &hold, &k.Key); err != nil {
		return k, err
	}
	if k.Hold = core.ParseOnceHold(hold); k.Hold == 0 {
		return k, fmt.Errorf("no hold %q", hold)
	}
	return k, nil
}

// addProgress adds whether the runs of keys have begun, and ended.
func addProgress(ctx context.Context, db pg.DB, keys []core.OnceKey) error {
	runs := make([]id.ID, len(keys))
	of := make(map[id.ID]*core.OnceKey, len(keys))
	for i := range keys {
		runs[i], of[keys[i].Run] = keys[i].Run, &keys[i]
	}
	rows, err := db.Query(ctx, progressSQL, runs, int64(core.NodesMax))
	if err != nil {
		return fmt.Errorf("read progress of %d runs: %w", len(runs), err)
	}
	var run id.ID
	var begun, ended bool
	_, err = pgx.ForEachRow(rows, []any{&run, &begun, &ended}, func() error {
		of[run].Begun, of[run].Ended = begun, ended
		return nil
	})
	if err != nil {
		return fmt.Errorf("read progress of %d runs: %w", len(runs), err)
	}
	return nil
}
