package drain_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/edge/drain"
)

func TestStreamsEndWhenTheEngineStopsOpenOrNot(t *testing.T) {
	t.Parallel()
	streams := drain.New()
	open, done := streams.Bounded(t.Context())
	defer done()
	require.NoError(t, open.Err())
	streams.Drain()
	<-open.Done()
	require.Equal(t, drain.ErrStopping, context.Cause(open))

	late, done := streams.Bounded(t.Context())
	defer done()
	<-late.Done()
	require.Equal(t, drain.ErrStopping, context.Cause(late))
}

func TestWhyIsTheCauseOfAContextThatHasEnded(t *testing.T) {
	t.Parallel()
	broken, gone := errors.New("broken"), errors.New("gone")
	ctx, end := context.WithCancelCause(t.Context())
	require.Equal(t, broken, drain.Why(ctx, broken))
	end(gone)
	require.Equal(t, gone, drain.Why(ctx, broken))
	require.NoError(t, drain.Why(ctx, nil))
}
