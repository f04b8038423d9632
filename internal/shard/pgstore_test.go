package shard_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/clock"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/keeper"
	"github.com/adzehq/adze/internal/pgtest"
	"github.com/adzehq/adze/internal/record/tenant"
	"github.com/adzehq/adze/internal/shard"
)

func setupStore(t *testing.T) (*pgxpool.Pool, shard.Store, *id.Source) {
	t.Helper()
	pool := pgtest.Open(t)
	_, err := tenant.EnsureDefault(t.Context(), pool, time.Now())
	require.NoError(t, err)
	require.NoError(t, keeper.New(pool, keeper.Config{Log: slog.New(slog.DiscardHandler)}).Pass(t.Context()))
	return pool, shard.NewStore(pool, clock.Wall), id.NewSource(0, 0)
}

func TestAStoredDefinitionIsReadBack(t *testing.T) {
	t.Parallel()
	_, store, ids := setupStore(t)
	w := shard.Workflow{Name: "w", Tasks: []shard.Task{{Name: "w", Action: "a", Retries: 3, Backoff: shard.Backoff{InitialMS: 1, Factor: 2, MaxMS: 3}}}}
	definition, err := w.Definition()
	require.NoError(t, err)
	next := func() id.ID { return ids.Next(time.Now().UnixMilli()) }
	defined, err := store.Define(t.Context(), tenant.DefaultID, []shard.Definition{definition}, next)
	require.NoError(t, err)
	require.True(t, defined[0].Created)

	stored, err := store.Definitions(t.Context(), 0)
	require.NoError(t, err)
	want := definition.Core
	want.Version, want.Tenant = defined[0].Version, tenant.DefaultID
	require.Equal(t, []shard.StoredDefinition{{ID: defined[0].Workflow, Definition: want, Current: true}}, stored)
}

func TestANewOwnerIsRestoredFromWhatIsCommitted(t *testing.T) {
	t.Parallel()
	pool, store, ids := setupStore(t)
	empty, err := store.Restore(t.Context(), 0, 3)
	require.NoError(t, err)
	require.Equal(t, &core.Restore{Epoch: 3, Running: []core.OpenTask{}, Holding: []core.OpenTask{}, Workers: []core.Present{}, Settings: []core.Setting{}, Rates: []core.RateState{}, Runs: []core.OpenRun{}, Waits: []core.Wait{}, Closing: []core.Closing{}, Schedules: []core.ScheduleState{}, Lanes: []core.LaneDepth{}}, empty)

	mark, fresh, ended := ids.Next(time.Now().UnixMilli()), ids.Next(time.Now().UnixMilli()), ids.Next(time.Now().UnixMilli())
	_, err = pool.Exec(t.Context(), `insert into adze.low_water values (0, $1)`, mark)
	require.NoError(t, err)
	_, err = pool.Exec(t.Context(), `insert into adze.task select i, 1, 2, 0, null, 0, '', '1', null from unnest($1::bigint[]) i`, []id.ID{fresh, ended})
	require.NoError(t, err)
	_, err = pool.Exec(t.Context(), `insert into adze.task_result values ($1, 1, null, 0, 0, 9, 0, 'cancelled', 'x', null)`, ended)
	require.NoError(t, err)
	_, err = pool.Exec(t.Context(), `insert into adze.open_task values
		(1, 1, 2, 3, 4, 5, 6, 0, 0, 1, 0, 'running', 'q', '', ''),
		(2, 1, 2, 0, 0, 8, 0, 0, 0, 1, 0, 'ready', 'q', 'k', ''),
		(3, 1, 2, 0, 0, 7, 0, 0, 0, 1, 0, 'delayed', 'q', '', '')`)
	require.NoError(t, err)

	r, err := store.Restore(t.Context(), 0, 4)
	require.NoError(t, err)
	require.Equal(t, int64(4), r.Epoch)
	require.Equal(t, mark, r.LowWater)
	require.Equal(t, []core.NewTask{{ID: fresh, Tenant: 1, Version: 2}}, r.Fresh)
	require.Len(t, r.Running, 1)
	require.Equal(t, []core.LaneDepth{{Tenant: 1, Queue: "q", Key: "k", Depth: 1}}, r.Lanes)
	require.EqualValues(t, 1, r.Delayed)
	require.EqualValues(t, 7, r.NextDue)

	outcomes, err := store.Outcomes(t.Context(), 1, []id.ID{fresh, ended})
	require.NoError(t, err)
	require.Equal(t, []shard.Outcome{{ID: ended, Status: core.Cancelled, Error: "x"}}, outcomes)
	loaded, err := store.Load(t.Context(), 0, core.Load{Kind: core.LoadDue, Until: 7, Limit: 5})
	require.NoError(t, err)
	require.Len(t, loaded.Rows, 1)
	require.EqualValues(t, 8, loaded.NextDue)
}

// defineGraph stores a workflow of three tasks, one after the other, the last of which
// has a condition on the first.
func defineGraph(t *testing.T, store shard.Store, ids *id.Source) (shard.Definition, shard.Defined) {
	t.Helper()
	task := func(name string, parents ...string) shard.Task {
		return shard.Task{Name: name, Action: "g:" + name, Backoff: shard.Backoff{InitialMS: 1, Factor: 2, MaxMS: 3}, Parents: parents}
	}
	w := shard.Workflow{Name: "g", Tasks: []shard.Task{task("a"), task("b", "a"), task("c", "a", "b")}}
	w.Tasks[2].SkipIf = []shard.TaskCondition{{Parent: "a", Expression: "output == 1"}}
	definition, err := w.Definition()
	require.NoError(t, err)
	next := func() id.ID { return ids.Next(time.Now().UnixMilli()) }
	defined, err := store.Define(t.Context(), tenant.DefaultID, []shard.Definition{definition}, next)
	require.NoError(t, err)
	return definition, defined[0]
}

func TestAStoredGraphIsReadBack(t *testing.T) {
	t.Parallel()
	_, store, ids := setupStore(t)
	definition, defined := defineGraph(t, store, ids)
	stored, err := store.Definitions(t.Context(), 0)
	require.NoError(t, err)
	version := defined.Version
	want := shard.StoredDefinition{ID: defined.Workflow, Definition: definition.Core, Graph: definition.Graph, Current: true}
	want.Version, want.Tenant = version, tenant.DefaultID
	want.Graph.Version, want.Graph.Tenant = version, tenant.DefaultID
	want.ID = stored[0].ID
	require.NotZero(t, want.ID)
	require.Equal(t, []shard.StoredDefinition{want}, stored)
}

func TestANewOwnerIsRestoredWithTheOpenRunsOfGraphs(t *testing.T) {
	t.Parallel()
	pool, store, ids := setupStore(t)
	_, defined := defineGraph(t, store, ids)
	version := defined.Version
	exec := func(sql string, args ...any) {
		_, err := pool.Exec(t.Context(), sql, args...)
		require.NoError(t, err)
	}
	block := func() id.ID { return ids.Block(time.Now().UnixMilli(), 4) }
	saved, fresh, ended := block(), block(), block()
	exec(`insert into adze.low_water values (0, $1)`, saved+4)
	exec(`insert into adze.run select i, 1, $2, 0, null, 0, 'k', '{}', null from unnest($1::bigint[]) i`, []id.ID{saved, fresh, ended}, version)
	exec(`insert into adze.run_result values ($1, 1, 9, 'failed', 'task a failed')`, ended)
	exec(`insert into adze.open_run values ($1, 1, $2, 0, 0, 0, 'k', 'stop')`, saved, version)
	exec(`insert into adze.task select i, 1, $2, 0, null, 0, 'k', '', null, n from unnest($1::bigint[], array[1, 0]) x (i, n)`,
		[]id.ID{saved + 2, fresh + 1}, version)
	exec(`insert into adze.task_result values ($1, 1, null, 0, 0, 9, 1, 'succeeded', null, '1', '{2,1}')`, saved+1)
	exec(`insert into adze.task_result values ($1, 1, null, 0, 0, 9, 0, 'cancelled', 'no', null, null)`, ended+1)
	exec(`insert into adze.open_task values ($1, 1, $2, 3, 4, 5, 6, 0, 0, 1, 0, 'running', 'q', 'k', '', 1)`, saved+2, version)

	r, err := store.Restore(t.Context(), 0, 4)
	require.NoError(t, err)
	require.Equal(t, []core.OpenRun{
		{
			ID: saved, Tenant: 1, Version: version, Key: "k", Cancel: "stop", Saved: true,
			Ended: []core.EndedNode{{Node: 0, Status: core.Succeeded, Verdicts: []core.Verdict{{Node: 2, Skip: true}}}},
		},
		{ID: fresh, Tenant: 1, Version: version, Key: "k"},
	}, r.Runs)
	require.Equal(t, []core.NewTask{{ID: fresh + 1, Tenant: 1, Version: version, Run: fresh, Key: "k"}}, r.Fresh)
	require.Len(t, r.Running, 1)
	require.Equal(t, saved, r.Running[0].Run)
	require.EqualValues(t, 1, r.Running[0].Node)
	require.GreaterOrEqual(t, r.LastID, ended+3, "its last task has no row, and its id is taken")
}

func TestWhatARunOfAGraphGaveIsReadBack(t *testing.T) {
	t.Parallel()
	pool, store, ids := setupStore(t)
	run := ids.Block(time.Now().UnixMilli(), 3)
	for _, sql := range []string{
		`insert into adze.run values ($1, 1, 5, 6, 7, 8, 'k', '{}', null)`,
		`insert into adze.run_result values ($1, 1, 9, 'failed', 'task b failed')`,
		`insert into adze.task_result values ($1::bigint + 1, 1, null, 0, 0, 9, 1, 'succeeded', null, '1', '{2,1}')`,
		`insert into adze.task_result values ($1::bigint + 2, 1, null, 0, 0, 9, 2, 'failed', 'bad', null, null)`,
		`insert into adze.task_result values ($1::bigint + 3, 1, null, 0, 0, 9, 1, 'succeeded', null, '3', null)`,
	} {
		_, err := pool.Exec(t.Context(), sql, run)
		require.NoError(t, err)
	}
	rows, err := store.Runs(t.Context(), []id.ID{run, run + 1})
	require.NoError(t, err)
	require.Equal(t, []core.NewTask{{ID: run, Tenant: 1, Version: 5, RunAt: 6, ReplayOf: 7, Priority: 8, Key: "k", Input: core.Payload("{}")}}, rows)
	ended, err := store.RunOutcomes(t.Context(), 1, []id.ID{run, run + 1})
	require.NoError(t, err)
	require.Equal(t, []core.RunResult{{Run: run, Tenant: 1, Version: 5, Status: core.Failed, Finished: 9, Error: "task b failed"}}, ended)
	results, err := store.Results(t.Context(), 1, run+1, run+2)
	require.NoError(t, err)
	require.Equal(t, []shard.Outcome{
		{ID: run + 1, Status: core.Succeeded, Attempt: 1, Output: []byte("1")},
		{ID: run + 2, Status: core.Failed, Attempt: 2, Error: "bad"},
	}, results)
}
