package history

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/record/rowtest"
)

func TestARunOfAGraphIsToldWithItsTasks(t *testing.T) {
	t.Parallel()
	pool, _ := setup(t)
	runs := rowtest.Graphs(t, pool, noon, days, 100)
	run := runs[20]
	ran := func(node id.ID, name string, parents ...string) TaskRun {
		return TaskRun{
			ID: run + 1 + node, Name: name, Parents: parents, Begun: true, Status: core.Succeeded,
			Attempt: 1, Worker: 4, Assigned: 1, Started: 2, Finished: 3,
		}
	}
	want := Run{
		ID: run, Version: 5, Workflow: "g", Status: core.Succeeded, Finished: 9, Graph: true,
		Tasks: []TaskRun{
			ran(0, "a"), ran(1, "b", "a"),
			{ID: run + 3, Name: "c", Parents: []string{"a", "b"}, Status: core.Skipped, Finished: 4},
		},
	}
	got, err := Get(t.Context(), pool, 1, run, false)
	require.NoError(t, err)
	require.Equal(t, want, got)

	want.Input, want.Output = []byte("1"), []byte(`{"a":2,"b":2}`)
	want.Tasks[0].Output, want.Tasks[1].Output = []byte("2"), []byte("2")
	got, err = Get(t.Context(), pool, 1, run, true)
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func TestAnOpenRunOfAGraphIsToldWithTheTasksThatWait(t *testing.T) {
	t.Parallel()
	pool, _ := setup(t)
	runs := rowtest.Graphs(t, pool, noon, days, 100)
	run := runs[len(runs)-1]
	got, err := Get(t.Context(), pool, 1, run, true)
	require.NoError(t, err)
	require.True(t, got.Open())
	require.Nil(t, got.Output)
	require.Equal(t, []TaskRun{
		{ID: run + 1, Name: "a", Begun: true},
		{ID: run + 2, Name: "b", Parents: []string{"a"}, Begun: true},
		{ID: run + 3, Name: "c", Parents: []string{"a", "b"}},
	}, got.Tasks)
}

func TestATaskOfAGraphIsNoRun(t *testing.T) {
	t.Parallel()
	pool, _ := setup(t)
	runs := rowtest.Graphs(t, pool, noon, days, 100)
	for tenant, run := range map[id.ID]id.ID{1: runs[20] + 1, 2: runs[20]} {
		_, err := Get(t.Context(), pool, tenant, run, true)
		require.Equal(t, fault.NotFound, fault.KindOf(err), "tenant %d", tenant)
	}
}

func TestPagesHaveRunsOfGraphsBetweenTheOthers(t *testing.T) {
	t.Parallel()
	pool, ids := setup(t)
	graphs := rowtest.Graphs(t, pool, noon, days, perDay/4)
	all := slices.Concat(ids, graphs)
	slices.Sort(all)
	next := len(all)
	for f := (Filter{Limit: 700}); ; {
		p := page(t, pool, 1, f)
		for _, r := range p.Runs {
			next--
			require.Equal(t, all[next], r.ID)
			require.Equal(t, slices.Contains(graphs, r.ID), r.Graph)
		}
		if p.Next == 0 {
			break
		}
		f.Before = p.Next
	}
	require.Zero(t, next)
}

func TestAFilterChoosesRunsOfGraphs(t *testing.T) {
	t.Parallel()
	pool, ids := setup(t)
	graphs := rowtest.Graphs(t, pool, noon, days, perDay/4)
	open := len(graphs) / 100
	p := page(t, pool, 1, Filter{Workflow: "g", Open: true, Limit: PageMax})
	require.Len(t, p.Runs, open)
	require.Equal(t, graphs[len(graphs)-1], p.Runs[0].ID)
	require.Len(t, page(t, pool, 1, Filter{Open: true, Limit: PageMax}).Runs, open+len(ids)/100)

	ended := page(t, pool, 1, Filter{Workflow: "g", Statuses: []core.Status{core.Succeeded}, Limit: 1}).Runs
	require.Equal(t, []Run{{
		ID: graphs[len(graphs)-open-1], Version: 5, Workflow: "g", Status: core.Succeeded, Finished: 9, Graph: true,
	}}, ended, fmt.Sprint(ended))
}
