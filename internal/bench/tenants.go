package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/internal/record/tenant"
	"github.com/adzehq/adze/internal/server"
)

const (
	// tenantSlots is few beside the tasks of the light tenants.
	tenantSlots = 10
	// tenantTokenTTL is longer than any mode runs.
	tenantTokenTTL = time.Hour
)

// tenants measures how fairly tenants share the workers of one: by tasks that take no
// time, and by time where the heavy one's take longer. The home is the heavy one, and
// stands before all others.
func (b *bench) tenants(ctx context.Context) error {
	tenants, tasks := b.size(21, 6), b.size(1_000, 500)
	for _, c := range []*contest{
		{name: "tenants", keys: tenants, perKey: tasks, slots: tenantSlots, run: runShort},
		{name: "tenants-cost", keys: tenants, perKey: tasks, slots: tenantSlots, run: runLong},
	} {
		if err := b.contestOf(ctx, c, c.fillTenants); err != nil {
			return err
		}
	}
	return nil
}

// runShort counts a task of a while as a task: tenants share time, so that all take the same.
func runShort(ctx context.Context, _ int) (float64, error) {
	if _, err := runLong(ctx, heavyKey+1); err != nil {
		return 0, err
	}
	return 1, nil
}

// fillTenants queues the tasks of the heavy tenant, the home, then those of the others,
// which share its workers.
func (c *contest) fillTenants(ctx context.Context, r *rig) error {
	heavy, guests := int(heavyShare*float64(c.tasks())), c.keys-1
	each := (c.tasks() - heavy) / guests
	c.left.Store(int64(each * guests))
	if _, err := c.task.RunMany(ctx, r.client, make([]keyed, heavy)); err != nil {
		return err
	}
	for key := 1; key <= guests; key++ {
		if err := c.fillGuest(ctx, r, key, each); err != nil {
			return fmt.Errorf("fill tenant %d: %w", key, err)
		}
	}
	return nil
}

// fillGuest queues the tasks of a tenant beside the home.
func (c *contest) fillGuest(ctx context.Context, r *rig, key, tasks int) (err error) {
	name := fmt.Sprint("guest", key)
	if _, err := server.MakeTenant(ctx, r.db, name, tenant.DefaultName, time.Now()); err != nil {
		return err
	}
	token, err := server.IssueToken(ctx, r.db, server.TokenRequest{Tenant: name, Name: "bench", TTL: tenantTokenTTL}, time.Now())
	if err != nil {
		return err
	}
	guest, err := adze.Dial(ctx, adze.Address(r.engine.address), adze.Token(token))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, guest.Close()) }()
	if err := guest.ShareWorkers(ctx, tenant.DefaultName, 0); err != nil {
		return err
	}
	inputs := make([]keyed, tasks)
	for i := range inputs {
		inputs[i].Key = key
	}
	_, err = c.task.RunMany(ctx, guest, inputs)
	return err
}
