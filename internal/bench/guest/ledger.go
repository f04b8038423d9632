package guest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

const (
	ackWaitMax  = 60 * time.Second
	statusEvery = time.Second
)

// errCut is what a request gets whose stream broke before it was answered. The engine may
// have heard it: the attempt fails, and the next one reads the log.
var errCut = errors.New("the stream of durable tasks broke")

// place is where an entry of a log stands.
type place struct {
	task         string
	invocation   int32
	branch, node int64
}

func placeOf(r *wire.DurableEventLogEntryRef) place {
	return place{r.GetDurableTaskExternalId(), r.GetInvocationCount(), r.GetBranchId(), r.GetNodeId()}
}

// invocation names one stay of a durable task on a worker. It has one request at a time.
type invocation struct {
	task  string
	count int32
}

// ledger is the worker's stream of durable tasks. It opens with the first request.
type ledger struct {
	client  wire.V1DispatcherClient
	worker  string
	evict   func(invocation) // told by the engine
	life    context.Context
	end     context.CancelFunc
	running sync.WaitGroup

	mu      sync.Mutex
	open    ledgerStream // nil = none
	started bool
	opened  chan struct{} // closed when open is set
	asked   map[invocation]chan *wire.DurableTaskResponse
	awaited map[place]chan *wire.DurableTaskEventLogEntryCompletedResponse
	early   map[place]*wire.DurableTaskEventLogEntryCompletedResponse // completed before they were awaited
}

type ledgerStream = interface {
	Send(*wire.DurableTaskRequest) error
	Recv() (*wire.DurableTaskResponse, error)
}

func newLedger(client wire.V1DispatcherClient, worker string, evict func(invocation)) *ledger {
	life, end := context.WithCancel(context.Background())
	return &ledger{
		client: client, worker: worker, evict: evict, life: life, end: end,
		opened:  make(chan struct{}),
		asked:   map[invocation]chan *wire.DurableTaskResponse{},
		awaited: map[place]chan *wire.DurableTaskEventLogEntryCompletedResponse{},
		early:   map[place]*wire.DurableTaskEventLogEntryCompletedResponse{},
	}
}

func (l *ledger) close() {
	l.end()
	l.running.Wait()
}

// tell sends what has no answer.
func (l *ledger) tell(ctx context.Context, request *wire.DurableTaskRequest) error {
	if err := l.ready(ctx); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == nil {
		return errCut
	}
	return l.open.Send(request)
}

// ask sends a request of an invocation and waits for its answer.
func (l *ledger) ask(ctx context.Context, of invocation, request *wire.DurableTaskRequest) (*wire.DurableTaskResponse, error) {
	if err := l.ready(ctx); err != nil {
		return nil, err
	}
	ctx, done := context.WithTimeoutCause(ctx, ackWaitMax, errors.New("no answer to a durable request"))
	defer done()
	answer := make(chan *wire.DurableTaskResponse, 1)
	l.mu.Lock()
	if l.open == nil {
		l.mu.Unlock()
		return nil, errCut
	}
	l.asked[of] = answer
	err := l.open.Send(request)
	l.mu.Unlock()
	if err != nil {
		return nil, errCut
	}
	select {
	case response := <-answer:
		return answered(response)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func answered(response *wire.DurableTaskResponse) (*wire.DurableTaskResponse, error) {
	if response == nil {
		return nil, errCut
	}
	if failure := response.GetError(); failure != nil {
		if failure.ErrorType == wire.DurableTaskErrorType_DURABLE_TASK_ERROR_TYPE_NONDETERMINISM {
			return nil, &NonRetryableError{failure.ErrorMessage}
		}
		return nil, fmt.Errorf("durable request: %s", failure.ErrorMessage)
	}
	return response, nil
}

// await is the channel on which the completion of an entry comes.
func (l *ledger) await(at place) <-chan *wire.DurableTaskEventLogEntryCompletedResponse {
	came := make(chan *wire.DurableTaskEventLogEntryCompletedResponse, 1)
	l.mu.Lock()
	defer l.mu.Unlock()
	if entry, there := l.early[at]; there {
		delete(l.early, at)
		came <- entry
		return came
	}
	l.awaited[at] = came
	return came
}

func (l *ledger) forget(at place) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.awaited, at)
}

// ready waits until a stream is open.
func (l *ledger) ready(ctx context.Context) error {
	l.mu.Lock()
	if !l.started {
		l.started = true
		l.running.Go(l.keepOpen)
		l.running.Go(l.keepTelling)
	}
	opened := l.opened
	l.mu.Unlock()
	select {
	case <-opened:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (l *ledger) keepOpen() {
	for l.life.Err() == nil {
		if stream, err := l.client.DurableTask(l.life); err == nil {
			l.serve(stream)
		}
		pause(l.life, reopenPause)
	}
}

// serve hears a stream until it breaks.
func (l *ledger) serve(stream ledgerStream) {
	hello := &wire.DurableTaskRequest{Message: &wire.DurableTaskRequest_RegisterWorker{
		RegisterWorker: &wire.DurableTaskRequestRegisterWorker{WorkerId: l.worker},
	}}
	if stream.Send(hello) != nil {
		return
	}
	if _, err := stream.Recv(); err != nil { // it answers before all others
		return
	}
	l.mu.Lock()
	l.open = stream
	close(l.opened)
	l.mu.Unlock()
	defer l.cut()
	for {
		response, err := stream.Recv()
		if err != nil {
			return
		}
		l.hear(response)
	}
}

// cut fails what is asked; what is awaited is asked for by keepTelling.
func (l *ledger) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open, l.opened = nil, make(chan struct{})
	for of, answer := range l.asked {
		answer <- nil
		delete(l.asked, of)
	}
}

func (l *ledger) hear(response *wire.DurableTaskResponse) {
	switch m := response.Message.(type) {
	case *wire.DurableTaskResponse_EntryCompleted:
		l.complete(m.EntryCompleted)
	case *wire.DurableTaskResponse_ServerEvict:
		l.evict(invocation{m.ServerEvict.DurableTaskExternalId, m.ServerEvict.InvocationCount})
	case *wire.DurableTaskResponse_MemoAck:
		l.answer(ofRef(m.MemoAck.Ref), response)
	case *wire.DurableTaskResponse_WaitForAck:
		l.answer(ofRef(m.WaitForAck.Ref), response)
	case *wire.DurableTaskResponse_Error:
		l.answer(ofRef(m.Error.Ref), response)
	case *wire.DurableTaskResponse_TriggerRunsAck:
		l.answer(invocation{m.TriggerRunsAck.DurableTaskExternalId, m.TriggerRunsAck.InvocationCount}, response)
	case *wire.DurableTaskResponse_EvictionAck:
		l.answer(invocation{m.EvictionAck.DurableTaskExternalId, m.EvictionAck.InvocationCount}, response)
	}
}

func ofRef(r *wire.DurableEventLogEntryRef) invocation {
	return invocation{r.GetDurableTaskExternalId(), r.GetInvocationCount()}
}

func (l *ledger) answer(of invocation, response *wire.DurableTaskResponse) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if asked, waits := l.asked[of]; waits {
		delete(l.asked, of)
		asked <- response
	}
}

func (l *ledger) complete(entry *wire.DurableTaskEventLogEntryCompletedResponse) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := placeOf(entry.Ref)
	if came, waits := l.awaited[at]; waits {
		delete(l.awaited, at)
		came <- entry
		return
	}
	l.early[at] = entry
}

// keepTelling says what is awaited: the safety net under completions that got lost.
func (l *ledger) keepTelling() {
	for l.life.Err() == nil {
		pause(l.life, statusEvery)
		status := &wire.DurableTaskWorkerStatusRequest{WorkerId: l.worker}
		l.mu.Lock()
		for at := range l.awaited {
			status.WaitingEntries = append(status.WaitingEntries, &wire.DurableTaskAwaitedCompletedEntry{
				DurableTaskExternalId: at.task, BranchId: at.branch, NodeId: at.node, InvocationCount: at.invocation,
			})
		}
		if l.open != nil && len(status.WaitingEntries) > 0 {
			_ = l.open.Send(&wire.DurableTaskRequest{Message: &wire.DurableTaskRequest_WorkerStatus{WorkerStatus: status}})
		}
		l.mu.Unlock()
	}
}
