package hatchet

import (
	"cmp"
	"context"
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
		s.Priority = int32(max(0, min(priority, define.PriorityMax+1)))
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
	field := q.text("orderByField")
	slices.SortFunc(list, func(a, b core.Schedule) int {
		order := 0
		switch field {
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
		if err == nil {
			known[name] = w
		}
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
	if fault.KindOf(err) == fault.NotFound { // it may have fired
		return c.fired(r, caller)
	}
	if err != nil {
		return nil, err
	}
	w, err := c.workflowNamed(r.Context(), caller, s.Workflow)
	if err != nil {
		return nil, err
	}
	return scheduledModel(&s, &w, caller)
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
	return c.getScheduled(r, caller)
}

func (c Config) deleteScheduled(r *http.Request, caller auth.Caller) (any, error) {
	s, err := c.wantedSchedule(r, caller, "scheduled", true)
	if err != nil {
		return nil, err
	}
	_, err = c.Shards.DropSchedules(r.Context(), caller.Tenant, []id.ID{s.ID})
	return nil, err
}
