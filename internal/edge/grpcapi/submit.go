package grpcapi

import (
	"context"
	"fmt"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/edge/outline"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// Submit implements the service.
func (s *Server) Submit(ctx context.Context, req *wire.SubmitRequest) (*wire.SubmitResponse, error) {
	if err := admit.Count("runs", len(req.Runs), admit.RunsMax); err != nil {
		return nil, s.Status(err)
	}
	wait := shard.WaitForRoom
	if req.NoWait {
		wait = shard.NoWait
	}
	answers, err := s.submit(ctx, req, wait)
	if err != nil {
		return nil, s.Status(err)
	}
	room := make([]wire.Submitted, len(answers))
	response := &wire.SubmitResponse{Runs: make([]*wire.Submitted, len(answers))}
	refused := 0
	for i := range answers {
		to := &room[i]
		to.RunId, to.Existed = uint64(answers[i].ID), answers[i].Existed
		if answers[i].Err != nil {
			refused++
			to.Error = s.itemError(answers[i].Err)
		}
		response.Runs[i] = to
	}
	s.metrics.runs.Add(float64(len(answers) - refused))
	s.metrics.refused.Add(float64(refused))
	return response, nil
}

// submit stores runs, or the children of a task.
func (s *Server) submit(ctx context.Context, req *wire.SubmitRequest, wait shard.Wait) ([]admit.Submitted, error) {
	parent, err := parentOf(req.Runs)
	if err != nil {
		return nil, err
	}
	runs := outline.RunsFromWire(req.Runs)
	if parent != (shard.Parent{}) {
		return s.Limits.Spawn(ctx, s.Shards, auth.Tenant(ctx), parent, runs, wait)
	}
	return s.Limits.Submit(ctx, s.Shards, auth.Tenant(ctx), runs, req.AllOrNothing, wait)
}

// parentOf is the one parent of all runs.
func parentOf(runs []*wire.NewRun) (shard.Parent, error) {
	first := shard.Parent{Task: id.ID(runs[0].GetParentId()), Token: core.Token(runs[0].GetParentToken())}
	for i, r := range runs {
		switch {
		case r.GetParentId() != uint64(first.Task) || r.GetParentToken() != uint64(first.Token):
			return first, fault.New(fault.Invalid, fmt.Sprintf("runs[%d].parent_id", i),
				"is another one than that of runs[0]; the runs of a call have the same parent")
		case first.Task != 0 && first.Token == 0:
			return first, fault.New(fault.Invalid, fmt.Sprintf("runs[%d].parent_token", i),
				"is empty; give the one of the attempt that spawns")
		case first.Task == 0 && (r.GetKey() != "" || r.GetOnClose() != 0):
			return first, fault.New(fault.Invalid, fmt.Sprintf("runs[%d].key", i),
				"and on_close are for children; name the parent, or leave them empty")
		}
	}
	return first, nil
}

// Replay implements the service.
func (s *Server) Replay(ctx context.Context, req *wire.ReplayRequest) (*wire.ReplayResponse, error) {
	if err := admit.Count("run_ids", len(req.RunIds), admit.RunsMax); err != nil {
		return nil, s.Status(err)
	}
	fresh, err := s.Shards.Replay(ctx, auth.Tenant(ctx), ids(req.RunIds), req.FromFailed)
	if err != nil {
		return nil, s.Status(err)
	}
	response := &wire.ReplayResponse{Runs: make([]*wire.Submitted, len(fresh))}
	for i, run := range fresh {
		response.Runs[i] = &wire.Submitted{RunId: uint64(run)}
	}
	return response, nil
}

// Cancel implements the service.
func (s *Server) Cancel(ctx context.Context, req *wire.CancelRequest) (*wire.CancelResponse, error) {
	if err := admit.Count("run_ids", len(req.RunIds), admit.RunsMax); err != nil {
		return nil, s.Status(err)
	}
	if err := admit.Reason(req.Reason); err != nil {
		return nil, s.Status(err)
	}
	outcomes, err := s.Shards.Cancel(ctx, auth.Tenant(ctx), ids(req.RunIds), req.Reason, req.Tree)
	if err != nil {
		return nil, s.Status(err)
	}
	response := &wire.CancelResponse{Runs: make([]*wire.Cancelled, len(outcomes))}
	for i, o := range outcomes {
		response.Runs[i] = &wire.Cancelled{RunId: req.RunIds[i], Outcome: cancelOutcomes[o]}
	}
	return response, nil
}

var cancelOutcomes = [...]wire.Cancelled_Outcome{
	shard.CancelUnknown:  wire.Cancelled_OUTCOME_UNSPECIFIED,
	shard.CancelDone:     wire.Cancelled_OUTCOME_CANCELLED,
	shard.CancelStopping: wire.Cancelled_OUTCOME_STOPPING,
	shard.CancelEnded:    wire.Cancelled_OUTCOME_ENDED,
}

// RefreshTimeout implements the service.
func (s *Server) RefreshTimeout(
	ctx context.Context, req *wire.RefreshTimeoutRequest,
) (*wire.RefreshTimeoutResponse, error) {
	if err := admit.Refresh(req.ByMs); err != nil {
		return nil, s.Status(err)
	}
	if req.TaskId == 0 {
		return nil, s.Status(fault.New(fault.Invalid, "task_id", "is empty; name the task of the attempt"))
	}
	deadline, err := s.Shards.Refresh(ctx, auth.Tenant(ctx), core.Refresh{Task: id.ID(req.TaskId), Token: core.Token(req.Token), ByMS: req.ByMs})
	if err != nil {
		return nil, s.Status(err)
	}
	return &wire.RefreshTimeoutResponse{DeadlineMs: int64(deadline)}, nil
}

func ids(from []uint64) []id.ID {
	to := make([]id.ID, len(from))
	for i, one := range from {
		to[i] = id.ID(one)
	}
	return to
}
