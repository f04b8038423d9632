package grpcapi

import (
	"cmp"
	"context"
	"time"

	"github.com/adzehq/adze/internal/base/cron"
	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/edge/outline"
	"github.com/adzehq/adze/internal/history"
	"github.com/adzehq/adze/internal/record/schedule"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// PutSchedules implements the service.
func (s *Server) PutSchedules(ctx context.Context, req *wire.PutSchedulesRequest) (*wire.PutSchedulesResponse, error) {
	list := make([]core.Schedule, len(req.Schedules))
	for i, one := range req.Schedules {
		list[i] = outline.ScheduleFromWire(one)
	}
	if err := s.Limits.Schedules(list); err != nil {
		return nil, s.Status(err)
	}
	stored, err := s.Shards.PutSchedules(ctx, auth.Tenant(ctx), list)
	if err != nil {
		return nil, s.Status(err)
	}
	return &wire.PutSchedulesResponse{ScheduleIds: numbers(stored)}, nil
}

// ChangeSchedules implements the service.
func (s *Server) ChangeSchedules(ctx context.Context, req *wire.ChangeSchedulesRequest) (*wire.ChangeSchedulesResponse, error) {
	if err := admit.Count("schedule_ids", len(req.ScheduleIds), admit.SchedulesMax); err != nil {
		return nil, s.Status(err)
	}
	change := shard.ScheduleChange{Paused: req.Paused}
	if req.AtMs != nil {
		at := core.Time(*req.AtMs)
		if err := admit.ScheduleAt(at); err != nil {
			return nil, s.Status(err)
		}
		change.At = &at
	}
	err := s.Shards.ChangeSchedules(ctx, auth.Tenant(ctx), ids(req.ScheduleIds), change)
	return &wire.ChangeSchedulesResponse{}, s.Status(err)
}

// DeleteSchedules implements the service.
func (s *Server) DeleteSchedules(ctx context.Context, req *wire.DeleteSchedulesRequest) (*wire.DeleteSchedulesResponse, error) {
	if err := admit.Count("schedule_ids", len(req.ScheduleIds), admit.SchedulesMax); err != nil {
		return nil, s.Status(err)
	}
	deleted, err := s.Shards.DropSchedules(ctx, auth.Tenant(ctx), ids(req.ScheduleIds))
	return &wire.DeleteSchedulesResponse{Deleted: deleted}, s.Status(err)
}

// TriggerSchedules implements the service.
func (s *Server) TriggerSchedules(ctx context.Context, req *wire.TriggerSchedulesRequest) (*wire.TriggerSchedulesResponse, error) {
	if err := admit.Count("schedule_ids", len(req.ScheduleIds), admit.SchedulesMax); err != nil {
		return nil, s.Status(err)
	}
	runs, err := s.Shards.TriggerSchedules(ctx, auth.Tenant(ctx), ids(req.ScheduleIds))
	if err != nil {
		return nil, s.Status(err)
	}
	s.metrics.runs.Add(float64(len(runs)))
	return &wire.TriggerSchedulesResponse{RunIds: numbers(runs)}, nil
}

// PreviewCron implements the service.
func (s *Server) PreviewCron(_ context.Context, req *wire.PreviewCronRequest) (*wire.PreviewCronResponse, error) {
	count, err := admit.PreviewCount(req.Count)
	if err != nil {
		return nil, s.Status(err)
	}
	parsed, err := cron.Parse(req.Expression, req.Zone)
	if err != nil {
		return nil, s.Status(err)
	}
	if req.AfterMs < 0 || req.AfterMs > admit.RunAtMSMax {
		return nil, s.Status(fault.New(fault.Invalid, "after_ms", "is out of range; leave it out for now"))
	}
	after := s.Clock.Now()
	if req.AfterMs != 0 {
		after = time.UnixMilli(req.AfterMs)
	}
	response := &wire.PreviewCronResponse{}
	for _, tick := range parsed.Preview(after, count) {
		response.TickMs = append(response.TickMs, tick.UnixMilli())
	}
	return response, nil
}

// ListSchedules implements the service.
func (s *Server) ListSchedules(ctx context.Context, req *wire.ListSchedulesRequest) (*wire.ListSchedulesResponse, error) {
	response, err := s.Reader.ListSchedules(ctx, auth.Tenant(ctx), req)
	return response, s.Status(err)
}

// ListSchedules reads a page of the tenant's schedules.
func (r *Reader) ListSchedules(ctx context.Context, tenant id.ID, req *wire.ListSchedulesRequest) (*wire.ListSchedulesResponse, error) {
	if err := pageSize(req.Limit); err != nil {
		return nil, err
	}
	limit := cmp.Or(int(req.Limit), history.PageDefault)
	listed, err := schedule.List(ctx, r.DB, tenant, id.ID(req.After), req.Workflow, req.Name, limit)
	if err != nil {
		return nil, err
	}
	response := &wire.ListSchedulesResponse{Schedules: make([]*wire.Schedule, len(listed))}
	for i := range listed {
		response.Schedules[i] = outline.ListedToWire(&listed[i])
	}
	if len(listed) == limit {
		response.NextAfter = uint64(listed[limit-1].ID)
	}
	return response, nil
}

func numbers(of []id.ID) []uint64 {
	all := make([]uint64, len(of))
	for i, one := range of {
		all[i] = uint64(one)
	}
	return all
}
