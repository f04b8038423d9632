package hatchet

import (
	"context"
	"net/http"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/edge/hatchet/view"
	"github.com/adzehq/adze/internal/history"
	record "github.com/adzehq/adze/internal/record/workflow"
	"github.com/adzehq/adze/internal/wire/hatchetrest"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// fired tells of a schedule that is gone by its run.
func (c Config) fired(r *http.Request, caller auth.Caller) (any, error) {
	number, err := pathID(r, "scheduled")
	if err != nil {
		return nil, err
	}
	fired, err := history.OfSchedule(r.Context(), c.DB, caller.Tenant, number)
	if err != nil {
		return nil, err
	}
	return c.firedModel(r.Context(), caller, &fired)
}

// firedModel is a schedule that is gone as it is told: by its run.
func (c Config) firedModel(ctx context.Context, caller auth.Caller, f *history.Fired) (hatchetrest.ScheduledWorkflows, error) {
	s := scheduleOf(f)
	model, err := scheduledModel(&s, &record.Listed{ID: f.WorkflowID, Name: f.Workflow, Version: f.Version}, caller)
	if err != nil {
		return model, err
	}
	model.WorkflowRunId, model.WorkflowRunName = f.Run.String(), displayName(f.Workflow, f.Run)
	model.WorkflowRunCreatedAt = f.Run.Time().UTC()
	model.WorkflowRunStatus, err = c.firedStatus(ctx, caller, f)
	return model, err
}

// scheduleOf is a schedule that is gone as it was.
func scheduleOf(f *history.Fired) core.Schedule {
	return core.Schedule{
		ID: f.Schedule, At: f.At, Workflow: f.Workflow, Priority: f.Priority, Input: f.Input, Metadata: f.Metadata,
	}
}

var firedStatuses = [...]hatchetrest.WorkflowRunStatus{
	wire.RunStatus_RUN_STATUS_QUEUED:    hatchetrest.WorkflowRunStatusQUEUED,
	wire.RunStatus_RUN_STATUS_RUNNING:   hatchetrest.WorkflowRunStatusRUNNING,
	wire.RunStatus_RUN_STATUS_COMPLETED: hatchetrest.WorkflowRunStatusSUCCEEDED,
	wire.RunStatus_RUN_STATUS_FAILED:    hatchetrest.WorkflowRunStatusFAILED,
	wire.RunStatus_RUN_STATUS_CANCELLED: hatchetrest.WorkflowRunStatusCANCELLED,
	wire.RunStatus_RUN_STATUS_EVICTED:   hatchetrest.WorkflowRunStatusRUNNING,
}

// firedStatus is where the run of a schedule stands, or its newest replay.
func (c Config) firedStatus(ctx context.Context, caller auth.Caller, f *history.Fired) (hatchetrest.WorkflowRunStatus, error) {
	run, err := c.Wire.Runs().Run(ctx, caller.Tenant, f.Run, false)
	if err != nil {
		return "", err
	}
	return firedStatuses[run.Status], nil
}

// goneOneOffs are the one-off schedules that have fired, as a query wants them, by id. A
// cron that was deleted is none.
func (c Config) goneOneOffs(ctx context.Context, caller auth.Caller, q *scheduledQuery) (map[id.ID]*history.Fired, error) {
	gone := map[id.ID]*history.Fired{}
	if len(q.statuses) == 1 && q.has(statusScheduled) {
		return gone, nil
	}
	all, err := history.FiredSchedules(ctx, c.DB, caller.Tenant)
	if err != nil {
		return nil, err
	}
	for i := range all {
		f := &all[i]
		s := scheduleOf(f)
		if view.OfCron(f.Metadata) || !q.matches(&s) || q.workflow != "" && q.workflow != f.WorkflowID.String() {
			continue
		}
		if len(q.statuses) > 0 {
			status, err := c.firedStatus(ctx, caller, f)
			if err != nil {
				return nil, err
			}
			if !q.has(string(status)) {
				continue
			}
		}
		gone[f.Schedule] = f
	}
	return gone, nil
}
