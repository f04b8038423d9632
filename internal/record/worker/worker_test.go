package worker_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/pgtest"
	"github.com/adzehq/adze/internal/record/worker"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func row(t *testing.T, pool *pgxpool.Pool, of id.ID) (got worker.Worker, left *time.Time) {
	t.Helper()
	require.NoError(t, pool.QueryRow(t.Context(),
		"select id, tenant_id, joined_at, left_at, slots, name, sdk, actions, labels, slot_types, runtime from adze.worker where id = $1", of).
		Scan(&got.ID, &got.Tenant, &got.JoinedAt, &left, &got.Slots, &got.Name, &got.SDK, &got.Actions, &got.Labels, &got.Types, &got.Runtime))
	got.JoinedAt = got.JoinedAt.UTC()
	return got, left
}

func join(t *testing.T, pool *pgxpool.Pool, w worker.Worker) (paused bool) {
	t.Helper()
	paused, err := worker.Join(t.Context(), pool, w)
	require.NoError(t, err)
	return paused
}

func TestAPauseIsKeptWhileAWorkerIsAwayAndToldWhenItJoins(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	w := worker.Worker{ID: 5, Tenant: 1, JoinedAt: noon, Name: "one"}
	require.NoError(t, worker.Introduce(t.Context(), pool, w))
	for _, paused := range []bool{true, false} {
		known, err := worker.PauseAway(t.Context(), pool, 1, []id.ID{6, 5}, paused)
		require.NoError(t, err)
		require.Equal(t, []id.ID{5}, known)
		require.Equal(t, paused, join(t, pool, w))
	}
	known, err := worker.PauseAway(t.Context(), pool, 2, []id.ID{5}, true)
	require.NoError(t, err)
	require.Empty(t, known, "another tenant's")
	require.False(t, join(t, pool, w))
}

func TestARowTellsOfTheLastSessionAndKeepsItsTenant(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	w := worker.Worker{
		ID: 5, Tenant: 1, JoinedAt: noon, Slots: 10, Name: "one\x00", SDK: "go/0.1", Actions: []string{"a", "b"},
		Labels: map[string]string{"gpu": "yes\x00"}, Types: map[string]int32{"durable": 3},
	}
	join(t, pool, w)
	w.JoinedAt, w.Slots, w.Actions = noon.Add(time.Hour), 20, nil
	join(t, pool, w)
	w.Tenant, w.Slots = 2, 30
	_, err := worker.Join(t.Context(), pool, w)
	require.Equal(t, fault.NotFound, fault.KindOf(err), "another tenant's worker")
	require.Equal(t, fault.NotFound, fault.KindOf(worker.Introduce(t.Context(), pool, w)), "another tenant's worker")

	got, left := row(t, pool, 5)
	require.Nil(t, left)
	require.Equal(t, worker.Worker{
		ID: 5, Tenant: 1, JoinedAt: noon.Add(time.Hour), Slots: 20, Name: "one\uFFFD", SDK: "go/0.1", Actions: []string{},
		Labels: map[string]string{"gpu": "yes\uFFFD"}, Types: map[string]int32{"durable": 3}, Runtime: map[string]string{},
	}, got)
}

func TestAWorkerThatWasIntroducedIsNotExpected(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	w := worker.Worker{ID: 5, Tenant: 1, JoinedAt: noon, Slots: 10, Name: "one", Runtime: map[string]string{"os": "linux"}}
	require.NoError(t, worker.Introduce(t.Context(), pool, w))
	_, left := row(t, pool, 5)
	require.NotNil(t, left)
	present, err := worker.Present(t.Context(), pool, 0)
	require.NoError(t, err)
	require.Empty(t, present)

	join(t, pool, w)
	w.JoinedAt, w.Labels = noon.Add(time.Hour), map[string]string{"zone": "a"}
	require.NoError(t, worker.Introduce(t.Context(), pool, w))
	got, left := row(t, pool, 5)
	require.Nil(t, left, "it is there, and stays so")
	require.Equal(t, noon, got.JoinedAt)
	require.Equal(t, map[string]string{"zone": "a"}, got.Labels)
}
