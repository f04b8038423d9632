package server_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/pgtest"
	"github.com/adzehq/adze/internal/record/tenant"
	"github.com/adzehq/adze/internal/server"
)

func TestTenantsMadeInTheSameMomentAreDifferentOnes(t *testing.T) {
	t.Parallel()
	db, now := pgtest.Open(t), time.Now()
	_, err := tenant.EnsureDefault(t.Context(), db, now)
	require.NoError(t, err)
	made := map[tenant.Tenant]bool{}
	for _, name := range []string{"one", "other", "third"} {
		one, err := server.MakeTenant(t.Context(), db, name, tenant.DefaultName, now)
		require.NoError(t, err)
		made[one] = true
		known, err := tenant.ByName(t.Context(), db, name)
		require.NoError(t, err)
		require.Equal(t, one.ID, known.ID)
	}
	require.Len(t, made, 3)
	_, err = server.MakeTenant(t.Context(), db, "other", "", now)
	require.Equal(t, fault.Conflict, fault.KindOf(err))
	require.ErrorContains(t, err, `"other" exists already`)
}
