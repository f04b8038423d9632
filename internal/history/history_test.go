package history

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/pgtest"
	"github.com/adzehq/adze/internal/record/rowtest"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const days, perDay = 3, 4_000

// setup fills three days with runs of tenant 1 (rowtest.History): the last
// hundredth is open, each tenth has a failed attempt.
func setup(t *testing.T) (*pgxpool.Pool, []id.ID) {
	t.Helper()
	pool := pgtest.Open(t)
	return pool, rowtest.History(t, pool, noon, days, perDay)
}

func page(t *testing.T, pool *pgxpool.Pool, tenant id.ID, f Filter) Page {
	t.Helper()
	p, err := Runs(t.Context(), pool, tenant, f)
	require.NoError(t, err)
	return p
}

func TestARunIsToldWithItsResultAndPayloadsIfAskedFor(t *testing.T) {
	t.Parallel()
	pool, ids := setup(t)
	want := Run{
		ID: ids[20], Version: 2, Workflow: "w", Status: core.Succeeded, Attempt: 1, Worker: 4,
		Assigned: 1, Started: 2, Finished: 3,
	}
	got, err := Get(t.Context(), pool, 1, ids[20], false)
	require.NoError(t, err)
	require.Equal(t, want, got)
	want.Input, want.Output = []byte("1"), []byte("2")
	got, err = Get(t.Context(), pool, 1, ids[20], true)
	require.NoError(t, err)
	require.Equal(t, want, got)

	got, err = Get(t.Context(), pool, 1, ids[len(ids)-1], true)
	require.NoError(t, err)
	require.True(t, got.Open())
}

func TestAnotherTenantsRunIsNotFound(t *testing.T) {
	t.Parallel()
	pool, ids := setup(t)
	_, err := Get(t.Context(), pool, 2, ids[20], true)
	require.Equal(t, fault.NotFound, fault.KindOf(err))
	_, err = Get(t.Context(), pool, 1, ids[20]+1, true)
	require.Equal(t, fault.NotFound, fault.KindOf(err))
	attempts, err := Attempts(t.Context(), pool, 2, ids[20])
	require.NoError(t, err)
	require.Empty(t, attempts)
	require.Equal(t, Page{}, page(t, pool, 2, Filter{}))
}

func TestAttemptsAreToldInOrder(t *testing.T) {
	t.Parallel()
	pool, ids := setup(t)
	_, err := pool.Exec(t.Context(), `insert into adze.attempt values ($1, 1, null, 5, 0, 6, 7, 2, 'lost', 'gone')`, ids[19])
	require.NoError(t, err)
	attempts, err := Attempts(t.Context(), pool, 1, ids[19])
	require.NoError(t, err)
	require.Equal(t, []core.Attempt{
		{Task: ids[19], Tenant: 1, Number: 1, Outcome: core.AttemptFailed, Worker: 4, Assigned: 1, Started: 2, Finished: 3, RetryAt: 4, Error: "bad"},
		{Task: ids[19], Tenant: 1, Number: 2, Outcome: core.AttemptLost, Assigned: 5, Finished: 6, RetryAt: 7, Error: "gone"},
	}, attempts)
}

func TestPagesFollowEachOtherFromTheNewestToTheOldest(t *testing.T) {
	t.Parallel()
	pool, ids := setup(t)
	require.Len(t, page(t, pool, 1, Filter{}).Runs, PageDefault)
	require.Len(t, page(t, pool, 1, Filter{Limit: PageMax + 1}).Runs, PageMax)
	next := len(ids)
	for f := (Filter{Limit: PageMax}); ; {
		p := page(t, pool, 1, f)
		for _, r := range p.Runs {
			next--
			require.Equal(t, ids[next], r.ID)
		}
		if p.Next == 0 {
			break
		}
		f.Before = p.Next
	}
	require.Zero(t, next)
}

func TestAFilterChoosesRuns(t *testing.T) {
	t.Parallel()
	pool, ids := setup(t)
	open := len(ids) / 100
	require.Len(t, page(t, pool, 1, Filter{Open: true, Limit: PageMax}).Runs, open)
	require.Equal(t, ids[len(ids)-open-1], page(t, pool, 1, Filter{Statuses: []core.Status{core.Succeeded}}).Runs[0].ID)
	require.Equal(t, ids[len(ids)-1], page(t, pool, 1, Filter{Open: true, Statuses: []core.Status{core.Succeeded}}).Runs[0].ID)
	require.Len(t, page(t, pool, 1, Filter{Workflow: "w", Limit: 7}).Runs, 7)
	require.Empty(t, page(t, pool, 1, Filter{Workflow: "other"}).Runs)

	since, until := ids[100].UnixMilli(), ids[110].UnixMilli()
	between := page(t, pool, 1, Filter{Since: core.Time(since), Until: core.Time(until)})
	require.Len(t, between.Runs, 10)
	require.Equal(t, ids[109], between.Runs[0].ID)
	require.Equal(t, ids[100], between.Runs[9].ID)
	require.Zero(t, between.Next)

	for _, run := range ids[100:110] {
		_, err := pool.Exec(t.Context(), `update adze.task_result set finished_at = $2 where id = $1`, run, run.UnixMilli())
		require.NoError(t, err)
	}
	ended := page(t, pool, 1, Filter{Since: core.Time(since), Until: core.Time(until), EndedBy: core.Time(ids[104].UnixMilli())})
	require.Len(t, ended.Runs, 5, "by the moment at which they ended")
	require.Len(t, page(t, pool, 1, Filter{EndedBy: 1, Open: true, Limit: PageMax}).Runs, open, "what has not ended has no such moment")
}

func TestSchedulesThatAreGoneAreListedByTheRunThatTheyStarted(t *testing.T) {
	t.Parallel()
	pool, ids := setup(t)
	graphs := rowtest.Graphs(t, pool, noon, days, perDay/10)
	start := func(table string, schedule id.ID, runs ...id.ID) {
		_, err := pool.Exec(t.Context(), `update adze.`+table+` set schedule_id = $1, run_at = 7 where id = any($2)`, schedule, runs)
		require.NoError(t, err)
	}
	start("task", 10, ids[5])
	start("run", 20, graphs[3])
	start("task", 30, ids[100:4_000]...) // a cron
	start("task", 40, ids[5_000])        // is still there
	_, err := pool.Exec(t.Context(), `insert into adze.schedule values (40, 1, 7, 0, 0, 0, 0, false, false, 'allow', 'last', 'w', null, '', '', '1', null)`)
	require.NoError(t, err)
	fired, err := FiredSchedules(t.Context(), pool, 1)
	require.NoError(t, err)
	require.Len(t, fired, 2)
	require.Equal(t, []id.ID{20, graphs[3], 10, ids[5]}, []id.ID{fired[0].Schedule, fired[0].Run, fired[1].Schedule, fired[1].Run})
	require.Equal(t, core.Time(7), fired[1].At)

	start("task", 10, ids[6])
	_, err = pool.Exec(t.Context(), `update adze.task set replay_of = $1 where id = $2`, ids[5], ids[6])
	require.NoError(t, err)
	one, err := OfSchedule(t.Context(), pool, 1, 10)
	require.NoError(t, err)
	require.Equal(t, fired[1], one, "and not by its replay")
	fired, err = FiredSchedules(t.Context(), pool, 1)
	require.NoError(t, err)
	require.Len(t, fired, 2)
	fired, err = FiredSchedules(t.Context(), pool, 2)
	require.NoError(t, err)
	require.Empty(t, fired, "another tenant has none")

	rowtest.Plans(t, pool, firedSQL, "1, 1000", func(t *testing.T, ran []rowtest.Node) {
		rowtest.NoScan(t, ran, "task")
		rowtest.NoScan(t, ran, "run")
	})
}

func TestAFilterThatFitsNothingLooksAtABoundedNumberOfRuns(t *testing.T) {
	t.Parallel()
	pool, ids := setup(t)
	f := Filter{Statuses: []core.Status{core.Cancelled}}
	var cursors []id.ID
	for {
		p := page(t, pool, 1, f)
		require.Empty(t, p.Runs)
		if p.Next == 0 {
			break
		}
		cursors = append(cursors, p.Next)
		f.Before = p.Next
	}
	require.Equal(t, []id.ID{ids[len(ids)-windowRunsMax], ids[len(ids)-2*windowRunsMax]}, cursors)
}

func TestReadsGoByIndexAndPrune(t *testing.T) {
	t.Parallel()
	pool, ids := setup(t)
	graphs := rowtest.Graphs(t, pool, noon, days, perDay/10)
	last := len(ids) - 1
	for name, c := range map[string]struct {
		sql, arguments string
		partitions     int
	}{
		"run":      {runSQL, fmt.Sprintf("1, %d, true", ids[last]), 1},
		"window":   {windowSQL, fmt.Sprintf("1, %d, 0, 50", ids[last]), 1},
		"attempts": {attemptsSQL, fmt.Sprintf("1, %d, 50", ids[last]), 0},
		"runs":     {runsSQL, fmt.Sprintf("1, %d, %d, '', '{open,succeeded}', 50, 5000, '{}', false, true, '{}', 0, '{}', '{}', false, true, 0", ids[last], ids[last-60]), 1},
		"graph":    {graphSQL, fmt.Sprintf("1, %d, true", graphs[40]), 0},
		"tasks":    {tasksSQL, fmt.Sprintf("1, %d, %d, true", graphs[40]+1, graphs[40]+3), 1},
	} {
		t.Run(name, func(t *testing.T) {
			rowtest.Plans(t, pool, c.sql, c.arguments, func(t *testing.T, ran []rowtest.Node) {
				rowtest.NoScan(t, ran, "task")
				rowtest.NoScan(t, ran, "attempt")
				require.LessOrEqual(t, len(rowtest.Partitions(ran, "task")), c.partitions)
				require.LessOrEqual(t, len(rowtest.Partitions(ran, "task_result")), 1)
				rowtest.NoScan(t, ran, "run")
				require.LessOrEqual(t, len(rowtest.Partitions(ran, "run")), 1)
				require.LessOrEqual(t, len(rowtest.Partitions(ran, "run_result")), 1)
			})
		})
	}
}
