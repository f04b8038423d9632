package adze

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/outline"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

const (
	// engineSilenceMax is how long nothing may be heard of an engine, which says
	// something empty at least every ping of its Welcome.
	engineSilenceMax = 10 * time.Second
	// goodbyeMax is how long a goodbye may take.
	goodbyeMax = 3 * time.Second
)

// grpcSession is a worker's session over the native protocol.
type grpcSession struct {
	stream grpc.BidiStreamingClient[wire.WorkerMessage, wire.EngineMessage]
	life   context.Context // the stream's
	end    context.CancelCauseFunc
	worker id.ID
	ping   time.Duration

	sending sync.Mutex  // a stream takes one Send at a time
	spoke   atomic.Bool // since the last look of the pinger
	silence *time.Timer // ends the stream when nothing is heard

	closing sync.Once
	ended   chan struct{}  // closed when Recv has failed: nothing more comes
	over    sync.Once      // closes ended
	parts   sync.WaitGroup // the pinger
}

func (t *grpcTransport) attach(ctx context.Context, hello shard.Hello) (shard.Session, error) {
	life, end := context.WithCancelCause(ctx)
	stream, err := t.engine.Work(life)
	if err != nil {
		end(nil)
		return nil, received(err)
	}
	s := &grpcSession{stream: stream, life: life, end: end, ended: make(chan struct{})}
	s.silence = time.AfterFunc(engineSilenceMax, func() { end(errSilent) })
	welcome, err := s.greet(hello)
	if err != nil {
		s.silence.Stop()
		end(nil)
		return nil, err
	}
	s.worker = id.ID(welcome.WorkerId)
	s.ping = time.Duration(max(welcome.PingMs, 100)) * time.Millisecond
	s.parts.Go(s.sendPings)
	return s, nil
}

// errSilent ends the stream of an engine that is not heard.
var errSilent = &Error{Kind: KindUnavailable, Text: "nothing was heard of the engine for " + engineSilenceMax.String()}

// broken is why the stream is over; err is what Recv says of it.
func (s *grpcSession) broken(err error) error {
	if cause := context.Cause(s.life); errors.Is(cause, errSilent) {
		return cause
	}
	return received(err)
}

// greet sends the hello and waits for its answer.
func (s *grpcSession) greet(hello shard.Hello) (*wire.Welcome, error) {
	// A failed Send says no more than that the stream is over; Recv has the reason.
	_ = s.stream.Send(&wire.WorkerMessage{Hello: wireHello(&hello)})
	first, err := s.stream.Recv()
	if err != nil {
		return nil, s.broken(err)
	}
	if first.Welcome == nil {
		return nil, &Error{Kind: KindInternal, Text: "engine did not begin with a Welcome"}
	}
	return first.Welcome, nil
}

func wireHello(h *shard.Hello) *wire.Hello {
	hello := &wire.Hello{
		WorkerId: uint64(h.Worker), Name: h.Name, Sdk: h.SDK, Actions: h.Actions, Slots: h.Slots,
		Labels: h.Labels, SlotTypes: outline.SlotsToWire(h.Types),
	}
	for _, c := range h.Running {
		hello.Running = append(hello.Running, &wire.Running{
			TaskId: uint64(c.Task), Token: uint64(c.Token), Attempt: c.Attempt, Batch: uint64(c.Batch), Released: c.Released,
		})
	}
	return hello
}

func (s *grpcSession) Worker() id.ID { return s.worker }

// Recv fails when the stream is over; it ends with the context of attach, not with ctx.
// A batch that comes in several messages is received whole.
func (s *grpcSession) Recv(context.Context) (shard.Down, error) {
	message, err := s.next()
	if err != nil {
		return shard.Down{}, err
	}
	received := down(message)
	for more := message.More; more; {
		if message, err = s.next(); err != nil {
			return shard.Down{}, err // what was received is another worker's, or comes again
		}
		if len(message.Assignments) > 0 { // else it is a ping
			more = message.More
			received.Assignments = append(received.Assignments, down(message).Assignments...)
			received.Mets = append(received.Mets, outline.MetsFromWire(message.Mets)...)
		}
	}
	return received, nil
}

func (s *grpcSession) next() (*wire.EngineMessage, error) {
	message, err := s.stream.Recv()
	if err != nil {
		s.over.Do(func() { close(s.ended) })
		return nil, s.broken(err)
	}
	s.silence.Reset(engineSilenceMax)
	return message, nil
}

func down(m *wire.EngineMessage) (d shard.Down) {
	if len(m.Assignments) > 0 {
		d.Assignments = make([]shard.Assignment, len(m.Assignments))
	}
	for i, a := range m.Assignments {
		d.Assignments[i] = assignment(a)
	}
	for _, stop := range m.Stops {
		d.Stops = append(d.Stops, core.Stop{
			Task: id.ID(stop.TaskId), Token: core.Token(stop.Token), Reason: stopReasons[stop.Reason],
		})
	}
	if len(m.Settled) > 0 {
		d.Settled = make([]core.Settlement, len(m.Settled))
	}
	for i, one := range m.Settled {
		d.Settled[i] = core.Settlement{
			Task: id.ID(one.TaskId), Token: core.Token(one.Token), Stale: one.Stale,
			Entry: one.Entry, At: core.Time(one.AtMs), Data: one.Data, Error: one.Error,
		}
	}
	for _, e := range m.Emitted {
		d.Emitted = append(d.Emitted, core.Emitted{
			Task: id.ID(e.TaskId), Token: core.Token(e.Token), Lines: e.Lines, Chunks: e.Chunks,
		})
	}
	d.Mets = outline.MetsFromWire(m.Mets)
	return d
}

func assignment(a *wire.Assignment) shard.Assignment {
	to := shard.Assignment{
		Assignment: core.Assignment{
			Task: id.ID(a.TaskId), Token: core.Token(a.Token),
			Attempt: a.Attempt, Deadline: core.Time(a.DeadlineMs), Batch: core.Token(a.Batch),
		},
		Tenant: a.Tenant, Action: a.Action, Workflow: a.Workflow, Name: a.Task, Input: a.Input, Metadata: a.Metadata,
	}
	if a.RunId != a.TaskId {
		to.Run = id.ID(a.RunId)
	}
	for _, p := range a.Parents {
		to.Parents = append(to.Parents, shard.ParentOutput{Task: p.Task, Output: p.Output})
	}
	for _, f := range a.Failures {
		to.Failures = append(to.Failures, shard.TaskFailure{Task: f.Task, Error: f.Error})
	}
	if e := a.Event; e != nil {
		to.Event = &shard.Event{ID: id.ID(e.EventId), Key: e.Key, Scope: e.Scope, Given: e.Given}
	}
	to.Came = outline.CameFromWire(a.Came)
	to.Log, to.Mets = outline.LogFromWire(a.Log), outline.MetsFromWire(a.Mets)
	return to
}

var stopReasons = map[wire.Stop_Reason]core.StopReason{
	wire.Stop_REASON_CANCELLED: core.StopCancelled,
	wire.Stop_REASON_TIMED_OUT: core.StopTimedOut,
	wire.Stop_REASON_FOREIGN:   core.StopForeign,
}

var reportKinds = [...]wire.Report_Kind{
	core.ReportStarted:   wire.Report_KIND_STARTED,
	core.ReportCompleted: wire.Report_KIND_COMPLETED,
	core.ReportFailed:    wire.Report_KIND_FAILED,
	core.ReportEntry:     wire.Report_KIND_ENTRY,
	core.ReportSuspended: wire.Report_KIND_SUSPENDED,
	core.ReportReleased:  wire.Report_KIND_RELEASED,
}

func (s *grpcSession) Report(_ context.Context, items []core.ReportItem, spawns ...shard.EntrySpawn) error {
	room := make([]wire.Report, len(items))
	message := &wire.WorkerMessage{Reports: make([]*wire.Report, len(items))}
	for i := range items {
		item, to := &items[i], &room[i]
		to.TaskId, to.Token, to.Attempt = uint64(item.Task), uint64(item.Token), item.Attempt
		to.Kind, to.Output = reportKinds[item.Kind], item.Output
		to.Error, to.NonRetryable, to.Heard = item.Error, item.NonRetryable, item.Heard
		if item.Entry != nil {
			to.Entry = outline.NewEntryToWire(item.Entry, spawnOf(i, spawns))
		}
		message.Reports[i] = to
	}
	return s.send(message)
}

// Emit sends one message: the worker keeps no more than fits into it.
func (s *grpcSession) Emit(_ context.Context, lines []core.LogLine, chunks []core.Chunk) error {
	message := &wire.WorkerMessage{Logs: make([]*wire.LogLine, len(lines)), Chunks: make([]*wire.Chunk, len(chunks))}
	for i := range lines {
		l := &lines[i]
		message.Logs[i] = &wire.LogLine{
			TaskId: uint64(l.Task), Token: uint64(l.Token), Seq: l.Seq,
			TimeMs: int64(l.At), Level: l.Level, Message: l.Message, Fields: l.Fields,
		}
	}
	for i := range chunks {
		c := &chunks[i]
		message.Chunks[i] = &wire.Chunk{TaskId: uint64(c.Task), Token: uint64(c.Token), Seq: c.Seq, Data: c.Data}
	}
	return s.send(message)
}

// spawnOf is what the entry at place i spawns.
func spawnOf(i int, spawns []shard.EntrySpawn) []shard.NewRun {
	at, found := slices.BinarySearchFunc(spawns, i, func(s shard.EntrySpawn, i int) int { return cmp.Compare(s.Item, i) })
	if !found {
		return nil
	}
	return spawns[at].Runs
}

func (s *grpcSession) Resize(_ context.Context, slots int32) error {
	return s.send(&wire.WorkerMessage{Resize: &wire.Resize{Slots: slots}})
}

func (s *grpcSession) Relabel(_ context.Context, labels map[string]string) error {
	return s.send(&wire.WorkerMessage{Relabel: &wire.Relabel{Labels: labels}})
}

func (s *grpcSession) send(m *wire.WorkerMessage) error {
	s.sending.Lock()
	defer s.sending.Unlock()
	s.spoke.Store(true)
	return received(s.stream.Send(m))
}

// sendPings proves that the worker lives while it has nothing to say.
func (s *grpcSession) sendPings() {
	tick := time.NewTicker(s.ping / 2)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if s.spoke.Swap(false) {
				continue
			}
			if s.send(&wire.WorkerMessage{}) != nil {
				return
			}
			s.spoke.Store(false)
		case <-s.life.Done():
			return
		}
	}
}

// Close ends the stream. A drained worker says goodbye, and waits for the engine to
// have heard it: Recv must be waiting meanwhile.
func (s *grpcSession) Close(reason core.LeaveReason) {
	s.closing.Do(func() {
		if reason == core.LeaveDrained && s.send(&wire.WorkerMessage{Goodbye: true}) == nil {
			s.hangUp()
		}
		s.silence.Stop()
		s.end(nil)
		s.parts.Wait()
	})
}

func (s *grpcSession) hangUp() {
	s.sending.Lock()
	err := s.stream.CloseSend()
	s.sending.Unlock()
	if err == nil {
		within(goodbyeMax, s.ended)
	}
}
