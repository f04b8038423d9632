package adzetest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/outline"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// reader tells of runs what an engine tells.
type reader struct {
	memory *memory
	shards shard.Client
}

// GetWorkflow implements embed.Reader.
func (r *reader) GetWorkflow(_ context.Context, _ id.ID, request *wire.GetWorkflowRequest) (*wire.GetWorkflowResponse, error) {
	version, definition, err := r.memory.definition(request.Name)
	if err != nil {
		return nil, err
	}
	var w shard.Workflow
	if err := json.Unmarshal([]byte(definition), &w); err != nil {
		return nil, fmt.Errorf("decode workflow: %w", err)
	}
	return &wire.GetWorkflowResponse{Workflow: outline.ToWire(&w), VersionId: uint64(version)}, nil
}

// GetRun implements embed.Reader.
func (r *reader) GetRun(ctx context.Context, tenant id.ID, request *wire.GetRunRequest) (*wire.GetRunResponse, error) {
	run, stored, err := r.run(ctx, tenant, id.ID(request.RunId))
	if err != nil {
		return nil, err
	}
	response := &wire.GetRunResponse{Run: run}
	for _, a := range stored.attempts {
		response.Attempts = append(response.Attempts, &wire.Attempt{
			Number: a.Number, Outcome: a.Outcome.String(), WorkerId: uint64(a.Worker), Error: a.Error,
			AssignedMs: int64(a.Assigned), StartedMs: int64(a.Started),
			FinishedMs: int64(a.Finished), RetryAtMs: int64(a.RetryAt),
		})
	}
	if !stored.graph() {
		r.memory.deeds(response, stored.row.ID)
		return response, nil
	}
	if response.Tasks, err = r.tasks(ctx, tenant, &stored); err != nil || request.Task == "" {
		return response, err
	}
	for _, t := range response.Tasks {
		if t.Name == request.Task {
			r.memory.deeds(response, id.ID(t.TaskId))
			return response, nil
		}
	}
	return nil, fault.New(fault.NotFound, "task", "run %s has no task %q", stored.row.ID, request.Task)
}

// tasks are those of a run of a graph.
func (r *reader) tasks(ctx context.Context, tenant id.ID, stored *record) ([]*wire.TaskRun, error) {
	all := make([]*wire.TaskRun, len(stored.tasks))
	for i, result := range stored.tasks {
		task := stored.row.ID + 1 + id.ID(i)
		stands := &wire.Run{RunId: uint64(task)}
		switch {
		case result != nil:
			ended(stands, result)
		case stored.begun[i]:
			live, err := r.shards.Live(ctx, tenant, []id.ID{task})
			if err != nil {
				return nil, err
			}
			standing(stands, &live[0])
		}
		wait := r.memory.begins(task)
		if wait != nil {
			stands.Attempt = 0 // it has not begun
		}
		all[i] = &wire.TaskRun{
			Name: stored.workflow.Tasks[i].Name, Parents: stored.workflow.Tasks[i].Parents,
			TaskId: uint64(task), Status: stands.Status, Attempt: stands.Attempt,
			AssignedMs: stands.AssignedMs, StartedMs: stands.StartedMs, FinishedMs: stands.FinishedMs,
			Error: stands.Error, Output: stands.Output,
			Role: outline.RoleToWire(stored.workflow.Tasks[i].Role), Waits: outline.LeftToWire(wait),
		}
	}
	return all, nil
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

func (r *reader) run(ctx context.Context, tenant, one id.ID) (*wire.Run, record, error) {
	// First what is live, then what is stored: a run that ends in between has ended.
	live, err := r.shards.Live(ctx, tenant, []id.ID{one})
	if err != nil {
		return nil, record{}, err
	}
	stored, err := r.memory.stored(one)
	if err != nil {
		return nil, record{}, err
	}
	row := &stored.row
	run := &wire.Run{
		RunId: uint64(one), VersionId: uint64(row.Version), Workflow: stored.workflow.Name,
		ReplayOf: uint64(row.ReplayOf), ParentId: uint64(row.Parent), EventId: uint64(row.Event), ScheduleId: uint64(row.Schedule), Priority: row.Priority,
		RunAtMs: int64(row.RunAt), SubmittedMs: one.UnixMilli(), Input: row.Input, Metadata: row.Metadata,
	}
	switch {
	case stored.result != nil:
		ended(run, stored.result)
	case stored.ended != nil:
		run.Status, run.Error = statuses[stored.ended.Status], stored.ended.Error
		run.FinishedMs, run.Output = int64(stored.ended.Finished), stored.outputs()
	default:
		standing(run, &live[0])
	}
	return run, stored, nil
}

// outputs are what the tasks of a graph gave that succeeded, as one object.
func (r *record) outputs() []byte {
	all := map[string]json.RawMessage{}
	for i, result := range r.tasks {
		if result.Status == core.Succeeded {
			all[r.workflow.Tasks[i].Name] = json.RawMessage(result.Output)
		}
	}
	object, _ := json.Marshal(all) // of JSON
	return object
}

var statuses = map[core.Status]wire.Status{
	core.Succeeded: wire.Status_STATUS_SUCCEEDED,
	core.Failed:    wire.Status_STATUS_FAILED,
	core.Cancelled: wire.Status_STATUS_CANCELLED,
	core.Skipped:   wire.Status_STATUS_SKIPPED,
}

func ended(run *wire.Run, r *core.Result) {
	run.Status = statuses[r.Status]
	run.Attempt, run.WorkerId, run.Error, run.Output = r.Attempt, uint64(r.Worker), r.Error, r.Output
	run.AssignedMs, run.StartedMs, run.FinishedMs = int64(r.Assigned), int64(r.Started), int64(r.Finished)
}

func standing(run *wire.Run, live *core.Live) {
	run.Status = map[core.OpenState]wire.Status{
		core.OpenDelayed: wire.Status_STATUS_DELAYED,
		core.OpenWaiting: wire.Status_STATUS_WAITING,
		core.OpenRunning: wire.Status_STATUS_RUNNING,
	}[live.State]
	if run.Status == wire.Status_STATUS_UNSPECIFIED {
		run.Status = wire.Status_STATUS_QUEUED
	}
	run.Attempt = live.Attempt
	if live.State != core.OpenRunning && live.State != core.OpenWaiting && run.Attempt > 0 {
		run.Attempt-- // the next one has not begun
	}
	if live.State == core.OpenDelayed || live.State == core.OpenWaiting {
		run.RunAtMs = int64(live.Due)
	}
	run.WorkerId = uint64(live.Worker)
	run.AssignedMs, run.StartedMs = int64(live.Assigned), int64(live.Started)
}
