package worker_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/pgtest"
	"github.com/adzehq/adze/internal/record/worker"
)

func TestARowTellsOfTheLastSessionAndKeepsItsTenant(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	w := worker.Worker{ID: 5, Tenant: 1, JoinedAt: noon, Slots: 10, Name: "one\x00", SDK: "go/0.1", Actions: []string{"a", "b"}}
	require.NoError(t, worker.Put(t.Context(), pool, w))
	w.JoinedAt, w.Slots, w.Actions = noon.Add(time.Hour), 20, nil
	require.NoError(t, worker.Put(t.Context(), pool, w))
	w.Tenant, w.Slots = 2, 30
	require.Equal(t, fault.NotFound, fault.KindOf(worker.Put(t.Context(), pool, w)), "another tenant's worker")

	var got worker.Worker
	require.NoError(t, pool.QueryRow(t.Context(), "select id, tenant_id, joined_at, slots, name, sdk, actions from adze.worker").
		Scan(&got.ID, &got.Tenant, &got.JoinedAt, &got.Slots, &got.Name, &got.SDK, &got.Actions))
	require.True(t, got.JoinedAt.Equal(noon.Add(time.Hour)))
	got.JoinedAt = noon
	require.Equal(t, worker.Worker{ID: 5, Tenant: 1, JoinedAt: noon, Slots: 20, Name: "one\uFFFD", SDK: "go/0.1", Actions: []string{}}, got)
}
