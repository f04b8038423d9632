package shard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/adzehq/adze/internal/base/clock"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/journal"
)

// passRowsMax is how many rows one pass of the loop gives the journal at most, give
// or take the last input. It is the journal's own batch: a longer pass would only
// make the first of it wait for the last.
const passRowsMax = 1_000

// Runtime runs the core of one shard.
type Runtime struct {
	number int32
	epoch  int64
	config *Config
	log    *slog.Logger
	ids    *id.Source
	inbox  *mailbox[message]
	passes *mailbox[*pass] // committed, to be told
	spare  sync.Pool       // of *pass

	// committed is the last Apply that Postgres has: an assignment of a task that was
	// submitted by then may go out at once.
	committed atomic.Uint64
	flying    atomic.Int64 // passes at the journal, or not told yet

	catalog  *catalog
	payloads *payloads
	waiters  *waiters
	answers  *answers
	alarms   *alarms
	sessions *sessions
	arrivals arrivals
	streams  *streams
	watches  watches
	latest   latest
	repeats  repeats

	sharing atomic.Bool // any tenants share workers

	redriving chan struct{} // holds one while replays are on their way, see redrive

	parked []message // wait until the once keys are loaded that they want; the loop's

	restored chan struct{} // closed when the shard serves

	failOnce sync.Once
	failed   chan struct{} // closed when the shard is lost
	failure  error         // why; read after failed
}

// message is something for the loop. It has an input, or something to do there.
type message struct {
	input core.Input
	// prepare runs in the loop just before the input is applied, so that what it
	// stamps (ids, run-at) is in the order of the inputs.
	prepare func(now core.Time)
	// allow is asked before that: the input of a message that is not allowed is left out.
	// nil = it is.
	allow  func() bool
	do     func(*core.Shard)
	wanted *wanted // the once keys of the input; nil = none
	// told runs after the commit of what followed from the input, or with the error
	// that prevents it.
	told func(error)
	// session is set with a Join and a Leave.
	session *session
	gate    Gate  // where the holder's bytes are given back after the commit
	holder  id.ID // a tenant
	bytes   int64
}

// pass is one turn of the loop: inputs, what followed, and whom to tell.
type pass struct {
	effects core.Effects
	first   uint64 // Apply numbers
	last    uint64
	told    []func(error)
	gates   []reserved
	err     error
}

type reserved struct {
	gate   Gate
	holder id.ID
	bytes  int64
}

func newRuntime(number int32, epoch int64, config *Config, payloads *payloads) *Runtime {
	return &Runtime{
		number: number, epoch: epoch, config: config,
		log:    config.Log.With("shard", number),
		inbox:  newMailbox[message](),
		passes: newMailbox[*pass](),
		spare:  sync.Pool{New: func() any { return new(pass) }},

		catalog:  newCatalog(),
		payloads: payloads,
		waiters:  newWaiters(),
		answers:  newAnswers(),
		alarms:   newAlarms(),
		sessions: newSessions(),
		streams:  newStreams(),
		restored: make(chan struct{}),
		failed:   make(chan struct{}),

		redriving: make(chan struct{}, 1),
	}
}

// Run restores the shard and serves until ctx ends or the shard is lost.
func (r *Runtime) Run(ctx context.Context) error {
	mind := core.NewSized(r.number, r.config.window())
	if r.config.OnceKeys > 0 {
		mind.KeepOnce(r.config.OnceKeys)
	}
	if err := r.restore(ctx, mind); err != nil {
		r.fail(err)
		return err
	}
	var parts sync.WaitGroup
	looped := make(chan struct{})
	parts.Go(func() { r.tell(ctx, looped) })
	r.loop(ctx, mind)
	close(looped)
	parts.Wait()
	r.fail(errStopped) // ends the sessions and whoever waits
	r.refuseAll()
	if errors.Is(r.failure, errStopped) {
		return nil
	}
	return r.failure
}

func (r *Runtime) restore(ctx context.Context, mind *core.Shard) error {
	definitions, err := r.config.Store.Definitions(ctx, r.number)
	if err != nil {
		return fmt.Errorf("restore shard %d: read definitions: %w", r.number, err)
	}
	state, err := r.config.Store.Restore(ctx, r.number, r.epoch)
	if err != nil {
		return fmt.Errorf("restore shard %d: %w", r.number, err)
	}
	r.ids = id.NewSource(r.number, state.LastID)
	r.latest.since, r.repeats.since = state.LastID, state.LastID
	p := r.newPass(mind)
	for i := range definitions {
		v, err := newVersion(&definitions[i])
		if err != nil {
			return fmt.Errorf("restore shard %d: %w", r.number, err)
		}
		mind.Apply(r.now(), v.input(), &p.effects)
		r.catalog.add(v, definitions[i].Current)
	}
	if err := r.restoreFilters(ctx); err != nil {
		return fmt.Errorf("restore shard %d: %w", r.number, err)
	}
	mind.Apply(r.now(), state, &p.effects)
	r.append(mind, p)
	close(r.restored)
	if open := len(state.Runs) + len(state.Running) + len(state.Fresh) + len(state.Lanes); open > 0 {
		r.log.InfoContext(ctx, "restored shard", "runs", len(state.Runs), "running", len(state.Running), "fresh", len(state.Fresh), "lanes", len(state.Lanes), "delayed", state.Delayed)
	}
	return nil
}

// loop is the one goroutine that knows the core.
func (r *Runtime) loop(ctx context.Context, mind *core.Shard) {
	timer := r.config.Clock.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		r.arm(timer, mind.NextDue())
		select {
		case <-ctx.Done():
			return
		case <-r.failed:
			return
		case <-timer.C():
			r.apply(mind, []message{{input: &core.Tick{}}})
		case <-r.inbox.ready:
			r.apply(mind, r.inbox.take())
		}
	}
}

func (r *Runtime) arm(timer clock.Timer, due core.Time) {
	wait := time.Hour
	if due > 0 {
		wait = max(time.UnixMilli(int64(due)).Sub(r.config.Clock.Now()), 0)
	}
	timer.Reset(wait)
}

// apply feeds the core and hands what follows to the journal, in passes.
func (r *Runtime) apply(mind *core.Shard, messages []message) {
	p := r.newPass(mind)
	now := r.now()
	for i := 0; i < len(messages); i++ { // it may grow
		m := &messages[i]
		if m.session != nil || p.effects.Rows() >= passRowsMax {
			r.append(mind, p)
			p = r.newPass(mind)
		}
		if !r.current(m) {
			continue
		}
		if !r.recalled(mind, m, now, &p.effects) {
			continue
		}
		if m.allow != nil && !m.allow() {
			m.input, m.prepare = nil, nil
		}
		if m.prepare != nil {
			m.prepare(now)
		}
		if m.do != nil {
			m.do(mind)
		}
		if report, ok := m.input.(*core.Report); ok && r.catalog.conditional() {
			r.judge(mind, report)
		}
		if push, ok := m.input.(*core.Push); ok {
			r.watches.evaluate(mind, push.Events)
		}
		if m.input != nil {
			mind.Apply(now, m.input, &p.effects)
			r.note(m, mind.Seq())
			messages = append(messages, r.unpark(m.input)...)
			m = &messages[i]
		}
		if m.told != nil {
			p.told = append(p.told, m.told)
		}
		if m.gate != nil {
			p.gates = append(p.gates, reserved{m.gate, m.holder, m.bytes})
		}
	}
	if due := mind.NextDue(); due > 0 && due <= now { // a busy inbox must not starve the timers
		mind.Apply(now, &core.Tick{}, &p.effects)
	}
	r.append(mind, p)
}

func (r *Runtime) newPass(mind *core.Shard) *pass {
	p := r.spare.Get().(*pass)
	p.first = mind.Seq() + 1
	return p
}

// append hands a pass to the journal. What depends on nothing in it goes out now.
func (r *Runtime) append(mind *core.Shard, p *pass) {
	p.last = mind.Seq()
	r.sharing.Store(mind.Shares())
	events := eventsOf(&p.effects)
	r.payloads.put(p.effects.Tasks, events, p.effects.Open)
	r.payloads.put(p.effects.Runs, events, nil)
	r.payloads.keep(p.effects.Results)
	r.assignEarly(p)
	// With nothing to write there may be something to tell: it may rest on passes
	// before and comes after them, by the same way.
	if p.effects.Rows()+told(&p.effects)+len(p.told) == 0 {
		p.open()
		r.recycle(p)
		return
	}
	r.flying.Add(1)
	r.config.Journal.Append(journal.Entry{
		Shard: r.number, Epoch: r.epoch, Effects: &p.effects,
		Done: func(err error) {
			p.err = err
			r.passes.put(p)
		},
	})
}

// open gives back the room that the pass had reserved.
func (p *pass) open() {
	for _, held := range p.gates {
		held.gate.Release(held.holder, held.bytes)
	}
}

// assignEarly sends the assignments of tasks that Postgres has, and keeps the rest
// for after the commit.
func (r *Runtime) assignEarly(p *pass) {
	p.effects.Assigned = r.sessions.assign(p.effects.Assigned, p.first, r.committed.Load())
	r.sessions.flush()
}

func told(e *core.Effects) int {
	return len(e.Assigned) + len(e.Stopped) + len(e.Settled) + len(e.Emitted) + len(e.Answers) + len(e.Loads) + len(e.Ripe) // Mets are rows
}

func (r *Runtime) recycle(p *pass) {
	p.effects.Reset()
	clear(p.told)
	clear(p.gates)
	*p = pass{effects: p.effects, told: p.told[:0], gates: p.gates[:0]}
	r.spare.Put(p)
}

// send puts a message in the inbox, or refuses it when the shard is lost.
func (r *Runtime) send(m message) error {
	select {
	case <-r.failed:
		r.refuse(&m)
		return r.unavailable()
	default:
	}
	r.inbox.put(m)
	return nil
}

func (r *Runtime) now() core.Time { return core.Time(r.config.Clock.Now().UnixMilli()) }
