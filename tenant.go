package adze

import (
	"context"
	"fmt"
	"math"

	"github.com/adzehq/adze/internal/core"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// Tenant is the name of the tenant whose task runs with ctx, where the worker is shared and
// the task is another tenant's than the worker; else it is empty. What the task submits,
// logs and streams is that tenant's.
func Tenant(ctx context.Context) string {
	if a := attemptOf(ctx); a != nil {
		return a.Assignment.Tenant
	}
	return ""
}

// guest tells whether the task is another tenant's than the worker.
func (a *attempt) guest() bool { return a != nil && a.Assignment.Tenant != "" }

// awaiter is how the outcomes of the attempt's children are waited for: of another tenant's
// they are told to the attempt only, while it runs.
func (a *attempt) awaiter() *awaiter {
	client := a.worker.client
	if !a.guest() {
		return client.awaits
	}
	a.waiting.Do(func() {
		own := &background{}
		own.life, own.end = context.WithCancel(a.ctx)
		a.awaits = newAwaiter(client.transport, client.log, own)
	})
	return a.awaits
}

// Grant lets the workers of a tenant, the home, run the tasks of another one.
type Grant struct {
	Tenant string  `json:"tenant"` // whose tasks they run
	Home   string  `json:"home"`   // whose workers they are
	Weight float64 `json:"weight"` // the tenant's share of their time beside others
}

// ShareWorkers has the workers of another tenant, called home, run this tenant's tasks too,
// as far as they have tasks of the same names: they see the inputs of what they are given.
// Tenants share the time of workers by their weights, 0.001 to 1,000; 0 is the usual one, 1.
// A tenant that has granted before gets the new weight; a home says by its own name what it
// gets itself. Both must live in one shard: see adze tenant create --beside.
func (c *Client) ShareWorkers(ctx context.Context, home string, weight float64) error {
	request := &wire.ShareWorkersRequest{Home: home}
	if weight != 0 {
		request.Weight = new(clamp(int(math.Round(weight * core.WeightDefault))))
	}
	if err := c.transport.shareWorkers(ctx, request); err != nil {
		return fmt.Errorf("share workers of %s: %w", home, err)
	}
	return nil
}

// UnshareWorkers ends that: what the workers run goes on, and they are given nothing new.
func (c *Client) UnshareWorkers(ctx context.Context, home string) error {
	if err := c.transport.unshareWorkers(ctx, home); err != nil {
		return fmt.Errorf("unshare workers of %s: %w", home, err)
	}
	return nil
}

// Grants tells whose workers run this tenant's tasks, and whose tasks its workers run, by
// tenant and home; and what this tenant is called.
func (c *Client) Grants(ctx context.Context) (tenant string, grants []Grant, err error) {
	response, err := c.transport.grants(ctx)
	if err != nil {
		return "", nil, fmt.Errorf("list grants: %w", err)
	}
	for _, g := range response.Grants {
		grants = append(grants, Grant{g.Tenant, g.Home, float64(g.Weight) / core.WeightDefault})
	}
	return response.Tenant, grants, nil
}
