package adze

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/embed"
	"github.com/adzehq/adze/internal/shard"
)

const slotsPerCPU = 10

// Worker runs tasks. Make it with [Client.NewWorker].
type Worker struct {
	client      *Client
	log         *slog.Logger
	name        string
	slots       int
	types       []shard.SlotUse
	drain       time.Duration
	definitions []*definition
	actions     map[string]action
	emissions   *emissions
	logs        logging
	values      context.Context // what the contexts of all attempts come from; it never ends
	hooks       *embed.Hooks    // of a test

	mu       sync.Mutex
	labels   map[string]string
	id       id.ID                   // given with the first session
	session  shard.Session           // nil while there is none
	held     map[core.Token]*attempt // running, or ended and not settled
	running  int                     // of held
	reports  reports                 // on their way to the engine
	draining chan struct{}           // made when the worker is to end; closed with drained
	drained  bool                    // nothing is held, and nothing will be
}

// NewWorker makes a worker that runs the tasks among options. It does nothing
// before [Worker.Run].
func (c *Client) NewWorker(options ...WorkerOption) *Worker {
	config := workerConfig{logs: logging{level: slog.LevelInfo}, slots: slotsPerCPU * runtime.GOMAXPROCS(0), drain: drainTimeoutDefault, name: processName()}
	for _, o := range options {
		o.applyWorker(&config)
	}
	return &Worker{
		client: c, log: c.log.With("worker", config.name),
		name: config.name, slots: config.slots, drain: config.drain, definitions: config.definitions,
		types: config.types, labels: config.labels,
		actions: map[string]action{},
		held:    map[core.Token]*attempt{},
		logs:    config.logs, emissions: newEmissions(),
		reports: newReports(),
	}
}

func processName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "worker"
	}
	return fmt.Sprintf("%s/%d", host, os.Getpid())
}

// Run registers the worker's tasks and runs what it is given until ctx ends. An
// engine that cannot be reached is tried again; one that refuses ends Run with an
// error. A worker runs once.
//
// The tasks' contexts carry the values of ctx, and go on when it ends: then the
// worker takes nothing new, waits for what it runs as long as [DrainTimeout] says,
// and returns nil if nothing was left behind.
func (w *Worker) Run(ctx context.Context) error {
	if err := w.open(); err != nil {
		return err
	}
	if err := w.register(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("worker %s: %w", w.name, err)
	}
	w.values, w.hooks = context.WithoutCancel(ctx), embed.HooksOf(ctx)
	life, stop := context.WithCancel(w.values)
	defer stop()
	refused := make(chan error, 1)
	go func() {
		defer close(refused)
		refused <- w.serve(life)
	}()
	select {
	case err := <-refused:
		w.forsake()
		return fmt.Errorf("worker %s: %w", w.name, err)
	case <-ctx.Done():
	}
	left := w.end()
	stop()
	for range refused { // until it is closed: the end it tells of is ours
	}
	if left > 0 {
		return fmt.Errorf("worker %s: %d tasks did not end within %v; they run elsewhere", w.name, left, w.drain)
	}
	return nil
}

// open checks what the worker was made of.
func (w *Worker) open() error {
	if len(w.definitions) == 0 {
		return &Error{Kind: KindInvalid, Field: "tasks", Text: "a worker needs one task at least; pass them to NewWorker or Work"}
	}
	if len(w.actions) > 0 {
		return &Error{Kind: KindConflict, Text: "a worker runs once; make another one"}
	}
	for _, d := range w.definitions {
		if !d.runsHere() {
			return &Error{Kind: KindInvalid, Field: d.name(), Text: "was declared without its function, a worker cannot run it"}
		}
		if err := w.offer(d); err != nil {
			return err
		}
	}
	return nil
}

// action is what a worker runs of a definition.
type action struct {
	definition *definition
	task       *shard.Task
	call       call
	together   batchCall // of a task that takes several runs at once; else nil
}

// offer adds the tasks of d that have a function.
func (w *Worker) offer(d *definition) error {
	for i, function := range d.calls {
		if function == nil {
			continue
		}
		name := d.action(i)
		if other, taken := w.actions[name]; taken && other.definition != d {
			return &Error{Kind: KindConflict, Field: name, Text: "is the name of two tasks of this worker; rename one"}
		}
		w.actions[name] = action{d, &d.workflow.Tasks[i], function, d.batched[i]}
	}
	for _, part := range d.parts {
		if err := w.offer(part); err != nil {
			return err
		}
	}
	return nil
}

// register makes the tasks known, as soon as there is an engine.
func (w *Worker) register(ctx context.Context) error {
	var pause pauses
	for {
		err := w.client.define(ctx, w.definitions...)
		if err == nil || !passing(err) {
			return err
		}
		w.log.Warn("could not register tasks", "error", err)
		if pause.wait(ctx) != nil {
			return err
		}
	}
}

// serve holds one session after the other until ctx ends or the engine refuses.
func (w *Worker) serve(ctx context.Context) error {
	var pause pauses
	for {
		began := time.Now()
		err := w.serveOnce(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if !passing(err) {
			return err
		}
		w.log.Warn("lost the engine", "error", err, "running", w.runs())
		if time.Since(began) > pauseMax {
			pause.reset()
		}
		_ = pause.wait(ctx) // its end is seen above
	}
}

// serveOnce holds a session until it breaks or ctx ends.
func (w *Worker) serveOnce(ctx context.Context) error {
	session, err := w.client.transport.attach(ctx, w.hello())
	if err != nil {
		return err
	}
	reporting, stop := context.WithCancel(ctx)
	var reporter sync.WaitGroup
	defer reporter.Wait()
	defer stop()
	defer session.Close(core.LeaveClosed)

	if err := w.begin(reporting, session); err != nil {
		return err
	}
	reporter.Go(func() { w.sendReports(reporting, session) })
	for {
		down, err := session.Recv(ctx)
		if err != nil {
			w.lose(session)
			return err
		}
		w.take(&down)
	}
}

// hello introduces the worker, with all it holds: what it ran to its end and could
// not report is still its own.
func (w *Worker) hello() shard.Hello {
	w.mu.Lock()
	defer w.mu.Unlock()
	h := shard.Hello{Worker: w.id, Name: w.name, SDK: sdkName, Slots: clamp(w.slots), Labels: w.labels, Types: w.types}
	if w.draining != nil && w.id != 0 {
		h.Slots = 0
	}
	h.Actions = make([]string, 0, len(w.actions))
	for action := range w.actions {
		h.Actions = append(h.Actions, action)
	}
	for _, a := range w.held {
		h.Running = append(h.Running, a.claim())
	}
	return h
}

// begin makes session the current one and queues what was not settled before.
func (w *Worker) begin(ctx context.Context, session shard.Session) error {
	w.mu.Lock()
	w.id, w.session = session.Worker(), session
	w.reports.clear()
	w.emissions.sendAgain()
	for _, a := range w.held {
		w.reportAgain(a)
		if a.released && !a.ended { // the Hello may have been said before
			w.reports.add(a.item(core.ReportReleased))
		}
	}
	draining := w.draining != nil
	w.mu.Unlock()
	if draining { // it may have begun after the Hello
		return session.Resize(ctx, 0)
	}
	return nil
}

func (w *Worker) lose(session shard.Session) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.session == session {
		w.session = nil
	}
}

// take does what the engine says. Their starts are reported together, after all
// have been started: short tasks end before and are reported once.
func (w *Worker) take(down *shard.Down) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.startAll(down.Assignments)
	for _, stop := range down.Stops {
		if a := w.held[stop.Token]; a != nil {
			a.cancel(stopCause(stop.Reason))
		}
	}
	w.emissions.stored(down.Emitted)
	for i := range down.Mets {
		if a := w.held[down.Mets[i].Token]; a != nil && a.logbook != nil {
			a.logbook.meet(down.Mets[i])
		}
	}
	for i := range down.Settled {
		w.settle(&down.Settled[i])
	}
	w.reports.signal()
}

func stopCause(reason core.StopReason) error {
	switch reason {
	case core.StopCancelled:
		return ErrCancelled
	case core.StopTimedOut:
		return ErrTimedOut
	default:
		return ErrLost
	}
}

// startAll runs each attempt in a goroutine of its own, but for those of a batch, which
// share one. Called with mu held.
func (w *Worker) startAll(assigned []shard.Assignment) {
	var members []*attempt
	for i := range assigned {
		a := w.start(&assigned[i])
		switch {
		case a == nil:
		case a.Batch == 0 || a.action.together == nil:
			go a.run()
		default:
			members = append(members, a)
		}
		if n := len(members); n > 0 && (i+1 == len(assigned) || assigned[i+1].Batch != members[0].Batch) {
			go w.runTogether(members)
			members = nil
		}
	}
}

// start takes an attempt; nil if there is nothing to run. Called with mu held.
func (w *Worker) start(assigned *shard.Assignment) *attempt {
	if w.drained || w.held[assigned.Token] != nil {
		return nil // the goodbye gives it to another worker, or it was told twice
	}
	a := &attempt{Assignment: *assigned, worker: w}
	var offered bool
	if a.action, offered = w.actions[assigned.Action]; !offered {
		a.action = unknownAction(assigned.Action)
	}
	if a.action.task.Durable {
		a.logbook = newLogbook(a)
	}
	left := given{a.Workflow, a.action.task, a.Parents, a.Failures, a.Event, a.Came}
	a.Parents, a.Failures, a.Event, a.Came = nil, nil, nil, nil
	// Cancelled by the engine and by the end of a drain, never by the session's end.
	a.ctx, a.cancel = context.WithCancelCause(&attemptValue{w.values, a, left})
	a.batch, a.place = w.reports.add(a.item(core.ReportStarted))
	w.held[a.Token] = a
	w.running++
	return a
}

// unknownAction fails what this worker never offered.
func unknownAction(name string) action {
	return action{task: &shard.Task{Name: name}, call: func(context.Context, []byte) ([]byte, error) {
		return nil, fmt.Errorf("worker has no task %q", name)
	}}
}

// finish takes what came of an attempt. If its start is still unsent, the end takes
// its place.
func (w *Worker) finish(a *attempt, report core.ReportItem, parting []entry) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running--
	if w.held[a.Token] != a {
		return // the engine has ended it
	}
	if a.logbook != nil {
		report.Heard = a.logbook.told
	}
	a.ended, a.report = true, report
	w.sendEntries(a, parting)
	if a.forsaken && report.Kind == core.ReportFailed {
		w.release(a) // the goodbye gives it to another worker
		return
	}
	if a.logbook != nil || !w.reports.replace(a.batch, a.place, report) {
		w.reports.add(report) // behind what it recorded
	}
	w.reports.signal()
}

// release forgets an attempt. Called with mu held.
func (w *Worker) release(a *attempt) {
	delete(w.held, a.Token)
	w.emissions.forget(a)
	w.closeIfDrained()
}

func (w *Worker) runs() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.running
}
