package hatchet

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/edge/hatchet/define"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// Push implements the EventsService.
func (s *Server) Push(ctx context.Context, req *wire.PushEventRequest) (*wire.Event, error) {
	told, err := s.push(ctx, []*wire.PushEventRequest{req})
	if err != nil {
		return nil, s.Status(err)
	}
	return told[0], nil
}

// BulkPush implements the EventsService: all events are stored, or none.
func (s *Server) BulkPush(ctx context.Context, req *wire.BulkPushEventRequest) (*wire.Events, error) {
	told, err := s.push(ctx, req.GetEvents())
	if err != nil {
		return nil, s.Status(err)
	}
	return &wire.Events{Events: told}, nil
}

func (s *Server) push(ctx context.Context, requests []*wire.PushEventRequest) ([]*wire.Event, error) {
	if err := admit.Count("events", len(requests), admit.EventsMax); err != nil {
		return nil, err
	}
	events := make([]shard.NewEvent, len(requests))
	for i, req := range requests {
		var err error
		if events[i], err = newEvent(req); err != nil {
			return nil, fault.At(eventPlace(i, len(requests)), err)
		}
	}
	caller := auth.CallerOf(ctx)
	pushed, err := s.Limits.Push(ctx, s.Shards, caller.Tenant, events, false, shard.WaitForRoom)
	if err != nil {
		return nil, err
	}
	told := make([]*wire.Event, len(pushed))
	for i := range pushed {
		told[i] = pushedEvent(requests[i], pushed[i].ID)
		told[i].TenantId = caller.UUID.String()
	}
	fitEvents(told)
	return told, nil
}

// eventPlace names an event among n.
func eventPlace(i, n int) string {
	if n == 1 {
		return ""
	}
	return fmt.Sprintf("events[%d]", i)
}

// newEvent is what a request asks for, before it is admitted.
func newEvent(req *wire.PushEventRequest) (e shard.NewEvent, err error) {
	e = shard.NewEvent{Key: req.GetKey(), Scope: req.GetScope(), Priority: req.GetPriority()}
	if req != nil && req.Priority != nil {
		if err = define.Priority("", e.Priority); err != nil {
			return e, err
		}
	}
	if e.Payload, err = define.Object("payload", req.GetPayload()); err != nil {
		return e, err
	}
	e.Metadata, err = define.Metadata("additional_metadata", req.GetAdditionalMetadata())
	return e, err
}

// pushedEvent tells of an event as it was asked for; of its scope, this wire does not.
func pushedEvent(req *wire.PushEventRequest, number id.ID) *wire.Event {
	return &wire.Event{
		EventId: number.String(), Key: req.Key, Payload: req.Payload,
		EventTimestamp: timestamppb.New(number.Time()), AdditionalMetadata: req.AdditionalMetadata,
	}
}
