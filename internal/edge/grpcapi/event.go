package grpcapi

import (
	"context"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/history"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// PushEvents implements the service.
func (s *Server) PushEvents(ctx context.Context, req *wire.PushEventsRequest) (*wire.PushEventsResponse, error) {
	if err := admit.Count("events", len(req.Events), admit.EventsMax); err != nil {
		return nil, s.Status(err)
	}
	wait := shard.WaitForRoom
	if req.NoWait {
		wait = shard.NoWait
	}
	answers, err := s.Limits.Push(ctx, s.Shards, auth.Tenant(ctx), newEvents(req.Events), req.Each, wait)
	if err != nil {
		return nil, s.Status(err)
	}
	response := &wire.PushEventsResponse{Events: make([]*wire.PushedEvent, len(answers))}
	room := make([]wire.PushedEvent, len(answers))
	refused, runs := 0, 0
	for i := range answers {
		to := &room[i]
		pushedTo(to, &answers[i].Pushed)
		if answers[i].Err != nil {
			refused++
			to.Error = s.itemError(answers[i].Err)
		}
		runs += len(answers[i].Runs)
		response.Events[i] = to
	}
	s.metrics.events.Add(float64(len(answers) - refused))
	s.metrics.runs.Add(float64(runs))
	return response, nil
}

func pushedTo(to *wire.PushedEvent, p *shard.Pushed) {
	to.EventId, to.Warning = uint64(p.ID), p.Warning
	if len(p.Runs) > 0 {
		to.RunIds = make([]uint64, len(p.Runs))
		for i, run := range p.Runs {
			to.RunIds[i] = uint64(run)
		}
	}
}

func newEvents(from []*wire.NewEvent) []shard.NewEvent {
	events := make([]shard.NewEvent, len(from))
	for i, e := range from {
		events[i] = shard.NewEvent{
			Key: e.GetKey(), Scope: e.GetScope(), Payload: e.GetPayload(), Metadata: e.GetMetadata(), Priority: e.GetPriority(),
			Target: id.ID(e.GetTargetId()),
		}
	}
	return events
}

// ReplayEvents implements the service.
func (s *Server) ReplayEvents(ctx context.Context, req *wire.ReplayEventsRequest) (*wire.PushEventsResponse, error) {
	if err := admit.Count("event_ids", len(req.EventIds), admit.EventsMax); err != nil {
		return nil, s.Status(err)
	}
	pushed, err := s.Shards.ReplayEvents(ctx, auth.Tenant(ctx), ids(req.EventIds))
	if err != nil {
		return nil, s.Status(err)
	}
	response := &wire.PushEventsResponse{Events: make([]*wire.PushedEvent, len(pushed))}
	for i := range pushed {
		response.Events[i] = &wire.PushedEvent{}
		pushedTo(response.Events[i], &pushed[i])
	}
	return response, nil
}

// GetEvent implements the service.
func (s *Server) GetEvent(ctx context.Context, req *wire.GetEventRequest) (*wire.GetEventResponse, error) {
	response, err := s.Reader.GetEvent(ctx, auth.Tenant(ctx), req)
	return response, s.Status(err)
}

// ListEvents implements the service.
func (s *Server) ListEvents(ctx context.Context, req *wire.ListEventsRequest) (*wire.ListEventsResponse, error) {
	response, err := s.Reader.ListEvents(ctx, auth.Tenant(ctx), req)
	return response, s.Status(err)
}

// GetEvent reads an event of the tenant with the runs that it started.
func (r *Reader) GetEvent(ctx context.Context, tenant id.ID, req *wire.GetEventRequest) (*wire.GetEventResponse, error) {
	stored, err := history.GetEvent(ctx, r.DB, tenant, id.ID(req.EventId), req.Payloads)
	if err != nil {
		return nil, err
	}
	events, err := r.events(ctx, tenant, []history.Event{stored}, history.EventRunsMax)
	if err != nil {
		return nil, err
	}
	return &wire.GetEventResponse{Event: events[0]}, nil
}

// ListEvents reads a page of the tenant's events, each with the first runs that it
// started.
func (r *Reader) ListEvents(ctx context.Context, tenant id.ID, req *wire.ListEventsRequest) (*wire.ListEventsResponse, error) {
	if err := pageSize(req.Limit); err != nil {
		return nil, err
	}
	if req.SinceMs < 0 || req.UntilMs < 0 {
		return nil, fault.New(fault.Invalid, "since_ms", "and until_ms must not be negative")
	}
	page, err := history.Events(ctx, r.DB, tenant, history.EventFilter{
		Key: req.Key, Since: core.Time(req.SinceMs), Until: core.Time(req.UntilMs),
		Before: id.ID(req.Before), Limit: int(req.Limit),
	})
	if err != nil {
		return nil, err
	}
	events, err := r.events(ctx, tenant, page.Events, history.EventRunsListMax)
	return &wire.ListEventsResponse{Events: events, NextBefore: uint64(page.Next)}, err
}

// events are stored ones as they travel, with where their open runs stand. Of those the
// shard is asked, and Postgres again after it.
func (r *Reader) events(ctx context.Context, tenant id.ID, stored []history.Event, runsMax int) ([]*wire.Event, error) {
	var open []id.ID
	for i := range stored {
		for _, run := range stored[i].Runs {
			if run.Status == 0 {
				open = append(open, run.ID)
			}
		}
	}
	live := make(map[id.ID]core.Live, len(open))
	if len(open) > 0 {
		answers, err := r.Shards.Live(ctx, tenant, open)
		if err != nil {
			return nil, err
		}
		for i, run := range open {
			live[run] = answers[i]
		}
		if err := history.AddRuns(ctx, r.DB, stored, runsMax); err != nil {
			return nil, err
		}
	}
	events := make([]*wire.Event, len(stored))
	var stand []*wire.Run
	var told []*wire.EventRun
	for i := range stored {
		events[i] = eventOf(&stored[i])
		for _, run := range events[i].Runs {
			stand = append(stand, &wire.Run{RunId: run.RunId, Status: run.Status})
			told = append(told, run)
		}
	}
	if err := r.overlay(ctx, stand, live); err != nil {
		return nil, err
	}
	for i, run := range told {
		run.Status = stand[i].Status
	}
	return events, nil
}

// eventOf is e as it is committed; an open run has no status yet.
func eventOf(e *history.Event) *wire.Event {
	to := &wire.Event{
		EventId: uint64(e.ID), Key: e.Key, Scope: e.Scope, Priority: e.Priority, PushedMs: e.ID.UnixMilli(),
		ReplayOf: uint64(e.ReplayOf), Warning: e.Warning, Payload: e.Payload, Metadata: e.Metadata, MoreRuns: e.MoreRuns,
		Runs: make([]*wire.EventRun, len(e.Runs)),
	}
	for i, run := range e.Runs {
		to.Runs[i] = &wire.EventRun{
			RunId: uint64(run.ID), FilterId: uint64(run.Filter), Workflow: run.Workflow, Status: endStatuses[run.Status],
		}
	}
	return to
}
