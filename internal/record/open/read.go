package open

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/pg"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/record/flow"
)

var (
	//go:embed windows.sql
	windowsSQL string
	//go:embed windows_by_id.sql
	windowsByIDSQL string
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
// order, which is by id for all or for none. Load.Limit is not looked at.
func Windows(ctx context.Context, db pg.DB, shard int32, loads []core.Load, limit int) ([][]core.OpenTask, error) {
	n := len(loads)
	tenants, queues, keys := make([]id.ID, n), make([]string, n), make([]string, n)
	ranks, ids := make([]int64, n), make([]id.ID, n)
	for i := range loads {
		l := &loads[i]
		tenants[i], queues[i], keys[i], ranks[i], ids[i] = l.Tenant, l.Queue, l.Key, l.After.Rank, l.After.ID
	}
	windows := make([][]core.OpenTask, n)
	sql, arguments, order := windowsSQL, []any{shard, tenants, queues, keys, ranks, ids, limit}, inLaneOrder
	if n > 0 && loads[0].ByID {
		sql, arguments, order = windowsByIDSQL, []any{shard, tenants, queues, keys, ids, limit}, byID
	}
	rows, err := db.Query(ctx, sql, arguments...)
	if err != nil {
		return nil, fmt.Errorf("read windows of %d lanes: %w", n, err)
	}
	err = pg.Each(rows, func(r *pg.Row) error {
		place := r.Int64() - 1 // 1-based
		task, err := readWaiting(r, &loads[place])
		windows[place] = append(windows[place], task)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read windows of %d lanes: %w", n, err)
	}
	for _, window := range windows { // in order, but nothing obliges the server to it
		if !slices.IsSortedFunc(window, order) {
			slices.SortFunc(window, order)
		}
	}
	return windows, nil
}

func inLaneOrder(a, b core.OpenTask) int {
	return cmp.Or(cmp.Compare(a.Rank, b.Rank), cmp.Compare(a.ID, b.ID))
}

func byID(a, b core.OpenTask) int { return cmp.Compare(a.ID, b.ID) }

// readWaiting reads a row of the lane that a load is of.
func readWaiting(r *pg.Row, lane *core.Load) (core.OpenTask, error) {
	o, err := readOpen(r)
	o.State, o.Tenant, o.Queue, o.Key = core.OpenReady, lane.Tenant, lane.Queue, lane.Key
	return o, err
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
// AheadMax; none for others.
func Ahead(ctx context.Context, db pg.DB, shard int32, tasks []core.OpenTask) ([]core.Ahead, error) {
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
	ahead, err := pgx.CollectRows(rows, pgx.RowToStructByPos[core.Ahead])
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
	tasks := make([]core.OpenTask, 0, room)
	err = pg.Each(rows, func(r *pg.Row) error {
		task, err := read(r)
		tasks = append(tasks, task)
		return err
	})
	return tasks, err
}

// read reads a whole row.
func read(r *pg.Row) (core.OpenTask, error) {
	o, err := readOpen(r)
	o.Tenant = id.ID(r.Int64())
	o.Worker = id.ID(r.Int64())
	o.Token = core.Token(r.Int64())
	o.Assigned = core.Time(r.Int64())
	o.State = core.ParseOpenState(r.Text())
	o.Queue = r.Text()
	o.Key = r.Text()
	o.Cancel = r.Text()
	o.Batch = core.Token(r.Int64())
	return o, err
}

// readOpen reads what begins every row: all that a task may have which waits in a known lane.
func readOpen(r *pg.Row) (o core.OpenTask, err error) {
	o.ID = id.ID(r.Int64())
	o.Version = id.ID(r.Int64())
	readNode(r, &o)
	o.Due = core.Time(r.Int64())
	o.Priority = r.Int32()
	o.Attempt = r.Int32()
	o.Failures = r.Int32()
	o.Entries = r.Int32()
	o.Waits = r.Int32()
	o.Binds = r.Bool()
	o.Passed = r.Int32()
	o.Rank = r.Int64()
	o.Flow, err = flow.Decode(r.Bytes())
	o.Suspensions = r.Int32()
	return o, err
}

// readNode reads which task of its run a row is; null = it is a run of its own. Ids of a
// run's tasks follow its own.
func readNode(r *pg.Row, o *core.OpenTask) {
	node, of := r.Int32OrNull()
	if of {
		o.Node, o.Run = node, o.ID-1-id.ID(node)
	}
}
