package hatchet

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"google.golang.org/grpc"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/edge/hatchet/define"
	"github.com/adzehq/adze/internal/history"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

const (
	// slotsUnsaid is how many slots of the default type a worker has that says nothing.
	slotsUnsaid = 100

	// streamsMax is how many streams of a worker may be open at once; with more, the oldest
	// end.
	streamsMax = 8

	// repeatAfter is how long a new stream is open before what was sent on the one before,
	// and of which the worker has not said that it began, is sent again: it may be about to
	// say so.
	repeatAfter = time.Second
)

var errTooManyStreams = fault.New(fault.Exhausted, "", "the worker has opened %d other streams since", streamsMax)

// Register implements the Dispatcher. The worker is given nothing until it listens.
func (s *Server) Register(ctx context.Context, req *wire.WorkerRegisterRequest) (*wire.WorkerRegisterResponse, error) {
	hello, err := registration(req)
	if err != nil {
		return nil, s.Status(err)
	}
	caller := auth.CallerOf(ctx)
	number, err := s.Shards.Introduce(ctx, caller.Tenant, hello)
	if err != nil {
		return nil, s.Status(err)
	}
	return &wire.WorkerRegisterResponse{TenantId: caller.UUID.String(), WorkerId: number.String(), WorkerName: req.WorkerName}, nil
}

// registration is how a worker introduces itself.
func registration(req *wire.WorkerRegisterRequest) (shard.Hello, error) {
	hello := shard.Hello{Name: req.WorkerName, Actions: make([]string, len(req.Actions))}
	var err error
	for i, action := range req.Actions {
		if hello.Actions[i], err = define.Action(action); err != nil {
			return hello, fault.At(fmt.Sprintf("actions[%d]", i), err)
		}
	}
	hello.SDK, hello.Runtime = runtimeOf(req.RuntimeInfo)
	if hello.Labels, err = labelsOf(req.Labels); err != nil {
		return hello, err
	}
	if err = slotsOf(req, &hello); err != nil {
		return hello, err
	}
	checked := hello
	checked.Worker = 1 // one that is registered may have no slots of the default type,
	if len(checked.Actions) == 0 {
		checked.Actions = []string{"none"} // or no actions
	}
	return hello, admit.Hello(&checked)
}

// slotsOf reads the slots, of which there are two spellings.
func slotsOf(req *wire.WorkerRegisterRequest, hello *shard.Hello) error {
	switch {
	case req.Slots != nil && len(req.SlotConfig) > 0:
		return fault.New(fault.Invalid, "slots", "comes with slot_config; give one of them")
	case req.Slots != nil:
		hello.Slots = *req.Slots
		return nil
	case len(req.SlotConfig) == 0:
		hello.Slots = slotsUnsaid
		return nil
	}
	for _, kind := range slices.Sorted(maps.Keys(req.SlotConfig)) { // a fault names a place
		units := req.SlotConfig[kind]
		if kind == define.SlotDefault {
			hello.Slots = units
			continue
		}
		hello.Types = append(hello.Types, shard.SlotUse{Type: kind, Units: units})
	}
	return nil
}

// stream is one ListenV2 of a worker.
type stream struct {
	context.Context // ends with the stream
	cancel          context.CancelCauseFunc
	ready           chan struct{} // holds a token while there is something to send
}

// ListenV2 implements the Dispatcher.
func (s *Server) ListenV2(req *wire.WorkerListenRequest, to grpc.ServerStreamingServer[wire.AssignedAction]) error {
	number, err := workerID(req.WorkerId)
	if err != nil {
		return s.Status(err)
	}
	ctx, done := s.Bounded(to.Context())
	defer done()
	w, err := s.roster.attend(ctx, auth.CallerOf(ctx), number)
	if err != nil {
		return s.Status(err)
	}
	st := w.open(ctx)
	defer w.close(st)
	again := time.AfterFunc(repeatAfter, func() { w.repeat(st) })
	defer again.Stop()
	return s.Status(w.send(st, to))
}

// open adds a stream. It is the one that the worker is told on from now on.
func (w *worker) open(ctx context.Context) *stream {
	st := &stream{ready: make(chan struct{}, 1)}
	st.Context, st.cancel = context.WithCancelCause(ctx)
	now := w.server().Clock.Now()
	w.mu.Lock()
	w.streams = append(w.streams, st)
	if len(w.streams) > streamsMax {
		w.streams[0].cancel(errTooManyStreams)
		w.streams = slices.Delete(w.streams, 0, 1)
	}
	w.wake()
	w.mu.Unlock()
	w.hear(now)
	return st
}

// close takes a stream away. An older one that is still open takes over: the end of a
// stream says nothing of the others.
func (w *worker) close(st *stream) {
	st.cancel(nil)
	now := w.server().Clock.Now()
	w.mu.Lock()
	if at := slices.Index(w.streams, st); at >= 0 {
		w.streams = slices.Delete(w.streams, at, at+1)
	}
	if len(w.streams) == 0 {
		w.streamless = now
	}
	w.wake()
	w.mu.Unlock()
	w.consider(now)
}

// wake has the newest stream look for something to send. The caller holds the lock.
func (w *worker) wake() {
	if len(w.streams) == 0 || len(w.waiting) == 0 {
		return
	}
	select {
	case w.streams[len(w.streams)-1].ready <- struct{}{}:
	default:
	}
}

// errands takes what is to be sent on st now, if that is the newest.
func (w *worker) errands(st *stream) (taken []*errand) {
	now := w.server().Clock.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(w.streams); n == 0 || w.streams[n-1] != st {
		return nil
	}
	if !w.awaitsDurable(now) {
		taken, w.waiting = w.waiting, nil
		return taken
	}
	waiting := w.waiting
	w.waiting = nil
	for _, e := range waiting {
		if len(e.start) > 0 && e.start[0].Durable {
			w.waiting = append(w.waiting, e)
		} else {
			taken = append(taken, e)
		}
	}
	return taken
}

// send sends what there is until the stream is over. What was taken and not sent comes
// again on the next one.
func (w *worker) send(st *stream, to grpc.ServerStreamingServer[wire.AssignedAction]) error {
	for {
		select {
		case <-st.Done():
			return context.Cause(st)
		case <-st.ready:
		}
		taken := w.errands(st)
		for i, e := range taken {
			if err := w.run(st, e, to); err != nil {
				w.putBack(taken[i:])
				return err
			}
		}
	}
}

// putBack has errands be sent on another stream, before those that came later.
func (w *worker) putBack(errands []*errand) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting = append(slices.Clone(errands), w.waiting...)
	w.wake()
}

// repeat has all be sent again that was sent on another stream than st, and of which the
// worker has not said that it began.
func (w *worker) repeat(st *stream) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var lost []*attempt
	for _, a := range w.given {
		if !a.started && a.sent != nil && a.sent != st {
			lost = append(lost, a)
		}
	}
	slices.SortFunc(lost, func(a, b *attempt) int { return int(a.Token - b.Token) })
	for _, a := range lost {
		a.sent = nil
		w.waiting = append(w.waiting, &errand{start: []*attempt{a}})
	}
	w.wake()
}

// Unsubscribe implements the Dispatcher. What the worker runs it has until it falls silent.
func (s *Server) Unsubscribe(ctx context.Context, req *wire.WorkerUnsubscribeRequest) (*wire.WorkerUnsubscribeResponse, error) {
	number, err := workerID(req.WorkerId)
	if err != nil {
		return nil, s.Status(err)
	}
	caller := auth.CallerOf(ctx)
	if w := s.roster.find(caller.Tenant, number); w != nil {
		w.hangUp()
	} else if _, err := history.GetWorker(ctx, s.DB, caller.Tenant, number); err != nil {
		return nil, s.Status(err)
	}
	return &wire.WorkerUnsubscribeResponse{TenantId: caller.UUID.String(), WorkerId: req.WorkerId}, nil
}

// hangUp ends all streams.
func (w *worker) hangUp() {
	w.mu.Lock()
	for _, st := range w.streams {
		st.cancel(nil)
	}
	w.streams = nil
	w.mu.Unlock()
	w.consider(w.server().Clock.Now())
}

// languages are the names of the SDKs' languages.
var languages = map[wire.SDKS]string{
	wire.SDKS_SDKS_GO: "GOLANG", wire.SDKS_SDKS_PYTHON: "PYTHON",
	wire.SDKS_SDKS_TYPESCRIPT: "TYPESCRIPT", wire.SDKS_SDKS_RUBY: "RUBY",
}

// What Runtime says of a worker of this wire, by these keys.
const (
	RuntimeVersion         = "sdk_version"
	RuntimeLanguage        = "language"
	RuntimeLanguageVersion = "language_version"
	RuntimeOS              = "os"
	RuntimeExtra           = "extra"
)

// runtimeBytesMax bounds a text of the runtime's; the rest is cut: it is for people.
const runtimeBytesMax = 1_024

func runtimeOf(info *wire.RuntimeInfo) (sdk string, said map[string]string) {
	said = map[string]string{}
	for key, text := range map[string]string{
		RuntimeVersion: info.GetSdkVersion(), RuntimeLanguage: languages[info.GetLanguage()],
		RuntimeLanguageVersion: info.GetLanguageVersion(), RuntimeOS: info.GetOs(), RuntimeExtra: info.GetExtra(),
	} {
		if text != "" {
			said[key] = text[:min(len(text), runtimeBytesMax)]
		}
	}
	return "hatchet", said
}
