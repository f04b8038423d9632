package grpcapi

import (
	"context"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/edge/outline"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// Why implements the service.
func (s *Server) Why(ctx context.Context, req *wire.WhyRequest) (*wire.WhyResponse, error) {
	explained, err := s.Shards.Why(ctx, auth.Tenant(ctx), id.ID(req.RunId))
	if err != nil {
		return nil, s.Status(err)
	}
	return outline.WhyToWire(&explained), nil
}

// GetOverview implements the service.
func (s *Server) GetOverview(ctx context.Context, _ *wire.GetOverviewRequest) (*wire.GetOverviewResponse, error) {
	overview, err := s.Shards.Overview(ctx, auth.Tenant(ctx))
	if err != nil {
		return nil, s.Status(err)
	}
	return outline.OverviewToWire(&overview), nil
}
