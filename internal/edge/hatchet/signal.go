package hatchet

import (
	"context"
	"errors"
	"io"
	"sync"

	"google.golang.org/grpc"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/edge/hatchet/ledger"
	"github.com/adzehq/adze/internal/record/durable"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// signalsMax bounds what one stream waits for at a time.
const signalsMax = 10_000

// RegisterDurableEvent implements the V1Dispatcher: how SDKs without the stream of durable
// tasks wait. A key that is known waits on as it did.
func (s *Server) RegisterDurableEvent(ctx context.Context, req *wire.RegisterDurableEventRequest) (*wire.RegisterDurableEventResponse, error) {
	conditions, err := waitConditions(req.GetConditions())
	if err != nil {
		return nil, s.Status(err)
	}
	v, err := s.signalled(ctx, req.TaskId)
	if err == nil {
		err = v.await(ctx, req.SignalKey, conditions)
	}
	if err != nil {
		return nil, s.Status(err)
	}
	return &wire.RegisterDurableEventResponse{}, nil
}

// signalled is the invocation of a durable task that runs.
func (s *Server) signalled(ctx context.Context, task string) (*invocation, error) {
	a, err := s.attemptOf(ctx, task)
	switch {
	case err != nil:
		return nil, err
	case a == nil || a.invocation == nil:
		return nil, fault.New(fault.NotFound, "task_id", "%s is no durable task that runs", task)
	}
	return a.invocation, a.invocation.recall(ctx)
}

// recall reads the log of an invocation that was assigned before this engine knew the
// worker: of what is known by keys that is all that is needed.
func (v *invocation) recall(ctx context.Context) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.ledger != nil {
		return nil
	}
	db := v.attempt.worker.server().DB
	log, err := durable.Log(ctx, db, v.attempt.Task)
	if err != nil {
		return err
	}
	mets, err := durable.Mets(ctx, db, v.attempt.Task)
	if err != nil {
		return err
	}
	v.ledger = ledger.Open(log, mets)
	return nil
}

// await has a wait begin that is known by a key, and returns once it is recorded.
func (v *invocation) await(ctx context.Context, key string, conditions []ledger.Condition) error {
	v.mu.Lock()
	n, e, err := v.ledger.Signal(key, conditions)
	if err != nil || e == nil {
		if err == nil {
			v.watch(n)
		}
		v.mu.Unlock()
		return err
	}
	stored := make(chan struct{})
	v.stored[e.Index] = stored
	v.record(e)
	v.mu.Unlock()
	select {
	case <-stored:
		return nil
	case <-v.life.Done():
		return errLost
	case <-ctx.Done():
		return ctx.Err()
	}
}

// listen has what a wait gives be sent to a channel, at once if it is over.
func (v *invocation) listen(key string, to chan<- []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.signals[key] = append(v.signals[key], to)
	v.signal()
}

// signal tells those whose waits are over. The caller holds the lock.
func (v *invocation) signal() {
	for key, listeners := range v.signals {
		n, _, _ := v.ledger.Signal(key, nil) // it only looks
		if n == nil || !n.Over() {
			continue
		}
		delete(v.signals, key)
		for _, to := range listeners {
			to <- n.Payload
		}
	}
}

// ListenForDurableEvent implements the V1Dispatcher. What there is no such wait of is not
// answered until there is.
func (s *Server) ListenForDurableEvent(rpc grpc.BidiStreamingServer[wire.ListenForDurableEventRequest, wire.DurableEvent]) error {
	ctx, done := s.Bounded(rpc.Context())
	defer done()
	var telling sync.WaitGroup
	defer telling.Wait()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	requests := make(chan *wire.ListenForDurableEventRequest)
	go func() { // it ends with the call
		for {
			request, err := rpc.Recv()
			if err != nil {
				cancel(err)
				return
			}
			select {
			case requests <- request:
			case <-ctx.Done():
				return
			}
		}
	}()
	events := make(chan *wire.DurableEvent)
	for open := 0; ; {
		select {
		case <-ctx.Done():
			if err := context.Cause(ctx); !errors.Is(err, io.EOF) {
				return s.Status(err)
			}
			return nil
		case e := <-events:
			open--
			if err := rpc.Send(e); err != nil {
				return err
			}
		case request := <-requests:
			if open++; open > signalsMax {
				return s.Status(fault.New(fault.Exhausted, "signal_key", "%d are waited for on this stream", signalsMax))
			}
			telling.Go(func() { s.tellSignal(ctx, request, events) })
		}
	}
}

// tellSignal waits for one.
func (s *Server) tellSignal(ctx context.Context, request *wire.ListenForDurableEventRequest, events chan<- *wire.DurableEvent) {
	v, err := s.signalled(ctx, request.TaskId)
	if err != nil {
		return // the task does not run: nobody is told
	}
	got := make(chan []byte, 1)
	v.listen(request.SignalKey, got)
	select {
	case data := <-got:
		select {
		case events <- &wire.DurableEvent{TaskId: request.TaskId, SignalKey: request.SignalKey, Data: data}:
		case <-ctx.Done():
		}
	case <-v.life.Done():
	case <-ctx.Done():
	}
}
