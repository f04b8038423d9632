package hatchet

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/edge/auth"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// durableQueueMax is how many messages a worker may leave unread on its durable stream.
// Then that ends: on the next one the worker says what it still waits for.
const durableQueueMax = 10_000

// durableBackFor is how long a worker may take to open its durable stream again. The SDKs
// do that 2 or 3 s after it broke, and lose what their tasks ask for until then.
const durableBackFor = 5 * time.Second

var errUnread = fault.New(fault.Exhausted, "", "%d messages were not read: open the stream again", durableQueueMax)

// durableStream is one DurableTask stream: the requests of all durable tasks of a worker,
// and what they are told.
type durableStream struct {
	context.Context
	cancel context.CancelCauseFunc
	server *Server
	caller auth.Caller

	calls  sync.WaitGroup // requests that wait for a commit
	ready  chan struct{}  // holds a token while there is something to send
	mu     sync.Mutex
	worker *worker // nil until it is known; changed by who reads requests alone
	queue  []*wire.DurableTaskResponse
}

type durableRPC = grpc.BidiStreamingServer[wire.DurableTaskRequest, wire.DurableTaskResponse]

// DurableTask implements the V1Dispatcher.
func (s *Server) DurableTask(rpc durableRPC) error {
	ctx, done := s.Bounded(rpc.Context())
	defer done()
	d := &durableStream{server: s, caller: auth.CallerOf(ctx), ready: make(chan struct{}, 1)}
	d.Context, d.cancel = context.WithCancelCause(ctx)
	defer d.calls.Wait()
	defer d.cancel(nil)
	defer d.close()
	go func() { d.cancel(d.read(rpc)) }() // it ends with the call
	return s.Status(d.send(rpc))
}

// read takes requests until the stream is over.
func (d *durableStream) read(rpc durableRPC) error {
	for {
		request, err := rpc.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return io.EOF
		case err != nil:
			return err
		}
		if err := d.take(request); err != nil {
			return err
		}
	}
}

// send sends what there is to tell until the stream is over.
func (d *durableStream) send(rpc durableRPC) error {
	for {
		select {
		case <-d.Done():
			if err := context.Cause(d); !errors.Is(err, io.EOF) {
				return err
			}
			return nil
		case <-d.ready:
		}
		d.mu.Lock()
		queue := d.queue
		d.queue = nil
		d.mu.Unlock()
		for _, message := range queue {
			if err := rpc.Send(fitDurable(message)); err != nil {
				return err
			}
		}
	}
}

// tell has a message be sent.
func (d *durableStream) tell(message *wire.DurableTaskResponse) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.queue) >= durableQueueMax {
		d.cancel(errUnread)
		return
	}
	d.queue = append(d.queue, message)
	select {
	case d.ready <- struct{}{}:
	default:
	}
}

// take answers one request, or has it be answered.
func (d *durableStream) take(request *wire.DurableTaskRequest) error {
	switch m := request.Message.(type) {
	case *wire.DurableTaskRequest_RegisterWorker:
		return d.register(m.RegisterWorker)
	case *wire.DurableTaskRequest_Memo:
		return d.ask(m.Memo.GetDurableTaskExternalId(), m.Memo.GetInvocationCount(), func(v *invocation) { v.memo(m.Memo) })
	case *wire.DurableTaskRequest_CompleteMemo:
		ref := m.CompleteMemo.GetRef()
		return d.ask(ref.GetDurableTaskExternalId(), ref.GetInvocationCount(), func(v *invocation) { v.completeMemo(m.CompleteMemo) })
	case *wire.DurableTaskRequest_WaitFor:
		return d.ask(m.WaitFor.GetDurableTaskExternalId(), m.WaitFor.GetInvocationCount(), func(v *invocation) { v.waitFor(m.WaitFor) })
	case *wire.DurableTaskRequest_TriggerRuns:
		return d.ask(m.TriggerRuns.GetDurableTaskExternalId(), m.TriggerRuns.GetInvocationCount(), func(v *invocation) {
			d.calls.Go(func() { v.triggerRuns(d, m.TriggerRuns) }) // others need not wait for its commit
		})
	case *wire.DurableTaskRequest_EvictInvocation:
		return d.evict(m.EvictInvocation)
	case *wire.DurableTaskRequest_WorkerStatus:
		return d.status(m.WorkerStatus)
	}
	return fault.New(fault.Invalid, "message", "is empty, or of a kind that is unknown here")
}

// register has a worker be told on this stream from now on.
func (d *durableStream) register(m *wire.DurableTaskRequestRegisterWorker) error {
	number, err := workerID(m.GetWorkerId())
	if err != nil {
		return err
	}
	w, err := d.server.roster.attend(d, d.caller, number)
	if err != nil {
		return err
	}
	d.tell(&wire.DurableTaskResponse{Message: &wire.DurableTaskResponse_RegisterWorker{
		RegisterWorker: &wire.DurableTaskResponseRegisterWorker{WorkerId: m.GetWorkerId()},
	}})
	d.serve(w)
	return nil
}

// serve has the tasks of a worker be told on this stream from now on.
func (d *durableStream) serve(w *worker) {
	d.mu.Lock()
	d.worker = w
	d.mu.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.durable = d
	w.wake()
}

// close takes the stream from its worker, unless that has a newer one.
func (d *durableStream) close() {
	d.mu.Lock()
	w := d.worker
	d.mu.Unlock()
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.durable == d {
		w.durable = nil
		w.awaitDurable(w.server().Clock.Now())
	}
}

// awaitDurable has the worker be started no durable tasks until its durable stream is there,
// or durableBackFor later: it may never have had one. The caller holds the lock.
func (w *worker) awaitDurable(now time.Time) {
	w.durableBy = now.Add(durableBackFor)
	time.AfterFunc(durableBackFor, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.wake()
	})
}

// awaitsDurable tells whether durable tasks are not to be started now. The caller holds the
// lock.
func (w *worker) awaitsDurable(now time.Time) bool {
	return w.durable == nil && now.Before(w.durableBy)
}

// tellDurable has a message be sent on the newest durable stream. Without one it is lost:
// the SDKs ask again for what they wait for, and give up requests that were not answered.
func (w *worker) tellDurable(message *wire.DurableTaskResponse) {
	w.mu.Lock()
	d := w.durable
	w.mu.Unlock()
	if d != nil {
		d.tell(message)
	}
}

// ask has a request be dealt with by the invocation that it is of. One that is not the
// current one is told to end: Trap 28, by the number that it has itself.
func (d *durableStream) ask(task string, number int32, of func(*invocation)) error {
	v, reason, err := d.find(task, number)
	if v != nil && d.worker == nil {
		d.serve(v.attempt.worker) // the Python SDK may lose what registers it, when it connects again
	}
	switch {
	case err != nil:
		return err
	case v == nil:
		d.tell(evicted(task, number, reason))
	case v.lost:
		d.tell(evicted(task, number, "the engine was started again: the task begins again from its log"))
		v.restart()
	default:
		of(v)
	}
	return nil
}

// find is the invocation of a number of a task, if it is the current one of the worker of
// this stream; else the reason why there is none.
func (d *durableStream) find(task string, number int32) (v *invocation, reason string, err error) {
	a, err := d.server.attemptOf(d.Context, task)
	var refused *fault.Error
	switch {
	case errors.As(err, &refused) && (refused.Kind == fault.Invalid || refused.Kind == fault.NotFound):
		return nil, refused.Error(), nil
	case err != nil:
		return nil, "", err
	case a == nil:
		return nil, "the task does not run", nil
	case a.invocation == nil:
		return nil, "the task is not durable", nil
	case a.number() != number:
		return nil, "another invocation took its place", nil
	case d.worker != nil && a.worker != d.worker:
		return nil, "the task runs at another worker", nil
	}
	return a.invocation, "", nil
}

// evict has an invocation give its task back, which waits.
func (d *durableStream) evict(m *wire.DurableTaskEvictInvocationRequest) error {
	v, reason, err := d.find(m.GetDurableTaskExternalId(), m.GetInvocationCount())
	if err != nil {
		return err
	}
	if v == nil {
		d.tell(failed(&wire.DurableEventLogEntryRef{
			DurableTaskExternalId: m.GetDurableTaskExternalId(), InvocationCount: m.GetInvocationCount(),
		}, reason))
		return nil
	}
	v.evict()
	return nil
}

// status tells again what a worker waits for, as far as it has come. Which is in one
// message, so that what has ended is told in its order.
func (d *durableStream) status(m *wire.DurableTaskWorkerStatusRequest) error {
	type key struct {
		task   string
		number int32
	}
	waiting := map[key][]*wire.DurableTaskAwaitedCompletedEntry{}
	var order []key
	for _, e := range m.GetWaitingEntries() {
		k := key{e.GetDurableTaskExternalId(), e.GetInvocationCount()}
		if waiting[k] == nil {
			order = append(order, k)
		}
		waiting[k] = append(waiting[k], e)
	}
	for _, k := range order {
		if err := d.ask(k.task, k.number, func(v *invocation) { v.tellAgain(waiting[k]) }); err != nil {
			return err
		}
	}
	return nil
}

func evicted(task string, number int32, reason string) *wire.DurableTaskResponse {
	return &wire.DurableTaskResponse{Message: &wire.DurableTaskResponse_ServerEvict{ServerEvict: &wire.DurableTaskServerEvictNotice{
		DurableTaskExternalId: task, InvocationCount: number, Reason: reason,
	}}}
}

func failed(ref *wire.DurableEventLogEntryRef, text string) *wire.DurableTaskResponse {
	return &wire.DurableTaskResponse{Message: &wire.DurableTaskResponse_Error{Error: &wire.DurableTaskErrorResponse{
		Ref: ref, ErrorMessage: text,
	}}}
}
