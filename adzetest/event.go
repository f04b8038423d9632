package adzetest

import (
	"cmp"
	"context"
	"slices"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// eventRows are the tables of events.
type eventRows struct {
	of      map[id.ID]core.NewEvent
	order   []id.ID // ascending
	runs    map[id.ID][]core.EventRun
	filters []shard.StoredFilter // ids ascending
}

func newEventRows() eventRows {
	return eventRows{of: map[id.ID]core.NewEvent{}, runs: map[id.ID][]core.EventRun{}}
}

func (r *eventRows) write(e *core.Effects) {
	for _, event := range e.Events {
		r.of[event.ID] = event
		r.order = append(r.order, event.ID)
	}
	for _, run := range e.EventRuns {
		r.runs[run.Event] = append(r.runs[run.Event], run)
	}
}

// Events implements shard.Store.
func (m *memory) Events(_ context.Context, ids []id.ID) ([]core.NewEvent, error) {
	return pick(m, m.events.of, ids), nil
}

// Filters implements shard.Store: a test begins with none.
func (m *memory) Filters(context.Context, int32) ([]shard.StoredFilter, error) { return nil, nil }

// PutFilters implements shard.Store.
func (m *memory) PutFilters(_ context.Context, tenant id.ID, filters []shard.Filter, drops []id.ID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	gone := func(f shard.StoredFilter) bool {
		return slices.Contains(drops, f.ID) || slices.ContainsFunc(filters, func(put shard.Filter) bool { return put.ID == f.ID })
	}
	m.events.filters = slices.DeleteFunc(m.events.filters, gone)
	for _, f := range filters {
		m.events.filters = append(m.events.filters, shard.StoredFilter{Filter: f, Tenant: tenant})
	}
	slices.SortFunc(m.events.filters, func(a, b shard.StoredFilter) int { return cmp.Compare(a.ID, b.ID) })
	return nil
}

// DeleteFilters implements shard.Store.
func (m *memory) DeleteFilters(_ context.Context, _ id.ID, ids []id.ID) (deleted []id.ID, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.events.filters = slices.DeleteFunc(m.events.filters, func(f shard.StoredFilter) bool {
		wanted := slices.Contains(ids, f.ID)
		if wanted {
			deleted = append(deleted, f.ID)
		}
		return wanted
	})
	return deleted, nil
}

// event is an event with the runs that it started.
func (m *memory) event(event id.ID) (core.NewEvent, []core.EventRun, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	row, known := m.events.of[event]
	return row, slices.Clone(m.events.runs[event]), known
}

// newestEvents gives ids of events that are addressed to nobody, the newest first.
func (m *memory) newestEvents() []id.ID {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := slices.DeleteFunc(slices.Clone(m.events.order), func(one id.ID) bool { return m.events.of[one].Target != 0 })
	slices.SortFunc(all, func(a, b id.ID) int { return cmp.Compare(b, a) })
	return all
}

// GetEvent implements embed.Reader.
func (r *reader) GetEvent(ctx context.Context, tenant id.ID, request *wire.GetEventRequest) (*wire.GetEventResponse, error) {
	event, err := r.event(ctx, tenant, id.ID(request.EventId))
	if err != nil {
		return nil, err
	}
	return &wire.GetEventResponse{Event: event}, nil
}

// ListEvents implements embed.Reader.
func (r *reader) ListEvents(ctx context.Context, tenant id.ID, request *wire.ListEventsRequest) (*wire.ListEventsResponse, error) {
	response := &wire.ListEventsResponse{}
	for _, one := range r.memory.newestEvents() {
		event, err := r.event(ctx, tenant, one)
		if err != nil {
			return nil, err
		}
		if !wantedEvent(request, event) {
			continue
		}
		if len(response.Events) == int(request.Limit) {
			response.NextBefore = response.Events[len(response.Events)-1].EventId
			break
		}
		event.Payload, event.Metadata = nil, nil
		response.Events = append(response.Events, event)
	}
	return response, nil
}

func wantedEvent(request *wire.ListEventsRequest, event *wire.Event) bool {
	return (request.Key == "" || request.Key == event.Key) &&
		(request.Before == 0 || event.EventId < request.Before) &&
		event.PushedMs >= request.SinceMs &&
		(request.UntilMs == 0 || event.PushedMs < request.UntilMs)
}

func (r *reader) event(ctx context.Context, tenant, one id.ID) (*wire.Event, error) {
	row, runs, known := r.memory.event(one)
	if !known {
		return nil, fault.New(fault.NotFound, "event_id", "no event %s", one)
	}
	event := &wire.Event{
		EventId: uint64(one), Key: row.Key, Scope: row.Scope, Priority: row.Priority, PushedMs: one.UnixMilli(),
		ReplayOf: uint64(row.ReplayOf), Warning: row.Warning, Payload: row.Payload, Metadata: row.Metadata,
	}
	for _, started := range runs {
		run, _, err := r.run(ctx, tenant, started.Run)
		if err != nil {
			return nil, err
		}
		event.Runs = append(event.Runs, &wire.EventRun{
			RunId: run.RunId, FilterId: uint64(started.Filter), Workflow: run.Workflow, Status: run.Status,
		})
	}
	return event, nil
}

// ListFilters implements embed.Reader.
func (r *reader) ListFilters(_ context.Context, _ id.ID, request *wire.ListFiltersRequest) (*wire.ListFiltersResponse, error) {
	r.memory.mu.Lock()
	defer r.memory.mu.Unlock()
	response := &wire.ListFiltersResponse{}
	for _, f := range r.memory.events.filters {
		if request.Workflow != "" && request.Workflow != f.Workflow || uint64(f.ID) <= request.After {
			continue
		}
		if len(response.Filters) == int(request.Limit) {
			response.NextAfter = response.Filters[len(response.Filters)-1].FilterId
			break
		}
		response.Filters = append(response.Filters, &wire.Filter{
			FilterId: uint64(f.ID), Workflow: f.Workflow, Scope: f.Scope,
			Expression: f.Expression, Payload: f.Payload, CreatedMs: f.ID.UnixMilli(),
		})
	}
	return response, nil
}
