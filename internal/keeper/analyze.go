package keeper

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/adzehq/adze/internal/base/pg"
)

//go:embed stale.sql
var staleSQL string

// analyzeEvery is how old the statistics of a partitioned table may become: about
// one new partition. Autovacuum keeps those of its partitions, and never its own.
const analyzeEvery = 24 * time.Hour

// Analyze brings the statistics of all partitioned tables up to date: after
// growth that no one could foresee.
func (k *Keeper) Analyze(ctx context.Context) error { return k.analyzeStale(ctx, true) }

// analyzeStale analyzes the partitioned tables whose statistics are older than
// analyzeEvery, or all of them. If another engine is at it, it leaves it to that.
func (k *Keeper) analyzeStale(ctx context.Context, all bool) error {
	err := k.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		var ours bool
		err := conn.QueryRow(ctx, "select pg_try_advisory_lock($1, $2)", pg.LockClass, lockAnalyze).Scan(&ours)
		if err != nil || !ours {
			return err
		}
		defer unlock(ctx, conn)
		return k.analyze(ctx, conn, all)
	})
	if err != nil {
		return fmt.Errorf("analyze partitioned tables: %w", err)
	}
	return nil
}

// unlock gives lockAnalyze back. If that fails, the connection is broken: the
// pool drops it, and the lock goes with it.
func unlock(ctx context.Context, conn *pgxpool.Conn) {
	_, _ = conn.Exec(context.WithoutCancel(ctx), "select pg_advisory_unlock($1, $2)", pg.LockClass, lockAnalyze)
}

func (k *Keeper) analyze(ctx context.Context, db pg.DB, all bool) error {
	tables := parents
	if !all {
		rows, err := db.Query(ctx, staleSQL, parents, k.clock.Now().Add(-analyzeEvery))
		if err != nil {
			return err
		}
		if tables, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
			return err
		}
	}
	for _, table := range tables {
		if _, err := db.Exec(ctx, "analyze adze."+table); err != nil {
			return err
		}
		k.log.Info("analyzed table", "table", table)
	}
	return nil
}
