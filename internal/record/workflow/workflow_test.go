package workflow_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/pgtest"
	"github.com/adzehq/adze/internal/record/tenant"
	"github.com/adzehq/adze/internal/record/workflow"
)

const shard = 0

func setup(t *testing.T) (*pgxpool.Pool, func() id.ID) {
	t.Helper()
	pool := pgtest.Open(t)
	_, err := tenant.EnsureDefault(t.Context(), pool, time.Now())
	require.NoError(t, err)
	ids := id.NewSource(shard, 0)
	return pool, func() id.ID { return ids.Next(time.Now().UnixMilli()) }
}

func put(t *testing.T, pool *pgxpool.Pool, next func() id.ID, definitions ...workflow.Definition) []workflow.Put {
	t.Helper()
	puts, err := workflow.PutMany(t.Context(), pool, tenant.DefaultID, definitions, next)
	require.NoError(t, err)
	return puts
}

func define(name, json string) workflow.Definition {
	return workflow.Definition{Name: name, JSON: []byte(json)}
}

func TestEqualBytesAreTheSameVersion(t *testing.T) {
	t.Parallel()
	pool, next := setup(t)
	first := put(t, pool, next, define("a", `{"v":1}`), define("b", `{"v":1}`))
	require.True(t, first[0].Changed)
	require.True(t, first[1].Changed)
	require.NotEqual(t, first[0].Version, first[1].Version)

	again := put(t, pool, next, define("b", `{"v":1}`), define("a", `{"v":1}`))
	require.Equal(t, []workflow.Put{{Workflow: first[1].Workflow, Version: first[1].Version}, {Workflow: first[0].Workflow, Version: first[0].Version}}, again)

	second := put(t, pool, next, define("a", `{"v":2}`))
	require.True(t, second[0].Changed)
	back := put(t, pool, next, define("a", `{"v":1}`))
	require.Equal(t, []workflow.Put{{Workflow: first[0].Workflow, Version: first[0].Version, Changed: true}}, back, "an earlier version is current again")
}

func TestAllVersionsOfAShardAreRead(t *testing.T) {
	t.Parallel()
	pool, next := setup(t)
	first := put(t, pool, next, define("a", `{"v":1}`))[0]
	second := put(t, pool, next, define("a", `{"v":2}`))[0]
	versions, err := workflow.OfShard(t.Context(), pool, shard)
	require.NoError(t, err)
	require.Equal(t, []workflow.Version{
		{ID: first.Version, Workflow: first.Workflow, Tenant: tenant.DefaultID, JSON: []byte(`{"v":1}`)},
		{ID: second.Version, Workflow: first.Workflow, Tenant: tenant.DefaultID, Current: true, JSON: []byte(`{"v":2}`)},
	}, versions)
	versions, err = workflow.OfShard(t.Context(), pool, shard+1)
	require.NoError(t, err)
	require.Empty(t, versions)
}

func TestManyWorkersRegisterTheSameAtOnce(t *testing.T) {
	t.Parallel()
	pool, next := setup(t)
	var definitions []workflow.Definition
	for i := range 20 {
		definitions = append(definitions, define(fmt.Sprint("w", i), fmt.Sprint(i)))
	}
	const workers = 16
	answers := make([]map[string]id.ID, workers)
	var done sync.WaitGroup
	for w := range workers {
		done.Go(func() {
			mine := slices.Clone(definitions)
			if w%2 == 1 {
				slices.Reverse(mine) // another order must not lock in a circle
			}
			puts, err := workflow.PutMany(context.Background(), pool, tenant.DefaultID, mine, next)
			require.NoError(t, err)
			answers[w] = map[string]id.ID{}
			for i, p := range puts {
				answers[w][mine[i].Name] = p.Version
			}
		})
	}
	done.Wait()
	for _, a := range answers {
		require.Equal(t, answers[0], a)
	}
	versions, err := workflow.OfShard(t.Context(), pool, shard)
	require.NoError(t, err)
	require.Len(t, versions, len(definitions))
}

func TestDefinitionsAreStoredAllOrNone(t *testing.T) {
	t.Parallel()
	pool, next := setup(t)
	_, err := workflow.PutMany(t.Context(), pool, tenant.DefaultID,
		[]workflow.Definition{define("a", "1"), define("b\x00", "2")}, next)
	require.Error(t, err)
	versions, err := workflow.OfShard(t.Context(), pool, shard)
	require.NoError(t, err)
	require.Empty(t, versions)
}

func TestTheCurrentVersionIsReadByName(t *testing.T) {
	t.Parallel()
	pool, next := setup(t)
	put(t, pool, next, define("a", `{"v":1}`))
	puts := put(t, pool, next, define("a", `{"v":2}`), define("b", `{"v":3}`))

	current, err := workflow.Current(t.Context(), pool, tenant.DefaultID, "a")
	require.NoError(t, err)
	require.Equal(t, workflow.Version{
		ID: puts[0].Version, Workflow: puts[0].Workflow, Tenant: tenant.DefaultID, Current: true, JSON: []byte(`{"v":2}`),
	}, current)

	_, err = workflow.Current(t.Context(), pool, tenant.DefaultID, "c")
	require.Equal(t, fault.NotFound, fault.KindOf(err))
	_, err = workflow.Current(t.Context(), pool, tenant.DefaultID+1, "a")
	require.Equal(t, fault.NotFound, fault.KindOf(err), "another tenant's")
}
