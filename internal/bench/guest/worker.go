package guest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

const (
	heartbeatEvery   = 4 * time.Second
	heartbeatWaitMax = 5 * time.Second
	// leaveWaitMax bounds the farewell of a worker, and the last reports.
	leaveWaitMax = 5 * time.Second
	// reportTries is how often a report is sent that the engine was not there to take.
	reportTries = 40
)

// Handler runs one attempt. Its context ends when the attempt is cancelled.
type Handler func(ctx context.Context, t *Task) (any, error)

// Worker runs the tasks of its actions.
type Worker struct {
	Client  *Client
	Name    string
	Actions map[string]Handler // by action id, in lower case
	Slots   map[string]int32   // by slot type; empty = 100 of the default one
	Labels  map[string]*wire.WorkerLabels
	Ready   func(id string) // called when the first stream is open; may be nil

	Silent     bool          // it leaves without a goodbye, as one that crashed
	EvictAfter time.Duration // how long a durable task waits before it gives its slot up; 0 = for ever
}

// Run works until ctx ends; then it cancels what runs and says goodbye.
func (w *Worker) Run(ctx context.Context) error {
	registered, err := w.Client.Dispatcher.Register(ctx, &wire.WorkerRegisterRequest{
		WorkerName:  w.Name,
		Actions:     slices.Sorted(maps.Keys(w.Actions)),
		Services:    []string{"default"},
		SlotConfig:  w.Slots,
		Labels:      w.Labels,
		RuntimeInfo: &wire.RuntimeInfo{Language: new(wire.SDKS_SDKS_GO)},
	})
	if err != nil {
		return fmt.Errorf("register worker: %w", err)
	}
	shift := &shift{Worker: w, id: registered.WorkerId, attempts: map[attemptKey]context.CancelFunc{}, ready: w.Ready}
	return shift.run(ctx)
}

// attemptKey names an attempt, as cancellations do.
type attemptKey struct {
	task       string
	retry      int32
	invocation int32
}

func keyOf(a *wire.AssignedAction) attemptKey {
	return attemptKey{a.TaskRunExternalId, a.RetryCount, a.GetDurableTaskInvocationCount()}
}

// shift is a registered worker at work.
type shift struct {
	*Worker
	id      string
	ready   func(string)
	durable *ledger
	running sync.WaitGroup

	mu       sync.Mutex
	attempts map[attemptKey]context.CancelFunc
}

func (s *shift) run(ctx context.Context) error {
	work, stop := context.WithCancel(ctx)
	defer stop()
	s.durable = newLedger(s.Client.Durable, s.id, s.evict)
	s.running.Go(func() { s.beat(work) })
	for ctx.Err() == nil {
		err := s.listen(work)
		if ctx.Err() != nil {
			break
		}
		if fatal(err) {
			stop()
			s.running.Wait()
			s.durable.close()
			return fmt.Errorf("listen: %w", err)
		}
		pause(ctx, reopenPause)
	}
	stop()
	s.running.Wait()
	s.durable.close()
	if s.Silent {
		return nil
	}
	leave, done := context.WithTimeout(context.WithoutCancel(ctx), leaveWaitMax)
	defer done()
	_, _ = s.Client.Dispatcher.Unsubscribe(leave, &wire.WorkerUnsubscribeRequest{WorkerId: s.id}) // it is gone either way
	return nil
}

// listen takes assignments until the stream ends. A new one is for the same worker.
func (s *shift) listen(ctx context.Context) error {
	stream, err := s.Client.Dispatcher.ListenV2(ctx, &wire.WorkerListenRequest{WorkerId: s.id})
	if err != nil {
		return err
	}
	if s.ready != nil {
		s.ready(s.id)
		s.ready = nil
	}
	for {
		action, err := stream.Recv()
		if err != nil {
			return err
		}
		s.take(ctx, action)
	}
}

func (s *shift) take(ctx context.Context, action *wire.AssignedAction) {
	switch action.ActionType {
	case wire.ActionType_ACTION_TYPE_START_STEP_RUN:
		s.start(ctx, action)
	case wire.ActionType_ACTION_TYPE_START_BATCH:
		s.startBatch(ctx, action)
	case wire.ActionType_ACTION_TYPE_CANCEL_STEP_RUN:
		s.cancel(keyOf(action))
	}
}

func (s *shift) start(ctx context.Context, action *wire.AssignedAction) {
	key := keyOf(action)
	ctx, cancel := context.WithCancel(ctx)
	s.mu.Lock()
	if _, twice := s.attempts[key]; twice { // told again on a new stream
		s.mu.Unlock()
		cancel()
		return
	}
	s.attempts[key] = cancel
	s.mu.Unlock()
	s.running.Go(func() {
		defer func() {
			cancel()
			s.mu.Lock()
			delete(s.attempts, key)
			s.mu.Unlock()
		}()
		s.perform(ctx, action)
	})
}

func (s *shift) cancel(key attemptKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cancel, runs := s.attempts[key]; runs {
		cancel()
	}
}

// evict ends an invocation that is no longer the task's.
func (s *shift) evict(of invocation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, cancel := range s.attempts {
		if key.task == of.task && key.invocation == of.count {
			cancel()
		}
	}
}

func (s *shift) perform(ctx context.Context, action *wire.AssignedAction) {
	task, err := newTask(s, action)
	if err == nil {
		s.report(ctx, action, wire.StepActionEventType_STEP_EVENT_TYPE_STARTED, "", false)
	}
	var output any
	if err == nil {
		output, err = s.call(ctx, task)
	}
	switch {
	case ctx.Err() != nil || errors.Is(err, errEvicted):
		return // who cancelled or evicted it knows how it ended
	case err != nil:
		var final *NonRetryableError
		s.report(ctx, action, wire.StepActionEventType_STEP_EVENT_TYPE_FAILED, text(err.Error()), errors.As(err, &final))
	default:
		s.report(ctx, action, wire.StepActionEventType_STEP_EVENT_TYPE_COMPLETED, text(output), false)
	}
}

// call runs the handler; a panic is a failure of the task.
func (s *shift) call(ctx context.Context, task *Task) (output any, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v", cause)
		}
	}()
	handler, known := s.Actions[strings.ToLower(task.Action.ActionId)]
	if !known {
		return nil, fmt.Errorf("no handler for %s", task.Action.ActionId)
	}
	return handler(ctx, task)
}

// report tells how an attempt is doing, and tells it again while the engine is away.
func (s *shift) report(ctx context.Context, a *wire.AssignedAction, kind wire.StepActionEventType, payload string, final bool) {
	event := &wire.StepActionEvent{
		WorkerId:          s.id,
		JobId:             a.JobId,
		JobRunId:          a.JobRunId,
		TaskId:            a.TaskId,
		TaskRunExternalId: a.TaskRunExternalId,
		ActionId:          a.ActionId,
		EventTimestamp:    timestamppb.Now(),
		EventType:         kind,
		EventPayload:      payload,
		RetryCount:        &a.RetryCount,
	}
	if final {
		event.ShouldNotRetry = &final
	}
	retried(ctx, func(ctx context.Context) error {
		_, err := s.Client.Dispatcher.SendStepActionEvent(ctx, event)
		return err
	})
}

// beat says that the worker lives.
func (s *shift) beat(ctx context.Context) {
	for ctx.Err() == nil {
		call, done := context.WithTimeout(ctx, heartbeatWaitMax)
		_, _ = s.Client.Dispatcher.Heartbeat(call, &wire.HeartbeatRequest{WorkerId: s.id, HeartbeatAt: timestamppb.Now()})
		done() // a missed one is made up for by the next
		pause(ctx, heartbeatEvery)
	}
}
