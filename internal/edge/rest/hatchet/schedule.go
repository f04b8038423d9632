package hatchet

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/edge/hatchet/define"
	"github.com/adzehq/adze/internal/history"
	"github.com/adzehq/adze/internal/record/schedule"
	record "github.com/adzehq/adze/internal/record/workflow"
	"github.com/adzehq/adze/internal/shard"
	"github.com/adzehq/adze/internal/wire/hatchetrest"
)

const (
	// schedulesRead is how many schedules are read by one statement, schedulesSeenMax how
	// many are looked at for a list, the oldest.
	schedulesRead    = 1_000
	schedulesSeenMax = 20_000

	// bulkMax is how many schedules are changed by one call.
	bulkMax = 1_000
)

func (c Config) scheduleRoutes(mux *http.ServeMux) {
	const all = "/api/v1/tenants/{tenant}/workflows/scheduled"
	mux.HandleFunc("POST /api/v1/tenants/{tenant}/workflows/{workflow}/scheduled", c.of(c.createScheduled))
	mux.HandleFunc("GET "+all, c.of(c.listScheduled))
	mux.HandleFunc("GET "+all+"/{scheduled}", c.of(c.getScheduled))
	mux.HandleFunc("PATCH "+all+"/{scheduled}", c.of(c.moveScheduled))
	mux.HandleFunc("DELETE "+all+"/{scheduled}", c.of(c.deleteScheduled))
	mux.HandleFunc("POST "+all+"/bulk-delete", c.of(c.deleteAllScheduled))
	mux.HandleFunc("POST "+all+"/bulk-update", c.of(c.moveAllScheduled))
}

// named is the workflow in the path: on this wire its name stands there, or its id.
func (c Config) named(r *http.Request, caller auth.Caller) (record.Listed, error) {
	text := r.PathValue("workflow")
	if number, err := id.Parse(text); err == nil {
		return record.Get(r.Context(), c.DB, caller.Tenant, number)
	}
	return c.workflowNamed(r.Context(), caller, text)
}

func (c Config) workflowNamed(ctx context.Context, caller auth.Caller, name string) (record.Listed, error) {
	version, err := record.Current(ctx, c.DB, caller.Tenant, name)
	if fault.KindOf(err) == fault.NotFound {
		return record.Listed{}, fault.New(fault.Invalid, "workflow", "there is no workflow %q; register it first (a worker does when it starts)", name)
	}
	return record.Listed{ID: version.Workflow, Name: name, Version: version.ID, JSON: version.JSON}, err
}

// newSchedule is what all schedules have, checked as runs of this wire are.
func newSchedule(w *record.Listed, input, metadata hatchetrest.JSONObject, priority int64) (s core.Schedule, err error) {
	s.Workflow = w.Name
	if s.Input, err = define.Object("input", text(input)); err != nil {
		return s, err
	}
	if s.Metadata, err = define.Metadata("additionalMetadata", text(metadata)); err != nil {
		return s, err
	}
	if priority != 0 {
		s.Priority = int32(min(priority, int64(core.PriorityMax)+1))
		err = define.Priority("priority", s.Priority)
	}
	return s, err
}

// text is an object as it was sent; nothing if it is null.
func text(object hatchetrest.JSONObject) string {
	if !given(object) {
		return ""
	}
	return string(object)
}

// store stores one new schedule and gives it with its id.
func (c Config) store(ctx context.Context, caller auth.Caller, s core.Schedule) (core.Schedule, error) {
	list := []core.Schedule{s}
	if err := c.Limits.Schedules(list); err != nil {
		return s, err
	}
	stored, err := c.Shards.AddSchedules(ctx, caller.Tenant, list)
	if err != nil {
		return s, err
	}
	list[0].ID = stored[0]
	return list[0], nil
}

func (c Config) createScheduled(r *http.Request, caller auth.Caller) (any, error) {
	asked, err := read[hatchetrest.ScheduleWorkflowRunRequest](r)
	if err != nil {
		return nil, err
	}
	w, err := c.named(r, caller)
	if err != nil {
		return nil, err
	}
	s, err := newSchedule(&w, asked.Input, asked.AdditionalMetadata, asked.Priority)
	if err != nil {
		return nil, err
	}
	if s.At, err = momentOf(asked.TriggerAt); err != nil {
		return nil, err
	}
	if s, err = c.store(r.Context(), caller, s); err != nil {
		return nil, err
	}
	return scheduledModel(&s, &w, caller)
}

func momentOf(at time.Time) (core.Time, error) {
	if at.IsZero() {
		return 0, fault.New(fault.Invalid, "triggerAt", "is missing: a time like 2026-01-31T12:00:00Z")
	}
	return core.Time(max(at.UnixMilli(), 1)), nil
}

func scheduledModel(s *core.Schedule, w *record.Listed, caller auth.Caller) (hatchetrest.ScheduledWorkflows, error) {
	metadata, err := define.Metadata("", string(s.Metadata))
	return hatchetrest.ScheduledWorkflows{
		Metadata: metaOf(s.ID, s.ID.Time()), TenantId: caller.UUID.String(), TriggerAt: time.UnixMilli(int64(s.At)).UTC(),
		WorkflowId: w.ID.String(), WorkflowName: w.Name, WorkflowVersionId: w.Version.String(),
		Method: hatchetrest.ScheduledWorkflowsMethodAPI, Priority: int64(s.Priority),
		Input: object(s.Input), AdditionalMetadata: object(metadata),
	}, err
}

// schedules reads those of the tenant that are wanted; of one workflow only, unless its name
// is empty.
func (c Config) schedules(
	ctx context.Context, caller auth.Caller, workflow string, wanted func(*core.Schedule) bool,
) (list []core.Schedule, err error) {
	after := id.ID(0)
	for seen := 0; seen < schedulesSeenMax; {
		read, err := schedule.List(ctx, c.DB, caller.Tenant, after, workflow, "", schedulesRead)
		if err != nil {
			return nil, err
		}
		for i := range read {
			if wanted(&read[i].Schedule) {
				list = append(list, read[i].Schedule)
			}
		}
		if len(read) < schedulesRead {
			break
		}
		seen += len(read)
		after = read[len(read)-1].ID
	}
	return list, nil
}

// scheduledQuery says which schedules are wanted.
type scheduledQuery struct {
	workflow  string // its id; "" = all
	metadata  map[string]string
	parentRun string
	parent    string
	statuses  []string // of those that have fired, of their runs; empty = all
}

// matches tells whether a schedule has all metadata that is wanted.
func (q *scheduledQuery) matches(s *core.Schedule) bool {
	wanted := map[string]string{}
	for key, value := range q.metadata {
		wanted[key] = value
	}
	for key, value := range map[string]string{
		"hatchet__parent_workflow_run_id": q.parentRun, "hatchet__parent_step_run_id": q.parent,
	} {
		if value != "" {
			wanted[key] = value
		}
	}
	return carries(s.Metadata, wanted)
}

// carries tells whether metadata has the values that are wanted, as texts.
func carries(metadata []byte, wanted map[string]string) bool {
	if len(wanted) == 0 {
		return true
	}
	var members map[string]any
	if json.Unmarshal(metadata, &members) != nil {
		return false
	}
	for key, value := range wanted {
		if text, is := members[key].(string); !is || text != value {
			return false
		}
	}
	return true
}

// workflowOf is the name of the workflow that is asked for by id; false if there is none.
func (c Config) workflowOf(ctx context.Context, caller auth.Caller, number string) (string, bool, error) {
	if number == "" {
		return "", true, nil
	}
	parsed, err := id.Parse(number)
	if err != nil {
		return "", false, nil //nolint:nilerr // what is none of ours does not exist
	}
	w, err := record.Get(ctx, c.DB, caller.Tenant, parsed)
	if fault.KindOf(err) == fault.NotFound {
		return "", false, nil
	}
	return w.Name, err == nil, err
}

func (c Config) oneOffs(ctx context.Context, caller auth.Caller, q *scheduledQuery) ([]core.Schedule, error) {
	workflow, there, err := c.workflowOf(ctx, caller, q.workflow)
	if err != nil || !there {
		return nil, err
	}
	return c.schedules(ctx, caller, workflow, func(s *core.Schedule) bool { return s.Once() && q.matches(s) })
}

// statusScheduled is that of a run that is still to come.
const statusScheduled = "SCHEDULED"

// statuses reads which are wanted.
func (q *scheduledQuery) readStatuses(from *query) {
	q.statuses = from.texts("statuses")
	for _, s := range q.statuses {
		if !hatchetrest.ScheduledRunStatus(s).Valid() {
			from.refuse("statuses", "has %q; there are PENDING, RUNNING, SUCCEEDED, FAILED, CANCELLED, QUEUED, SCHEDULED", s)
		}
	}
}

// has tells whether a status is wanted.
func (q *scheduledQuery) has(status string) bool {
	return len(q.statuses) == 0 || slices.Contains(q.statuses, status)
}

// listScheduled tells of the runs that are still to come, and of those that have begun.
func (c Config) listScheduled(r *http.Request, caller auth.Caller) (any, error) {
	q := queryOf(r)
	offset, limit := q.page()
	wanted := &scheduledQuery{
		workflow: q.text("workflowId"), metadata: q.pairs("additionalMetadata"),
		parentRun: q.text("parentWorkflowRunId"), parent: q.text("parentStepRunId"),
	}
	wanted.readStatuses(q)
	if q.err != nil {
		return nil, q.err
	}
	var found []core.Schedule
	var err error
	if wanted.has(statusScheduled) {
		if found, err = c.oneOffs(r.Context(), caller, wanted); err != nil {
			return nil, err
		}
	}
	gone, err := c.goneOneOffs(r.Context(), caller, wanted)
	if err != nil {
		return nil, err
	}
	for _, f := range gone {
		found = append(found, scheduleOf(f))
	}
	sortSchedules(found, q)
	list := hatchetrest.ScheduledWorkflowsList{Pagination: pagination(offset, limit, len(found), false)}
	list.Rows, err = c.scheduledModels(r.Context(), caller, page(found, offset, limit), gone)
	return list, err
}

// scheduledModels are one-off schedules as they are told, those that are gone by their runs.
func (c Config) scheduledModels(
	ctx context.Context, caller auth.Caller, list []core.Schedule, gone map[id.ID]*history.Fired,
) ([]hatchetrest.ScheduledWorkflows, error) {
	rows := make([]hatchetrest.ScheduledWorkflows, len(list))
	workflows := c.book(caller)
	for i := range list {
		s := &list[i]
		if f := gone[s.ID]; f != nil {
			var err error
			if rows[i], err = c.firedModel(ctx, caller, f); err != nil {
				return nil, err
			}
			continue
		}
		w, err := workflows(ctx, s.Workflow)
		if err != nil {
			return nil, err
		}
		if rows[i], err = scheduledModel(s, &w, caller); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// scheduleModels are schedules as they are told, each with its workflow.
func scheduleModels[T any](
	ctx context.Context, c Config, caller auth.Caller, list []core.Schedule,
	model func(*core.Schedule, *record.Listed, auth.Caller) (T, error),
) ([]T, error) {
	rows := make([]T, 0, len(list))
	workflows := c.book(caller)
	for i := range list {
		w, err := workflows(ctx, list[i].Workflow)
		if err != nil {
			return nil, err
		}
		row, err := model(&list[i], &w, caller)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// sortSchedules orders by the field that is asked for: the newest first, if nobody says.
func sortSchedules(list []core.Schedule, q *query) {
	slices.SortFunc(list, func(a, b core.Schedule) int {
		order := 0
		switch q.text("orderByField") {
		case "triggerAt":
			order = cmp.Compare(a.At, b.At)
		case "name":
			order = cmp.Compare(a.Name, b.Name)
		}
		return cmp.Or(order, cmp.Compare(a.ID, b.ID))
	})
	if !strings.EqualFold(q.text("orderByDirection"), "ASC") {
		slices.Reverse(list)
	}
}

// book finds workflows by name, each once.
func (c Config) book(caller auth.Caller) func(context.Context, string) (record.Listed, error) {
	known := map[string]record.Listed{}
	return func(ctx context.Context, name string) (record.Listed, error) {
		if w, there := known[name]; there {
			return w, nil
		}
		w, err := c.workflowNamed(ctx, caller, name)
		known[name] = w
		return w, err
	}
}

// wantedSchedule is the one in the path, if it is the caller's.
func (c Config) wantedSchedule(r *http.Request, caller auth.Caller, name string, once bool) (core.Schedule, error) {
	number, err := pathID(r, name)
	if err != nil {
		return core.Schedule{}, err
	}
	found, err := schedule.ByID(r.Context(), c.DB, []id.ID{number})
	if err != nil {
		return core.Schedule{}, err
	}
	if len(found) == 0 || found[0].Tenant != caller.Tenant || found[0].Once() != once {
		return core.Schedule{}, fault.New(fault.NotFound, name, "there is no %s %s", name, number)
	}
	return found[0], nil
}

func (c Config) getScheduled(r *http.Request, caller auth.Caller) (any, error) {
	s, err := c.wantedSchedule(r, caller, "scheduled", true)
	if fault.KindOf(err) == fault.NotFound {
		return c.fired(r, caller)
	}
	if err != nil {
		return nil, err
	}
	return c.tellScheduled(r.Context(), caller, &s)
}

func (c Config) tellScheduled(ctx context.Context, caller auth.Caller, s *core.Schedule) (any, error) {
	w, err := c.workflowNamed(ctx, caller, s.Workflow)
	if err != nil {
		return nil, err
	}
	return scheduledModel(s, &w, caller)
}

// move has a schedule fire at another time.
func (c Config) move(ctx context.Context, caller auth.Caller, number id.ID, at time.Time) error {
	moment, err := momentOf(at)
	if err != nil {
		return err
	}
	err = c.Shards.ChangeSchedules(ctx, caller.Tenant, []id.ID{number}, shard.ScheduleChange{At: &moment})
	if fault.KindOf(err) != fault.NotFound {
		return err
	}
	if _, gone := history.OfSchedule(ctx, c.DB, caller.Tenant, number); gone == nil {
		return fault.New(fault.Invalid, "triggerAt", "cannot be changed: the run has begun")
	}
	return err
}

func (c Config) moveScheduled(r *http.Request, caller auth.Caller) (any, error) {
	asked, err := read[hatchetrest.UpdateScheduledWorkflowRunRequest](r)
	if err != nil {
		return nil, err
	}
	number, err := pathID(r, "scheduled")
	if err != nil {
		return nil, err
	}
	if err := c.move(r.Context(), caller, number, asked.TriggerAt); err != nil {
		return nil, err
	}
	s, err := c.wantedSchedule(r, caller, "scheduled", true)
	if fault.KindOf(err) == fault.NotFound { // it has fired since
		return c.fired(r, caller)
	}
	if err != nil {
		return nil, err
	}
	return c.tellScheduled(r.Context(), caller, &s)
}

func (c Config) deleteScheduled(r *http.Request, caller auth.Caller) (any, error) {
	s, err := c.wantedSchedule(r, caller, "scheduled", true)
	if err != nil {
		return nil, err
	}
	_, err = c.Shards.DropSchedules(r.Context(), caller.Tenant, []id.ID{s.ID})
	return nil, err
}

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
