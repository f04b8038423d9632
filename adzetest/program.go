package adzetest

import (
	"context"
	"sync/atomic"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/embed"
	"github.com/adzehq/adze/internal/shard"
)

// program is a worker as a program of its own, which is started again when it crashed.
type program struct {
	client  *adze.Client
	faults  *faults
	options []adze.WorkerOption
}

// run returns when ctx ends, or the engine refuses the worker.
func (p *program) run(ctx context.Context) error {
	for {
		life, kill := context.WithCancel(ctx)
		l := &lifetime{kill: kill}
		hooks := &embed.Hooks{Step: p.faults.step}
		err := p.client.NewWorker(p.options...).Run(embed.WithHooks(context.WithValue(life, lifetimeKey{}, l), hooks))
		kill()
		if !l.over.Load() || ctx.Err() != nil {
			return err
		}
	}
}

// lifetime is that of a program until it crashes or is ended.
type lifetime struct {
	over atomic.Bool // it crashed
	kill context.CancelFunc
}

type lifetimeKey struct{}

func (l *lifetime) crash() {
	l.over.Store(true)
	l.kill()
}

// errCrashed is what a worker hears that has crashed: nothing of the engine.
var errCrashed = fault.New(fault.Unavailable, "", "the worker has crashed")

// faultyShards has the sessions of workers break where a test wants them to crash.
type faultyShards struct {
	shard.Client
	faults *faults
}

// Attach implements shard.Client.
func (s *faultyShards) Attach(ctx context.Context, tenant id.ID, hello shard.Hello) (shard.Session, error) {
	l, known := ctx.Value(lifetimeKey{}).(*lifetime)
	if !known { // a worker that the test runs itself
		return s.Client.Attach(ctx, tenant, hello)
	}
	if l.over.Load() {
		return nil, errCrashed
	}
	session, err := s.Client.Attach(ctx, tenant, hello)
	return &faultySession{session, s.faults, l}, err
}

// faultySession is the session of a worker that may crash: from then on nothing passes,
// and the engine sees a stream that broke.
type faultySession struct {
	shard.Session
	faults *faults
	life   *lifetime
}

// Recv implements shard.Session.
func (s *faultySession) Recv(ctx context.Context) (shard.Down, error) {
	down, err := s.Session.Recv(ctx)
	if s.life.over.Load() {
		return shard.Down{}, errCrashed
	}
	return down, err
}

// Report implements shard.Session: of a report with which the worker crashes, what comes
// before that passes.
func (s *faultySession) Report(ctx context.Context, items []core.ReportItem, spawns ...shard.EntrySpawn) error {
	if s.life.over.Load() {
		return errCrashed
	}
	passed := s.faults.passing(items)
	if passed == len(items)+1 {
		return s.Session.Report(ctx, items, spawns...)
	}
	s.life.over.Store(true) // before the engine can answer
	defer s.Session.Close(core.LeaveClosed)
	defer s.life.crash()
	for len(spawns) > 0 && spawns[len(spawns)-1].Item >= passed {
		spawns = spawns[:len(spawns)-1]
	}
	if passed > 0 {
		_ = s.Session.Report(ctx, items[:passed], spawns...) // nobody is left to hear of it
	}
	return errCrashed
}

// Relabel implements shard.Session.
func (s *faultySession) Relabel(ctx context.Context, labels map[string]string) error {
	if s.life.over.Load() {
		return errCrashed
	}
	return s.Session.Relabel(ctx, labels)
}

// Resize implements shard.Session.
func (s *faultySession) Resize(ctx context.Context, slots int32) error {
	if s.life.over.Load() {
		return errCrashed
	}
	return s.Session.Resize(ctx, slots)
}

// Close implements shard.Session: who has crashed says no goodbye.
func (s *faultySession) Close(reason core.LeaveReason) {
	if s.life.over.Load() {
		reason = core.LeaveClosed
	}
	s.Session.Close(reason)
}
