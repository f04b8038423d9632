package adzetest

import (
	"context"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// reader tells of runs what an engine tells.
type reader struct {
	memory *memory
	shards shard.Client
}

// GetRun implements embed.Reader.
func (r *reader) GetRun(ctx context.Context, tenant id.ID, request *wire.GetRunRequest) (*wire.GetRunResponse, error) {
	run, attempts, err := r.run(ctx, tenant, id.ID(request.RunId))
	if err != nil {
		return nil, err
	}
	response := &wire.GetRunResponse{Run: run}
	for _, a := range attempts {
		response.Attempts = append(response.Attempts, &wire.Attempt{
			Number: a.Number, Outcome: a.Outcome.String(), WorkerId: uint64(a.Worker), Error: a.Error,
			AssignedMs: int64(a.Assigned), StartedMs: int64(a.Started),
			FinishedMs: int64(a.Finished), RetryAtMs: int64(a.RetryAt),
		})
	}
	return response, nil
}

// ListRuns implements embed.Reader.
func (r *reader) ListRuns(ctx context.Context, tenant id.ID, request *wire.ListRunsRequest) (*wire.ListRunsResponse, error) {
	response := &wire.ListRunsResponse{}
	for _, one := range r.memory.newest(id.ID(request.Before)) {
		run, _, err := r.run(ctx, tenant, one)
		if err != nil {
			return nil, err
		}
		if !wanted(request, run) {
			continue
		}
		if len(response.Runs) == int(request.Limit) {
			response.NextBefore = response.Runs[len(response.Runs)-1].RunId
			break
		}
		run.Input, run.Metadata, run.Output = nil, nil, nil
		response.Runs = append(response.Runs, run)
	}
	return response, nil
}

func wanted(request *wire.ListRunsRequest, run *wire.Run) bool {
	return (request.Workflow == "" || request.Workflow == run.Workflow) &&
		(len(request.Statuses) == 0 || slices.Contains(request.Statuses, run.Status)) &&
		run.SubmittedMs >= request.SinceMs &&
		(request.UntilMs == 0 || run.SubmittedMs < request.UntilMs)
}

func (r *reader) run(ctx context.Context, tenant, one id.ID) (*wire.Run, []core.Attempt, error) {
	// First what is live, then what is stored: a run that ends in between has ended.
	live, err := r.shards.Live(ctx, tenant, []id.ID{one})
	if err != nil {
		return nil, nil, err
	}
	t, workflow, result, attempts, err := r.memory.stored(one)
	if err != nil {
		return nil, nil, err
	}
	run := &wire.Run{
		RunId: uint64(one), VersionId: uint64(t.Version), Workflow: workflow, ReplayOf: uint64(t.ReplayOf),
		Priority: t.Priority, RunAtMs: int64(t.RunAt), SubmittedMs: one.UnixMilli(),
		Input: t.Input, Metadata: t.Metadata,
	}
	if result != nil {
		ended(run, result)
	} else {
		standing(run, &live[0])
	}
	return run, attempts, nil
}

func ended(run *wire.Run, r *core.Result) {
	run.Status = map[core.Status]wire.Status{
		core.Succeeded: wire.Status_STATUS_SUCCEEDED,
		core.Failed:    wire.Status_STATUS_FAILED,
		core.Cancelled: wire.Status_STATUS_CANCELLED,
	}[r.Status]
	run.Attempt, run.WorkerId, run.Error, run.Output = r.Attempt, uint64(r.Worker), r.Error, r.Output
	run.AssignedMs, run.StartedMs, run.FinishedMs = int64(r.Assigned), int64(r.Started), int64(r.Finished)
}

func standing(run *wire.Run, live *core.Live) {
	run.Status = map[core.OpenState]wire.Status{
		core.OpenDelayed: wire.Status_STATUS_DELAYED,
		core.OpenRunning: wire.Status_STATUS_RUNNING,
	}[live.State]
	if run.Status == wire.Status_STATUS_UNSPECIFIED {
		run.Status = wire.Status_STATUS_QUEUED
	}
	run.Attempt = live.Attempt
	if live.State != core.OpenRunning {
		run.Attempt-- // the next one has not begun
	}
	if live.State == core.OpenDelayed {
		run.RunAtMs = int64(live.Due)
	}
	run.WorkerId = uint64(live.Worker)
	run.AssignedMs, run.StartedMs = int64(live.Assigned), int64(live.Started)
}
