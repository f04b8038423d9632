package journal_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/journal"
)

func TestGateAdmitsUpToItsBoundAndNotPastIt(t *testing.T) {
	t.Parallel()
	g := journal.NewGate(100, 100)
	require.NoError(t, g.Reserve(t.Context(), 1, 99, false))
	require.NoError(t, g.Reserve(t.Context(), 1, 1, false))
	require.Equal(t, fault.Exhausted, fault.KindOf(g.Reserve(t.Context(), 1, 1, false)))
	g.Release(1, 1)
	require.NoError(t, g.Reserve(t.Context(), 1, 1, false))
}

func TestGateLetsTheOneWhoWaitsInWhenThereIsRoom(t *testing.T) {
	t.Parallel()
	g := journal.NewGate(100, 100)
	require.NoError(t, g.Reserve(t.Context(), 1, 60, true))
	in := make(chan error)
	go func() { in <- g.Reserve(context.Background(), 1, 60, true) }()
	g.Release(1, 60)
	require.NoError(t, <-in)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, g.Reserve(ended, 1, 60, true), context.Canceled)
}

func TestWhatIsLargerThanTheGatePassesAlone(t *testing.T) {
	t.Parallel()
	g := journal.NewGate(100, 100)
	require.NoError(t, g.Reserve(t.Context(), 1, 1_000, false))
	require.Error(t, g.Reserve(t.Context(), 1, 1, false))
	g.Release(1, 1_000)
	require.NoError(t, g.Reserve(t.Context(), 1, 100, false))
}

func TestARowWithoutPayloadCostsRoomToo(t *testing.T) {
	t.Parallel()
	require.EqualValues(t, 2*journal.RowBytes+10, journal.Cost(2, 10))
}

func TestATenantThatBringsMuchWaitsBehindItself(t *testing.T) {
	t.Parallel()
	const much, others = 100, 3
	g := journal.NewGate(1, 1)
	require.NoError(t, g.Reserve(t.Context(), 1, 1, true))
	passed := make(chan id.ID)
	bring := func(tenant id.ID) {
		if g.Reserve(t.Context(), tenant, 1, true) == nil {
			passed <- tenant
		}
	}
	for range much {
		go bring(1)
	}
	require.Eventually(t, func() bool { return g.Users(1) == 1+much }, time.Minute, time.Millisecond)
	for tenant := range id.ID(others) {
		go bring(2 + tenant)
	}
	require.Eventually(t, func() bool { return g.Users(2)+g.Users(3)+g.Users(4) == others }, time.Minute, time.Millisecond)

	seen, last := map[id.ID]bool{}, id.ID(1)
	for range 2 * (others + 1) { // a turn of each, and one for who was in the line already
		g.Release(last, 1)
		last = <-passed
		seen[last] = true
	}
	require.Len(t, seen, others+1, "nobody waits for all that the first one brought")
	for range much + others - 2*(others+1) {
		g.Release(last, 1)
		last = <-passed
	}
	g.Release(last, 1)
	require.Zero(t, g.Tenants(), "nobody waits any more")
}

// TestFloodOfOneTenantLeavesRoomForOthers: what fills its part neither refuses nor holds up
// the others.
func TestFloodOfOneTenantLeavesRoomForOthers(t *testing.T) {
	t.Parallel()
	g := journal.NewGate(100, 25)
	require.NoError(t, g.Reserve(t.Context(), 1, 25, false))
	require.Equal(t, fault.Exhausted, fault.KindOf(g.Reserve(t.Context(), 1, 1, false)), "past its part")
	in := make(chan error)
	go func() { in <- g.Reserve(context.Background(), 1, 10, true) }()
	require.Eventually(t, func() bool { return g.Users(1) == 2 }, time.Minute, time.Millisecond)
	for tenant := id.ID(2); tenant <= 4; tenant++ {
		require.NoError(t, g.Reserve(t.Context(), tenant, 25, false))
	}
	require.Equal(t, fault.Exhausted, fault.KindOf(g.Reserve(t.Context(), 5, 1, false)), "past the whole gate")
	g.Release(1, 25)
	require.NoError(t, <-in)
	for tenant := id.ID(2); tenant <= 4; tenant++ {
		g.Release(tenant, 25)
	}
	g.Release(1, 10)
	require.Zero(t, g.Tenants(), "nothing is remembered of who has nothing in it")
}

func TestWhatIsLargerThanATenantsPartPassesAloneOfIt(t *testing.T) {
	t.Parallel()
	g := journal.NewGate(100, 25)
	require.NoError(t, g.Reserve(t.Context(), 1, 60, false))
	require.Error(t, g.Reserve(t.Context(), 1, 1, false))
	require.NoError(t, g.Reserve(t.Context(), 2, 25, false))
	g.Release(1, 60)
	require.NoError(t, g.Reserve(t.Context(), 1, 25, false))
}
