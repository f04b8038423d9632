package grpcapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"google.golang.org/grpc"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/edge/outline"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

type workStream = grpc.BidiStreamingServer[wire.WorkerMessage, wire.EngineMessage]

// work is one session of a worker: a goroutine that reads, one that writes, one
// that watches for silence.
type work struct {
	server  *Server
	session shard.Session
	line    *line
}

// Work implements the service.
func (s *Server) Work(stream workStream) error {
	ctx, cancel := s.Bounded(stream.Context())
	defer cancel()
	session, err := s.greet(ctx, stream)
	if err != nil {
		return s.Status(err)
	}
	s.metrics.sessions.Inc()
	defer s.metrics.sessions.Dec()
	w := &work{server: s, session: session, line: &line{stream: stream}}
	return s.Status(w.run(ctx))
}

// greet waits for the hello and answers it.
func (s *Server) greet(ctx context.Context, stream workStream) (shard.Session, error) {
	first, err := firstOf(ctx, stream)
	if err != nil {
		return nil, err
	}
	if first.Hello == nil {
		return nil, fault.New(fault.Invalid, "hello", "is missing; the first message of a worker introduces it")
	}
	hello := helloOf(first.Hello)
	if err := admit.Hello(&hello); err != nil {
		return nil, fault.At("hello", err)
	}
	session, err := s.Shards.Attach(ctx, auth.Tenant(ctx), hello)
	if err != nil {
		return nil, err
	}
	welcome := &wire.Welcome{
		WorkerId: uint64(session.Worker()),
		PingMs:   pingInterval.Milliseconds(),
		GraceMs:  core.GraceMS,
	}
	if err := stream.Send(&wire.EngineMessage{Welcome: welcome}); err != nil {
		session.Close(core.LeaveClosed)
		return nil, err
	}
	return session, nil
}

// firstOf waits for a worker's first message until ctx ends: one that says nothing keeps
// its stream no longer than its token, and no engine from stopping. The reader may still
// wait in the stream then: it ends with the call.
func firstOf(ctx context.Context, stream workStream) (*wire.WorkerMessage, error) {
	var first *wire.WorkerMessage
	came := make(chan error, 1)
	go func() {
		message, err := stream.Recv()
		first = message
		came <- err
	}()
	select {
	case err := <-came:
		return first, err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func helloOf(h *wire.Hello) shard.Hello {
	hello := shard.Hello{
		Worker: id.ID(h.WorkerId), Name: h.Name, SDK: h.Sdk, Actions: h.Actions, Slots: h.Slots,
		Running: make([]core.Claim, len(h.Running)), Labels: h.Labels, Types: outline.SlotsFromWire(h.SlotTypes),
	}
	for i, r := range h.Running {
		hello.Running[i] = core.Claim{
			Task: id.ID(r.GetTaskId()), Token: core.Token(r.GetToken()), Attempt: r.GetAttempt(),
			Batch: core.Token(r.GetBatch()), Released: r.GetReleased(),
		}
	}
	return hello
}

// leave is why one of the goroutines ended the session, and what the worker is told.
type leave struct {
	reason core.LeaveReason
	err    error
}

// run lasts as long as the session. The reader may still wait in the stream when it
// returns: the stream ends with the call, and the reader with it.
func (w *work) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ends := make(chan leave, 3)
	go func() { ends <- w.read(ctx) }()
	go func() { ends <- w.write(ctx) }()
	go func() { ends <- w.watch(ctx) }()

	var end leave
	select {
	case end = <-ends:
	case <-ctx.Done():
		end = leave{core.LeaveClosed, context.Cause(ctx)}
	}
	w.session.Close(end.reason)
	if ctx.Err() != nil && errors.Is(end.err, ctx.Err()) {
		return context.Cause(ctx) // whoever of the three was first: the engine stops, or the worker went
	}
	return end.err
}

// read takes what the worker says.
func (w *work) read(ctx context.Context) leave {
	for {
		message, err := w.line.recv()
		switch {
		case errors.Is(err, io.EOF):
			return leave{core.LeaveClosed, nil}
		case err != nil:
			return leave{core.LeaveClosed, err}
		}
		if err := w.take(ctx, message); err != nil {
			return leave{core.LeaveClosed, err}
		}
		if message.Goodbye {
			return leave{core.LeaveDrained, nil}
		}
	}
}

// take hands over one message. It waits while the journal is full, and the worker
// with it: that is the flow control of reports.
func (w *work) take(ctx context.Context, message *wire.WorkerMessage) error {
	if message.Hello != nil {
		return fault.New(fault.Invalid, "hello", "came again; it is the first message of a stream only")
	}
	if len(message.Logs)+len(message.Chunks) > 0 {
		if err := w.emit(ctx, message); err != nil {
			return err
		}
	}
	if len(message.Reports) > 0 {
		items, spawns, err := w.items(message.Reports)
		if err != nil {
			return err
		}
		if err := w.session.Report(ctx, items, spawns...); err != nil {
			return err
		}
	}
	if message.Relabel != nil {
		if err := admit.Labels(message.Relabel.Labels); err != nil {
			return fault.At("relabel", err)
		}
		if err := w.session.Relabel(ctx, message.Relabel.Labels); err != nil {
			return err
		}
	}
	if message.Resize == nil {
		return nil
	}
	if err := admit.Slots(message.Resize.Slots); err != nil {
		return fault.At("resize", err)
	}
	return w.session.Resize(ctx, message.Resize.Slots)
}

// items are the reports as the shard takes them; the slices are the shard's then.
func (w *work) items(reports []*wire.Report) ([]core.ReportItem, []shard.EntrySpawn, error) {
	items := make([]core.ReportItem, len(reports))
	var spawns []shard.EntrySpawn
	for i, r := range reports {
		item := &items[i]
		item.Task, item.Token, item.Attempt = id.ID(r.GetTaskId()), core.Token(r.GetToken()), r.GetAttempt()
		item.Kind, item.Heard = reportKind(r.GetKind()), r.GetHeard()
		item.NonRetryable, item.Error, item.Output = r.GetNonRetryable(), r.GetError(), r.GetOutput()
		var spawn []shard.NewRun
		if r.Entry != nil {
			item.Entry, spawn = outline.NewEntryFromWire(r.Entry)
		}
		if err := w.server.Limits.Report(item, spawn); err != nil {
			return nil, nil, fault.At(fmt.Sprintf("reports[%d]", i), err)
		}
		if item.Kind == core.ReportEntry && len(spawn) > 0 {
			spawns = append(spawns, shard.EntrySpawn{Item: i, Runs: spawn})
		}
	}
	return items, spawns, nil
}

// reportKind is 0 for a kind that is not known here.
func reportKind(kind wire.Report_Kind) core.ReportKind {
	switch kind {
	case wire.Report_KIND_STARTED:
		return core.ReportStarted
	case wire.Report_KIND_COMPLETED:
		return core.ReportCompleted
	case wire.Report_KIND_FAILED:
		return core.ReportFailed
	case wire.Report_KIND_ENTRY:
		return core.ReportEntry
	case wire.Report_KIND_SUSPENDED:
		return core.ReportSuspended
	case wire.Report_KIND_RELEASED:
		return core.ReportReleased
	default:
		return 0
	}
}

// refuse fails the assignments of down that fit into no message: sent, they would
// break the stream, and come again with the next one.
func (w *work) refuse(ctx context.Context, down *shard.Down) error {
	var failed []core.ReportItem
	down.Assignments = slices.DeleteFunc(down.Assignments, func(a shard.Assignment) bool {
		bytes := payloadBytes(&a)
		if bytes <= payloadBytesMax {
			return false
		}
		failed = append(failed, core.ReportItem{
			Task: a.Task, Attempt: a.Attempt, Token: a.Token, Kind: core.ReportFailed,
			NonRetryable: true, Error: tooLarge("its input, the outputs of its parents and its log", bytes),
		})
		return true
	})
	if len(failed) == 0 {
		return nil
	}
	return w.session.Report(ctx, failed)
}

// payloadBytes is what an assignment brings with it.
func payloadBytes(a *shard.Assignment) int {
	total := len(a.Input) + len(a.Metadata)
	for _, p := range a.Parents {
		total += len(p.Output)
	}
	for _, f := range a.Failures {
		total += len(f.Error)
	}
	if e := a.Event; e != nil {
		total += len(e.Key) + len(e.Scope) + len(e.Given)
	}
	for i := range a.Came {
		total += len(a.Came[i].Key) + len(a.Came[i].Scope) + len(a.Came[i].Payload) + itemBytes
	}
	for i := range a.Log {
		total += len(a.Log[i].Name) + len(a.Log[i].Data) + len(a.Log[i].Error) + itemBytes*(1+len(a.Log[i].Conditions))
	}
	for i := range a.Mets {
		total += metBytes(&a.Mets[i])
	}
	return total
}

func metBytes(m *core.Met) int { return len(m.Data) + itemBytes }

// write tells the worker what the engine decided.
func (w *work) write(ctx context.Context) leave {
	for {
		down, err := w.session.Recv(ctx)
		if err != nil {
			return leave{core.LeaveClosed, err}
		}
		for i := range down.Settled {
			if down.Settled[i].Stale {
				w.server.metrics.stale.Inc()
			}
		}
		if err := w.refuse(ctx, &down); err != nil {
			return leave{core.LeaveClosed, err}
		}
		if err := w.line.sendDown(&down); err != nil {
			return leave{core.LeaveClosed, err}
		}
	}
}
