package grpcapi

import (
	"cmp"
	"context"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/history"
	"github.com/adzehq/adze/internal/record/event"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// PutFilter implements the service.
func (s *Server) PutFilter(ctx context.Context, req *wire.PutFilterRequest) (*wire.PutFilterResponse, error) {
	f := shard.Filter{
		ID:       id.ID(req.GetFilter().GetFilterId()),
		Workflow: req.GetFilter().GetWorkflow(), Scope: req.GetFilter().GetScope(),
		Expression: req.GetFilter().GetExpression(), Payload: req.GetFilter().GetPayload(),
	}
	if err := admit.Filter(&f); err != nil {
		return nil, s.Status(fault.At("filter", err))
	}
	number, err := s.Shards.PutFilter(ctx, auth.Tenant(ctx), f)
	if err != nil {
		return nil, s.Status(fault.At("filter", err))
	}
	return &wire.PutFilterResponse{FilterId: uint64(number)}, nil
}

// DeleteFilters implements the service.
func (s *Server) DeleteFilters(ctx context.Context, req *wire.DeleteFiltersRequest) (*wire.DeleteFiltersResponse, error) {
	if err := admit.Count("filter_ids", len(req.FilterIds), admit.FilterIDsMax); err != nil {
		return nil, s.Status(err)
	}
	deleted, err := s.Shards.DeleteFilters(ctx, auth.Tenant(ctx), ids(req.FilterIds))
	if err != nil {
		return nil, s.Status(err)
	}
	return &wire.DeleteFiltersResponse{Deleted: deleted}, nil
}

// ListFilters implements the service.
func (s *Server) ListFilters(ctx context.Context, req *wire.ListFiltersRequest) (*wire.ListFiltersResponse, error) {
	response, err := s.Reader.ListFilters(ctx, auth.Tenant(ctx), req)
	return response, s.Status(err)
}

// ListFilters reads a page of the tenant's filters.
func (r *Reader) ListFilters(ctx context.Context, tenant id.ID, req *wire.ListFiltersRequest) (*wire.ListFiltersResponse, error) {
	if err := pageSize(req.Limit); err != nil {
		return nil, err
	}
	limit := cmp.Or(int(req.Limit), history.PageDefault)
	filters, err := event.Filters(ctx, r.DB, tenant, id.ID(req.After), req.Workflow, limit)
	if err != nil {
		return nil, err
	}
	response := &wire.ListFiltersResponse{Filters: make([]*wire.Filter, len(filters))}
	for i, f := range filters {
		response.Filters[i] = &wire.Filter{
			FilterId: uint64(f.ID), Workflow: f.Workflow, Scope: f.Scope,
			Expression: f.Expression, Payload: f.Payload, Declared: f.Declared, CreatedMs: f.CreatedAt.UnixMilli(),
		}
	}
	if len(filters) == limit {
		response.NextAfter = uint64(filters[limit-1].ID)
	}
	return response, nil
}
