package shard

import (
	"context"
	"sync"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// catalog is the definitions of the shard's tenants, for those outside the loop.
type catalog struct {
	defining sync.Mutex // one Define at a time: the last stored is the current one

	mu       sync.RWMutex
	versions map[id.ID]*version
	current  map[workflowKey]*version
	watching bool // some version has conditions

	subscriptions subscriptions // of the current versions
}

// version is a version of a workflow: of one task, or of several.
type version struct {
	core.Definition
	id       id.ID  // of the workflow
	graph    *graph // nil: one task
	triggers []trigger
	keyed    *keyed // nil: its runs have no keys but those that are given
	rules    *rules // nil: nothing is said
}

type workflowKey struct {
	tenant id.ID
	name   string
}

func newCatalog() *catalog {
	return &catalog{versions: map[id.ID]*version{}, current: map[workflowKey]*version{}}
}

func (c *catalog) add(v *version, current bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.versions[v.Version] = v
	c.watching = c.watching || v.graph != nil && len(v.graph.watched) > 0
	if current {
		key := workflowKey{v.Tenant, v.Workflow}
		c.subscriptions.replace(c.current[key], v)
		c.current[key] = v
	}
}

func (c *catalog) workflow(tenant id.ID, name string) *version {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.current[workflowKey{tenant, name}]
}

func (c *catalog) version(number id.ID) *version {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.versions[number]
}

// task is the name of the task of a version that has one, else empty.
func (c *catalog) task(number id.ID) string {
	if v := c.version(number); v != nil && v.graph == nil {
		return v.Task
	}
	return ""
}

// conditional tells whether any report may have to be judged.
func (c *catalog) conditional() bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.watching
}

// newVersion compiles what a definition needs outside the core.
func newVersion(from *StoredDefinition) (*version, error) {
	v := &version{id: from.ID, Definition: from.Definition}
	var err error
	if v.keyed, err = newKeyed(v.Workflow, from.Keyed); err != nil {
		return v, err
	}
	if v.rules, err = newRules(from.Flow); err != nil {
		return v, err
	}
	if v.triggers, err = newTriggers(from.Triggers); err != nil || from.Graph == nil {
		return v, err
	}
	v.graph, err = newGraph(v.Definition, from.Graph)
	return v, err
}

// input is what makes the core know the version.
func (v *version) input() core.Input {
	if v.graph != nil {
		return &core.DefineGraph{Graph: v.graph.Graph}
	}
	return &core.Define{Definition: v.Definition}
}

// Define implements Client. What definitions declare of queues and limits is stored before
// they are: a run must never begin without it.
func (r *Runtime) Define(ctx context.Context, tenant id.ID, definitions []Definition) ([]Defined, error) {
	r.catalog.defining.Lock()
	defer r.catalog.defining.Unlock()
	crons, err := r.planCrons(ctx, tenant, definitions)
	if err != nil {
		return nil, err
	}
	defer crons.end()
	if err := r.declare(ctx, tenant, definitions); err != nil {
		return nil, err
	}
	defined, err := r.config.Store.Define(ctx, tenant, definitions, func() id.ID { return r.ids.Next(int64(r.now())) })
	if err != nil {
		return nil, err
	}
	for i := range defined {
		d := definitions[i].Core
		d.Tenant, d.Version, d.Workflow = tenant, defined[i].Version, definitions[i].Name
		v, err := newVersion(&StoredDefinition{
			ID: defined[i].Workflow, Definition: d, Graph: definitions[i].Graph, Triggers: definitions[i].Triggers,
			Keyed: definitions[i].Keyed, Flow: definitions[i].Flow,
		})
		if err != nil {
			return nil, err
		}
		// The inbox keeps its order: a run that finds the version in the catalog reaches
		// the core after its definition.
		if err := r.send(message{input: v.input()}); err != nil {
			return nil, err
		}
		r.catalog.add(v, true)
	}
	if err := r.declareFilters(ctx, tenant, definitions); err != nil {
		return nil, err
	}
	return defined, crons.store(ctx)
}
