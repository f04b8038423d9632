package hatchet

import (
	"context"
	"sync"
	"time"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/edge/hatchet/view"
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
