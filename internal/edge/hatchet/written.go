package hatchet

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/edge/hatchet/view"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// streamBytesMax is the largest message of a stream.
const streamBytesMax = 256 << 10

// PutLog implements the EventsService.
func (s *Server) PutLog(ctx context.Context, req *wire.PutLogRequest) (*wire.PutLogResponse, error) {
	line, of, err := s.lineOf(ctx, req)
	if err == nil {
		err = s.Shards.Write(ctx, of, []core.LogLine{line}, nil)
	}
	if err != nil {
		return nil, s.Status(err)
	}
	return &wire.PutLogResponse{}, nil
}

// lineOf reads a line, and tells whose task it is of.
func (s *Server) lineOf(ctx context.Context, req *wire.PutLogRequest) (line core.LogLine, of id.ID, err error) {
	line.At = core.Time(s.Clock.Now().UnixMilli())
	if req.CreatedAt != nil {
		line.At = core.Time(max(req.CreatedAt.AsTime().UnixMilli(), 0))
	}
	if name := req.GetLevel(); name != "" {
		level, known := view.ParseLevel(name)
		if !known {
			return line, 0, fault.New(fault.Invalid, "level", "is %q; there are DEBUG, INFO, WARN, ERROR", name)
		}
		line.Level = level
	}
	if line.Fields, err = object("metadata", req.Metadata); err != nil {
		return line, 0, err
	}
	line.Message = req.Message
	if err := admit.Line(&line); err != nil {
		return line, 0, err
	}
	place, of, err := s.taskAt(ctx, req.TaskRunExternalId)
	if err != nil {
		return line, 0, err
	}
	line.Task = place.Task
	if req.TaskRetryCount != nil {
		line.Attempt, err = s.runs.Attempt(ctx, of, place, *req.TaskRetryCount)
	}
	return line, of, err
}

// taskAt finds the task that an id stands for, and whose it is.
func (s *Server) taskAt(ctx context.Context, text string) (place view.Place, of id.ID, err error) {
	external, err := view.ParseID("task_run_external_id", text)
	if err != nil {
		return place, 0, err
	}
	if of, err = s.writer(ctx, external); err != nil {
		return place, 0, err
	}
	place, err = s.runs.Locate(ctx, of, external)
	if err == nil && place.Task == 0 {
		err = fault.New(fault.NotFound, "task_run_external_id", "%s is a run of several tasks; name one of them", text)
	}
	return place, of, err
}

// PutStreamEvent implements the EventsService.
func (s *Server) PutStreamEvent(ctx context.Context, req *wire.PutStreamEventRequest) (*wire.PutStreamEventResponse, error) {
	if n := len(req.Message); n > streamBytesMax {
		return nil, s.Status(fault.New(fault.Invalid, "message", "is %d bytes, at most %d are allowed", n, streamBytesMax))
	}
	place, of, err := s.taskAt(ctx, req.TaskRunExternalId)
	if err != nil {
		return nil, s.Status(err)
	}
	if req.EventIndex != nil {
		leave := s.turns.enter(ctx, place.Task, *req.EventIndex)
		defer leave()
	}
	chunk := core.Chunk{Task: place.Task, Data: req.Message}
	if err := s.Shards.Write(ctx, of, nil, []core.Chunk{chunk}); err != nil {
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
	here  []int64       // who waits for theirs, or writes: ascending
	moved chan struct{} // closed when one of these is another one
}

// enter waits until it is the turn of a message of a task, by its index. One from before,
// or the first of those whose predecessor does not come, goes at once. leave lets the next
// one in.
func (t *turns) enter(ctx context.Context, task id.ID, index int64) (leave func()) {
	patience := time.NewTimer(turnPatience)
	defer patience.Stop()
	at := t.arrive(task, index)
	for due, moved := t.state(at, index); !due; due, moved = t.state(at, index) {
		select {
		case <-moved: // they come, only slowly
			patience.Reset(turnPatience)
		case <-patience.C:
			t.skip(at)
		case <-ctx.Done():
			return func() { t.leave(at, index) }
		}
	}
	return func() { t.leave(at, index) }
}

func (t *turns) arrive(task id.ID, index int64) *turn {
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
	place, _ := slices.BinarySearch(at.here, index)
	at.here = slices.Insert(at.here, place, index)
	return at
}

// state tells whether it is the turn of a message, and when to look again.
func (t *turns) state(at *turn, index int64) (due bool, moved <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return index <= at.next, at.moved
}

// skip gives up those that have not come: it is the turn of the first that has.
func (t *turns) skip(at *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(at.here) > 0 && at.here[0] > at.next {
		at.next = at.here[0]
		at.stir()
	}
}

// leave takes a message away that was written, or was given up: it is the turn of the one
// after it. An attempt that begins anew goes back to the first.
func (t *turns) leave(at *turn, index int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if place, is := slices.BinarySearch(at.here, index); is {
		at.here = slices.Delete(at.here, place, place+1)
	}
	at.next = index + 1
	at.stir()
}

func (at *turn) stir() {
	close(at.moved)
	at.moved = make(chan struct{})
}

// flush returns once all messages of a task are written that came: it is about to end, and
// what is missing comes no more.
func (t *turns) flush(ctx context.Context, task id.ID) {
	t.mu.Lock()
	at := t.of[task]
	delete(t.of, task)
	t.mu.Unlock()
	if at == nil {
		return
	}
	for {
		t.skip(at)
		t.mu.Lock()
		empty, moved := len(at.here) == 0, at.moved
		t.mu.Unlock()
		if empty {
			return
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return
		}
	}
}
