package hatchet

import (
	"context"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/edge/hatchet/define"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// PutRateLimit implements the WorkflowService: a rate limit of this wire is a key of the
// one that has them all, with a limit and a period of its own.
func (s *Server) PutRateLimit(ctx context.Context, req *wire.PutRateLimitRequest) (*wire.PutRateLimitResponse, error) {
	if err := s.putRateLimit(ctx, req); err != nil {
		return nil, s.Status(err)
	}
	return &wire.PutRateLimitResponse{}, nil
}

func (s *Server) putRateLimit(ctx context.Context, req *wire.PutRateLimitRequest) error {
	if req.GetKey() == "" {
		return fault.New(fault.Invalid, "key", "is empty; name the limit")
	}
	window, err := define.Window(req.GetDuration())
	if err != nil {
		return err
	}
	limit, period := req.GetLimit(), window.Milliseconds()
	changes := []shard.SettingChange{{
		Kind: core.SettingRate, Name: define.RateName, Key: req.GetKey(),
		Rate: &shard.RateChange{Limit: &limit, PeriodMS: &period},
	}}
	if err := admit.Settings(changes); err != nil {
		return err
	}
	return s.Shards.PutSettings(ctx, auth.Tenant(ctx), changes)
}
