package hatchet

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/edge/hatchet/define"
	"github.com/adzehq/adze/internal/edge/hatchet/view"
	"github.com/adzehq/adze/internal/record/flow"
	record "github.com/adzehq/adze/internal/record/workflow"
	"github.com/adzehq/adze/internal/shard"
	"github.com/adzehq/adze/internal/wire/hatchetrest"
)

const (
	// versionsMax is how many versions of a workflow are told, the newest.
	versionsMax = 100

	// pausesMax is how many paused workflows are looked at for a list of workflows.
	pausesMax = 1_000
)

func (c Config) workflowRoutes(mux *http.ServeMux) {
	const one = "/api/v1/workflows/{workflow}"
	mux.HandleFunc("GET /api/v1/tenants/{tenant}/workflows", c.of(c.listWorkflows))
	mux.HandleFunc("GET "+one, c.of(c.getWorkflow))
	mux.HandleFunc("PATCH "+one, c.of(c.updateWorkflow))
	mux.HandleFunc("DELETE "+one, c.of(c.deleteWorkflow))
	mux.HandleFunc("GET "+one+"/versions", c.of(c.getWorkflowVersion))
}

func (c Config) listWorkflows(r *http.Request, caller auth.Caller) (any, error) {
	q := queryOf(r)
	offset, limit := q.page()
	if q.err != nil {
		return nil, q.err
	}
	page, all, err := record.List(r.Context(), c.DB, caller.Tenant, q.text("name"), offset, limit)
	if err != nil {
		return nil, err
	}
	pauses, err := c.pauses(r, caller, "")
	if err != nil {
		return nil, err
	}
	list := hatchetrest.WorkflowList{Rows: []hatchetrest.Workflow{}, Pagination: pagination(offset, limit, all, false)}
	for i := range page {
		w, label, err := c.workflowModel(&page[i], caller, pauses)
		if err != nil {
			return nil, err
		}
		w.Versions = []hatchetrest.WorkflowVersionMeta{versionMeta(&page[i], record.Numbered{ID: page[i].Version, Place: page[i].Place, Label: label})}
		list.Rows = append(list.Rows, w)
	}
	return list, nil
}

// pauses are what is set of workflows, by name; of one of them only, unless name is empty.
func (c Config) pauses(r *http.Request, caller auth.Caller, name string) (map[string]core.QueueSetting, error) {
	settings, err := flow.OfTenant(r.Context(), c.DB, core.SettingWorkflow, name, core.SettingKey{Tenant: caller.Tenant}, pausesMax)
	if err != nil {
		return nil, err
	}
	pauses := make(map[string]core.QueueSetting, len(settings))
	for i := range settings {
		pauses[settings[i].Name] = settings[i].Queue
	}
	return pauses, nil
}

// workflowModel tells of a workflow without its versions, and what the current one is called.
func (c Config) workflowModel(
	w *record.Listed, caller auth.Caller, pauses map[string]core.QueueSetting,
) (model hatchetrest.Workflow, label string, err error) {
	definition, err := decode(w)
	if err != nil {
		return model, "", err
	}
	model = hatchetrest.Workflow{
		Metadata: metaOf(w.ID, w.Version.Time()), TenantId: caller.UUID.String(),
		Name: w.Name, Description: definition.Description, IsPaused: pauses[w.Name].Paused,
	}
	if model.IsPaused {
		model.PausedWorkflowCronRunQueueBehavior = behavior(pauses[w.Name].DropCrons)
		model.PausedWorkflowScheduledRunQueueBehavior = behavior(pauses[w.Name].DropOnce)
	}
	return model, definition.Label, nil
}

func behavior(drop bool) hatchetrest.WorkflowPauseScheduledCronRunQueueBehavior {
	if drop {
		return hatchetrest.DROP
	}
	return hatchetrest.QUEUE
}

func decode(w *record.Listed) (definition shard.Workflow, err error) {
	if err := json.Unmarshal(w.JSON, &definition); err != nil {
		return definition, fmt.Errorf("decode workflow %s: %w", w.Name, err)
	}
	return definition, nil
}

func versionMeta(w *record.Listed, version record.Numbered) hatchetrest.WorkflowVersionMeta {
	return hatchetrest.WorkflowVersionMeta{
		Metadata: metaOf(version.ID, version.ID.Time()), Version: cmp.Or(version.Label, version.ID.String()),
		Order: int64(version.Place), WorkflowId: w.ID.String(),
	}
}

// wantedWorkflow is the one in the path, if it is the caller's.
func (c Config) wantedWorkflow(r *http.Request, caller auth.Caller) (record.Listed, error) {
	workflow, err := pathID(r, "workflow")
	if err != nil {
		return record.Listed{}, err
	}
	return record.Get(r.Context(), c.DB, caller.Tenant, workflow)
}

func (c Config) getWorkflow(r *http.Request, caller auth.Caller) (any, error) {
	w, err := c.wantedWorkflow(r, caller)
	if err != nil {
		return nil, err
	}
	return c.fullWorkflow(r, caller, &w)
}

// fullWorkflow tells of a workflow with its versions, the newest first.
func (c Config) fullWorkflow(r *http.Request, caller auth.Caller, w *record.Listed) (any, error) {
	pauses, err := c.pauses(r, caller, w.Name)
	if err != nil {
		return nil, err
	}
	model, _, err := c.workflowModel(w, caller, pauses)
	if err != nil {
		return nil, err
	}
	versions, err := record.Versions(r.Context(), c.DB, w.ID, versionsMax)
	if err != nil {
		return nil, err
	}
	for _, version := range versions {
		model.Versions = append(model.Versions, versionMeta(w, version))
	}
	return model, nil
}

// updateWorkflow pauses a workflow, or has it go on.
func (c Config) updateWorkflow(r *http.Request, caller auth.Caller) (any, error) {
	asked, err := read[hatchetrest.WorkflowUpdateRequest](r)
	if err != nil {
		return nil, err
	}
	w, err := c.wantedWorkflow(r, caller)
	if err != nil {
		return nil, err
	}
	change, err := pauseChange(&asked.Pause)
	if err != nil {
		return nil, err
	}
	changes := []shard.SettingChange{{Kind: core.SettingWorkflow, Name: w.Name, Queue: change}}
	if err := admit.Settings(changes); err != nil {
		return nil, err
	}
	if err := c.Shards.PutSettings(r.Context(), caller.Tenant, changes); err != nil {
		return nil, err
	}
	return c.fullWorkflow(r, caller, &w)
}

func pauseChange(p *hatchetrest.WorkflowPause) (*shard.QueueChange, error) {
	paused := p.Action == hatchetrest.Pause
	if !paused && p.Action != hatchetrest.Unpause {
		return nil, fault.New(fault.Invalid, "pause.action", "is %q, allowed are pause and unpause", p.Action)
	}
	var ttl int64
	if text := p.PausedWorkflowQueueTTL; paused && text != "" {
		d, ok := define.Duration(text)
		if !ok {
			return nil, fault.New(fault.Invalid, "pause.pausedWorkflowQueueTTL", "is %q, not a span like 10m or 1h30m", text)
		}
		ttl = d.Milliseconds()
	}
	crons := paused && p.PausedWorkflowCronRunQueueBehavior == hatchetrest.DROP
	once := paused && p.PausedWorkflowScheduledRunQueueBehavior == hatchetrest.DROP
	return &shard.QueueChange{Paused: &paused, PausedTTLMS: &ttl, DropCrons: &crons, DropOnce: &once}, nil
}

// deleteWorkflow has a workflow start no more runs. Those that there are go on.
func (c Config) deleteWorkflow(r *http.Request, caller auth.Caller) (any, error) {
	w, err := c.wantedWorkflow(r, caller)
	if err != nil {
		return nil, err
	}
	_, err = c.Shards.DropWorkflow(r.Context(), caller.Tenant, w.Name)
	return nil, err
}

func (c Config) getWorkflowVersion(r *http.Request, caller auth.Caller) (any, error) {
	w, err := c.wantedWorkflow(r, caller)
	if err != nil {
		return nil, err
	}
	if wanted := queryOf(r).text("version"); wanted != "" && wanted != w.Version.String() {
		if w, err = c.otherVersion(r, w, wanted); err != nil {
			return nil, err
		}
	}
	place, err := record.Place(r.Context(), c.DB, w.ID, w.Version)
	if err != nil {
		return nil, err
	}
	return versionModel(&w, caller, place)
}

// otherVersion is w in another version of it.
func (c Config) otherVersion(r *http.Request, w record.Listed, text string) (record.Listed, error) {
	unknown := fault.New(fault.NotFound, "version", "there is no version %s of this workflow", text)
	version, err := id.Parse(text)
	if err != nil {
		return w, unknown
	}
	found, err := record.ByID(r.Context(), c.DB, []id.ID{version})
	if err != nil {
		return w, err
	}
	if len(found) == 0 || found[0].Workflow != w.ID {
		return w, unknown
	}
	w.Version, w.JSON = version, found[0].JSON
	return w, nil
}

func versionModel(w *record.Listed, caller auth.Caller, place int) (any, error) {
	definition, err := decode(w)
	if err != nil {
		return nil, err
	}
	model := hatchetrest.WorkflowVersion{
		Metadata: metaOf(w.Version, w.Version.Time()), Version: cmp.Or(definition.Label, w.Version.String()), Order: int64(place),
		WorkflowId: w.ID.String(), DefaultPriority: int64(definition.Priority), WorkflowConfig: w.JSON,
		InputJsonSchema: definition.InputSchema, Sticky: stickies[definition.Sticky],
		Triggers: triggersOf(w, &definition, caller), Jobs: []hatchetrest.Job{jobOf(w, &definition, caller)},
		Concurrency: concurrencyOf(&definition),
	}
	return model, nil
}

// concurrencyOf is the first limit of a workflow's runs, if it is one that this API can
// tell: SDKs take no other strategies.
func concurrencyOf(definition *shard.Workflow) (model hatchetrest.WorkflowConcurrency) {
	if len(definition.Limits) == 0 {
		return model
	}
	limit := &definition.Limits[0]
	strategy, told := limitStrategies[limit.Strategy]
	if !told {
		return model
	}
	return hatchetrest.WorkflowConcurrency{
		MaxRuns: int64(limit.Max), LimitStrategy: strategy, GetConcurrencyGroup: define.KeyText(limit.Key),
	}
}

// limitStrategies are those that can be told, by Adze's names.
var limitStrategies = map[string]hatchetrest.ConcurrencyLimitStrategy{
	"": hatchetrest.GROUPROUNDROBIN, "queue": hatchetrest.GROUPROUNDROBIN, "cancel_running": hatchetrest.CANCELINPROGRESS,
}

// stickies are the strategies by Adze's names.
var stickies = map[string]string{"prefer": "SOFT", "only": "HARD"}

func triggersOf(w *record.Listed, definition *shard.Workflow, caller auth.Caller) hatchetrest.WorkflowTriggers {
	triggers := hatchetrest.WorkflowTriggers{
		Metadata: metaOf(w.Version, w.Version.Time()), TenantId: caller.UUID.String(), WorkflowVersionId: w.Version.String(),
	}
	for _, t := range definition.Triggers {
		triggers.Events = append(triggers.Events, hatchetrest.WorkflowTriggerEventRef{EventKey: t.Event, ParentId: w.Version.String()})
	}
	for _, cron := range definition.Crons {
		triggers.Crons = append(triggers.Crons, hatchetrest.WorkflowTriggerCronRef{Cron: cron.Expression, ParentId: w.Version.String()})
	}
	return triggers
}

// jobOf tells of the tasks of a version. On this wire they are the steps of one job.
func jobOf(w *record.Listed, definition *shard.Workflow, caller auth.Caller) hatchetrest.Job {
	job := hatchetrest.Job{
		Metadata: metaOf(w.Version, w.Version.Time()), Name: w.Name, TenantId: caller.UUID.String(),
		VersionId: w.Version.String(), Steps: []hatchetrest.Step{},
	}
	step := func(name string) string { return view.StepID(w.Version, name).String() }
	children := map[string][]string{}
	for i := range definition.Tasks {
		for _, parent := range definition.Tasks[i].Parents {
			children[parent] = append(children[parent], step(definition.Tasks[i].Name))
		}
	}
	for i := range definition.Tasks {
		t := &definition.Tasks[i]
		model := hatchetrest.Step{
			Metadata: metaOf(w.Version, w.Version.Time()), ReadableId: t.Name, Action: t.Action, JobId: job.Metadata.Id,
			TenantId: job.TenantId, IsDurable: t.Durable, Children: children[t.Name],
			Timeout: (time.Duration(t.ExecutionTimeoutMS) * time.Millisecond).String(), SlotRequests: slotsOf(t),
		}
		model.Metadata.Id = step(t.Name)
		for _, parent := range t.Parents {
			model.Parents = append(model.Parents, step(parent))
		}
		job.Steps = append(job.Steps, model)
	}
	return job
}

// slotsOf are the slots that a task takes, by their types on this wire.
func slotsOf(t *shard.Task) map[string]int64 {
	if len(t.Slots) == 0 {
		return map[string]int64{slotDefault: 1}
	}
	slots := make(map[string]int64, len(t.Slots))
	for _, use := range t.Slots {
		name := use.Type
		if name == "" {
			name = slotDefault
		}
		slots[name] = int64(use.Units)
	}
	return slots
}

// slotDefault is what this wire calls the type of slots that has no name.
const slotDefault = "default"
