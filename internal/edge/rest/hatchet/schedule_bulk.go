package hatchet

import (
	"context"
	"net/http"
	"slices"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/wire/hatchetrest"
)

// bulkMax is how many schedules are changed by one call.
const bulkMax = 1_000

func (c Config) deleteAllScheduled(r *http.Request, caller auth.Caller) (any, error) {
	asked, err := read[hatchetrest.ScheduledWorkflowsBulkDeleteRequest](r)
	if err != nil {
		return nil, err
	}
	answer := hatchetrest.ScheduledWorkflowsBulkDeleteResponse{
		DeletedIds: []string{}, Errors: []hatchetrest.ScheduledWorkflowsBulkError{},
	}
	ids, err := c.toDelete(r.Context(), caller, &asked, &answer)
	if err != nil {
		return nil, err
	}
	for chunk := range slices.Chunk(ids, bulkMax) {
		dropped, err := c.Shards.DropSchedules(r.Context(), caller.Tenant, chunk)
		if err != nil {
			return nil, err
		}
		for i, number := range chunk {
			if dropped[i] {
				answer.DeletedIds = append(answer.DeletedIds, number.String())
			} else {
				answer.Errors = append(answer.Errors, hatchetrest.ScheduledWorkflowsBulkError{Id: number.String(), Error: noSchedule})
			}
		}
	}
	return answer, nil
}

const noSchedule = "there is no such schedule"

// toDelete are the schedules that are asked for, by their ids or by a filter.
func (c Config) toDelete(
	ctx context.Context, caller auth.Caller, asked *hatchetrest.ScheduledWorkflowsBulkDeleteRequest,
	answer *hatchetrest.ScheduledWorkflowsBulkDeleteResponse,
) (ids []id.ID, err error) {
	f := &asked.Filter
	filtered := f.WorkflowId != "" || f.ParentStepRunId != "" || f.ParentWorkflowRunId != "" || len(f.AdditionalMetadata) > 0
	if filtered == (len(asked.ScheduledWorkflowRunIds) > 0) {
		return nil, fault.New(fault.Invalid, "filter", "and scheduledWorkflowRunIds exclude each other; give one of them")
	}
	if len(asked.ScheduledWorkflowRunIds) > bulkMax {
		return nil, fault.New(fault.Invalid, "scheduledWorkflowRunIds", "are %d, allowed are %d of one call", len(asked.ScheduledWorkflowRunIds), bulkMax)
	}
	for _, text := range asked.ScheduledWorkflowRunIds {
		if number, err := id.Parse(text); err == nil {
			ids = append(ids, number)
		} else {
			answer.Errors = append(answer.Errors, hatchetrest.ScheduledWorkflowsBulkError{Id: text, Error: noSchedule})
		}
	}
	if !filtered {
		return ids, nil
	}
	q := query{values: map[string][]string{"additionalMetadata": f.AdditionalMetadata}}
	wanted := &scheduledQuery{
		workflow: f.WorkflowId, metadata: q.pairs("additionalMetadata"), parentRun: f.ParentWorkflowRunId, parent: f.ParentStepRunId,
	}
	if q.err != nil {
		return nil, q.err
	}
	found, err := c.oneOffs(ctx, caller, wanted)
	for i := range found {
		ids = append(ids, found[i].ID)
	}
	return ids, err
}

func (c Config) moveAllScheduled(r *http.Request, caller auth.Caller) (any, error) {
	asked, err := read[hatchetrest.ScheduledWorkflowsBulkUpdateRequest](r)
	if err != nil {
		return nil, err
	}
	if len(asked.Updates) == 0 || len(asked.Updates) > bulkMax {
		return nil, fault.New(fault.Invalid, "updates", "are %d, allowed are 1 to %d of one call", len(asked.Updates), bulkMax)
	}
	answer := hatchetrest.ScheduledWorkflowsBulkUpdateResponse{
		UpdatedIds: []string{}, Errors: []hatchetrest.ScheduledWorkflowsBulkError{},
	}
	for _, update := range asked.Updates {
		number, err := id.Parse(update.Id)
		if err != nil {
			err = fault.New(fault.NotFound, "id", noSchedule)
		} else {
			err = c.move(r.Context(), caller, number, update.TriggerAt)
		}
		switch kind := fault.KindOf(err); {
		case err == nil:
			answer.UpdatedIds = append(answer.UpdatedIds, update.Id)
		case kind == fault.NotFound || kind == fault.Invalid:
			answer.Errors = append(answer.Errors, hatchetrest.ScheduledWorkflowsBulkError{Id: update.Id, Error: err.Error()})
		default:
			return nil, err
		}
	}
	return answer, nil
}
