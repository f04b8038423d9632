package shard

import (
	"context"

	"github.com/adzehq/adze/internal/base/id"
)

// DropWorkflow implements Client. What refers to the workflow goes after it: a schedule
// that was left behind by a crash finds no workflow and does not fire again.
func (r *Runtime) DropWorkflow(ctx context.Context, tenant id.ID, name string) (bool, error) {
	filters, known, err := r.dropVersion(ctx, tenant, name)
	if err != nil || !known {
		return false, err
	}
	if len(filters) > 0 {
		if _, err := r.DeleteFilters(ctx, tenant, filters); err != nil {
			return true, err
		}
	}
	schedules, err := r.config.Store.SchedulesOf(ctx, tenant, name)
	if err != nil || len(schedules) == 0 {
		return true, err
	}
	_, err = r.DropSchedules(ctx, tenant, schedules)
	return true, err
}

// dropVersion leaves a workflow without a current version: nothing starts runs of it any
// more. It gives the filters that are left.
func (r *Runtime) dropVersion(ctx context.Context, tenant id.ID, name string) (filters []id.ID, known bool, err error) {
	r.catalog.defining.Lock()
	defer r.catalog.defining.Unlock()
	known, err = r.config.Store.DropWorkflow(ctx, tenant, name)
	if err != nil {
		return nil, false, err
	}
	r.catalog.drop(tenant, name)
	return r.catalog.subscriptions.filtersOf(tenant, name), known, nil
}

// drop forgets the current version of a workflow. Runs of it go on.
func (c *catalog) drop(tenant id.ID, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := workflowKey{tenant, name}
	if was := c.current[key]; was != nil {
		c.subscriptions.forget(was)
		delete(c.current, key)
	}
}
