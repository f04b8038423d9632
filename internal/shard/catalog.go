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
	versions map[id.ID]*core.Definition
	current  map[workflowKey]*core.Definition
}

type workflowKey struct {
	tenant id.ID
	name   string
}

func newCatalog() *catalog {
	return &catalog{versions: map[id.ID]*core.Definition{}, current: map[workflowKey]*core.Definition{}}
}

func (c *catalog) add(d *core.Definition, current bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.versions[d.Version] = d
	if current {
		c.current[workflowKey{d.Tenant, d.Workflow}] = d
	}
}

func (c *catalog) workflow(tenant id.ID, name string) *core.Definition {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.current[workflowKey{tenant, name}]
}

func (c *catalog) version(version id.ID) *core.Definition {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.versions[version]
}

// Define implements Client.
func (r *Runtime) Define(ctx context.Context, tenant id.ID, definitions []Definition) ([]Defined, error) {
	r.catalog.defining.Lock()
	defer r.catalog.defining.Unlock()
	defined, err := r.config.Store.Define(ctx, tenant, definitions, func() id.ID { return r.ids.Next(int64(r.now())) })
	if err != nil {
		return nil, err
	}
	for i := range defined {
		d := definitions[i].Core
		d.Tenant, d.Version = tenant, defined[i].Version
		// The inbox keeps its order: a run that finds the version in the catalog reaches
		// the core after its definition.
		if err := r.send(message{input: &core.Define{Definition: d}}); err != nil {
			return nil, err
		}
		r.catalog.add(&d, true)
	}
	return defined, nil
}
