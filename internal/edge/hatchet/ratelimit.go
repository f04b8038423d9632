package hatchet

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/edge/hatchet/define"
	"github.com/adzehq/adze/internal/record/flow"
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

// PauseRateLimit implements the WorkflowService: tasks draw nothing of the key until then.
// A pause is only ever prolonged.
func (s *Server) PauseRateLimit(ctx context.Context, req *wire.PauseRateLimitRequest) (*wire.PauseRateLimitResponse, error) {
	until, err := s.pauseRateLimit(ctx, req)
	if err != nil {
		return nil, s.Status(err)
	}
	return &wire.PauseRateLimitResponse{PausedUntil: timestamppb.New(until)}, nil
}

func (s *Server) pauseRateLimit(ctx context.Context, req *wire.PauseRateLimitRequest) (time.Time, error) {
	if !req.GetPausedUntil().IsValid() {
		return time.Time{}, fault.New(fault.Invalid, "paused_until", "is no time; say until when nothing is to be drawn")
	}
	key := core.SettingKey{Tenant: auth.Tenant(ctx), Kind: core.SettingRate, Name: define.RateName, Key: req.GetKey()}
	until := core.Time(max(1, req.GetPausedUntil().AsTime().UnixMilli())) // 0 would end the pause
	changes := []shard.SettingChange{{Kind: key.Kind, Name: key.Name, Key: key.Key, Rate: &shard.RateChange{Paused: &until}}}
	if err := admit.Settings(changes); err != nil {
		return time.Time{}, err
	}
	if _, err := flow.Get(ctx, s.DB, key); err != nil {
		return time.Time{}, err
	}
	if err := s.Shards.PutSettings(ctx, key.Tenant, changes); err != nil {
		return time.Time{}, err
	}
	stands, err := flow.Get(ctx, s.DB, key)
	return time.UnixMilli(int64(stands.Rate.PausedUntil)), err
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
