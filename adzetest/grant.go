package adzetest

import (
	"context"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// Share implements embed.Reader. There is one tenant.
func (r *reader) Share(_ context.Context, _ id.ID, home string, _ *int32) error {
	return fault.New(fault.NotFound, "home", "no tenant %q: a test has one", home)
}

// Unshare implements embed.Reader.
func (r *reader) Unshare(ctx context.Context, tenant id.ID, home string) error {
	return r.Share(ctx, tenant, home, nil)
}

// ListGrants implements embed.Reader.
func (r *reader) ListGrants(context.Context, id.ID) (*wire.ListGrantsResponse, error) {
	return &wire.ListGrantsResponse{Tenant: "test"}, nil
}
