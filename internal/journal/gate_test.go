package journal_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/journal"
)

func TestGateAdmitsUpToItsBoundAndNotPastIt(t *testing.T) {
	t.Parallel()
	g := journal.NewGate(100)
	require.NoError(t, g.Reserve(t.Context(), 99, false))
	require.NoError(t, g.Reserve(t.Context(), 1, false))
	require.Equal(t, fault.Exhausted, fault.KindOf(g.Reserve(t.Context(), 1, false)))
	g.Release(1)
	require.NoError(t, g.Reserve(t.Context(), 1, false))
}

func TestGateLetsTheOneWhoWaitsInWhenThereIsRoom(t *testing.T) {
	t.Parallel()
	g := journal.NewGate(100)
	require.NoError(t, g.Reserve(t.Context(), 60, true))
	in := make(chan error)
	go func() { in <- g.Reserve(context.Background(), 60, true) }()
	g.Release(60)
	require.NoError(t, <-in)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, g.Reserve(ended, 60, true), context.Canceled)
}

func TestWhatIsLargerThanTheGatePassesAlone(t *testing.T) {
	t.Parallel()
	g := journal.NewGate(100)
	require.NoError(t, g.Reserve(t.Context(), 1_000, false))
	require.Error(t, g.Reserve(t.Context(), 1, false))
	g.Release(1_000)
	require.NoError(t, g.Reserve(t.Context(), 100, false))
}

func TestARowWithoutPayloadCostsRoomToo(t *testing.T) {
	t.Parallel()
	require.EqualValues(t, 2*journal.RowBytes+10, journal.Cost(2, 10))
}
