package hatchet

import (
	"net/http"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/edge/hatchet/define"
	"github.com/adzehq/adze/internal/record/event"
	record "github.com/adzehq/adze/internal/record/workflow"
	"github.com/adzehq/adze/internal/shard"
	"github.com/adzehq/adze/internal/wire/hatchetrest"
)

func (c Config) filterRoutes(mux *http.ServeMux) {
	const all = "/api/v1/stable/tenants/{tenant}/filters"
	mux.HandleFunc("GET "+all, c.of(c.listFilters))
	mux.HandleFunc("POST "+all, c.of(c.createFilter))
	mux.HandleFunc("GET "+all+"/{filter}", c.of(c.getFilter))
	mux.HandleFunc("PATCH "+all+"/{filter}", c.of(c.updateFilter))
	mux.HandleFunc("DELETE "+all+"/{filter}", c.of(c.deleteFilter))
}

func (c Config) listFilters(r *http.Request, caller auth.Caller) (any, error) {
	q := queryOf(r)
	offset, limit := q.page()
	wanted := q.ids("workflowIds")
	if q.err != nil {
		return nil, q.err
	}
	choice := event.FilterChoice{Scopes: q.texts("scopes")}
	if len(q.texts("workflowIds")) > 0 {
		names, err := record.Names(r.Context(), c.DB, caller.Tenant, wanted)
		if err != nil {
			return nil, err
		}
		choice.Workflows = append(choice.Workflows, "") // none has this name: of none of them, not of all
		for _, name := range names {
			choice.Workflows = append(choice.Workflows, name)
		}
	}
	page, rows, err := event.FilterPage(r.Context(), c.DB, caller.Tenant, choice, offset, limit)
	if err != nil {
		return nil, err
	}
	list := hatchetrest.V1FilterList{Pagination: pagination(offset, limit, rows, false)}
	list.Rows, err = c.filterModels(r, caller, page)
	return list, err
}

// filterModels tell of filters, with the ids of their workflows.
func (c Config) filterModels(r *http.Request, caller auth.Caller, filters []event.Filter) ([]hatchetrest.V1Filter, error) {
	names := make([]string, len(filters))
	for i := range filters {
		names[i] = filters[i].Workflow
	}
	workflows, err := record.IDs(r.Context(), c.DB, caller.Tenant, names)
	if err != nil {
		return nil, err
	}
	models := make([]hatchetrest.V1Filter, len(filters))
	for i := range filters {
		f := &filters[i]
		models[i] = hatchetrest.V1Filter{
			Metadata: metaAt(f.ID, f.CreatedAt, f.UpdatedAt),
			TenantId: caller.UUID.String(), WorkflowId: workflows[f.Workflow].String(),
			Scope: f.Scope, Expression: define.FilterText(f.Expression), Payload: hatchetrest.JSONObject(f.Payload), IsDeclarative: f.Declared,
		}
		if f.Payload == nil {
			models[i].Payload = hatchetrest.JSONObject("{}")
		}
	}
	return models, nil
}

func (c Config) createFilter(r *http.Request, caller auth.Caller) (any, error) {
	asked, err := read[hatchetrest.V1CreateFilterRequest](r)
	if err != nil {
		return nil, err
	}
	of, err := id.Parse(asked.WorkflowId)
	if err != nil {
		return nil, fault.New(fault.Invalid, "workflowId", "is %q, and there is no such workflow", asked.WorkflowId)
	}
	workflow, err := record.Get(r.Context(), c.DB, caller.Tenant, of)
	if err != nil {
		return nil, err
	}
	f := shard.Filter{Workflow: workflow.Name, Scope: asked.Scope}
	if given(asked.Payload) {
		f.Payload = asked.Payload
	}
	if f.Expression, err = define.Filter(asked.Expression); err != nil {
		return nil, fault.At("expression", err)
	}
	return c.putFilter(r, caller, f)
}

// putFilter stores a filter, and tells of it.
func (c Config) putFilter(r *http.Request, caller auth.Caller, f shard.Filter) (any, error) {
	if err := admit.Filter(&f); err != nil {
		return nil, err
	}
	number, err := c.Shards.PutFilter(r.Context(), caller.Tenant, f)
	if err != nil {
		return nil, err
	}
	stored, err := event.FilterByID(r.Context(), c.DB, caller.Tenant, number)
	if err != nil {
		return nil, err
	}
	return c.filterModel(r, caller, stored)
}

func (c Config) filterModel(r *http.Request, caller auth.Caller, f event.Filter) (any, error) {
	models, err := c.filterModels(r, caller, []event.Filter{f})
	if err != nil {
		return nil, err
	}
	return models[0], nil
}

// wantedFilter is the one in the path, if it is the caller's.
func (c Config) wantedFilter(r *http.Request, caller auth.Caller) (event.Filter, error) {
	number, err := pathID(r, "filter")
	if err != nil {
		return event.Filter{}, err
	}
	return event.FilterByID(r.Context(), c.DB, caller.Tenant, number)
}

func (c Config) getFilter(r *http.Request, caller auth.Caller) (any, error) {
	f, err := c.wantedFilter(r, caller)
	if err != nil {
		return nil, err
	}
	return c.filterModel(r, caller, f)
}

// updateFilter changes what is given of a filter.
func (c Config) updateFilter(r *http.Request, caller auth.Caller) (any, error) {
	asked, err := read[hatchetrest.V1UpdateFilterRequest](r)
	if err != nil {
		return nil, err
	}
	was, err := c.wantedFilter(r, caller)
	if err != nil {
		return nil, err
	}
	f := shard.Filter{
		ID: was.ID, Workflow: was.Workflow, Scope: was.Scope, Expression: was.Expression, Payload: was.Payload, Declared: was.Declared,
	}
	if asked.Scope != "" {
		f.Scope = asked.Scope
	}
	if given(asked.Payload) {
		f.Payload = asked.Payload
	}
	if asked.Expression != "" {
		if f.Expression, err = define.Filter(asked.Expression); err != nil {
			return nil, fault.At("expression", err)
		}
	}
	return c.putFilter(r, caller, f)
}

// deleteFilter tells of the filter that is gone.
func (c Config) deleteFilter(r *http.Request, caller auth.Caller) (any, error) {
	f, err := c.wantedFilter(r, caller)
	if err != nil {
		return nil, err
	}
	if _, err := c.Shards.DeleteFilters(r.Context(), caller.Tenant, []id.ID{f.ID}); err != nil {
		return nil, err
	}
	return c.filterModel(r, caller, f)
}
