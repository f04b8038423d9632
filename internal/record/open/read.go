package open

import (
	"context"
	_ "embed"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/pg"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/record/flow"
)

var (
	//go:embed windows.sql
	windowsSQL string
	//go:embed due.sql
	dueSQL string
	//go:embed next_due.sql
	nextDueSQL string
	//go:embed by_id.sql
	byIDSQL string
	//go:embed ahead.sql
	aheadSQL string
)

// Windows reads, of each of some lanes, at most limit rows after Load.After, in lane
// order. Load.Limit is not looked at.
func Windows(ctx context.Context, db pg.DB, shard int32, loads []core.Load, limit int) ([][]core.OpenTask, error) {
	n := len(loads)
	tenants, queues, keys := make([]id.ID, n), make([]string, n), make([]string, n)
	ranks, ids := make([]int64, n), make([]id.ID, n)
	for i := range loads {
		l := &loads[i]
		tenants[i], queues[i], keys[i], ranks[i], ids[i] = l.Tenant, l.Queue, l.Key, l.After.Rank, l.After.ID
	}
	windows := make([][]core.OpenTask, n)
	rows, err := db.Query(ctx, windowsSQL, shard, tenants, queues, keys, ranks, ids, limit)
	if err != nil {
		return nil, fmt.Errorf("read windows of %d lanes: %w", n, err)
	}
	defer rows.Close()
	for rows.Next() {
		var place int64 // 1-based
		task, err := scan(rows, &place)
		if err != nil {
			return nil, fmt.Errorf("read windows of %d lanes: %w", n, err)
		}
		windows[place-1] = append(windows[place-1], task)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read windows of %d lanes: %w", n, err)
	}
	return windows, nil
}

// Due reads at most load.Limit rows that are due after load.After and up to
// load.Until, in the order (due time, id).
func Due(ctx context.Context, db pg.DB, shard int32, load core.Load) ([]core.OpenTask, error) {
	tasks, err := collect(ctx, db, load.Limit, dueSQL,
		shard, load.After.Rank, load.After.ID, load.Until, load.Limit)
	if err != nil {
		return nil, fmt.Errorf("read due tasks of shard %d: %w", shard, err)
	}
	return tasks, nil
}

// NextDue is the first due time later than after, or 0 if there is none.
func NextDue(ctx context.Context, db pg.DB, shard int32, after core.Time) (core.Time, error) {
	var due core.Time
	err := db.QueryRow(ctx, nextDueSQL, shard, after).Scan(&due)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return 0, fmt.Errorf("read next due time of shard %d: %w", shard, err)
	}
	return due, nil
}

// ByID reads checkpoint rows in any order; ids without one are left out.
func ByID(ctx context.Context, db pg.DB, ids []id.ID) ([]core.OpenTask, error) {
	tasks, err := collect(ctx, db, len(ids), byIDSQL, ids)
	if err != nil {
		return nil, fmt.Errorf("read %d open tasks: %w", len(ids), err)
	}
	return tasks, nil
}

// AheadMax is how far Ahead counts.
const AheadMax = 100_000

// Ahead counts, for each of some ready rows, those that go before it in its lane, up to
// AheadMax; 0 for others.
func Ahead(ctx context.Context, db pg.DB, shard int32, tasks []core.OpenTask) ([]int64, error) {
	n := len(tasks)
	tenants, queues, keys := make([]id.ID, n), make([]string, n), make([]string, n)
	ranks, ids := make([]int64, n), make([]id.ID, n)
	for i := range tasks {
		if o := &tasks[i]; o.State == core.OpenReady { // a lane without a tenant has nothing
			tenants[i], queues[i], keys[i], ranks[i], ids[i] = o.Tenant, o.Queue, o.Key, o.Rank, o.ID
		}
	}
	rows, err := db.Query(ctx, aheadSQL, shard, tenants, queues, keys, ranks, ids, AheadMax)
	if err != nil {
		return nil, fmt.Errorf("count what goes before %d tasks: %w", n, err)
	}
	ahead, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, fmt.Errorf("count what goes before %d tasks: %w", n, err)
	}
	return ahead, nil
}

func collect(ctx context.Context, db pg.DB, room int, sql string, args ...any) ([]core.OpenTask, error) {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.AppendRows(make([]core.OpenTask, 0, room), rows, func(row pgx.CollectableRow) (core.OpenTask, error) { return scan(row) })
}

// scan reads a row, with what stands before its columns.
func scan(row pgx.CollectableRow, before ...any) (o core.OpenTask, err error) {
	var state string
	var encoded []byte
	err = row.Scan(append(before, &o.ID, &o.Tenant, &o.Version, &o.Run, &o.Worker, &o.Token, &o.Due, &o.Assigned,
		&o.Priority, &o.Attempt, &o.Failures, &o.Node, &state, &o.Queue, &o.Key, &o.Cancel,
		&o.Entries, &o.Waits, &o.Binds, &o.Passed, &o.Rank, &encoded, &o.Batch, &o.Suspensions)...)
	if err != nil {
		return o, err
	}
	o.State = core.ParseOpenState(state)
	o.Flow, err = flow.Decode(encoded)
	return o, err
}
