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
	w := shard.Workflow{Name: "w", Tasks: []shard.Task{{Name: "w", Action: "a", Queue: "a", Retries: 3, Backoff: shard.Backoff{InitialMS: 1, Factor: 2, MaxMS: 3}}}}
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
	require.Equal(t, []shard.StoredDefinition{{Definition: want, Current: true}}, stored)
}

func TestANewOwnerIsRestoredFromWhatIsCommitted(t *testing.T) {
	t.Parallel()
	pool, store, ids := setupStore(t)
	empty, err := store.Restore(t.Context(), 0, 3)
	require.NoError(t, err)
	require.Equal(t, &core.Restore{Epoch: 3, Running: []core.OpenTask{}, Lanes: []core.LaneDepth{}}, empty)

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
