package hatchet

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/edge/hatchet/define"
	record "github.com/adzehq/adze/internal/record/workflow"
	"github.com/adzehq/adze/internal/wire/hatchetrest"
)

func (c Config) cronRoutes(mux *http.ServeMux) {
	const all = "/api/v1/tenants/{tenant}/workflows/crons"
	mux.HandleFunc("POST /api/v1/tenants/{tenant}/workflows/{workflow}/crons", c.of(c.createCron))
	mux.HandleFunc("GET "+all, c.of(c.listCrons))
	mux.HandleFunc("GET "+all+"/{cron}", c.of(c.getCron))
	mux.HandleFunc("DELETE "+all+"/{cron}", c.of(c.deleteCron))
}

// cronSeparator stands between the workflow and the name of a cron that was made on this
// wire: there it is unique in its workflow, and schedules are unique in their tenant.
const cronSeparator = "/"

func (c Config) createCron(r *http.Request, caller auth.Caller) (any, error) {
	asked, err := read[hatchetrest.CreateCronWorkflowTriggerRequest](r)
	if err != nil {
		return nil, err
	}
	if asked.CronName == "" {
		return nil, fault.New(fault.Invalid, "cronName", "is empty; give it one")
	}
	w, err := c.named(r, caller)
	if err != nil {
		return nil, err
	}
	s, err := newSchedule(&w, asked.Input, asked.AdditionalMetadata, asked.Priority)
	if err != nil {
		return nil, err
	}
	s.Name, s.Expression = w.Name+cronSeparator+define.Escape(asked.CronName), asked.CronExpression
	if s.Metadata, err = withCron(s.Metadata, asked.CronName, asked.CronExpression); err != nil {
		return nil, err
	}
	s, err = c.store(r.Context(), caller, s)
	if fault.KindOf(err) == fault.Conflict {
		return nil, fault.New(fault.Conflict, "cronName", "%q is taken by another cron of workflow %q; delete it first", asked.CronName, w.Name)
	}
	if err != nil {
		return nil, err
	}
	return cronModel(&s, &w, caller)
}

// withCron adds to the metadata of runs which cron started them.
func withCron(metadata []byte, name, expression string) ([]byte, error) {
	members := map[string]json.RawMessage{}
	if metadata != nil {
		if err := json.Unmarshal(metadata, &members); err != nil {
			return nil, fault.New(fault.Invalid, "additionalMetadata", "is not a JSON object: %v", err)
		}
	}
	for key, value := range map[string]string{"hatchet__cron_name": name, "hatchet__cron_expression": expression} {
		encoded, err := json.Marshal(value)
		if err != nil {
			return nil, fault.New(fault.Invalid, "cronName", "is no text: %v", err)
		}
		members[key] = encoded
	}
	return json.Marshal(members)
}

// cronName is what a cron is called on this wire; those of definitions have no name there.
func cronName(s *core.Schedule) string {
	if s.Declared {
		return ""
	}
	return define.Unescape(strings.TrimPrefix(s.Name, s.Workflow+cronSeparator))
}

func cronModel(s *core.Schedule, w *record.Listed, caller auth.Caller) (hatchetrest.CronWorkflows, error) {
	metadata, err := define.Metadata("", string(s.Metadata))
	model := hatchetrest.CronWorkflows{
		Metadata: metaOf(s.ID, s.ID.Time()), TenantId: caller.UUID.String(), Name: cronName(s), Cron: s.Expression,
		WorkflowId: w.ID.String(), WorkflowName: w.Name, WorkflowVersionId: w.Version.String(),
		Method: hatchetrest.CronWorkflowsMethodAPI, Priority: max(int64(s.Priority), 1), Enabled: !s.Paused,
		Input: object(s.Input), AdditionalMetadata: object(metadata),
	}
	if s.Declared {
		model.Method = hatchetrest.CronWorkflowsMethodDEFAULT
	}
	return model, err
}

func (c Config) listCrons(r *http.Request, caller auth.Caller) (any, error) {
	q := queryOf(r)
	offset, limit := q.page()
	workflow, name, metadata := q.text("workflowName"), q.text("cronName"), q.pairs("additionalMetadata")
	if q.err != nil {
		return nil, q.err
	}
	list := hatchetrest.CronWorkflowsList{Rows: []hatchetrest.CronWorkflows{}, Pagination: pagination(offset, limit, 0, false)}
	if workflow == "" {
		var there bool
		var err error
		if workflow, there, err = c.workflowOf(r.Context(), caller, q.text("workflowId")); err != nil || !there {
			return list, err
		}
	}
	found, err := c.schedules(r.Context(), caller, workflow, func(s *core.Schedule) bool {
		return !s.Once() && (name == "" || cronName(s) == name) && carries(s.Metadata, metadata)
	})
	if err != nil {
		return nil, err
	}
	sortSchedules(found, q)
	list.Pagination = pagination(offset, limit, len(found), false)
	list.Rows, err = scheduleModels(r.Context(), c, caller, page(found, offset, limit), cronModel)
	return list, err
}

func (c Config) getCron(r *http.Request, caller auth.Caller) (any, error) {
	s, err := c.wantedSchedule(r, caller, "cron", false)
	if err != nil {
		return nil, err
	}
	w, err := c.workflowNamed(r.Context(), caller, s.Workflow)
	if err != nil {
		return nil, err
	}
	return cronModel(&s, &w, caller)
}

func (c Config) deleteCron(r *http.Request, caller auth.Caller) (any, error) {
	s, err := c.wantedSchedule(r, caller, "cron", false)
	if err != nil {
		return nil, err
	}
	_, err = c.Shards.DropSchedules(r.Context(), caller.Tenant, []id.ID{s.ID})
	return nil, err
}
