// Package drain ends the streams of an edge when the engine stops, for they would last as
// long as their clients.
//
// It owns what such a client is told. It promises that a stream which is bounded ends once
// Drain was called, be it open or not begun yet.
package drain

import (
	"context"

	"github.com/adzehq/adze/internal/base/fault"
)

// ErrStopping is why streams end when the engine stops.
var ErrStopping = fault.New(fault.Unavailable, "", "the engine is stopping: connect again")

// Streams are those of one edge. Use New.
type Streams struct {
	stopping context.Context // ended by Drain
	stop     context.CancelCauseFunc
}

// New is for the streams of an edge that is about to serve.
func New() *Streams {
	stopping, stop := context.WithCancelCause(context.Background())
	return &Streams{stopping, stop}
}

// Drain ends all streams, so that a graceful stop need not wait for them. Their clients
// are told to connect again.
func (s *Streams) Drain() { s.stop(ErrStopping) }

// Bounded is ctx that also ends when the engine stops. Its cause says which.
func (s *Streams) Bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	release := context.AfterFunc(s.stopping, func() { cancel(ErrStopping) })
	return ctx, func() {
		release()
		cancel(nil)
	}
}

// Why is why a stream ended with err: if ctx has ended, it is the cause of that.
func Why(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
