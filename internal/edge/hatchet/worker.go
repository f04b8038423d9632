package hatchet

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/edge/drain"
	"github.com/adzehq/adze/internal/edge/hatchet/view"
	"github.com/adzehq/adze/internal/history"
	"github.com/adzehq/adze/internal/shard"
)

const (
	// eligibleFor is how long a worker is given new tasks after it was heard of.
	eligibleFor = 5 * time.Second

	// aliveFor is how long a worker that is not heard of keeps what it runs.
	aliveFor = 30 * time.Second

	// watchEvery is how often the workers are looked at for those.
	watchEvery = time.Second
)

// roster is the workers that this engine serves.
type roster struct {
	server  *Server
	born    time.Time
	life    context.Context // of their sessions
	end     context.CancelFunc
	served  sync.WaitGroup
	reading sync.WaitGroup // for durable tasks, how their children ended

	mu     sync.Mutex
	closed bool
	of     map[id.ID]*worker

	attempts attempts
	alarms   alarms

	labels sync.Mutex // held while labels are changed: they are read before
}

func newRoster(s *Server) *roster {
	r := &roster{server: s, born: s.Clock.Now(), of: map[id.ID]*worker{}}
	r.attempts.of = map[id.ID]*attempt{}
	r.alarms.changed = make(chan struct{}, 1)
	r.life, r.end = context.WithCancel(context.Background())
	return r
}

// worker is a worker with a session at the shard. That lasts while heartbeats come, with
// or without a stream that it listens on.
type worker struct {
	roster  *roster
	id      id.ID
	tenant  id.ID
	name    string // its tenant's UUID, and its own, as they are on the wire
	owner   string
	session shard.Session

	attached chan struct{} // closed once it is clear whether there is a session,
	err      error         // or why not

	mu         sync.Mutex
	said       history.Worker // of itself
	heard      time.Time
	spared     bool      // it is given nothing new
	streamless time.Time // since when no stream is open
	streams    []*stream // open ones, the newest last
	given      map[core.Token]*attempt
	waiting    []*errand           // to be sent on the next stream
	hushed     map[id.ID][]*errand // tasks that it is told to stop, and what is kept back of them, see stopGap
	durable    *durableStream      // the newest; nil: none is open
	durableBy  time.Time           // until then it may be about to open one again, see awaitDurable
}

// Run looks after the workers until ctx ends: those that fall silent are given nothing new
// and are given up in the end. Then all sessions end, and their workers find them again.
func (s *Server) Run(ctx context.Context) error {
	var ringing sync.WaitGroup
	defer ringing.Wait()
	ringing.Go(func() { s.ring(ctx) })
	timer := s.Clock.NewTimer(watchEvery)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			s.roster.close()
			return nil
		case <-timer.C():
			s.roster.watch(s.Clock.Now())
			timer.Reset(watchEvery)
		}
	}
}

func (r *roster) close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.end()
	r.served.Wait()
	r.reading.Wait()
}

// watch spares those that have not been heard of, and gives up those that have not for
// long.
func (r *roster) watch(now time.Time) {
	for _, w := range r.all() {
		switch silent := w.silent(now); {
		case silent >= aliveFor:
			w.server().Log.Info("worker fell silent", "worker_id", w.id, "silent_ms", silent.Milliseconds())
			w.session.Close(core.LeaveSilent)
		case silent >= eligibleFor:
			w.consider(now)
		}
	}
}

// all are those that have a session.
func (r *roster) all() []*worker {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]*worker, 0, len(r.of))
	for _, w := range r.of {
		select {
		case <-w.attached:
			list = append(list, w)
		default:
		}
	}
	return list
}

// find is a worker that is served here, or nil.
func (r *roster) find(tenant, number id.ID) *worker {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.of[number]
	if w == nil || w.tenant != tenant {
		return nil
	}
	select {
	case <-w.attached:
		return w
	default:
		return nil
	}
}

// attend is the worker of that id, with a session: it is attached if it is not.
func (r *roster) attend(ctx context.Context, caller auth.Caller, number id.ID) (*worker, error) {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return nil, drain.ErrStopping
	}
	w := r.of[number]
	if w != nil {
		r.mu.Unlock()
		return w.ready(ctx, caller.Tenant)
	}
	w = &worker{
		roster: r, id: number, tenant: caller.Tenant, name: number.String(), owner: caller.UUID.String(),
		attached: make(chan struct{}), given: map[core.Token]*attempt{}, hushed: map[id.ID][]*errand{},
	}
	r.of[number] = w
	r.served.Add(1) // under the lock: close waits for it
	r.mu.Unlock()
	if w.err = w.attach(ctx); w.err != nil {
		r.drop(w)
		r.served.Done()
	} else {
		go w.serve()
	}
	close(w.attached)
	return w, w.err
}

// ready waits until it is clear whether w has a session.
func (w *worker) ready(ctx context.Context, tenant id.ID) (*worker, error) {
	select {
	case <-w.attached:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if w.tenant != tenant {
		return nil, unknownWorker(w.id.String())
	}
	return w, w.err
}

func (r *roster) drop(w *worker) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of[w.id] == w {
		delete(r.of, w.id)
	}
}

func (w *worker) server() *Server { return w.roster.server }

// attach begins a session with what the worker said of itself before, and with what the
// shard has it running: the worker does not say. It is given nothing until it listens.
func (w *worker) attach(ctx context.Context) (err error) {
	s := w.server()
	if w.said, err = history.GetWorker(ctx, s.DB, w.tenant, w.id); err != nil {
		return err
	}
	held, err := s.Shards.Held(ctx, w.tenant, w.id)
	if err != nil {
		return err
	}
	if err := s.recallReleased(ctx, held); err != nil {
		return err
	}
	hello := helloOf(&w.said)
	hello.Spared = true
	for i := range held {
		hello.Running = append(hello.Running, held[i].Claim())
	}
	now := s.Clock.Now()
	w.heard, w.streamless, w.spared = now, now, true
	if w.id.Time().Before(w.roster.born) || now.Sub(w.id.Time()) >= durableBackFor {
		w.awaitDurable(now) // it was attached before: to this engine, or to another one
	}
	if err := w.resume(ctx, held); err != nil {
		return err
	}
	w.session, err = s.Shards.Attach(ctx, w.tenant, hello)
	if err != nil {
		w.forget()
	}
	return err
}

// helloOf is how the row of a worker introduces it.
func helloOf(said *history.Worker) shard.Hello {
	hello := shard.Hello{
		Worker: said.ID, Name: said.Name, SDK: said.SDK, Actions: said.Actions, Slots: said.Slots,
		Labels: said.Labels, Runtime: said.Runtime,
	}
	for typ, units := range said.Types {
		hello.Types = append(hello.Types, shard.SlotUse{Type: typ, Units: units})
	}
	return hello
}

// serve takes what the shard tells the worker until the session is over.
func (w *worker) serve() {
	defer w.roster.served.Done()
	for {
		down, err := w.session.Recv(w.roster.life)
		if err != nil {
			w.over(err)
			return
		}
		w.take(&down)
	}
}

// over ends all that hangs on the session. Streams end with a reason to open them again.
func (w *worker) over(err error) {
	if errors.Is(err, context.Canceled) {
		err = drain.ErrStopping
	}
	w.session.Close(core.LeaveClosed)
	w.roster.drop(w)
	w.forget()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, st := range w.streams {
		st.cancel(err)
	}
}

// forget lets go of the attempts. Whoever waits for one to be settled is told to try again.
func (w *worker) forget() {
	w.mu.Lock()
	given := w.given
	w.given, w.waiting = map[core.Token]*attempt{}, nil
	w.mu.Unlock()
	for _, a := range given {
		w.roster.attempts.remove(a)
		a.settle(errLost)
		if a.invocation != nil {
			a.invocation.over()
		}
	}
}

var errLost = fault.New(fault.Unavailable, "", "the worker's session is over: try again")

// silent is how long the worker has not been heard of.
func (w *worker) silent(now time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return now.Sub(w.heard)
}

// hear notes a sign of life.
func (w *worker) hear(now time.Time) {
	w.mu.Lock()
	w.heard = now
	w.mu.Unlock()
	w.consider(now)
}

// consider has the shard give the worker something new if it can be reached, else not.
func (w *worker) consider(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	spared := len(w.streams) == 0 || now.Sub(w.heard) >= eligibleFor
	if spared == w.spared {
		return
	}
	// Under the lock: what is said last counts. It waits for nothing.
	if err := w.server().Shards.SpareWorker(w.roster.life, w.tenant, w.id, spared); err == nil {
		w.spared = spared
	}
}

// workerID reads the id of a worker. One that is not ours is unknown.
func workerID(text string) (id.ID, error) {
	number, err := view.ParseID("worker_id", text)
	if err == nil && number == 0 {
		err = unknownWorker(text)
	}
	return number, err
}

func unknownWorker(text string) error {
	return fault.New(fault.NotFound, "worker_id", "no worker %s; register it", text)
}
