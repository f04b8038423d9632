package grpcapi

import (
	"context"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/edge/auth"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// Fork implements the service.
func (s *Server) Fork(ctx context.Context, req *wire.ForkRequest) (*wire.ForkResponse, error) {
	input, err := s.Limits.Fork(req.Index, req.Input)
	if err != nil {
		return nil, s.status(err)
	}
	run, err := s.Shards.Fork(ctx, auth.Tenant(ctx), id.ID(req.RunId), req.Index, input)
	if err != nil {
		return nil, s.status(err)
	}
	return &wire.ForkResponse{RunId: uint64(run)}, nil
}

// GetValue implements the service.
func (s *Server) GetValue(ctx context.Context, req *wire.GetValueRequest) (*wire.GetValueResponse, error) {
	if err := admit.ValueName(req.Name); err != nil {
		return nil, s.status(err)
	}
	value, err := s.Shards.Value(ctx, auth.Tenant(ctx), id.ID(req.RunId), req.Name)
	if err != nil {
		return nil, s.status(err)
	}
	return &wire.GetValueResponse{Found: value.Task != 0, Data: value.Data, AtMs: int64(value.At)}, nil
}
