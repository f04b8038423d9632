package adze

import (
	"context"
	"encoding/json"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

func (t *grpcTransport) push(ctx context.Context, events []shard.NewEvent, each bool) ([]pushed, error) {
	if err := t.connected(ctx); err != nil {
		return nil, err
	}
	room := make([]wire.NewEvent, len(events))
	request := &wire.PushEventsRequest{Events: make([]*wire.NewEvent, len(events)), Each: each}
	for i := range events {
		e, to := &events[i], &room[i]
		to.Key, to.Scope, to.Payload, to.Metadata, to.Priority = e.Key, e.Scope, e.Payload, e.Metadata, e.Priority
		to.TargetId = uint64(e.Target)
		request.Events[i] = to
	}
	response, err := t.engine.PushEvents(ctx, request)
	if err != nil {
		return nil, storedOrNot(received(err))
	}
	return allAnswered(response, len(events))
}

func (t *grpcTransport) replayEvents(ctx context.Context, ids []id.ID) ([]pushed, error) {
	if err := t.connected(ctx); err != nil {
		return nil, err
	}
	response, err := t.engine.ReplayEvents(ctx, &wire.ReplayEventsRequest{EventIds: wireIDs(ids)})
	if err != nil {
		return nil, storedOrNot(received(err))
	}
	return allAnswered(response, len(ids))
}

// allAnswered reads what came of each of n events.
func allAnswered(response *wire.PushEventsResponse, n int) ([]pushed, error) {
	if len(response.Events) != n {
		return nil, &Error{Kind: KindInternal, Text: "engine answered another number of events than it was given"}
	}
	all := make([]pushed, n)
	for i, e := range response.Events {
		all[i].ID, all[i].Warning = id.ID(e.EventId), e.Warning
		for _, run := range e.RunIds {
			all[i].Runs = append(all[i].Runs, id.ID(run))
		}
		if e.Error != nil {
			all[i].err = storedOrNot(fieldError(e.Error))
		}
	}
	return all, nil
}

func (t *grpcTransport) event(ctx context.Context, event id.ID) (*EventInfo, error) {
	response, err := t.engine.GetEvent(ctx, getEventRequest(event))
	if err != nil {
		return nil, received(err)
	}
	info := eventInfo(response.Event)
	return &info, nil
}

func getEventRequest(event id.ID) *wire.GetEventRequest {
	return &wire.GetEventRequest{EventId: uint64(event), Payloads: true}
}

func (t *grpcTransport) events(ctx context.Context, q EventQuery, before id.ID, limit int) ([]EventInfo, id.ID, error) {
	response, err := t.engine.ListEvents(ctx, listEventsRequest(q, before, limit))
	if err != nil {
		return nil, 0, received(err)
	}
	return eventPage(response), id.ID(response.NextBefore), nil
}

func listEventsRequest(q EventQuery, before id.ID, limit int) *wire.ListEventsRequest {
	return &wire.ListEventsRequest{
		Key: q.Key, SinceMs: milli(q.Since), UntilMs: milli(q.Until), Before: uint64(before), Limit: int32(limit),
	}
}

func eventPage(response *wire.ListEventsResponse) []EventInfo {
	page := make([]EventInfo, len(response.Events))
	for i, e := range response.Events {
		page[i] = eventInfo(e)
	}
	return page
}

func eventInfo(e *wire.Event) EventInfo {
	info := EventInfo{
		ID: ID(e.EventId), Key: e.Key, Scope: e.Scope, Priority: int(e.Priority), PushedAt: timeOf(e.PushedMs),
		ReplayOf: ID(e.ReplayOf), Warning: e.Warning, Payload: e.Payload, Metadata: e.Metadata,
		Runs: make([]EventRun, len(e.Runs)), MoreRuns: e.MoreRuns,
	}
	for i, run := range e.Runs {
		info.Runs[i] = EventRun{
			ID: ID(run.RunId), Task: run.Workflow, Status: publicStatuses[run.Status], Filter: ID(run.FilterId),
		}
	}
	return info
}

func (t *grpcTransport) putFilter(ctx context.Context, f shard.Filter) (id.ID, error) {
	if err := t.connected(ctx); err != nil {
		return 0, err
	}
	response, err := t.engine.PutFilter(ctx, &wire.PutFilterRequest{Filter: &wire.Filter{
		Workflow: f.Workflow, Scope: f.Scope, Expression: f.Expression, Payload: f.Payload,
	}})
	if err != nil {
		return 0, storedOrNot(received(err))
	}
	return id.ID(response.FilterId), nil
}

func (t *grpcTransport) filters(ctx context.Context, workflow string, after id.ID, limit int) ([]EventFilter, id.ID, error) {
	response, err := t.engine.ListFilters(ctx, listFiltersRequest(workflow, after, limit))
	if err != nil {
		return nil, 0, received(err)
	}
	return filterPage(response), id.ID(response.NextAfter), nil
}

func listFiltersRequest(workflow string, after id.ID, limit int) *wire.ListFiltersRequest {
	return &wire.ListFiltersRequest{Workflow: workflow, After: uint64(after), Limit: int32(limit)}
}

func filterPage(response *wire.ListFiltersResponse) []EventFilter {
	page := make([]EventFilter, len(response.Filters))
	for i, f := range response.Filters {
		page[i] = EventFilter{
			ID: ID(f.FilterId), Task: f.Workflow, Scope: f.Scope, If: f.Expression, CreatedAt: timeOf(f.CreatedMs),
		}
		if len(f.Payload) > 0 {
			page[i].Payload = json.RawMessage(f.Payload)
		}
	}
	return page
}

func (t *grpcTransport) deleteFilters(ctx context.Context, ids []id.ID) ([]bool, error) {
	response, err := t.engine.DeleteFilters(ctx, &wire.DeleteFiltersRequest{FilterIds: wireIDs(ids)})
	if err != nil {
		return nil, storedOrNot(received(err))
	}
	return response.Deleted, nil
}
