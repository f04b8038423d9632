package hatchet

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/hatchet/define"
	"github.com/adzehq/adze/internal/edge/hatchet/view"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// ReleaseSlot implements the Dispatcher: the task goes on and gives its slots back.
func (s *Server) ReleaseSlot(ctx context.Context, req *wire.ReleaseSlotRequest) (*wire.ReleaseSlotResponse, error) {
	a, err := s.runningAttempt(ctx, req.TaskRunExternalId)
	if err != nil {
		return nil, s.Status(err)
	}
	if err := s.Shards.Release(ctx, a.Owner, a.Task, a.Token); err != nil {
		return nil, s.Status(err)
	}
	return &wire.ReleaseSlotResponse{}, nil
}

// RefreshTimeout implements the Dispatcher: the deadline moves by the increment, from
// where it is.
func (s *Server) RefreshTimeout(ctx context.Context, req *wire.RefreshTimeoutRequest) (*wire.RefreshTimeoutResponse, error) {
	by, ok := define.Duration(req.IncrementTimeoutBy)
	if !ok || by <= 0 {
		return nil, s.Status(fault.New(fault.Invalid, "increment_timeout_by", "%q is no time; say it like 30s or 1h30m", req.IncrementTimeoutBy))
	}
	a, err := s.runningAttempt(ctx, req.TaskRunExternalId)
	if err != nil {
		return nil, s.Status(err)
	}
	deadline, err := s.Shards.Refresh(ctx, a.Owner, core.Refresh{Task: a.Task, Token: a.Token, ByMS: by.Milliseconds(), Further: true})
	if err != nil {
		return nil, s.Status(err)
	}
	if deadline == 0 { // it may take as long as it likes
		deadline = core.Time(s.Clock.Now().Add(by).UnixMilli())
	}
	return &wire.RefreshTimeoutResponse{TimeoutAt: timestamppb.New(time.UnixMilli(int64(deadline)))}, nil
}

// runningAttempt is the current attempt of a task, or fails with fault.NotFound: also of a
// task that there is not.
func (s *Server) runningAttempt(ctx context.Context, text string) (*attempt, error) {
	if _, err := view.ParseID("task_run_external_id", text); err != nil {
		return nil, err
	}
	a, err := s.attemptOf(ctx, text)
	if err != nil && fault.KindOf(err) != fault.Invalid {
		return nil, err
	}
	if a == nil {
		return nil, fault.New(fault.NotFound, "task_run_external_id", "task %s does not run", text)
	}
	return a, nil
}
