package adze

import (
	"context"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/shard"
)

func (t *embeddedTransport) push(ctx context.Context, events []shard.NewEvent, each bool) ([]pushed, error) {
	answers, err := t.Limits.Push(ctx, t.Shards, t.Tenant, events, each, shard.WaitForRoom)
	if err != nil {
		return nil, storedOrNot(publicError(err))
	}
	all := make([]pushed, len(answers))
	for i, a := range answers {
		all[i] = pushed{a.Pushed, storedOrNot(publicError(a.Err))}
	}
	return all, nil
}

func (t *embeddedTransport) replayEvents(ctx context.Context, ids []id.ID) ([]pushed, error) {
	if err := admit.Count("event_ids", len(ids), admit.EventsMax); err != nil {
		return nil, publicError(err)
	}
	answers, err := t.Shards.ReplayEvents(ctx, t.Tenant, ids)
	if err != nil {
		return nil, storedOrNot(publicError(err))
	}
	all := make([]pushed, len(answers))
	for i, a := range answers {
		all[i] = pushed{Pushed: a}
	}
	return all, nil
}

func (t *embeddedTransport) event(ctx context.Context, event id.ID) (*EventInfo, error) {
	response, err := t.Reader.GetEvent(ctx, t.Tenant, getEventRequest(event))
	if err != nil {
		return nil, publicError(err)
	}
	info := eventInfo(response.Event)
	return &info, nil
}

func (t *embeddedTransport) events(ctx context.Context, q EventQuery, before id.ID, limit int) ([]EventInfo, id.ID, error) {
	response, err := t.Reader.ListEvents(ctx, t.Tenant, listEventsRequest(q, before, limit))
	if err != nil {
		return nil, 0, publicError(err)
	}
	return eventPage(response), id.ID(response.NextBefore), nil
}

func (t *embeddedTransport) putFilter(ctx context.Context, f shard.Filter) (id.ID, error) {
	if err := admit.Filter(&f); err != nil {
		return 0, publicError(fault.At("filter", err))
	}
	number, err := t.Shards.PutFilter(ctx, t.Tenant, f)
	return number, storedOrNot(publicError(fault.At("filter", err)))
}

func (t *embeddedTransport) filters(ctx context.Context, workflow string, after id.ID, limit int) ([]EventFilter, id.ID, error) {
	response, err := t.Reader.ListFilters(ctx, t.Tenant, listFiltersRequest(workflow, after, limit))
	if err != nil {
		return nil, 0, publicError(err)
	}
	return filterPage(response), id.ID(response.NextAfter), nil
}

func (t *embeddedTransport) deleteFilters(ctx context.Context, ids []id.ID) ([]bool, error) {
	deleted, err := t.Shards.DeleteFilters(ctx, t.Tenant, ids)
	return deleted, storedOrNot(publicError(err))
}
