package grpcapi

import (
	"context"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/edge/outline"
	"github.com/adzehq/adze/internal/history"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// ListFailures implements the service.
func (s *Server) ListFailures(ctx context.Context, req *wire.ListFailuresRequest) (*wire.ListFailuresResponse, error) {
	response, err := s.Reader.ListFailures(ctx, auth.Tenant(ctx), req)
	return response, s.Status(err)
}

// ListFailures reads a page of the tenant's failures, in groups.
func (r *Reader) ListFailures(ctx context.Context, tenant id.ID, req *wire.ListFailuresRequest) (*wire.ListFailuresResponse, error) {
	filter := outline.FailuresFromWire(req)
	if err := admit.Failures(&filter); err != nil {
		return nil, err
	}
	page, err := history.Failures(ctx, r.DB, tenant, filter)
	if err != nil {
		return nil, err
	}
	return outline.GroupsToWire(page), nil
}

// Redrive implements the service.
func (s *Server) Redrive(ctx context.Context, req *wire.RedriveRequest) (*wire.RedriveResponse, error) {
	want := outline.RedriveFromWire(req)
	if err := admit.Redrive(&want); err != nil {
		return nil, s.Status(err)
	}
	done, err := s.Shards.Redrive(ctx, auth.Tenant(ctx), want)
	if err != nil {
		return nil, s.Status(err)
	}
	response := &wire.RedriveResponse{
		Runs: make([]*wire.RedrivenRun, len(done.Runs)), Skipped: int32(done.Skipped), NextBefore: uint64(done.Next),
	}
	for i, run := range done.Runs {
		response.Runs[i] = &wire.RedrivenRun{ReplayOf: uint64(run.Of), RunId: uint64(run.Run)}
		if run.Err != nil {
			response.Runs[i].Error = s.itemError(run.Err)
		}
	}
	return response, nil
}
