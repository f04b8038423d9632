package task

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
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
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func setup(t *testing.T) (*pgxpool.Pool, *id.Source) {
	t.Helper()
	pool := pgtest.Open(t)
	require.NoError(t, keeper.New(pool, keeper.Config{Log: slog.New(slog.DiscardHandler)}).EnsurePartitions(t.Context(), id.First(noon), id.First(noon)))
	return pool, id.NewSource(7, 0)
}

func insert(t *testing.T, pool *pgxpool.Pool, repeat bool, tasks []core.NewTask, results []core.Result) error {
	t.Helper()
	return rowtest.Send(t, pool, Statements(), func(b *bulk.Batch) {
		var c Columns
		for i := range tasks {
			c.Add(&tasks[i])
		}
		c.Queue(b, repeat)
		var r ResultColumns
		for i := range results {
			r.Add(&results[i])
		}
		r.Queue(b, repeat)
	})
}

func TestTasksAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	pool, ids := setup(t)
	tasks := []core.NewTask{
		{ID: ids.Next(noon.UnixMilli()), Tenant: 1, Version: 2, Input: core.Payload("null")},
		{
			ID: ids.Next(noon.UnixMilli()), Tenant: 3, Version: 4, ReplayOf: 5, Event: 9, Parent: 10, RunAt: 6, Key: "k", Priority: -7,
			Input: core.Payload(`{"a":"\u0000"}`), Metadata: core.Payload(`{}`), Given: core.Payload("2"),
		},
	}
	require.NoError(t, insert(t, pool, false, tasks, nil))
	got, err := Inputs(t.Context(), pool, []id.ID{tasks[0].ID, tasks[1].ID, 99})
	require.NoError(t, err)
	require.ElementsMatch(t, tasks, got)

	told := slices.Clone(tasks)
	for i := range told {
		told[i].Tenant, told[i].Version, told[i].RunAt, told[i].Key = 0, 0, 0, ""
	}
	got, err = Payloads(t.Context(), pool, []id.ID{tasks[1].ID, 99, tasks[0].ID})
	require.NoError(t, err)
	require.ElementsMatch(t, told, got)
	got, err = Payloads(t.Context(), pool, nil)
	require.NoError(t, err)
	require.Empty(t, got)

	existing, err := Existing(t.Context(), pool, 3, []id.ID{tasks[0].ID, tasks[1].ID, 99})
	require.NoError(t, err)
	require.Equal(t, []id.ID{tasks[1].ID}, existing)
}

func TestATaskOfAGraphIsReadWithItsRunAndHasNoInput(t *testing.T) {
	t.Parallel()
	pool, ids := setup(t)
	run := ids.Next(noon.UnixMilli())
	node := func(node int32) core.NewTask {
		return core.NewTask{ID: run + 1 + id.ID(node), Tenant: 1, Version: 2, Run: run, Node: node, RunAt: 3, Key: "k", Priority: 4}
	}
	single := core.NewTask{ID: run + 9, Tenant: 1, Version: 5, Input: core.Payload("1")}
	tasks := []core.NewTask{node(0), node(2), single}
	require.NoError(t, insert(t, pool, false, tasks, nil))
	require.NoError(t, insert(t, pool, true, tasks, nil), "a repetition is passed over")
	got, err := Inputs(t.Context(), pool, []id.ID{tasks[0].ID, tasks[1].ID, tasks[2].ID})
	require.NoError(t, err)
	require.ElementsMatch(t, tasks, got)

	fresh, err := Fresh(t.Context(), pool, 7, run)
	require.NoError(t, err)
	tasks[2].Input = nil
	require.Equal(t, tasks, fresh)
}

func TestResultsOfARunAreReadInOrderWhetherThereAreVerdictsOrNot(t *testing.T) {
	t.Parallel()
	pool, ids := setup(t)
	run := ids.Next(noon.UnixMilli())
	results := []core.Result{
		{Task: run + 1, Tenant: 1, Status: core.Succeeded, Attempt: 1, Worker: 2, Assigned: 3, Started: 4, Finished: 5, Output: core.Payload("1")},
		{Task: run + 2, Tenant: 1, Status: core.Succeeded, Attempt: 2, Worker: 3, Assigned: 4, Started: 5, Finished: 6, Output: core.Payload("2")},
		{Task: run + 3, Tenant: 1, Status: core.Skipped, Finished: 6},
		{Task: run + 4, Tenant: 2, Status: core.Succeeded},
		{Task: run + 5, Tenant: 1, Status: core.Succeeded},
	}
	written := slices.Clone(results)
	written[1].Run, written[1].Node = run, 1
	written[1].Verdicts = []core.Verdict{{Node: 2, Skip: true}, {Node: 3, Cancel: true, Holds: 1<<29 | 1}}
	require.NoError(t, insert(t, pool, false, nil, written))
	require.NoError(t, insert(t, pool, true, nil, written), "a repetition is passed over")
	got, err := Results(t.Context(), pool, 1, run+1, run+4)
	require.NoError(t, err)
	require.Equal(t, results[:3], got)

	var pairs []int32
	require.NoError(t, pool.QueryRow(t.Context(), "select verdicts from adze.task_result where verdicts is not null").Scan(&pairs))
	require.Equal(t, []int32{2, 1, 3, -1<<31 | 1<<2 | 2}, pairs)
	require.Equal(t, written[1].Verdicts, DecodeVerdicts(pairs))
}

func TestResultsAreReadAsTheyWereWrittenByTheirTenantOnly(t *testing.T) {
	t.Parallel()
	pool, ids := setup(t)
	results := []core.Result{
		{Task: ids.Next(noon.UnixMilli()), Tenant: 1, Status: core.Cancelled, Finished: 5, Error: "no longer needed"},
		{
			Task: ids.Next(noon.UnixMilli()), Tenant: 1, Status: core.Succeeded, Attempt: 2, Worker: 3,
			Assigned: 4, Started: 5, Finished: 6, Output: core.Payload(`[1]`),
		},
		{Task: ids.Next(noon.UnixMilli()), Tenant: 2, Status: core.Failed, Attempt: 1, Error: "bad"},
	}
	require.NoError(t, insert(t, pool, false, nil, results))
	got, err := Outcomes(t.Context(), pool, 1, []id.ID{results[0].Task, results[1].Task, results[2].Task, 99})
	require.NoError(t, err)
	require.ElementsMatch(t, results[:2], got)
}

func TestATaskHasOneResultForEver(t *testing.T) {
	t.Parallel()
	pool, ids := setup(t)
	first := core.Result{Task: ids.Next(noon.UnixMilli()), Tenant: 1, Status: core.Succeeded, Output: core.Payload("1")}
	second := first
	second.Output = core.Payload("2")
	require.NoError(t, insert(t, pool, false, nil, []core.Result{first}))
	require.ErrorContains(t, insert(t, pool, false, nil, []core.Result{second}), "duplicate key")
	require.NoError(t, insert(t, pool, true, nil, []core.Result{second}), "a repetition is passed over")
	got, err := Outcomes(t.Context(), pool, 1, []id.ID{first.Task})
	require.NoError(t, err)
	require.Equal(t, []core.Result{first}, got)
}

func TestTasksWithAResultAreThoseThatEnded(t *testing.T) {
	t.Parallel()
	pool, ids := setup(t)
	ended, open := ids.Next(noon.UnixMilli()), ids.Next(noon.UnixMilli())
	tasks := []core.NewTask{{ID: ended, Tenant: 1, Input: core.Payload("1")}, {ID: open, Tenant: 1, Input: core.Payload("1")}}
	require.NoError(t, insert(t, pool, false, tasks, []core.Result{{Task: ended, Tenant: 1, Status: core.Failed}}))
	got, err := WithResult(t.Context(), pool, []id.ID{open, ended, 99})
	require.NoError(t, err)
	require.Equal(t, []id.ID{ended}, got)
}

func TestFreshTasksHaveNeitherResultNorCheckpoint(t *testing.T) {
	t.Parallel()
	pool, ids := setup(t)
	var tasks []core.NewTask
	for range 5 {
		tasks = append(tasks, core.NewTask{ID: ids.Next(noon.UnixMilli()), Tenant: 1, Version: 2, Key: "k", Priority: 3, RunAt: 4})
	}
	other := core.NewTask{ID: id.NewSource(8, 0).Next(noon.UnixMilli())}
	for i := range tasks {
		tasks[i].Input = core.Payload("1")
	}
	other.Input = core.Payload("1")
	require.NoError(t, insert(t, pool, false, append([]core.NewTask{other}, tasks...),
		[]core.Result{{Task: tasks[2].ID, Status: core.Succeeded}}))
	_, err := pool.Exec(t.Context(), `insert into adze.open_task values ($1,1,2,0,0,0,0,7,0,1,0,'ready','q','','')`, tasks[3].ID)
	require.NoError(t, err)

	fresh, err := Fresh(t.Context(), pool, 7, tasks[1].ID)
	require.NoError(t, err)
	want := []core.NewTask{tasks[1], tasks[4]}
	want[0].Input, want[1].Input = nil, nil
	require.Equal(t, want, fresh)
}

func TestLookUpsGoToOnePartitionByIndex(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	ids := rowtest.History(t, pool, noon, 14, 3_000)
	wanted := fmt.Sprintf("'{%d,%d}'", ids[20_000], ids[20_010])
	for name, c := range map[string]struct{ sql, arguments, table string }{
		"inputs":      {inputsSQL, wanted, "task"},
		"outcomes":    {outcomesSQL, "1, " + wanted, "task_result"},
		"with result": {withResultSQL, wanted, "task_result"},
		"results":     {resultsSQL, fmt.Sprintf("1, %d, %d, 1000", ids[20_000], ids[20_000]+1_000), "task_result"},
		"existing":    {existingSQL, "1, " + wanted, "task"},
	} {
		t.Run(name, func(t *testing.T) {
			rowtest.Plans(t, pool, c.sql, c.arguments, func(t *testing.T, ran []rowtest.Node) {
				rowtest.NoScan(t, ran, "task")
				require.Len(t, rowtest.Partitions(ran, c.table), 1)
			})
		})
	}
}

func TestFreshReadsOnlyFromTheMarkOn(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	ids := rowtest.History(t, pool, noon, 14, 3_000)
	mark := fmt.Sprint(int64(ids[len(ids)-30]))
	rowtest.Plans(t, pool, freshSQL, "7, "+mark, func(t *testing.T, ran []rowtest.Node) {
		require.Len(t, rowtest.Partitions(ran, "task"), 1)
		require.Len(t, rowtest.Partitions(ran, "task_result"), 1)
	})
}

func TestOnlyWhatFailedHasAFingerprint(t *testing.T) {
	t.Parallel()
	pool, ids := setup(t)
	result := func(status core.Status, text string) core.Result {
		return core.Result{Task: ids.Next(noon.UnixMilli()), Tenant: 1, Status: status, Attempt: 1, Worker: 2, Assigned: 3, Started: 4, Finished: 5, Error: text}
	}
	results := []core.Result{
		result(core.Failed, "no order 7"), result(core.Failed, "no order 8"), result(core.Failed, ""),
		result(core.Succeeded, ""), result(core.Cancelled, "no order 7"), result(core.Skipped, ""),
	}
	require.NoError(t, insert(t, pool, false, nil, results))
	require.NoError(t, insert(t, pool, true, nil, results), "a repetition is passed over")
	var prints []*int64
	require.NoError(t, pool.QueryRow(t.Context(), "select array_agg(fingerprint order by id) from adze.task_result").Scan(&prints))
	require.NotZero(t, *prints[0])
	require.Equal(t, prints[0], prints[1])
	require.NotEqual(t, prints[0], prints[2])
	require.Equal(t, []*int64{nil, nil, nil}, prints[3:])
	got, err := Outcomes(t.Context(), pool, 1, []id.ID{results[0].Task})
	require.NoError(t, err)
	require.Equal(t, results[:1], got)
}

func TestRunsAreKnownToBeReplayed(t *testing.T) {
	t.Parallel()
	pool, ids := setup(t)
	tasks := make([]core.NewTask, 4)
	for i := range tasks {
		tasks[i] = core.NewTask{ID: ids.Next(noon.UnixMilli()), Tenant: 1, Input: core.Payload("1")}
	}
	tasks[2].ReplayOf, tasks[3].ReplayOf = tasks[0].ID, tasks[0].ID
	require.NoError(t, insert(t, pool, false, tasks, nil))
	replayed, err := Replayed(t.Context(), pool, []id.ID{tasks[1].ID, tasks[0].ID, 99})
	require.NoError(t, err)
	require.Equal(t, map[id.ID]id.ID{tasks[0].ID: tasks[3].ID}, replayed)
	replayed, err = Replayed(t.Context(), pool, nil)
	require.NoError(t, err)
	require.Empty(t, replayed)
}

func TestReplaysAreFoundByTheirIndexFromTheRunOn(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	ids := rowtest.History(t, pool, noon, 14, 1_000)
	rowtest.Graphs(t, pool, noon, 14, 100)
	text := strings.Trim(strings.ReplaceAll(fmt.Sprintf("%d", ids[12_100:12_200]), " ", ","), "[]")
	rowtest.Plans(t, pool, replayedSQL, fmt.Sprintf("'{%s}'", text), func(t *testing.T, ran []rowtest.Node) {
		rowtest.NoScan(t, ran, "task")
		require.LessOrEqual(t, len(rowtest.Partitions(ran, "task")), 3)
	})
}

func TestWhatSucceedsHasNoPlaceAmongFailuresAndReplays(t *testing.T) {
	t.Parallel()
	pool, ids := setup(t)
	var tasks []core.NewTask
	var results []core.Result
	for range 1_000 {
		one := ids.Next(noon.UnixMilli())
		tasks = append(tasks, core.NewTask{ID: one, Tenant: 1, Input: core.Payload("1")})
		results = append(results, core.Result{Task: one, Tenant: 1, Status: core.Succeeded, Output: core.Payload("1")})
	}
	require.NoError(t, insert(t, pool, false, tasks, results))
	var indexes, pages int
	require.NoError(t, pool.QueryRow(t.Context(), `
		select count(*), max(pg_relation_size(indexrelid)) / 8192
		from pg_index
		where
			indrelid in ($1::regclass, $2::regclass)
			and indpred is not null
			and pg_get_expr(indpred, indrelid) ~ 'fingerprint|replay_of'`,
		"adze.task_20261122", "adze.task_result_20261122").Scan(&indexes, &pages))
	require.Equal(t, 2, indexes)
	require.Equal(t, 1, pages, "the page that each index begins with")
}
