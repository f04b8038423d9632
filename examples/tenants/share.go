package tenants

import (
	"context"

	"github.com/adzehq/adze"
)

// Convert runs on the workers of a fleet, for whichever tenant it is.
var Convert = adze.NewTask("convert", func(ctx context.Context, p Page) (string, error) {
	adze.Log(ctx).Info("converting") // to the log of the tenant whose task it is
	if tenant := adze.Tenant(ctx); tenant != "" {
		return "for " + tenant, nil
	}
	return "for the fleet itself", nil
})

// Join has the workers of the fleet run a tenant's tasks too; client is the tenant's.
func Join(ctx context.Context, client *adze.Client) error {
	// Twice the time of another tenant.
	return client.ShareWorkers(ctx, "default", 2)
}

// Part ends that.
func Part(ctx context.Context, client *adze.Client) error {
	return client.UnshareWorkers(ctx, "default")
}
