package history

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/pg"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/record/task"
)

//go:embed counts.sql
var countsSQL string

// countedRunsMax is how many runs of one task, and of graphs, are counted at most, the
// newest: some 100 ms.
const countedRunsMax = 20_000

// openIDsMax is of how many open tasks the ids are told.
const openIDsMax = 10_000

// CountFilter chooses the runs whose tasks are counted. Its zero value chooses all.
type CountFilter struct {
	Since     core.Time // submitted at or after; 0 = ever
	Until     core.Time // submitted before; 0 = ever
	Workflows []id.ID   // of one of them; empty = any
	Parents   []id.ID   // spawned by one of these tasks; empty = any
	Event     id.ID     // started by this event; 0 = any
	Metadata  []string  // "key:value" of which one at least is theirs; empty = any
}

// Counts are how many tasks stand where.
type Counts struct {
	Open    int64
	OpenIDs []id.ID // the newest of them, openIDsMax at most: where they stand is their shard's to say
	Ended   [core.Skipped + 1]int64
	Late    int64 // of those that failed: they waited too long for a worker
}

// Count counts tasks of the tenant. A run that was replayed counts as its newest replay.
func Count(ctx context.Context, db pg.DB, tenant id.ID, f CountFilter) (Counts, error) {
	from, below := (&Filter{Since: f.Since, Until: f.Until}).bounds()
	rows, err := db.Query(ctx, countsSQL, tenant, from, below, append([]id.ID{}, f.Workflows...), append([]id.ID{}, f.Parents...), f.Event,
		append([]string{}, f.Metadata...), countedRunsMax, openIDsMax, core.ScheduleTimeoutPrefix)
	if err != nil {
		return Counts{}, fmt.Errorf("count tasks: %w", err)
	}
	var counts Counts
	var standing string
	var late bool
	var n int64
	var open []id.ID
	_, err = pgx.ForEachRow(rows, []any{&standing, &late, &n, &open}, func() error {
		if standing == "open" {
			counts.Open, counts.OpenIDs = n, open
			return nil
		}
		counts.Ended[task.ParseStatus(standing)] += n
		if late {
			counts.Late = n
		}
		return nil
	})
	if err != nil {
		return Counts{}, fmt.Errorf("count tasks: %w", err)
	}
	return counts, nil
}
