package grpcapi

import (
	"cmp"
	"context"
	"slices"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/record/flow"
	"github.com/adzehq/adze/internal/record/tenant"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// ShareWorkers implements the service.
func (s *Server) ShareWorkers(ctx context.Context, req *wire.ShareWorkersRequest) (*wire.ShareWorkersResponse, error) {
	return &wire.ShareWorkersResponse{}, s.Status(s.Reader.Share(ctx, auth.Tenant(ctx), req.Home, req.Weight))
}

// UnshareWorkers implements the service.
func (s *Server) UnshareWorkers(ctx context.Context, req *wire.UnshareWorkersRequest) (*wire.UnshareWorkersResponse, error) {
	return &wire.UnshareWorkersResponse{}, s.Status(s.Reader.Unshare(ctx, auth.Tenant(ctx), req.Home))
}

// ListGrants implements the service.
func (s *Server) ListGrants(ctx context.Context, _ *wire.ListGrantsRequest) (*wire.ListGrantsResponse, error) {
	response, err := s.Reader.ListGrants(ctx, auth.Tenant(ctx))
	return response, s.Status(err)
}

// Share has the workers of the tenant named home run another one's tasks.
func (r *Reader) Share(ctx context.Context, guest id.ID, home string, weight *int32) error {
	of, err := r.home(ctx, guest, home)
	if err != nil {
		return err
	}
	change, err := admit.Grant(of.ID, weight)
	if err != nil {
		return err
	}
	return r.Shards.PutSettings(ctx, guest, []shard.SettingChange{change})
}

// Unshare ends that.
func (r *Reader) Unshare(ctx context.Context, guest id.ID, home string) error {
	of, err := r.home(ctx, guest, home)
	if err != nil {
		return err
	}
	drop := shard.SettingChange{Kind: core.SettingGrant, Name: core.GrantName(of.ID), Drop: true}
	return r.Shards.PutSettings(ctx, guest, []shard.SettingChange{drop})
}

// home finds the tenant of that name, in the shard of another one: who shares workers is
// decided about by one mind.
func (r *Reader) home(ctx context.Context, guest id.ID, name string) (tenant.Tenant, error) {
	of, err := tenant.ByName(ctx, r.DB, name)
	if fault.KindOf(err) == fault.NotFound {
		return of, fault.New(fault.NotFound, "home", "no tenant %q; look for its name", name)
	}
	if err != nil {
		return of, err
	}
	known, err := tenant.ByID(ctx, r.DB, []id.ID{guest})
	if err != nil {
		return of, err
	}
	if known[guest].Shard != of.Shard {
		return of, fault.New(fault.Conflict, "home",
			"tenant %q lives in another shard than %q, and workers are shared within one; make the tenant beside it: adze tenant create NAME --beside %s",
			name, known[guest].Name, name)
	}
	return of, nil
}

// ListGrants reads whose workers run a tenant's tasks, and whose tasks its workers run.
func (r *Reader) ListGrants(ctx context.Context, of id.ID) (*wire.ListGrantsResponse, error) {
	given, err := flow.OfTenant(ctx, r.DB, core.SettingGrant, "", core.SettingKey{Tenant: of}, core.HomesMax+1)
	if err != nil {
		return nil, err
	}
	own, err := tenant.ByID(ctx, r.DB, []id.ID{of})
	if err != nil {
		return nil, err
	}
	taken, err := flow.GrantsTo(ctx, r.DB, own[of].Shard, of, core.CrewTenantsMax+1)
	if err != nil {
		return nil, err
	}
	return r.nameGrants(ctx, own[of], append(given, taken...))
}

func (r *Reader) nameGrants(ctx context.Context, of tenant.Tenant, settings []core.Setting) (*wire.ListGrantsResponse, error) {
	ids := []id.ID{of.ID}
	for i := range settings {
		home, _ := id.Parse(settings[i].Name) // else nobody is found
		ids = append(ids, settings[i].Tenant, home)
	}
	known, err := tenant.ByID(ctx, r.DB, ids)
	if err != nil {
		return nil, err
	}
	response := &wire.ListGrantsResponse{Tenant: of.Name}
	for i := range settings {
		home, _ := id.Parse(settings[i].Name)
		response.Grants = append(response.Grants, &wire.ListGrantsResponse_Grant{
			Tenant: known[settings[i].Tenant].Name, Home: known[home].Name,
			Weight: cmp.Or(settings[i].Grant.Weight, core.WeightDefault),
		})
	}
	compare := func(a, b *wire.ListGrantsResponse_Grant) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Home, b.Home))
	}
	slices.SortFunc(response.Grants, compare)
	response.Grants = slices.CompactFunc(response.Grants, func(a, b *wire.ListGrantsResponse_Grant) bool { return compare(a, b) == 0 }) // one to itself is in both
	return response, nil
}
