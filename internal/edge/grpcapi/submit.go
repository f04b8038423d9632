package grpcapi

import (
	"context"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// Submit implements the service.
func (s *Server) Submit(ctx context.Context, req *wire.SubmitRequest) (*wire.SubmitResponse, error) {
	if err := admit.Count("runs", len(req.Runs), admit.RunsMax); err != nil {
		return nil, s.status(err)
	}
	wait := shard.WaitForRoom
	if req.NoWait {
		wait = shard.NoWait
	}
	answers, err := s.Limits.Submit(ctx, s.Shards, auth.Tenant(ctx), newRuns(req.Runs), req.AllOrNothing, wait)
	if err != nil {
		return nil, s.status(err)
	}
	room := make([]wire.Submitted, len(answers))
	response := &wire.SubmitResponse{Runs: make([]*wire.Submitted, len(answers))}
	refused := 0
	for i := range answers {
		to := &room[i]
		to.RunId = uint64(answers[i].ID)
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

func newRuns(from []*wire.NewRun) []shard.NewRun {
	runs := make([]shard.NewRun, len(from))
	for i, r := range from {
		runs[i] = shard.NewRun{
			Workflow: r.GetWorkflow(),
			Input:    r.GetInput(),
			Metadata: r.GetMetadata(),
			Priority: r.GetPriority(),
			DelayMS:  r.GetDelayMs(),
			RunAt:    core.Time(r.GetRunAtMs()),
		}
	}
	return runs
}

// Replay implements the service.
func (s *Server) Replay(ctx context.Context, req *wire.ReplayRequest) (*wire.ReplayResponse, error) {
	if err := admit.Count("run_ids", len(req.RunIds), admit.RunsMax); err != nil {
		return nil, s.status(err)
	}
	fresh, err := s.Shards.Replay(ctx, auth.Tenant(ctx), ids(req.RunIds), req.FromFailed)
	if err != nil {
		return nil, s.status(err)
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
		return nil, s.status(err)
	}
	if err := admit.Reason(req.Reason); err != nil {
		return nil, s.status(err)
	}
	outcomes, err := s.Shards.Cancel(ctx, auth.Tenant(ctx), ids(req.RunIds), req.Reason, req.Tree)
	if err != nil {
		return nil, s.status(err)
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
		return nil, s.status(err)
	}
	if req.TaskId == 0 {
		return nil, s.status(fault.New(fault.Invalid, "task_id", "is empty; name the task of the attempt"))
	}
	deadline, err := s.Shards.Refresh(ctx, auth.Tenant(ctx), id.ID(req.TaskId), core.Token(req.Token), req.ByMs)
	if err != nil {
		return nil, s.status(err)
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
