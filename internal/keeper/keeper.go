// Package keeper does the upkeep that time asks for: partitions are made ahead,
// statistics are kept true.
//
// It owns the partitions of the tables that have a row per task or run. It promises
// that there is a partition for every row of the next days, that several engines do
// the work once, and that nothing it does blocks a reader or a writer.
package keeper

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/adzehq/adze/internal/base/clock"
	"github.com/adzehq/adze/internal/base/id"
)

const (
	// daysAhead is how long rows still find a partition if no engine runs the
	// keeper, or each of its passes fails.
	daysAhead = 7

	passEvery = time.Hour

	// Second keys of the advisory locks (pg.LockClass) that make several engines
	// do a duty once.
	lockPartitions int32 = -2
	lockAnalyze    int32 = -3
)

// parents are the partitioned tables.
var parents = []string{
	"task", "task_result", "attempt", "moment", "run", "run_result",
	"event", "event_run",
	"log_line", "stream_chunk", "span",
	"durable_entry", "condition_met", "durable_value", "reply", "child",
}

// Config is what a keeper needs besides its pool.
type Config struct {
	Clock clock.Clock  // nil = clock.Wall
	Log   *slog.Logger // nil = slog.Default
}

// Keeper does each duty when it is due.
type Keeper struct {
	pool  *pgxpool.Pool
	clock clock.Clock
	log   *slog.Logger
}

// New makes a keeper of the database behind pool.
func New(pool *pgxpool.Pool, config Config) *Keeper {
	k := &Keeper{pool: pool, clock: config.Clock, log: config.Log}
	if k.clock == nil {
		k.clock = clock.Wall
	}
	if k.log == nil {
		k.log = slog.Default()
	}
	return k
}

// Run does every duty at once and then every hour, until ctx ends. What fails is
// logged, and made up for by the next pass.
func (k *Keeper) Run(ctx context.Context) error {
	timer := k.clock.NewTimer(passEvery)
	defer timer.Stop()
	for {
		if err := errors.Join(k.Pass(ctx), k.analyzeStale(ctx, false)); err != nil && ctx.Err() == nil {
			k.log.Error("upkeep did not finish", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C():
			timer.Reset(passEvery)
		}
	}
}

// Pass makes the partitions from yesterday, whose last rows may still come, to
// daysAhead. Call it before the first row is written; it is quick.
func (k *Keeper) Pass(ctx context.Context) error {
	today := day(k.clock.Now())
	if err := k.ensure(ctx, today.AddDate(0, 0, -1), today.AddDate(0, 0, daysAhead)); err != nil {
		return fmt.Errorf("make partitions %d days ahead: %w", daysAhead, err)
	}
	return nil
}

// EnsurePartitions makes the partitions for rows with ids from first to last.
func (k *Keeper) EnsurePartitions(ctx context.Context, first, last id.ID) error {
	if err := k.ensure(ctx, day(first.Time()), day(last.Time())); err != nil {
		return fmt.Errorf("make partitions from %s to %s: %w", first, last, err)
	}
	return nil
}
