package shard

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/adzehq/adze/internal/base/expr"
	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
)

// FiltersMax is how many filters a tenant may have: they are kept in memory.
const FiltersMax = 10_000

// filter is a Filter that can be asked.
type filter struct {
	id        id.ID
	declared  bool
	text      string // of the condition
	payload   []byte
	value     expr.Value
	condition *expr.Program // nil: always
}

func newFilter(number id.ID, f Filter) (*filter, error) {
	made := &filter{id: number, declared: f.Declared, text: f.Expression, payload: f.Payload}
	var err error
	if f.Expression != "" {
		if made.condition, err = expr.Event.Compile(f.Expression); err != nil {
			return nil, fmt.Errorf("compile filter %s: %w", number, err)
		}
	}
	if f.Payload != nil {
		if made.value, err = expr.Parse(f.Payload); err != nil {
			return nil, fmt.Errorf("read payload of filter %s: %w", number, err)
		}
	}
	return made, nil
}

// filters are those of a tenant. A list is never changed in place: who asks one need
// not hold a lock.
type filters struct {
	of    map[string]map[string][]*filter // by workflow and scope; neither is there without a filter
	names map[id.ID]filterName
}

// filterName says where a filter is found.
type filterName struct{ workflow, scope string }

func newFilters() *filters {
	return &filters{of: map[string]map[string][]*filter{}, names: map[id.ID]filterName{}}
}

func (f *filters) add(name filterName, one *filter) {
	scopes := f.of[name.workflow]
	if scopes == nil {
		scopes = map[string][]*filter{}
		f.of[name.workflow] = scopes
	}
	list := scopes[name.scope]
	scopes[name.scope] = append(list[:len(list):len(list)], one)
	f.names[one.id] = name
}

func (f *filters) remove(number id.ID) {
	name, known := f.names[number]
	if !known {
		return
	}
	delete(f.names, number)
	scopes := f.of[name.workflow]
	var left []*filter
	for _, one := range scopes[name.scope] {
		if one.id != number {
			left = append(left, one)
		}
	}
	if scopes[name.scope] = left; len(left) == 0 {
		delete(scopes, name.scope)
	}
	if len(scopes) == 0 {
		delete(f.of, name.workflow)
	}
}

// restoreFilters brings the filters of the shard's tenants to memory.
func (r *Runtime) restoreFilters(ctx context.Context) error {
	stored, err := r.config.Store.Filters(ctx, r.number)
	if err != nil {
		return fmt.Errorf("read filters: %w", err)
	}
	for _, s := range stored {
		one, err := newFilter(s.Filter.ID, s.Filter)
		if err != nil {
			return err
		}
		r.catalog.subscriptions.addFilter(s.Tenant, filterName{s.Workflow, s.Scope}, one)
	}
	return nil
}

// PutFilter implements Client.
func (r *Runtime) PutFilter(ctx context.Context, tenant id.ID, f Filter) (id.ID, error) {
	r.catalog.defining.Lock()
	defer r.catalog.defining.Unlock()
	if r.catalog.workflow(tenant, f.Workflow) == nil {
		return 0, fault.New(fault.NotFound, "workflow", "no workflow %q; register it first (a worker does when it starts)", f.Workflow)
	}
	there := r.catalog.subscriptions.hasFilter(tenant, f.ID)
	switch {
	case f.ID != 0 && !there:
		return 0, fault.New(fault.NotFound, "filter_id", "no filter %s", f.ID)
	case !there && r.catalog.subscriptions.filters(tenant) >= FiltersMax:
		return 0, tooManyFilters()
	case !there:
		f.ID = r.ids.Next(int64(r.now()))
	}
	one, err := newFilter(f.ID, f)
	if err != nil {
		return 0, fault.New(fault.Invalid, "", "%s", err)
	}
	if err := r.config.Store.PutFilters(ctx, tenant, []Filter{f}, nil); err != nil {
		return 0, err
	}
	r.catalog.subscriptions.removeFilter(tenant, f.ID)
	r.catalog.subscriptions.addFilter(tenant, filterName{f.Workflow, f.Scope}, one)
	return f.ID, nil
}

func tooManyFilters() error {
	return fault.New(fault.Exhausted, "", "there are %d filters, which is the most; delete some, or say more in one with the payload", FiltersMax)
}

// declareFilters has those of definitions take the place of what their workflows declared
// before. What is declared already costs nothing: workers declare it whenever they start.
// Called with defining held.
func (r *Runtime) declareFilters(ctx context.Context, tenant id.ID, definitions []Definition) error {
	var puts []Filter
	var drops []id.ID
	for i := range definitions {
		d := &definitions[i]
		stays, goes := r.catalog.subscriptions.declaredFilters(tenant, d.Name)
		for _, f := range d.Filters {
			want := Filter{Workflow: d.Name, Scope: f.Scope, Expression: f.Expression, Payload: f.Payload, Declared: true}
			if key := want.key(); len(stays[key]) > 0 {
				delete(goes, stays[key][0])
				stays[key] = stays[key][1:]
				continue
			}
			want.ID = r.ids.Next(int64(r.now()))
			puts = append(puts, want)
		}
		drops = append(drops, slices.Sorted(maps.Keys(goes))...)
	}
	switch {
	case len(puts)+len(drops) == 0:
		return nil
	case r.catalog.subscriptions.filters(tenant)+len(puts)-len(drops) > FiltersMax:
		return tooManyFilters()
	}
	if err := r.config.Store.PutFilters(ctx, tenant, puts, drops); err != nil {
		return err
	}
	for _, number := range drops {
		r.catalog.subscriptions.removeFilter(tenant, number)
	}
	for _, f := range puts {
		one, err := newFilter(f.ID, f)
		if err != nil {
			return fault.New(fault.Invalid, "filters", "%s", err)
		}
		r.catalog.subscriptions.addFilter(tenant, filterName{f.Workflow, f.Scope}, one)
	}
	return nil
}

// key is equal for filters that say the same.
func (f *Filter) key() string {
	return f.Scope + "\x00" + f.Expression + "\x00" + string(f.Payload)
}

// DeleteFilters implements Client.
func (r *Runtime) DeleteFilters(ctx context.Context, tenant id.ID, ids []id.ID) ([]bool, error) {
	r.catalog.defining.Lock()
	defer r.catalog.defining.Unlock()
	deleted, err := r.config.Store.DeleteFilters(ctx, tenant, ids)
	if err != nil {
		return nil, err
	}
	was := make(map[id.ID]bool, len(deleted))
	for _, number := range deleted {
		r.catalog.subscriptions.removeFilter(tenant, number)
		was[number] = true
	}
	answers := make([]bool, len(ids))
	for i, number := range ids {
		answers[i] = was[number]
	}
	return answers, nil
}
