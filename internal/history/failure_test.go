package history

import (
	"fmt"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/pgtest"
	"github.com/adzehq/adze/internal/record/rowtest"
)

const failuresPerDay = 2_000

// setupFailures is setup with failed runs: of each kind, w and g have as many.
func setupFailures(t *testing.T) (pool *pgxpool.Pool, singles, graphs []id.ID) {
	t.Helper()
	pool = pgtest.Open(t)
	rowtest.History(t, pool, noon, days, perDay)
	rowtest.Graphs(t, pool, noon, days, perDay/10)
	singles, graphs = rowtest.Failures(t, pool, noon, days, failuresPerDay)
	return pool, singles, graphs
}

// allGroups merges the groups of all pages, by workflow, task and fingerprint.
func allGroups(t *testing.T, pool *pgxpool.Pool, f FailureFilter) (groups map[string]FailureGroup, pages int) {
	t.Helper()
	groups = map[string]FailureGroup{}
	for {
		page, err := Failures(t.Context(), pool, 1, f)
		require.NoError(t, err)
		pages++
		for _, g := range page.Groups {
			key := fmt.Sprint(g.Workflow, "/", g.Task, "/", g.Fingerprint)
			if known, met := groups[key]; met {
				known.Runs, known.First = known.Runs+g.Runs, min(known.First, g.First)
				g = known
			}
			groups[key] = g
		}
		if page.Next == 0 {
			return groups, pages
		}
		f.Before = page.Next
	}
}

func TestFailuresAreGroupedByWorkflowTaskAndFingerprint(t *testing.T) {
	t.Parallel()
	pool, singles, graphs := setupFailures(t)
	groups, pages := allGroups(t, pool, FailureFilter{})
	require.Equal(t, 2*days*failuresPerDay/failuresMax+1, pages, "each looks at a bounded number")
	require.Len(t, groups, 2*rowtest.FailureKinds)
	last := len(singles) - 1 // the n-th has fingerprint 1 + n % 10, counted from 1
	w := groups[fmt.Sprint("w/w/", 1+(last+1)%rowtest.FailureKinds)]
	require.EqualValues(t, days*failuresPerDay/rowtest.FailureKinds, w.Runs)
	require.Equal(t, singles[last], w.Sample.Run)
	require.Equal(t, fmt.Sprint("bad ", last+1), w.Text)
	require.Less(t, w.First, w.Last)
	g := groups[fmt.Sprint("g/b/", 1+(last+1)%rowtest.FailureKinds)]
	require.EqualValues(t, days*failuresPerDay/rowtest.FailureKinds, g.Runs)
	require.Equal(t, graphs[last], g.Sample.Run)
	require.Equal(t, graphs[last]+2, g.Sample.ID)
}

func TestAFilterChoosesFailures(t *testing.T) {
	t.Parallel()
	pool, singles, _ := setupFailures(t)
	count := func(f FailureFilter) (n int64) {
		groups, _ := allGroups(t, pool, f)
		for _, g := range groups {
			n += g.Runs
		}
		return n
	}
	all := int64(days * failuresPerDay)
	require.Equal(t, 2*all, count(FailureFilter{}))
	require.Equal(t, all, count(FailureFilter{Workflow: "w"}))
	require.Zero(t, count(FailureFilter{Workflow: "other"}))
	require.Equal(t, all, count(FailureFilter{Task: "b"}))
	require.Zero(t, count(FailureFilter{Workflow: "w", Task: "b"}))
	require.Equal(t, all/5, count(FailureFilter{Fingerprint: 3}))
	require.Zero(t, count(FailureFilter{Fingerprint: 99}))
	since, until := core.Time(singles[100].UnixMilli()), core.Time(singles[110].UnixMilli())
	require.EqualValues(t, 20, count(FailureFilter{Since: since, Until: until}))
	page, err := Failures(t.Context(), pool, 2, FailureFilter{})
	require.NoError(t, err)
	require.Equal(t, FailurePage{}, page, "another tenant")
}

func TestOnlyFailuresOfFailedRunsAreTold(t *testing.T) {
	t.Parallel()
	pool, _, graphs := setupFailures(t)
	for status, run := range map[string]id.ID{"cancelled": graphs[7], "": graphs[8]} {
		_, err := pool.Exec(t.Context(), `delete from adze.run_result where id = $1`, run)
		require.NoError(t, err)
		if status != "" {
			_, err = pool.Exec(t.Context(), `insert into adze.run_result values ($1, 1, 5, $2, null)`, run, status)
			require.NoError(t, err)
		}
	}
	groups, _ := allGroups(t, pool, FailureFilter{Workflow: "g"})
	var n int
	for _, g := range groups {
		n += int(g.Runs)
	}
	require.Equal(t, len(graphs)-2, n)
}

func TestFailedRunsComeOnceFromTheNewestOn(t *testing.T) {
	t.Parallel()
	pool, singles, graphs := setupFailures(t)
	// Task a of the graphs fails as well.
	_, err := pool.Exec(t.Context(), `
		insert into adze.task_result (id, tenant_id, assigned_at, started_at, finished_at, attempt, status, fingerprint)
		select i + 1, 1, 0, 0, 5, 1, 'failed', 3 from unnest($1::bigint[]) i`, graphs)
	require.NoError(t, err)
	want := append(slices.Clone(singles), graphs...)
	slices.Sort(want)
	slices.Reverse(want)
	for _, limit := range []int{7, 999, 1_000, failuresMax} {
		var got []id.ID
		for f := (FailureFilter{}); ; {
			runs, next, err := Failed(t.Context(), pool, 1, f, limit)
			require.NoError(t, err)
			require.LessOrEqual(t, len(runs), limit)
			got = append(got, runs...)
			if next == 0 || limit == 7 && len(got) > 100 {
				break
			}
			f.Before = next
		}
		require.Equal(t, want[:len(got)], got)
		require.True(t, limit == 7 || len(got) == len(want))
	}
}

func TestAPageOfFailuresHasABoundedNumberOfGroups(t *testing.T) {
	t.Parallel()
	list := make([]Failure, FailureGroupsMax+2)
	for i := range list {
		list[i] = Failure{ID: id.ID(len(list) - i), Fingerprint: int64(i)}
	}
	list[1].Fingerprint = 0
	groups, grouped := GroupFailures(list[:FailureGroupsMax+1])
	require.Len(t, groups, FailureGroupsMax)
	require.Equal(t, FailureGroupsMax+1, grouped)
	groups, grouped = GroupFailures(list)
	require.Len(t, groups, FailureGroupsMax)
	require.Equal(t, FailureGroupsMax+1, grouped)
	require.EqualValues(t, 2, groups[0].Runs)
}

func TestFailuresAreReadByTheirIndexAndPruned(t *testing.T) {
	t.Parallel()
	pool, singles, graphs := setupFailures(t)
	last, first := singles[len(singles)-1]+1, singles[len(singles)-60]
	for name, c := range map[string]struct{ sql, arguments string }{
		"window": {failedWindowSQL, fmt.Sprintf("1, %d, 0, 50", last)},
		"failed": {failedSQL, fmt.Sprintf("1, %d, %d, '', 0, 5000", last, first)},
		"of one": {failedSQL, fmt.Sprintf("1, %d, %d, 'w', 3, 5000", last, first)},
		"texts":  {failedTextsSQL, fmt.Sprintf("'{%d,%d}', 10", singles[900], graphs[901])},
	} {
		t.Run(name, func(t *testing.T) {
			rowtest.Plans(t, pool, c.sql, c.arguments, func(t *testing.T, ran []rowtest.Node) {
				rowtest.NoScan(t, ran, "task")
				rowtest.NoScan(t, ran, "run")
				require.LessOrEqual(t, len(rowtest.Partitions(ran, "task")), 1)
				require.Len(t, rowtest.Partitions(ran, "task_result"), 1)
				require.LessOrEqual(t, len(rowtest.Partitions(ran, "run_result")), 1)
			})
		})
	}
}
