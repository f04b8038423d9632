package webhook_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/pgtest"
	"github.com/adzehq/adze/internal/record/tenant"
	"github.com/adzehq/adze/internal/record/webhook"
)

func TestATenantHasSoManyWebhooksAndNoMore(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	_, err := tenant.EnsureDefault(t.Context(), pool, now)
	require.NoError(t, err)
	insert := func(n int) error {
		return webhook.Insert(t.Context(), pool, webhook.Webhook{
			ID: uuid.New(), Tenant: tenant.DefaultID, CreatedAt: now, UpdatedAt: now, Name: fmt.Sprint("w", n),
			Source: "GENERIC", KeyExpression: "'k'", AuthType: "BASIC", Auth: []byte("{}"),
		})
	}
	for n := range webhook.Max {
		require.NoError(t, insert(n))
	}
	var e *fault.Error
	require.ErrorAs(t, insert(webhook.Max), &e)
	require.Equal(t, fault.Exhausted, e.Kind)
	_, err = webhook.Delete(t.Context(), pool, tenant.DefaultID, "w0")
	require.NoError(t, err)
	require.NoError(t, insert(webhook.Max))
	require.ErrorAs(t, webhook.Update(t.Context(), pool, webhook.Webhook{Tenant: tenant.DefaultID, Name: "w0"}), &e)
	require.Equal(t, fault.NotFound, e.Kind)
}
