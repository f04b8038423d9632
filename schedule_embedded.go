package adze

import (
	"context"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/shard"
)

func (t *embeddedTransport) putSchedules(ctx context.Context, list []core.Schedule) ([]id.ID, error) {
	if err := t.Limits.Schedules(list); err != nil {
		return nil, publicError(err)
	}
	ids, err := t.Shards.PutSchedules(ctx, t.Tenant, list)
	return ids, storedOrNot(publicError(err))
}

func (t *embeddedTransport) schedules(ctx context.Context, f ScheduleFilter, after id.ID, limit int) ([]ScheduleInfo, id.ID, error) {
	response, err := t.Reader.ListSchedules(ctx, t.Tenant, listSchedulesRequest(f, after, limit))
	if err != nil {
		return nil, 0, publicError(err)
	}
	return schedulePage(response), id.ID(response.NextAfter), nil
}

func (t *embeddedTransport) changeSchedules(ctx context.Context, ids []id.ID, change shard.ScheduleChange) error {
	if err := admit.Count("schedule_ids", len(ids), admit.SchedulesMax); err != nil {
		return publicError(err)
	}
	if change.At != nil {
		if err := admit.ScheduleAt(*change.At); err != nil {
			return publicError(err)
		}
	}
	return publicError(t.Shards.ChangeSchedules(ctx, t.Tenant, ids, change))
}

func (t *embeddedTransport) dropSchedules(ctx context.Context, ids []id.ID) ([]bool, error) {
	if err := admit.Count("schedule_ids", len(ids), admit.SchedulesMax); err != nil {
		return nil, publicError(err)
	}
	deleted, err := t.Shards.DropSchedules(ctx, t.Tenant, ids)
	return deleted, publicError(err)
}

func (t *embeddedTransport) triggerSchedules(ctx context.Context, ids []id.ID) ([]id.ID, error) {
	if err := admit.Count("schedule_ids", len(ids), admit.SchedulesMax); err != nil {
		return nil, publicError(err)
	}
	runs, err := t.Shards.TriggerSchedules(ctx, t.Tenant, ids)
	return runs, storedOrNot(publicError(err))
}
