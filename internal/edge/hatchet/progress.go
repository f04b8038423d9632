package hatchet

import (
	"context"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/drain"
	"github.com/adzehq/adze/internal/edge/hatchet/view"
	"github.com/adzehq/adze/internal/edge/tail"
	"github.com/adzehq/adze/internal/shard"
	native "github.com/adzehq/adze/internal/wire/adzev1"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

type progressStream = grpc.ServerStreamingServer[wire.WorkflowEvent]

// SubscribeToWorkflowEvents implements the Dispatcher: that the tasks of a run begin, what
// they stream and how they end, each as it is committed, and the end of the run.
func (s *Server) SubscribeToWorkflowEvents(req *wire.SubscribeToWorkflowEventsRequest, stream progressStream) error {
	ctx, cancel := s.Bounded(stream.Context())
	defer cancel()
	return s.Status(drain.Why(ctx, s.followRun(ctx, req, stream)))
}

func (s *Server) followRun(ctx context.Context, req *wire.SubscribeToWorkflowEventsRequest, stream progressStream) error {
	if req.WorkflowRunId == nil {
		return fault.New(fault.Unimplemented, "additional_meta_key", "cannot be followed; name a run by workflow_run_id")
	}
	external, err := view.ParseID("workflow_run_id", *req.WorkflowRunId)
	if err != nil {
		return err
	}
	return s.ofRun(ctx, external, func(tenant id.ID) error { return s.followRunOf(ctx, tenant, external, stream) })
}

func (s *Server) followRunOf(ctx context.Context, tenant, external id.ID, stream progressStream) error {
	run, err := s.runs.Run(ctx, tenant, external, false)
	if err != nil || run.Done() {
		return err
	}
	p := &progress{server: s, stream: stream, tenant: tenant, run: run, told: map[id.ID]step{}}
	reader := tail.Reader{Source: tail.Database{DB: s.DB}, Shards: s.Shards}
	if err := reader.Watch(ctx, tenant, run.ID, p, p.chunks); err != nil {
		return err
	}
	return p.hangUp()
}

// step is how far a task has come.
type step uint8

const (
	stepNone step = iota // it waits for its parents
	stepBegun
	stepEnded
)

// progress tells a client of one run. It implements tail.Steps: a task is told to begin
// once, and to end once, whether it was found so or came so.
type progress struct {
	server *Server
	stream progressStream
	tenant id.ID
	run    *view.Run // as it was last looked at
	told   map[id.ID]step
	begun  []id.ID // found to have begun, and not told: by their own ids
	ended  []*view.Task
}

// Look implements tail.Steps.
func (p *progress) Look(ctx context.Context) error {
	run, err := p.server.runs.Itself(ctx, p.tenant, p.run.ID, true)
	if err != nil {
		return err
	}
	p.run = run
	for i := range run.Tasks {
		t := &run.Tasks[i]
		if t.Begun {
			p.begins(t.ID)
		}
		if view.Final(t.Status) {
			p.ends(t)
		}
	}
	return nil
}

// Come implements tail.Steps.
func (p *progress) Come(steps []shard.Outcome) {
	for i := range steps {
		if one := &steps[i]; one.Status == 0 {
			p.begins(one.ID)
		} else {
			p.ends(p.run.Ended(one))
		}
	}
}

func (p *progress) begins(task id.ID) {
	if p.told[task] < stepBegun {
		p.told[task] = stepBegun
		p.begun = append(p.begun, task)
	}
}

func (p *progress) ends(t *view.Task) {
	if p.told[t.ID] < stepEnded {
		p.told[t.ID] = stepEnded
		p.ended = append(p.ended, t)
	}
}

// Tell implements tail.Steps: ends first, for others begin by them.
func (p *progress) Tell() error {
	ended := p.ended
	p.ended = nil
	for _, t := range ended {
		if err := p.end(t); err != nil {
			return err
		}
	}
	for len(p.begun) > 0 {
		if err := p.begin(p.begun[0]); err != nil {
			return err
		}
	}
	return nil
}

// begin tells that a task begins, if that is still to be told.
func (p *progress) begin(task id.ID) error {
	at := slices.Index(p.begun, task)
	if at < 0 {
		return nil
	}
	p.begun = slices.Delete(p.begun, at, at+1)
	return p.send(&wire.WorkflowEvent{
		ResourceType: wire.ResourceType_RESOURCE_TYPE_STEP_RUN, EventType: wire.ResourceEventType_RESOURCE_EVENT_TYPE_STARTED,
		ResourceId: p.run.TaskOf(task).String(),
	})
}

// endEvents are the events of statuses that are final.
var endEvents = map[wire.RunStatus]wire.ResourceEventType{
	wire.RunStatus_RUN_STATUS_COMPLETED: wire.ResourceEventType_RESOURCE_EVENT_TYPE_COMPLETED,
	wire.RunStatus_RUN_STATUS_FAILED:    wire.ResourceEventType_RESOURCE_EVENT_TYPE_FAILED,
	wire.RunStatus_RUN_STATUS_CANCELLED: wire.ResourceEventType_RESOURCE_EVENT_TYPE_CANCELLED,
}

// end tells how a task ended.
func (p *progress) end(t *view.Task) error {
	if err := p.begin(t.ID); err != nil {
		return err
	}
	payload := string(t.Output())
	if text := t.Error(); text != nil {
		payload = *text
	}
	return p.send(&wire.WorkflowEvent{
		ResourceType: wire.ResourceType_RESOURCE_TYPE_STEP_RUN, EventType: endEvents[t.Status],
		ResourceId: t.External.String(), EventPayload: payload, RetryCount: &t.Retries,
	})
}

// chunks tells what tasks stream.
func (p *progress) chunks(came *native.ReadStreamResponse) error {
	for _, c := range came.Chunks {
		if err := p.begin(id.ID(c.TaskId)); err != nil {
			return err
		}
		index, retries := int64(c.Seq), c.Attempt-1
		err := p.send(&wire.WorkflowEvent{
			ResourceType: wire.ResourceType_RESOURCE_TYPE_STEP_RUN, EventType: wire.ResourceEventType_RESOURCE_EVENT_TYPE_STREAM,
			ResourceId: p.run.TaskOf(id.ID(c.TaskId)).String(), EventPayload: strings.ToValidUTF8(string(c.Data), "\uFFFD"), EventIndex: &index, RetryCount: &retries,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// hangUp tells how the run ended.
func (p *progress) hangUp() error {
	return p.send(&wire.WorkflowEvent{
		ResourceType: wire.ResourceType_RESOURCE_TYPE_WORKFLOW_RUN, EventType: endEvents[p.run.Status],
		ResourceId: p.run.External.String(), Hangup: true,
	})
}

func (p *progress) send(event *wire.WorkflowEvent) error {
	event.WorkflowRunId = p.run.External.String()
	event.EventTimestamp = timestamppb.New(p.server.Clock.Now())
	fitProgress(event)
	return p.stream.Send(event)
}
