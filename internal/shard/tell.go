package shard

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/journal"
)

// readRetryPause is how long a read waits that Postgres refused.
const readRetryPause = 200 * time.Millisecond

// stopPatience is how long a shard that stops waits for its last commits. Whoever
// waits for one longer is told that it may or may not have happened.
const stopPatience = 5 * time.Second

var errStopped = errors.New("shard: stopped")

// tell tells the world what is committed, in the order of the passes. Once the loop
// has ended it goes on until the journal has dealt with all it was given.
func (r *Runtime) tell(ctx context.Context, looped <-chan struct{}) {
	for {
		select {
		case <-r.passes.ready:
			r.tellAll(ctx, r.passes.take())
		case <-looped:
			r.tellRest(ctx)
			return
		}
	}
}

func (r *Runtime) tellRest(ctx context.Context) {
	patience := time.NewTimer(stopPatience)
	defer patience.Stop()
	for r.flying.Load() > 0 {
		select {
		case <-r.passes.ready:
			r.tellAll(ctx, r.passes.take())
		case <-patience.C:
			return
		}
	}
}

func (r *Runtime) tellAll(ctx context.Context, passes []*pass) {
	for _, p := range passes {
		r.tellPass(ctx, p)
		r.recycle(p)
		r.flying.Add(-1)
	}
	r.sessions.flush()
}

func (r *Runtime) tellPass(ctx context.Context, p *pass) {
	p.open()
	if p.err != nil {
		if errors.Is(p.err, journal.ErrFenced) {
			r.fail(p.err)
		}
		for _, told := range p.told {
			told(r.unavailable())
		}
		return
	}
	r.committed.Store(p.last)
	e := &p.effects
	r.sessions.assign(e.Assigned, p.first, p.last)
	for _, s := range e.Stopped {
		r.sessions.stop(s, p.first)
	}
	for i := range e.Mets {
		if e.Mets[i].Worker != 0 {
			r.sessions.met(e.Mets[i], p.first)
		}
	}
	for _, s := range e.Settled {
		r.sessions.settle(s)
	}
	for _, told := range e.Emitted {
		r.sessions.emitted(told)
	}
	r.streams.deliver(e)
	for _, told := range p.told {
		told(nil)
	}
	r.waiters.deliver(e.Results, r.catalog.task)
	r.waiters.answer(e.Replies)
	r.payloads.drop(e.Results)
	r.tellRuns(ctx, e.RunResults)
	r.answers.deliver(e.Answers)
	if len(e.Ripe) > 0 {
		go r.ripen(ctx, slices.Clone(e.Ripe))
	}
	r.tellLoads(ctx, e.Loads)
}

// windowsMax and windowRowsMax bound the lanes of one look-up, and its rows.
const (
	windowsMax    = 128
	windowRowsMax = 8_192
)

// tellLoads has read what the core asked for. Lanes that are read as far, and in the same
// order, go together: a queue of many keys asks for many small windows.
func (r *Runtime) tellLoads(ctx context.Context, loads []core.Load) {
	var lanes []core.Load
	for _, load := range loads {
		if load.Kind != core.LoadLane {
			go r.load(ctx, []core.Load{load})
			continue
		}
		n := len(lanes)
		if n > 0 && (load.Limit != lanes[0].Limit || load.ByID != lanes[0].ByID || n == windowsMax || (n+1)*load.Limit > windowRowsMax) {
			go r.load(ctx, lanes)
			lanes = nil
		}
		lanes = append(lanes, load)
	}
	if len(lanes) > 0 {
		go r.load(ctx, lanes)
	}
}

// read reads several lanes, or one of anything.
func (r *Runtime) read(ctx context.Context, loads []core.Load) ([]*core.Loaded, error) {
	if len(loads) > 1 {
		return r.config.Store.LoadLanes(ctx, r.number, loads)
	}
	loaded, err := r.config.Store.Load(ctx, r.number, loads[0])
	return []*core.Loaded{loaded}, err
}

// load reads what the core asked for and brings it in. It does not give up: a load
// that is never answered would leave its lane waiting for ever.
func (r *Runtime) load(ctx context.Context, loads []core.Load) {
	for {
		all, err := r.read(ctx, loads)
		if err == nil {
			for _, loaded := range all {
				_ = r.send(message{input: loaded}) // a lost shard needs no answer
			}
			return
		}
		if ctx.Err() != nil {
			return
		}
		r.log.WarnContext(ctx, "could not load open tasks, trying again", "error", err)
		if !r.pause(ctx) {
			return
		}
	}
}

// pause waits before something is read again. It tells whether the shard still serves.
func (r *Runtime) pause(ctx context.Context) bool {
	timer := r.config.Clock.NewTimer(readRetryPause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-r.failed:
		return false
	case <-timer.C():
		return true
	}
}

// tellRuns tells how runs of graphs ended. What they gave may have to be read, which
// must not hold up the rest.
func (r *Runtime) tellRuns(ctx context.Context, ended []core.RunResult) {
	for i := range ended {
		result := ended[i]
		if v := r.catalog.version(result.Version); v != nil && v.graph != nil {
			_, last := v.graph.ids(result.Run)
			r.payloads.dropRun(result.Run, last)
		}
		if r.waiters.any(result.Run) {
			go r.tellRun(ctx, &result)
		}
	}
}

// fail ends the shard: sessions and waiters are told, nothing more is taken.
func (r *Runtime) fail(err error) {
	r.failOnce.Do(func() {
		r.failure = err
		close(r.failed)
		r.sessions.closeAll(r.unavailable())
	})
}

// refuseAll answers what came to the inbox after the loop had ended.
func (r *Runtime) refuseAll() {
	messages := append(r.parked, r.inbox.take()...)
	for i := range messages {
		r.refuse(&messages[i])
	}
}

// refuse answers a message that the loop will not see, and gives back its room.
func (r *Runtime) refuse(m *message) {
	if m.gate != nil {
		m.gate.Release(m.holder, m.bytes)
	}
	if m.told != nil {
		m.told(r.unavailable())
	}
}

func (r *Runtime) unavailable() error {
	return fault.New(fault.Unavailable, "", "shard %d is not owned by this engine any longer; try again", r.number)
}
