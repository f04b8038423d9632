package grpcapi

import (
	"context"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/edge/outline"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// ListWorkers implements the service.
func (s *Server) ListWorkers(ctx context.Context, _ *wire.ListWorkersRequest) (*wire.ListWorkersResponse, error) {
	workers, err := s.Shards.Workers(ctx, auth.Tenant(ctx))
	if err != nil {
		return nil, s.Status(err)
	}
	return outline.WorkersToWire(workers), nil
}

// PauseWorkers implements the service.
func (s *Server) PauseWorkers(ctx context.Context, req *wire.PauseWorkersRequest) (*wire.PauseWorkersResponse, error) {
	if err := admit.Count("worker_ids", len(req.WorkerIds), admit.WorkersMax); err != nil {
		return nil, s.Status(err)
	}
	ids := make([]id.ID, len(req.WorkerIds))
	for i, worker := range req.WorkerIds {
		ids[i] = id.ID(worker)
	}
	known, err := s.Shards.PauseWorkers(ctx, auth.Tenant(ctx), ids, req.Paused)
	if err != nil {
		return nil, s.Status(err)
	}
	return &wire.PauseWorkersResponse{Known: known}, nil
}
