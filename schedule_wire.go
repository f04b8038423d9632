package adze

import (
	"context"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/outline"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

func (t *grpcTransport) putSchedules(ctx context.Context, list []core.Schedule) ([]id.ID, error) {
	if err := t.connected(ctx); err != nil {
		return nil, err
	}
	request := &wire.PutSchedulesRequest{Schedules: make([]*wire.Schedule, len(list))}
	for i := range list {
		request.Schedules[i] = outline.ScheduleToWire(&list[i])
	}
	response, err := t.engine.PutSchedules(ctx, request)
	if err != nil {
		return nil, storedOrNot(received(err))
	}
	if len(response.ScheduleIds) != len(list) {
		return nil, &Error{Kind: KindInternal, Text: "engine answered another number of schedules than it was given"}
	}
	return fromWireIDs(response.ScheduleIds), nil
}

func (t *grpcTransport) schedules(ctx context.Context, f ScheduleFilter, after id.ID, limit int) ([]ScheduleInfo, id.ID, error) {
	response, err := t.engine.ListSchedules(ctx, listSchedulesRequest(f, after, limit))
	if err != nil {
		return nil, 0, received(err)
	}
	return schedulePage(response), id.ID(response.NextAfter), nil
}

func (t *grpcTransport) changeSchedules(ctx context.Context, ids []id.ID, change shard.ScheduleChange) error {
	request := &wire.ChangeSchedulesRequest{ScheduleIds: wireIDs(ids), Paused: change.Paused}
	if change.At != nil {
		at := int64(*change.At)
		request.AtMs = &at
	}
	_, err := t.engine.ChangeSchedules(ctx, request)
	return received(err) // to change again is harmless
}

func (t *grpcTransport) dropSchedules(ctx context.Context, ids []id.ID) ([]bool, error) {
	response, err := t.engine.DeleteSchedules(ctx, &wire.DeleteSchedulesRequest{ScheduleIds: wireIDs(ids)})
	if err != nil {
		return nil, received(err)
	}
	return response.Deleted, nil
}

func (t *grpcTransport) triggerSchedules(ctx context.Context, ids []id.ID) ([]id.ID, error) {
	if err := t.connected(ctx); err != nil {
		return nil, err
	}
	response, err := t.engine.TriggerSchedules(ctx, &wire.TriggerSchedulesRequest{ScheduleIds: wireIDs(ids)})
	if err != nil {
		return nil, storedOrNot(received(err))
	}
	return fromWireIDs(response.RunIds), nil
}

func fromWireIDs(from []uint64) []id.ID {
	all := make([]id.ID, len(from))
	for i, one := range from {
		all[i] = id.ID(one)
	}
	return all
}

func listSchedulesRequest(f ScheduleFilter, after id.ID, limit int) *wire.ListSchedulesRequest {
	return &wire.ListSchedulesRequest{Workflow: f.Task, Name: f.Name, After: uint64(after), Limit: int32(limit)}
}

func schedulePage(response *wire.ListSchedulesResponse) []ScheduleInfo {
	page := make([]ScheduleInfo, len(response.Schedules))
	for i, s := range response.Schedules {
		page[i] = ScheduleInfo{
			ID: ID(s.ScheduleId), Task: s.Workflow, Name: s.Name, At: timeOf(s.AtMs),
			Expression: s.Expression, Zone: s.Zone, Jitter: durationOf(s.JitterMs),
			CatchUpMax: int(s.CatchUpMax), Priority: int(s.Priority), Input: s.Input, Metadata: s.Metadata,
			Declared: s.Declared, Paused: s.Paused, Due: timeOf(s.DueMs), LastRun: ID(s.LastRunId),
			Running: ID(s.RunningId), Queued: timeOf(s.QueuedMs), Skipped: s.Skipped,
		}
		if s.Expression != "" {
			stored := outline.ScheduleFromWire(s)
			page[i].Overlap, page[i].CatchUp = stored.Overlap.String(), stored.CatchUp.String()
		}
	}
	return page
}
