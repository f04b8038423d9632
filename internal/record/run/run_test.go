package run

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/bulk"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/keeper"
	"github.com/adzehq/adze/internal/pgtest"
	"github.com/adzehq/adze/internal/record/rowtest"
	"github.com/adzehq/adze/internal/record/task"
)

const shard = 7

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func setup(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool := pgtest.Open(t)
	require.NoError(t, keeper.New(pool, keeper.Config{Log: slog.New(slog.DiscardHandler)}).EnsurePartitions(t.Context(), id.First(noon), id.First(noon)))
	return pool
}

// seq is the n-th block of ids of the shard.
func seq(n int) id.ID { return id.First(noon) + id.ID(n)<<22 | shard<<12 }

// rows are what a batch of the journal may have of runs.
type rows struct {
	runs    []core.NewTask
	results []core.RunResult
	open    []core.OpenRun
	closed  []id.ID
	ended   []core.Result // of their tasks
}

func write(t *testing.T, pool *pgxpool.Pool, repeat bool, r rows) error {
	t.Helper()
	return rowtest.Send(t, pool, append(Statements(), task.Statements()...), func(b *bulk.Batch) {
		var runs Columns
		for i := range r.runs {
			runs.Add(&r.runs[i])
		}
		runs.Queue(b, repeat)
		var results ResultColumns
		for i := range r.results {
			results.Add(&r.results[i])
		}
		results.Queue(b, repeat)
		var open OpenColumns
		for i := range r.open {
			open.Add(&r.open[i])
		}
		open.Queue(b)
		var closed ClosedColumns
		for _, i := range r.closed {
			closed.Add(i)
		}
		closed.Queue(b)
		var ended task.ResultColumns
		for i := range r.ended {
			ended.Add(&r.ended[i])
		}
		ended.Queue(b, repeat)
	})
}

func TestRunsAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	pool := setup(t)
	runs := []core.NewTask{
		{ID: seq(1), Tenant: 1, Version: 2, Input: core.Payload("null")},
		{
			ID: seq(2), Tenant: 3, Version: 4, ReplayOf: 5, Event: 9, Parent: 10, RunAt: 6, Key: "k", Priority: -7,
			Input: core.Payload(`{"a":1}`), Metadata: core.Payload(`{}`), Given: core.Payload("2"),
		},
	}
	require.NoError(t, write(t, pool, false, rows{runs: runs}))
	got, err := ByID(t.Context(), pool, []id.ID{seq(1), seq(2), seq(3)})
	require.NoError(t, err)
	require.ElementsMatch(t, runs, got)
}

func TestARunHasOneResultForEverAndItsTenantReadsIt(t *testing.T) {
	t.Parallel()
	pool := setup(t)
	runs := []core.NewTask{{ID: seq(1), Tenant: 1, Version: 2, Input: core.Payload("1")}, {ID: seq(2), Tenant: 3, Version: 4, Input: core.Payload("1")}}
	results := []core.RunResult{
		{Run: seq(1), Tenant: 1, Version: 2, Status: core.Failed, Finished: 5, Error: "task a failed"},
		{Run: seq(2), Tenant: 3, Version: 4, Status: core.Succeeded, Finished: 6},
	}
	require.NoError(t, write(t, pool, false, rows{runs: runs, results: results}))
	second := results[0]
	second.Status = core.Succeeded
	require.ErrorContains(t, write(t, pool, false, rows{results: []core.RunResult{second}}), "duplicate key")
	require.NoError(t, write(t, pool, true, rows{runs: runs, results: []core.RunResult{second}}), "a repetition is passed over")
	ended, err := WithResult(t.Context(), pool, []id.ID{seq(2), seq(3)})
	require.NoError(t, err)
	require.Equal(t, []id.ID{seq(2)}, ended)
	for tenant, want := range map[id.ID]core.RunResult{1: results[0], 3: results[1]} {
		got, err := Outcomes(t.Context(), pool, tenant, []id.ID{seq(1), seq(2), seq(3)})
		require.NoError(t, err)
		require.Equal(t, []core.RunResult{want}, got)
	}
}

func TestANewOwnerFindsTheOpenRunsAndHowTheirTasksEnded(t *testing.T) {
	t.Parallel()
	pool := setup(t)
	row := func(n int) core.OpenRun {
		return core.OpenRun{ID: seq(n), Tenant: 1, Version: 2, RunAt: 3, Priority: 4, Key: "k"}
	}
	submitted := func(i id.ID) core.NewTask {
		return core.NewTask{ID: i, Tenant: 1, Version: 2, RunAt: 3, Priority: 4, Key: "k", Input: core.Payload("1")}
	}
	stranger := id.First(noon) + 2<<22 | (shard+1)<<12
	closed, cancelled := row(9), row(2)
	cancelled.Cancel = "no longer needed"
	scopes := []string{"ada", "", `a "quoted" \, {one}`, "NULL", "ü"}
	fresh5, saved2 := submitted(seq(5)), submitted(seq(2))
	fresh5.Scopes, saved2.Scopes = scopes, scopes[:1]
	require.NoError(t, write(t, pool, false, rows{
		runs:    []core.NewTask{submitted(seq(1)), saved2, submitted(seq(3)), submitted(stranger), submitted(seq(4)), fresh5},
		results: []core.RunResult{{Run: seq(4), Tenant: 1, Status: core.Succeeded}},
		open:    []core.OpenRun{row(1), row(2), closed, row(10), row(11)},
		ended: []core.Result{
			{Task: seq(1) + 1, Tenant: 1, Status: core.Succeeded, Verdicts: []core.Verdict{
				{Node: 1, Skip: true}, {Node: 2, Cancel: true}, {Node: 3, Skip: true, Cancel: true},
			}},
			{Task: seq(1) + 2, Tenant: 1, Status: core.Skipped},
			{Task: seq(1) + 6, Tenant: 1, Status: core.Succeeded}, // beyond its tasks: another's
			{Task: seq(3) + 4, Tenant: 1, Status: core.Cancelled},
		},
	}))
	require.NoError(t, write(t, pool, false, rows{open: []core.OpenRun{cancelled}, closed: []id.ID{closed.ID, seq(99)}}))

	_, err := pool.Exec(t.Context(), `insert into adze.open_task
		(id, tenant_id, version_id, worker_id, token, due_at, assigned_at, shard, priority, attempt, failures, state, queue, key, cancel, node)
		values ($1, 1, 2, 5, 6, 0, 0, $2, 0, 1, 0, 'running', 'q', '', '', 2)`, seq(1)+3, shard)
	require.NoError(t, err)
	_, err = pool.Exec(t.Context(), `insert into adze.wait (task_id, tenant_id, run_id, shard, index, watched, conditions)
		values ($1, 1, $2, $3, 0, true, '[]')`, seq(11)+1, seq(11), shard)
	require.NoError(t, err)
	saved, err := Saved(t.Context(), pool, shard)
	require.NoError(t, err)
	require.Equal(t, seq(11), saved[2].ID, "what is watched is needed at once")
	saved = saved[:2]
	rest, err := OpenByID(t.Context(), pool, []id.ID{seq(10), seq(77)})
	require.NoError(t, err)
	require.Len(t, rest, 1, "what rests is left out, and found by its id")
	require.True(t, rest[0].Saved)
	fresh, err := Fresh(t.Context(), pool, shard, seq(2))
	require.NoError(t, err)
	runs := append(saved, fresh...)
	require.NoError(t, AddEnded(t.Context(), pool, runs, func(version id.ID) int { return 2 * int(version) }))

	want := []core.OpenRun{row(1), cancelled, row(3), row(5)}
	want[0].Saved, want[1].Saved = true, true
	want[1].Scopes, want[3].Scopes = scopes[:1], scopes
	want[0].Ended = []core.EndedNode{
		{Node: 0, Status: core.Succeeded, Verdicts: []core.Verdict{
			{Node: 1, Skip: true}, {Node: 2, Cancel: true}, {Node: 3, Skip: true, Cancel: true},
		}},
		{Node: 1, Status: core.Skipped},
	}
	want[2].Ended = []core.EndedNode{{Node: 3, Status: core.Cancelled}}
	require.Equal(t, want, runs)
}

func TestNoTaskOfARunIsAboveTheLastID(t *testing.T) {
	t.Parallel()
	pool := setup(t)
	last, err := LastID(t.Context(), pool)
	require.NoError(t, err)
	require.Zero(t, last)
	require.NoError(t, write(t, pool, false, rows{runs: []core.NewTask{{ID: seq(1), Input: core.Payload("1")}}}))
	last, err = LastID(t.Context(), pool)
	require.NoError(t, err)
	require.GreaterOrEqual(t, last, seq(1)+core.NodesMax)
}

func TestLookUpsGoToOnePartitionByIndex(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	rowtest.History(t, pool, noon, 14, 1_000)
	runs := rowtest.Graphs(t, pool, noon, 14, 1_000)
	wanted := fmt.Sprintf("'{%d,%d}'", runs[5_020], runs[5_030])
	for name, c := range map[string]struct{ sql, arguments, table string }{
		"by id":       {byIDSQL, wanted, "run"},
		"outcomes":    {outcomesSQL, "1, " + wanted, "run_result"},
		"with result": {withResultSQL, wanted, "run_result"},
		"ended":       {endedSQL, fmt.Sprintf("%s, '{%d,%d}', 1000", wanted, runs[5_020]+3, runs[5_030]+3), "task_result"},
	} {
		t.Run(name, func(t *testing.T) {
			rowtest.Plans(t, pool, c.sql, c.arguments, func(t *testing.T, ran []rowtest.Node) {
				rowtest.NoScan(t, ran, "run")
				rowtest.NoScan(t, ran, "task")
				require.Len(t, rowtest.Partitions(ran, c.table), 1)
			})
		})
	}
}

func TestFreshReadsOnlyFromTheMarkOn(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	rowtest.History(t, pool, noon, 14, 1_000)
	runs := rowtest.Graphs(t, pool, noon, 14, 1_000)
	mark := fmt.Sprint(int64(runs[len(runs)-30]))
	rowtest.Plans(t, pool, freshSQL, "7, "+mark, func(t *testing.T, ran []rowtest.Node) {
		require.Len(t, rowtest.Partitions(ran, "run"), 1)
		require.Len(t, rowtest.Partitions(ran, "run_result"), 1)
	})
}

// A take-over of a shard with many open runs looks up each of them.
func TestTheCheckpointIsOneRangeOfItsIndex(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	_, err := pool.Exec(t.Context(), `insert into adze.open_run
		select n::bigint << 22, 1, 2, 0, n % 100, 0, '', '' from generate_series(1, 50000) n`)
	require.NoError(t, err)
	_, err = pool.Exec(t.Context(), "analyze adze.open_run")
	require.NoError(t, err)
	rowtest.Plans(t, pool, savedSQL, "7", func(t *testing.T, ran []rowtest.Node) {
		rowtest.NoScan(t, ran, "open_run")
	})
}

func TestReplaysAreFoundByTheirIndexFromTheRunOn(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	rowtest.History(t, pool, noon, 14, 100)
	runs := rowtest.Graphs(t, pool, noon, 14, 1_000)
	_, err := pool.Exec(t.Context(), `update adze.run set replay_of = $1 where id = $2`, runs[12_500], runs[12_501])
	require.NoError(t, err)
	replayed, err := Replayed(t.Context(), pool, runs[12_100:12_600])
	require.NoError(t, err)
	require.Equal(t, map[id.ID]id.ID{runs[12_500]: runs[12_501]}, replayed)
	rowtest.Plans(t, pool, replayedSQL, fmt.Sprintf("'{%d,%d}'", runs[12_500], runs[12_510]), func(t *testing.T, ran []rowtest.Node) {
		rowtest.NoScan(t, ran, "run")
		require.LessOrEqual(t, len(rowtest.Partitions(ran, "run")), 3)
	})
}
