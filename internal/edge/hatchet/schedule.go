package hatchet

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/edge/hatchet/define"
	"github.com/adzehq/adze/internal/record/workflow"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// ScheduleWorkflow implements the WorkflowService: a schedule for each time, all or none.
func (s *Server) ScheduleWorkflow(ctx context.Context, req *wire.ScheduleWorkflowRequest) (*wire.WorkflowVersion, error) {
	response, err := s.schedule(ctx, req)
	return response, s.Status(err)
}

func (s *Server) schedule(ctx context.Context, req *wire.ScheduleWorkflowRequest) (*wire.WorkflowVersion, error) {
	version, err := workflow.Current(ctx, s.DB, auth.Tenant(ctx), req.GetName())
	if fault.KindOf(err) == fault.NotFound {
		return nil, fault.New(fault.NotFound, "", "workflow not found: %s; a worker registers it when it starts", req.GetName())
	}
	if err != nil {
		return nil, err
	}
	list, err := newSchedules(req)
	if err != nil {
		return nil, err
	}
	if err := s.Limits.Schedules(list); err != nil {
		return nil, err
	}
	stored, err := s.Shards.PutSchedules(ctx, auth.Tenant(ctx), list)
	if err != nil {
		return nil, err
	}
	response, err := s.versionOf(ctx, &version)
	if err != nil {
		return nil, err
	}
	for i, number := range stored {
		response.ScheduledWorkflows = append(response.ScheduledWorkflows,
			&wire.ScheduledWorkflow{Id: number.String(), TriggerAt: req.Schedules[i]})
	}
	return response, nil
}

// versionOf tells of a version of a workflow.
func (s *Server) versionOf(ctx context.Context, of *workflow.Version) (*wire.WorkflowVersion, error) {
	definition, err := s.runs.Version(ctx, of.ID)
	if err != nil {
		return nil, err
	}
	place, err := workflow.Place(ctx, s.DB, of.Workflow, of.ID)
	made := timestamppb.New(of.ID.Time())
	return &wire.WorkflowVersion{
		Id: of.ID.String(), CreatedAt: made, UpdatedAt: made, WorkflowId: of.Workflow.String(),
		Version: cmp.Or(definition.Label, of.ID.String()), Order: int64(place),
	}, err
}

// newSchedules are what a request asks for, before they are admitted.
func newSchedules(req *wire.ScheduleWorkflowRequest) ([]core.Schedule, error) {
	if err := admit.Count("schedules", len(req.GetSchedules()), admit.SchedulesMax); err != nil {
		return nil, err
	}
	usual := core.Schedule{Workflow: req.GetName(), Priority: req.GetPriority()}
	if req.Priority != nil {
		if err := define.Priority("", usual.Priority); err != nil {
			return nil, err
		}
	}
	input, err := define.Object("input", req.GetInput())
	if err != nil {
		return nil, err
	}
	usual.Input = input
	if usual.Metadata, err = scheduledMetadata(req); err != nil {
		return nil, err
	}
	list := make([]core.Schedule, len(req.Schedules))
	for i, at := range req.Schedules {
		if !at.IsValid() {
			return nil, fault.New(fault.Invalid, fmt.Sprintf("schedules[%d]", i), "is no time")
		}
		list[i] = usual
		list[i].At = core.Time(at.AsTime().UnixMilli())
	}
	return list, nil
}

// Keys of the metadata of runs that a task started, or scheduled.
const (
	parentRunKey  = "hatchet__parent_workflow_run_id"
	parentTaskKey = "hatchet__parent_step_run_id"
)

// scheduledMetadata is that of the request, with the task that asks, if it is one.
func scheduledMetadata(req *wire.ScheduleWorkflowRequest) (core.Payload, error) {
	given, err := define.Metadata("additional_metadata", req.GetAdditionalMetadata())
	if err != nil {
		return nil, err
	}
	parents := map[string]string{}
	for key, of := range map[string]struct{ field, value string }{
		parentRunKey:  {"parent_id", req.GetParentId()},
		parentTaskKey: {"parent_task_run_external_id", req.GetParentTaskRunExternalId()},
	} {
		if of.value == "" {
			continue
		}
		if _, err := uuid.Parse(of.value); err != nil {
			return nil, fault.New(fault.Invalid, of.field, "is %q, which is no UUID", of.value)
		}
		parents[key] = of.value
	}
	if len(parents) == 0 {
		return given, nil
	}
	members := map[string]json.RawMessage{}
	if given != nil {
		if err := json.Unmarshal(given, &members); err != nil {
			return nil, fault.New(fault.Invalid, "additional_metadata", "is not a JSON object: %s", err)
		}
	}
	for key, value := range parents {
		members[key] = json.RawMessage(define.Quote(value))
	}
	return json.Marshal(members)
}
