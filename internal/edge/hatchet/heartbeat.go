package hatchet

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/auth"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// streamMissedAfter is how long a worker may beat without a stream before it is told that
// it has none: one that has just lost it opens the next one by itself.
const streamMissedAfter = 2 * time.Second

// errNoStream has an SDK open its stream again. It goes by its code and its text.
var errNoStream = status.Error(codes.FailedPrecondition, "Heartbeat rejected: worker stream is not active")

// Heartbeat implements the Dispatcher. The engine's clock counts. A worker of which this
// engine has not heard yet keeps by it what it runs.
func (s *Server) Heartbeat(ctx context.Context, req *wire.HeartbeatRequest) (*wire.HeartbeatResponse, error) {
	number, err := workerID(req.WorkerId)
	if err != nil {
		return nil, s.Status(err)
	}
	w, err := s.roster.attend(ctx, auth.CallerOf(ctx), number)
	if err != nil {
		return nil, s.Status(err)
	}
	now := s.Clock.Now()
	w.hear(now)
	if w.misses(now) {
		return nil, s.Status(errNoStream)
	}
	return &wire.HeartbeatResponse{}, nil
}

// Heard is when a worker was heard of that has a session here; else it is zero.
func (s *Server) Heard(tenant, number id.ID) time.Time {
	w := s.roster.find(tenant, number)
	if w == nil {
		return time.Time{}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.heard
}

// misses tells whether the worker should have a stream and has none.
func (w *worker) misses(now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.streams) == 0 && now.Sub(w.streamless) >= streamMissedAfter
}
