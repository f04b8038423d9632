package hatchet

import (
	"context"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/edge/drain"
	"github.com/adzehq/adze/internal/edge/hatchet/view"
	"github.com/adzehq/adze/internal/edge/tail"
	native "github.com/adzehq/adze/internal/wire/adzev1"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// streamBytesMax is the largest message of a stream.
const streamBytesMax = 256 << 10

// PutLog implements the EventsService.
func (s *Server) PutLog(ctx context.Context, req *wire.PutLogRequest) (*wire.PutLogResponse, error) {
	line, err := s.lineOf(ctx, req)
	if err == nil {
		err = s.Shards.Write(ctx, auth.Tenant(ctx), []core.LogLine{line}, nil)
	}
	if err != nil {
		return nil, s.Status(err)
	}
	return &wire.PutLogResponse{}, nil
}

// lineOf reads a line.
func (s *Server) lineOf(ctx context.Context, req *wire.PutLogRequest) (line core.LogLine, err error) {
	line.At = core.Time(s.Clock.Now().UnixMilli())
	if req.CreatedAt != nil {
		line.At = core.Time(max(req.CreatedAt.AsTime().UnixMilli(), 0))
	}
	if name := req.GetLevel(); name != "" {
		level, known := view.ParseLevel(name)
		if !known {
			return line, fault.New(fault.Invalid, "level", "is %q; there are DEBUG, INFO, WARN, ERROR", name)
		}
		line.Level = level
	}
	if line.Fields, err = object("metadata", req.Metadata); err != nil {
		return line, err
	}
	line.Message = req.Message
	if err := admit.Line(&line); err != nil {
		return line, err
	}
	place, err := s.taskAt(ctx, req.TaskRunExternalId)
	if err != nil {
		return line, err
	}
	line.Task = place.Task
	if req.TaskRetryCount != nil {
		line.Attempt, err = s.runs.Attempt(ctx, auth.Tenant(ctx), place, *req.TaskRetryCount)
	}
	return line, err
}

// taskAt finds the task that an id stands for.
func (s *Server) taskAt(ctx context.Context, text string) (view.Place, error) {
	external, err := view.ParseID("task_run_external_id", text)
	if err != nil {
		return view.Place{}, err
	}
	place, err := s.runs.Locate(ctx, auth.Tenant(ctx), external)
	if err == nil && place.Task == 0 {
		err = fault.New(fault.NotFound, "task_run_external_id", "%s is a run of several tasks; name one of them", text)
	}
	return place, err
}

// PutStreamEvent implements the EventsService.
func (s *Server) PutStreamEvent(ctx context.Context, req *wire.PutStreamEventRequest) (*wire.PutStreamEventResponse, error) {
	if n := len(req.Message); n > streamBytesMax {
		return nil, s.Status(fault.New(fault.Invalid, "message", "is %d bytes, at most %d are allowed", n, streamBytesMax))
	}
	place, err := s.taskAt(ctx, req.TaskRunExternalId)
	if err != nil {
		return nil, s.Status(err)
	}
	if req.EventIndex != nil {
		leave := s.turns.enter(ctx, place.Task, *req.EventIndex)
		defer leave()
	}
	chunk := core.Chunk{Task: place.Task, Data: req.Message}
	if err := s.Shards.Write(ctx, auth.Tenant(ctx), nil, []core.Chunk{chunk}); err != nil {
		return nil, s.Status(err)
	}
	return &wire.PutStreamEventResponse{}, nil
}

const (
	// turnPatience is how long a message of a stream waits while none of those before it
	// comes: they may be lost.
	turnPatience = 500 * time.Millisecond

	// turnsMax bounds the streams that are put in order. When there are more it begins anew.
	turnsMax = 10_000
)

// turns puts the messages of streams in order: calls that come at the same time overtake
// each other.
type turns struct {
	mu sync.Mutex
	of map[id.ID]*turn
}

// turn is where the stream of a task stands.
type turn struct {
	next  int64         // whose turn it is
	moved chan struct{} // closed when next is another one
}

// enter waits until it is the turn of a message of a task, by its index. One from before,
// or one whose predecessor does not come, goes at once. leave lets the next one in.
func (t *turns) enter(ctx context.Context, task id.ID, index int64) (leave func()) {
	patience := time.NewTimer(turnPatience)
	defer patience.Stop()
	for {
		next, moved := t.state(task)
		if index <= next {
			break
		}
		select {
		case <-moved: // they come, only slowly
			patience.Reset(turnPatience)
			continue
		case <-patience.C:
		case <-ctx.Done():
		}
		break
	}
	return func() { t.advance(task, index+1) }
}

func (t *turns) state(task id.ID) (next int64, moved <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := t.of[task]
	if at == nil {
		if t.of == nil || len(t.of) >= turnsMax {
			t.of = map[id.ID]*turn{}
		}
		at = &turn{moved: make(chan struct{})}
		t.of[task] = at
	}
	return at.next, at.moved
}

// advance sets whose turn it is: an attempt that begins anew goes back to the first.
func (t *turns) advance(task id.ID, next int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := t.of[task]
	if at == nil {
		return
	}
	at.next = next
	close(at.moved)
	at.moved = make(chan struct{})
}

// SubscribeToWorkflowEvents implements the Dispatcher: what the tasks of a run stream, how
// they end, and the end of the run.
func (s *Server) SubscribeToWorkflowEvents(
	req *wire.SubscribeToWorkflowEventsRequest, stream grpc.ServerStreamingServer[wire.WorkflowEvent],
) error {
	ctx, cancel := s.Bounded(stream.Context())
	defer cancel()
	return s.Status(drain.Why(ctx, s.followRun(ctx, req, stream)))
}

func (s *Server) followRun(
	ctx context.Context, req *wire.SubscribeToWorkflowEventsRequest, stream grpc.ServerStreamingServer[wire.WorkflowEvent],
) error {
	if req.WorkflowRunId == nil {
		return fault.New(fault.Unimplemented, "additional_meta_key", "cannot be followed; name a run by workflow_run_id")
	}
	tenant := auth.Tenant(ctx)
	external, err := view.ParseID("workflow_run_id", *req.WorkflowRunId)
	if err != nil {
		return err
	}
	run, err := s.runs.Run(ctx, tenant, external, false)
	if err != nil || run.Done() {
		return err
	}
	told := &eventStream{server: s, stream: stream, run: run}
	reader := tail.Reader{Source: tail.Database{DB: s.DB}, Shards: s.Shards}
	if err := reader.ReadStream(ctx, tenant, &native.ReadStreamRequest{RunId: uint64(run.ID)}, told.chunks); err != nil {
		return err
	}
	return told.end(ctx, tenant)
}

// eventStream tells of one run.
type eventStream struct {
	server *Server
	stream grpc.ServerStreamingServer[wire.WorkflowEvent]
	run    *view.Run
}

func (e *eventStream) send(event *wire.WorkflowEvent) error {
	event.WorkflowRunId = e.run.External.String()
	event.EventTimestamp = timestamppb.New(e.server.Clock.Now())
	return e.stream.Send(event)
}

// chunks tells what tasks stream.
func (e *eventStream) chunks(came *native.ReadStreamResponse) error {
	for _, c := range came.Chunks {
		index, retries := int64(c.Seq), c.Attempt-1
		err := e.send(&wire.WorkflowEvent{
			ResourceType: wire.ResourceType_RESOURCE_TYPE_STEP_RUN, EventType: wire.ResourceEventType_RESOURCE_EVENT_TYPE_STREAM,
			ResourceId: e.run.TaskOf(id.ID(c.TaskId)).String(), EventPayload: strings.ToValidUTF8(string(c.Data), "\uFFFD"), EventIndex: &index, RetryCount: &retries,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// endEvents are the events of statuses that are final.
var endEvents = map[wire.RunStatus]wire.ResourceEventType{
	wire.RunStatus_RUN_STATUS_COMPLETED: wire.ResourceEventType_RESOURCE_EVENT_TYPE_COMPLETED,
	wire.RunStatus_RUN_STATUS_FAILED:    wire.ResourceEventType_RESOURCE_EVENT_TYPE_FAILED,
	wire.RunStatus_RUN_STATUS_CANCELLED: wire.ResourceEventType_RESOURCE_EVENT_TYPE_CANCELLED,
}

// end tells how the tasks of the run ended, and the run.
func (e *eventStream) end(ctx context.Context, tenant id.ID) error {
	ended, err := e.server.runs.Run(ctx, tenant, e.run.ID, true)
	if err != nil {
		return err
	}
	for i := range ended.Tasks {
		t := &ended.Tasks[i]
		payload := string(t.Output())
		if text := t.Error(); text != nil {
			payload = *text
		}
		err := e.send(&wire.WorkflowEvent{
			ResourceType: wire.ResourceType_RESOURCE_TYPE_STEP_RUN, EventType: endEvents[t.Status],
			ResourceId: t.External.String(), EventPayload: payload, RetryCount: &t.Retries,
		})
		if err != nil {
			return err
		}
	}
	return e.send(&wire.WorkflowEvent{
		ResourceType: wire.ResourceType_RESOURCE_TYPE_WORKFLOW_RUN, EventType: endEvents[ended.Status],
		ResourceId: e.run.External.String(), Hangup: true,
	})
}
