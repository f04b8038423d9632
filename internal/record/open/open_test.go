package open

import (
	"fmt"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/bulk"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/pgtest"
	"github.com/adzehq/adze/internal/record/rowtest"
)

const shard = 7

// seq is the n-th id of the shard.
func seq(n int) id.ID { return id.ID(n)<<22 | shard<<12 }

func ready(n int, key string, priority int32, due core.Time) core.OpenTask {
	return core.OpenTask{
		ID: seq(n), Tenant: 1, Version: 2, Due: due, Priority: priority, Rank: -int64(priority), Attempt: 1,
		State: core.OpenReady, Queue: "q", Key: key,
	}
}

func write(t *testing.T, pool *pgxpool.Pool, rows []core.OpenTask, closed ...id.ID) {
	t.Helper()
	require.NoError(t, rowtest.Send(t, pool, Statements(), func(b *bulk.Batch) {
		var c Columns
		for i := range rows {
			c.Add(&rows[i])
		}
		c.Queue(b)
		var d ClosedColumns
		for _, i := range closed {
			d.Add(i)
		}
		d.Queue(b)
	}))
}

func TestCheckpointRowsAreReadAsTheyWereWrittenLast(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	first := core.OpenTask{
		ID: seq(1), Tenant: 1, Version: 2, Worker: 3, Token: 4, Due: 5, Assigned: 6, Priority: -7,
		Attempt: 8, Failures: 9, State: core.OpenRunning, Queue: "q", Key: "k", Cancel: "stop",
		Entries: 10, Waits: 11, Binds: true, Batch: 15,
		Passed: 1, Rank: 12, Flow: &core.Flow{Share: "s", Limits: []core.LimitKey{{Key: "l", Max: 3}}},
	}
	write(t, pool, []core.OpenTask{first, ready(2, "", 0, 0), ready(3, "", 0, 0)})
	changed := first
	changed.Worker, changed.Token, changed.Due, changed.Assigned = 0, 0, 50, 0
	changed.Attempt, changed.Failures, changed.State, changed.Cancel = 9, 10, core.OpenWaiting, ""
	changed.Entries, changed.Waits, changed.Binds, changed.Batch = 12, 13, false, 0
	changed.Queue, changed.Key, changed.Passed, changed.Rank = "@limit l", "l", 2, 14

	got, err := Running(t.Context(), pool, shard)
	require.NoError(t, err)
	require.Equal(t, []core.OpenTask{first}, got)

	write(t, pool, []core.OpenTask{changed}, seq(3), seq(99))
	got, err = ByID(t.Context(), pool, []id.ID{seq(1), seq(2), seq(3)})
	require.NoError(t, err)
	require.ElementsMatch(t, []core.OpenTask{changed, ready(2, "", 0, 0)}, got)
}

func TestATaskOfAGraphIsReadWithItsRun(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	first := ready(1, "k", 0, 5)
	first.Run, first.Node = first.ID-1, 0
	third := ready(2, "k", 0, 6)
	third.Run, third.Node, third.State = third.ID-3, 2, core.OpenRunning
	write(t, pool, []core.OpenTask{first, third})
	byID, err := ByID(t.Context(), pool, []id.ID{first.ID, third.ID})
	require.NoError(t, err)
	require.ElementsMatch(t, []core.OpenTask{first, third}, byID)
	running, err := Running(t.Context(), pool, shard)
	require.NoError(t, err)
	require.Equal(t, []core.OpenTask{third}, running)
	lane, err := window(t, pool, core.Load{Tenant: 1, Queue: "q", Key: "k", After: core.LaneStart, Limit: 9})
	require.NoError(t, err)
	require.Equal(t, []core.OpenTask{first}, lane)
	due, err := Due(t.Context(), pool, shard, core.Load{Until: 9, Limit: 9})
	require.NoError(t, err)
	require.Equal(t, []core.OpenTask{first}, due)
}

// window reads one between two others.
func window(t *testing.T, pool *pgxpool.Pool, load core.Load) ([]core.OpenTask, error) {
	t.Helper()
	none := core.Load{Tenant: 9, Queue: "q", Key: "k", ByID: load.ByID}
	windows, err := Windows(t.Context(), pool, shard, []core.Load{none, load, none}, load.Limit)
	if err != nil {
		return nil, err
	}
	require.Empty(t, windows[0])
	require.Empty(t, windows[2])
	return windows[1], nil
}

func TestALaneIsReadInItsOrderWindowByWindow(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	rows := []core.OpenTask{
		ready(1, "k", 0, 0), ready(2, "k", 5, 0), ready(3, "k", 0, 0), ready(4, "k", core.PriorityMin, 0),
		ready(5, "k", core.PriorityMax, 0), ready(6, "other", 9, 0), ready(7, "k", 5, 0),
	}
	delayed := ready(8, "k", 9, 1)
	delayed.State = core.OpenDelayed
	write(t, pool, append(rows, delayed))
	order := readAll(t, pool, core.Load{Kind: core.LoadLane, Tenant: 1, Queue: "q", Key: "k"})
	require.Equal(t, []id.ID{seq(5), seq(2), seq(7), seq(1), seq(3), seq(4)}, order)
}

// limited waits for a place in a limit.
func limited(n int, priority int32) core.OpenTask {
	o := ready(n, "k", priority, 0)
	o.Queue = "@limit l"
	return o
}

// TestALineOfALimitIsReadInEitherOrder: its strategy can change while they wait.
func TestALineOfALimitIsReadInEitherOrder(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	write(t, pool, []core.OpenTask{limited(1, 0), limited(2, -3), limited(3, 7), limited(4, 0), limited(5, 7), ready(6, "k", 9, 0)})
	for byID, want := range map[bool][]id.ID{
		false: {seq(3), seq(5), seq(1), seq(4), seq(2)},
		true:  {seq(1), seq(2), seq(3), seq(4), seq(5)},
	} {
		require.Equal(t, want, readAll(t, pool, core.Load{Kind: core.LoadLane, Tenant: 1, Queue: "@limit l", Key: "k", ByID: byID}))
	}
}

// readAll reads a lane by windows of two.
func readAll(t *testing.T, pool *pgxpool.Pool, load core.Load) (order []id.ID) {
	t.Helper()
	for load.After, load.Limit = core.LaneStart, 2; ; {
		rows, err := window(t, pool, load)
		require.NoError(t, err)
		for _, o := range rows {
			order = append(order, o.ID)
			load.After = core.Order{Rank: o.Rank, ID: o.ID}
		}
		if len(rows) < load.Limit {
			return order
		}
	}
}

func TestDueTasksAreReadInTheOrderOfTheirTimes(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	running := ready(5, "", 0, 15)
	running.State = core.OpenRunning
	delayed := ready(2, "", 0, 20)
	delayed.State = core.OpenDelayed
	waiting := ready(3, "", 0, 20)
	waiting.State, waiting.Waits = core.OpenWaiting, 1
	timeless := waiting
	timeless.ID, timeless.Due = seq(7), 0
	write(t, pool, []core.OpenTask{ready(1, "", 0, 30), delayed, waiting, ready(4, "", 0, 0), running, ready(6, "", 0, 40), timeless})
	read := func(load core.Load) (ids []id.ID) {
		rows, err := Due(t.Context(), pool, shard, load)
		require.NoError(t, err)
		for _, o := range rows {
			ids = append(ids, o.ID)
		}
		return ids
	}
	require.Equal(t, []id.ID{seq(2), seq(3), seq(1)}, read(core.Load{Until: 30, Limit: 9}))
	require.Equal(t, []id.ID{seq(2), seq(3)}, read(core.Load{Until: 30, Limit: 2}))
	require.Equal(t, []id.ID{seq(3), seq(1)}, read(core.Load{After: core.Order{Rank: 20, ID: seq(2)}, Until: 39, Limit: 9}))

	for after, want := range map[core.Time]core.Time{0: 20, 20: 30, 30: 40, 40: 0} {
		next, err := NextDue(t.Context(), pool, shard, after)
		require.NoError(t, err)
		require.Equal(t, want, next, "after %d", after)
	}
	n, err := Delayed(t.Context(), pool, shard)
	require.NoError(t, err)
	require.EqualValues(t, 3, n, "delayed ones, and waiting ones with a time or without")
}

func TestADueTimeIsMovedInItsRowAlone(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	asleep := ready(1, "", 0, 0)
	asleep.State, asleep.Waits = core.OpenWaiting, 1
	write(t, pool, []core.OpenTask{asleep, ready(2, "", 0, 7)})
	require.NoError(t, rowtest.Send(t, pool, Statements(), func(b *bulk.Batch) {
		var c DueColumns
		c.Add(&core.DueChange{Task: asleep.ID, Due: 5})
		c.Add(&core.DueChange{Task: seq(2), Due: 5}) // it does not wait
		c.Add(&core.DueChange{Task: seq(99), Due: 6})
		c.Queue(b)
	}))
	asleep.Due = 5
	rows, err := Due(t.Context(), pool, shard, core.Load{Until: 9, Limit: 9})
	require.NoError(t, err)
	require.Equal(t, []core.OpenTask{asleep, ready(2, "", 0, 7)}, rows)
}

func TestWokenTasksAreThoseThatWaitAndAreNotSuspended(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	row := func(n int, state core.OpenState, waits int32) core.OpenTask {
		o := ready(n, "", 0, 0)
		o.State, o.Waits = state, waits
		return o
	}
	stranger := row(1, core.OpenReady, 1)
	stranger.ID += 1 << 12
	write(t, pool, []core.OpenTask{
		row(1, core.OpenReady, 1), row(2, core.OpenDelayed, 2), row(3, core.OpenReady, 0),
		row(4, core.OpenWaiting, 1), row(5, core.OpenRunning, 1), stranger,
	})
	woken, err := Woken(t.Context(), pool, shard)
	require.NoError(t, err)
	require.ElementsMatch(t, []id.ID{seq(1), seq(2)}, woken)
}

func TestLanesAreCounted(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	write(t, pool, []core.OpenTask{ready(1, "b", 0, 0), ready(2, "a", 0, 0), ready(3, "b", 0, 0)})
	lanes, err := Lanes(t.Context(), pool, shard)
	require.NoError(t, err)
	require.Equal(t, []core.LaneDepth{
		{Tenant: 1, Queue: "q", Key: "a", Depth: 1},
		{Tenant: 1, Queue: "q", Key: "b", Depth: 2},
	}, lanes)
	lanes, err = Lanes(t.Context(), pool, shard+1)
	require.NoError(t, err)
	require.Empty(t, lanes)
}

func TestTheLowWaterMarkIsTheLastOneWritten(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	mark, err := LowWater(t.Context(), pool, shard)
	require.NoError(t, err)
	require.Zero(t, mark)
	for _, want := range []id.ID{5, 9} {
		require.NoError(t, rowtest.Send(t, pool, Statements(), func(b *bulk.Batch) {
			var c LowWaterColumns
			c.Add(shard, want)
			c.Queue(b)
		}))
		mark, err = LowWater(t.Context(), pool, shard)
		require.NoError(t, err)
		require.Equal(t, want, mark)
	}
}

// backlog fills open_task with ready rows on a hundred keys, and some of the
// other states, as a session would that has just begun: with no statistics.
func backlog(t *testing.T, pool *pgxpool.Pool, rows int) {
	t.Helper()
	_, err := pool.Exec(t.Context(), `
		insert into adze.open_task
		select n::bigint << 22 | 7 << 12, 1, 2, 0, 0, case when n % 50 = 0 then n else 0 end, 0, 7, n % 3, 1, 0,
			case when n % 1000 = 0 then 'running' when n % 100 = 0 then 'delayed' when n % 20 = 0 then 'waiting' else 'ready' end,
			case when n % 100 < 50 then 'q' else '@limit l' end, 'k' || n % 100, '', null, 0, case when n % 500 = 0 or n % 20 = 0 and n % 100 > 0 then 1 else 0 end
		from generate_series(1, $1) n`, rows)
	require.NoError(t, err)
}

func TestWindowsAreOneRangeOfAnIndexAtAnyDepth(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	backlog(t, pool, 100_000)
	plans := func(t *testing.T) {
		for name, c := range map[string]struct{ sql, arguments, index string }{
			"windows":  {windowsSQL, fmt.Sprintf("7, '{1,1}', '{q,q}', '{k7,k8}', '{-1,-2}', '{%d,0}', 100", seq(50_000)), "open_task_lane_idx"},
			"limits":   {windowsByIDSQL, fmt.Sprintf("7, '{1,1}', '{@limit l,@limit l}', '{k57,k58}', '{%d,0}', 100", seq(50_000)), "open_task_limit_idx"},
			"due":      {dueSQL, "7, 0, 0, 60000, 100", "open_task_due_idx"},
			"next due": {nextDueSQL, "7, 50000", "open_task_due_idx"},
			"running":  {runningSQL, "7", "open_task_running_idx"},
			"woken":    {wokenSQL, "7", "open_task_waits_idx"},
			"delayed":  {delayedSQL, "7", "open_task_waits_idx"},
			"by id":    {byIDSQL, fmt.Sprintf("'{%d,%d}'", seq(5), seq(6)), "open_task_pkey"},
		} {
			t.Run(name, func(t *testing.T) {
				rowtest.Plans(t, pool, c.sql, c.arguments, func(t *testing.T, ran []rowtest.Node) {
					rowtest.NoScan(t, ran, "open_task")
					var indexes []string
					for _, n := range ran {
						indexes = append(indexes, n.Index)
						require.False(t, n.Type == "Sort" && slices.Contains([]string{"limits", "due"}, name), "%s is sorted, not read in order", name)
					}
					require.Contains(t, indexes, c.index)
				})
			})
		}
	}
	t.Run("without statistics", plans)
	_, err := pool.Exec(t.Context(), "analyze adze.open_task")
	require.NoError(t, err)
	t.Run("with statistics", plans)
}

func TestWhatGoesBeforeARowIsCounted(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	delayed := ready(9, "k", 0, 9)
	delayed.State = core.OpenDelayed
	rows := []core.OpenTask{
		ready(1, "k", 0, 0), ready(2, "k", 5, 0), ready(3, "k", 0, 0), ready(4, "other", 9, 0), ready(5, "k", -1, 0), delayed,
		limited(6, 0), limited(7, 5), limited(8, 0),
	}
	write(t, pool, rows)
	ahead, err := Ahead(t.Context(), pool, shard, rows)
	require.NoError(t, err)
	require.Equal(t, []core.Ahead{{ByRank: 1}, {}, {ByRank: 2}, {}, {ByRank: 3}, {}, {ByRank: 1}, {ByID: 1}, {ByRank: 2, ByID: 2}}, ahead)
	none, err := Ahead(t.Context(), pool, shard, nil)
	require.NoError(t, err)
	require.Empty(t, none)
}
