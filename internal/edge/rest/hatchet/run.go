package hatchet

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/auth"
	edge "github.com/adzehq/adze/internal/edge/hatchet"
	"github.com/adzehq/adze/internal/edge/hatchet/define"
	"github.com/adzehq/adze/internal/edge/hatchet/view"
	"github.com/adzehq/adze/internal/wire/hatchetrest"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

func (c Config) runRoutes(mux *http.ServeMux) {
	mux.HandleFunc("POST /api/v1/stable/tenants/{tenant}/workflow-runs/trigger", c.of(c.trigger))
	mux.HandleFunc("GET /api/v1/stable/tenants/{tenant}/workflow-runs", c.of(c.listRuns))
	mux.HandleFunc("GET /api/v1/stable/tenants/{tenant}/workflow-runs/external-ids", c.of(c.listRunIDs))
	mux.HandleFunc("GET /api/v1/stable/workflow-runs/{run}", c.of(c.run))
	mux.HandleFunc("GET /api/v1/stable/workflow-runs/{run}/status", c.of(c.runStatus))
	mux.HandleFunc("POST /api/v1/stable/tenants/{tenant}/tasks/cancel", c.of(c.cancelTasks))
	mux.HandleFunc("POST /api/v1/stable/tenants/{tenant}/tasks/replay", c.of(c.replayTasks))
}

func (c Config) trigger(r *http.Request, caller auth.Caller) (any, error) {
	body, err := read[hatchetrest.V1TriggerWorkflowRunRequest](r)
	if err != nil {
		return nil, err
	}
	req := &wire.TriggerWorkflowRequest{Name: body.WorkflowName}
	if given(body.Input) {
		req.Input = string(body.Input)
	}
	if given(body.AdditionalMetadata) {
		metadata := string(body.AdditionalMetadata)
		req.AdditionalMetadata = &metadata
	}
	if body.Priority != 0 {
		if body.Priority < 1 || body.Priority > define.PriorityMax {
			return nil, fault.New(fault.Invalid, "priority", "must be between 1 and %d, got %d", define.PriorityMax, body.Priority)
		}
		priority := int32(body.Priority)
		req.Priority = &priority
	}
	started, err := c.Wire.Trigger(r.Context(), []*wire.TriggerWorkflowRequest{req})
	if err != nil {
		return nil, err
	}
	switch {
	case started[0].Err != nil:
		return nil, fault.New(fault.Conflict, "", "%s: %s", edge.CollisionText, started[0].Err)
	case started[0].LeftOut:
		return nil, fault.New(fault.Invalid, "input", "gives no idempotency key for workflow %q: no run was started", body.WorkflowName)
	}
	return c.details(r, caller, started[0].ID)
}

func (c Config) run(r *http.Request, caller auth.Caller) (any, error) {
	run, err := pathID(r, "run")
	if err != nil {
		return nil, err
	}
	return c.details(r, caller, run)
}

func (c Config) runStatus(r *http.Request, caller auth.Caller) (any, error) {
	number, err := pathID(r, "run")
	if err != nil {
		return nil, err
	}
	run, err := c.Wire.Runs().Run(r.Context(), caller.Tenant, number, false)
	if err != nil {
		return nil, err
	}
	return view.StatusName(run.Status), nil
}

// details are all that is told of a run.
func (c Config) details(r *http.Request, caller auth.Caller, external id.ID) (any, error) {
	run, err := c.Wire.Runs().Run(r.Context(), caller.Tenant, external, true)
	if err == nil {
		err = c.Wire.Runs().NameEvents(r.Context(), caller.Tenant, run)
	}
	if err != nil {
		return nil, err
	}
	models := models{caller: caller, payloads: true}
	if models.children, err = c.Wire.Runs().Children(r.Context(), caller.Tenant, run); err != nil {
		return nil, err
	}
	events, err := c.Wire.Runs().Events(r.Context(), caller.Tenant, run)
	if err != nil {
		return nil, err
	}
	config, err := json.Marshal(&run.Version.Workflow)
	if err != nil {
		return nil, fmt.Errorf("encode version %s: %w", run.Version.ID, err)
	}
	return hatchetrest.V1WorkflowRunDetails{
		Run: models.run(run), Tasks: models.tasks(run), Shape: shapeOf(run), TaskEvents: models.events(run, events),
		WorkflowConfig: config,
	}, nil
}

// shapeOf are the tasks of a run's workflow with those that come after each; of tasks that
// have not begun too.
func shapeOf(run *view.Run) []hatchetrest.WorkflowRunShapeItemForWorkflowRunDetails {
	shape := make([]hatchetrest.WorkflowRunShapeItemForWorkflowRunDetails, len(run.Version.Tasks))
	places := map[string]int{}
	for i := range shape {
		name := run.Version.Tasks[i].Name
		places[name] = i
		shape[i] = hatchetrest.WorkflowRunShapeItemForWorkflowRunDetails{
			StepId: view.StepID(run.Version.ID, name).String(), TaskName: name,
			TaskExternalId: run.TaskID(i).String(), ChildrenStepIds: []string{},
		}
	}
	for i := range shape {
		for _, parent := range run.Version.Tasks[i].Parents {
			at := &shape[places[parent]]
			at.ChildrenStepIds = append(at.ChildrenStepIds, shape[i].StepId)
		}
	}
	return shape
}

func (c Config) listRuns(r *http.Request, caller auth.Caller) (any, error) {
	q := queryOf(r)
	f := c.filter(r, caller, q)
	f.Offset, f.Limit = q.page()
	onlyTasks, payloads := q.flag("only_tasks", false), q.flag("include_payloads", false)
	if q.err != nil {
		return nil, q.err
	}
	runs, more, err := c.Wire.Runs().List(r.Context(), caller.Tenant, f)
	if err == nil {
		err = c.Wire.Runs().NameEvents(r.Context(), caller.Tenant, runs...)
	}
	if err != nil {
		return nil, err
	}
	models := models{caller: caller, payloads: payloads}
	if models.children, err = c.Wire.Runs().Children(r.Context(), caller.Tenant, runs...); err != nil {
		return nil, err
	}
	list := hatchetrest.V1TaskSummaryList{
		Rows: []hatchetrest.V1TaskSummary{}, Pagination: pagination(f.Offset, f.Limit, -1, more),
	}
	for _, run := range runs {
		if onlyTasks {
			list.Rows = append(list.Rows, models.tasks(run)...)
		} else {
			list.Rows = append(list.Rows, models.row(run))
		}
	}
	return list, nil
}

func (c Config) listRunIDs(r *http.Request, caller auth.Caller) (any, error) {
	q := queryOf(r)
	f := c.filter(r, caller, q)
	if q.err != nil {
		return nil, q.err
	}
	runs, err := c.Wire.Runs().All(r.Context(), caller.Tenant, f)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(runs))
	for i, run := range runs {
		ids[i] = run.External.String()
	}
	return ids, nil
}

// filter reads which runs are wanted.
func (c Config) filter(r *http.Request, caller auth.Caller, q *query) (f view.Filter) {
	f.Since = core.Time(max(q.wantedTime("since").UnixMilli(), 0))
	if until := q.time("until"); !until.IsZero() {
		f.By(core.Time(max(until.UnixMilli(), 1)))
	}
	f.IDs = q.chosen("workflow_ids")
	f.OnceKeys = q.texts("idempotency_keys")
	f.AnyLabel = q.text("additional_metadata_operator") != "AND"
	f.Parents = c.parents(r, caller, q)
	f.Event = q.one("triggering_event_external_id")
	f.Worker = q.one("worker_id")
	f.Evicted = evicted(q)
	var err error
	if f.Metadata, err = view.Labels("additional_metadata", q.texts("additional_metadata")); err != nil && q.err == nil {
		q.err = err
	}
	for _, name := range q.texts("statuses") {
		status, err := view.ParseStatus("statuses", name)
		if err != nil && q.err == nil {
			q.err = err
		}
		f.Statuses = append(f.Statuses, status)
	}
	return f
}

// parents are the tasks whose children are wanted: those that a parameter stands for, with
// those of the runs that were replayed.
func (c Config) parents(r *http.Request, caller auth.Caller, q *query) []id.ID {
	const name = "parent_task_external_id"
	if q.text(name) == "" {
		return nil
	}
	tasks, err := c.Wire.Runs().Lineage(r.Context(), caller.Tenant, q.one(name))
	if err != nil && q.err == nil {
		q.err = err
	}
	if len(tasks) == 0 {
		return []id.ID{nobody}
	}
	return tasks
}

// evicted reads whether only what was evicted is wanted, or only what was not.
func evicted(q *query) *bool {
	yes, no := true, false
	switch text := q.text("running_filter"); text {
	case "", "ALL":
	case "EVICTED":
		return &yes
	case "ON_WORKER":
		return &no
	default:
		q.refuse("running_filter", "is %q; there are ALL, EVICTED, ON_WORKER", text)
	}
	return nil
}

func (c Config) cancelTasks(r *http.Request, _ auth.Caller) (any, error) {
	what, err := selection(r)
	if err != nil {
		return nil, err
	}
	ids, err := c.Wire.Cancel(r.Context(), what)
	return hatchetrest.V1CancelledTasks{Ids: orEmpty(ids)}, err
}

func (c Config) replayTasks(r *http.Request, _ auth.Caller) (any, error) {
	what, err := selection(r)
	if err != nil {
		return nil, err
	}
	ids, err := c.Wire.Replay(r.Context(), what)
	return hatchetrest.V1ReplayedTasks{Ids: orEmpty(ids)}, err
}

func orEmpty(ids []string) []string {
	if ids == nil {
		return []string{}
	}
	return ids
}

// selection reads which tasks are meant: both requests have the same fields.
func selection(r *http.Request) (what edge.Selection, err error) {
	body, err := read[struct {
		ExternalIds []string                  `json:"externalIds"`
		Filter      *hatchetrest.V1TaskFilter `json:"filter"`
	}](r)
	if err != nil {
		return what, err
	}
	what.IDs = body.ExternalIds
	if body.Filter == nil {
		return what, nil
	}
	f := &view.Filter{}
	f.Since = core.Time(max(body.Filter.Since.UnixMilli(), 0))
	if !body.Filter.Until.IsZero() {
		f.By(core.Time(max(body.Filter.Until.UnixMilli(), 1)))
	}
	f.AnyLabel = true
	if f.Metadata, err = view.Labels("filter.additionalMetadata", body.Filter.AdditionalMetadata); err != nil {
		return what, err
	}
	for _, name := range body.Filter.Statuses {
		status, err := view.ParseStatus("filter.statuses", string(name))
		if err != nil {
			return what, err
		}
		f.Statuses = append(f.Statuses, status)
	}
	for _, text := range body.Filter.WorkflowIds {
		workflow, err := view.ParseID("filter.workflowIds", text)
		if err != nil {
			return what, err
		}
		f.IDs = append(f.IDs, workflow)
	}
	what.Filter = f
	return what, nil
}
