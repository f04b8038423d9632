package tenant_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/pgtest"
	"github.com/adzehq/adze/internal/record/tenant"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestTheDefaultTenantIsMadeOnce(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	first, err := tenant.EnsureDefault(t.Context(), pool, noon)
	require.NoError(t, err)
	require.Equal(t, "default", first.Name)
	require.Equal(t, "707d0855-80ab-4e1f-a156-f1c4546cbf52", first.UUID.String())
	again, err := tenant.EnsureDefault(t.Context(), pool, noon.Add(time.Hour))
	require.NoError(t, err)
	require.Equal(t, first, again)
	all, err := tenant.All(t.Context(), pool)
	require.NoError(t, err)
	require.Equal(t, []tenant.Tenant{first}, all)
}

func TestATenantsNameIsItsOwn(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	one := tenant.Tenant{ID: 5, UUID: uuid.New(), Shard: 3, Name: "one", CreatedAt: noon}
	require.NoError(t, tenant.Insert(t.Context(), pool, one))
	require.Equal(t, fault.Conflict, fault.KindOf(tenant.Insert(t.Context(), pool,
		tenant.Tenant{ID: 6, UUID: uuid.New(), Name: "one", CreatedAt: noon})))
	got, err := tenant.ByUUID(t.Context(), pool, one.UUID)
	require.NoError(t, err)
	require.True(t, got.CreatedAt.Equal(noon))
	got.CreatedAt = noon
	require.Equal(t, one, got)
	_, err = tenant.ByUUID(t.Context(), pool, uuid.New())
	require.Equal(t, fault.NotFound, fault.KindOf(err))
}

func TestTokensAreFoundUntilRevokedAndTheFirstTimeCounts(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	owner, err := tenant.EnsureDefault(t.Context(), pool, noon)
	require.NoError(t, err)
	token := tenant.Token{ID: uuid.New(), Tenant: owner.ID, Name: "ci", CreatedAt: noon, ExpiresAt: noon.Add(time.Hour)}
	require.NoError(t, tenant.InsertToken(t.Context(), pool, token))
	got, err := tenant.TokenByID(t.Context(), pool, token.ID)
	require.NoError(t, err)
	require.Nil(t, got.RevokedAt)
	require.True(t, got.ExpiresAt.Equal(token.ExpiresAt))

	gone := uuid.New()
	revoked, err := tenant.RevokedTokens(t.Context(), pool, []uuid.UUID{gone, token.ID})
	require.NoError(t, err)
	require.Equal(t, []uuid.UUID{gone}, revoked)

	require.NoError(t, tenant.RevokeToken(t.Context(), pool, owner.ID+1, token.ID, noon), "another tenant's: no effect")
	require.NoError(t, tenant.RevokeToken(t.Context(), pool, owner.ID, token.ID, noon))
	require.NoError(t, tenant.RevokeToken(t.Context(), pool, owner.ID, token.ID, noon.Add(time.Minute)))
	got, err = tenant.TokenByID(t.Context(), pool, token.ID)
	require.NoError(t, err)
	require.True(t, got.RevokedAt.Equal(noon))
	revoked, err = tenant.RevokedTokens(t.Context(), pool, []uuid.UUID{token.ID})
	require.NoError(t, err)
	require.Equal(t, []uuid.UUID{token.ID}, revoked)

	_, err = tenant.TokenByID(t.Context(), pool, uuid.New())
	require.Equal(t, fault.NotFound, fault.KindOf(err))
}

func TestEnginesThatStartAtOnceAgreeOnTheSigningKey(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	keys := make([][]byte, 8)
	var engines sync.WaitGroup
	for i := range keys {
		engines.Go(func() {
			var err error
			keys[i], err = tenant.SigningKey(context.Background(), pool, []byte{byte(i), 1, 2, 3})
			require.NoError(t, err)
		})
	}
	engines.Wait()
	for _, key := range keys {
		require.Len(t, key, 4)
		require.Equal(t, keys[0], key)
	}
}
