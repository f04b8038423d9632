package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/internal/record/tenant"
	"github.com/adzehq/adze/internal/server"
)

const (
	// tenantSlots is few beside the tasks of the light tenants.
	tenantSlots = 10
	// manyTenants is the most that there may be (core.CrewTenantsMax), and the home.
	manyTenants = 1_001
	// tenantRounds is how often the same tasks are run, of few tenants and of many in turn.
	tenantRounds = 3
	// tenantTokenTTL is longer than any mode runs.
	tenantTokenTTL = time.Hour
)

// tenants measures how fairly tenants share the workers of one: by tasks that take no
// time, and by time where the heavy one's take longer. The home is the heavy one, and
// stands before all others.
func (b *bench) tenants(ctx context.Context) error {
	tenants, tasks := b.size(21, 6), b.size(1_000, 500)
	many := b.size(manyTenants, 51)
	for _, c := range []*contest{
		{name: "tenants", keys: tenants, perKey: tasks, slots: tenantSlots, run: runShort},
		{name: "tenants-cost", keys: tenants, perKey: tasks, slots: tenantSlots, run: runLong},
		{name: "tenants-many", keys: many, perKey: 100, slots: 10 * tenantSlots, run: runShort},
	} {
		if err := b.contestOf(ctx, c, c.fillTenants); err != nil {
			return err
		}
	}
	return b.tenantsRate(ctx, tenants, many)
}

// tenantsRate measures how many tasks that do nothing are run in a second, of few tenants
// and of many, which have the same number of them in all.
func (b *bench) tenantsRate(ctx context.Context, few, many int) error {
	tasks := b.size(100_000, 5_000)
	var rates [2][]float64
	for round := range tenantRounds {
		for i, tenants := range []int{few, many} {
			c := &contest{
				name: fmt.Sprintf("tenants-%d", tenants), keys: tenants, perKey: tasks / (tenants - 1),
				slots: workerSlots, run: runNothing,
			}
			rate, err := b.tenantsRound(ctx, c)
			if err != nil {
				return fmt.Errorf("round %d of %d tenants: %w", round, tenants, err)
			}
			rates[i] = append(rates[i], rate)
		}
	}
	for i := range rates {
		slices.Sort(rates[i])
	}
	fewer, more := rates[0][tenantRounds/2], rates[1][tenantRounds/2]
	b.report.add("tenants-rate", "few", "tasks/s", fewer)
	b.report.add("tenants-rate", "many", "tasks/s", more)
	b.report.add("tenants-rate", "many_of_few", "ratio", more/fewer)
	return nil
}

// tenantsRound queues the same for each guest, and tells how many a second are run.
func (b *bench) tenantsRound(ctx context.Context, c *contest) (rate float64, err error) {
	err = b.rigged(ctx, c.name, func(r *rig) error {
		c.open(r.client)
		tasks := c.perKey * (c.keys - 1)
		c.left.Store(int64(tasks))
		if err := c.fillGuests(ctx, r, c.perKey); err != nil {
			return err
		}
		time.Sleep(b.pause(keysSettle, keysSettle/3))
		c.begun = time.Now()
		if err := r.serving(ctx, c.wait, adze.Slots(c.slots), c.task); err != nil {
			return err
		}
		first, last := c.services[0].at, c.services[len(c.services)-1].at
		rate = float64(tasks) / time.Duration(last-first).Seconds()
		return nil
	})
	return rate, err
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
	return c.fillGuests(ctx, r, each)
}

func (c *contest) fillGuests(ctx context.Context, r *rig, each int) error {
	for key := 1; key < c.keys; key++ {
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
