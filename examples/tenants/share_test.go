package tenants_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/examples/tenants"
	"github.com/adzehq/adze/internal/pgtest"
	"github.com/adzehq/adze/internal/server"
)

// TestFleetRunsTasksOfTenantsThatJoin: the fleet is the default tenant, and the other one
// lives beside it.
func TestFleetRunsTasksOfTenantsThatJoin(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	quiet, url := slog.New(slog.DiscardHandler), pgtest.URL(t)
	engine, err := server.Embed(ctx, server.EngineConfig{DatabaseURL: url, Log: quiet})
	require.NoError(t, err)
	fleet := adze.Embed(engine, quiet)
	t.Cleanup(func() { require.NoError(t, fleet.Close()) })
	db, err := pgxpool.New(ctx, url)
	require.NoError(t, err)
	t.Cleanup(db.Close)
	shop, err := server.MakeTenant(ctx, db, "shop", "default", time.Now())
	require.NoError(t, err)
	engine.Tenant, engine.Close = shop.ID, func() error { return nil }
	client := adze.Embed(engine, quiet)
	t.Cleanup(func() { require.NoError(t, client.Close()) })

	working, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- fleet.Work(working, tenants.Convert) }()
	defer func() {
		stop()
		require.NoError(t, <-ended)
	}()
	own, err := tenants.Convert.Call(ctx, fleet, tenants.Page{})
	require.NoError(t, err)
	require.Equal(t, "for the fleet itself", own)
	require.NoError(t, tenants.Join(ctx, client))
	shared, err := tenants.Convert.Call(ctx, client, tenants.Page{})
	require.NoError(t, err)
	require.Equal(t, "for shop", shared)
	require.NoError(t, tenants.Part(ctx, client))
	_, grants, err := client.Grants(ctx)
	require.NoError(t, err)
	require.Empty(t, grants)
}
