package shard

import (
	"context"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// Worker is where a worker stands.
type Worker struct {
	core.WorkerStat
	Owner string // whose it is that the tenant shares; empty = the tenant's own
	Name  string // empty: it is away
	SDK   string
}

// Workers implements Client.
func (r *Runtime) Workers(ctx context.Context, tenant id.ID) ([]Worker, error) {
	var workers []Worker
	err := r.look(ctx, func(mind *core.Shard) {
		for _, stat := range mind.Workers(tenant) {
			name, sdk := r.sessions.introduced(stat.Worker)
			workers = append(workers, Worker{WorkerStat: stat, Name: name, SDK: sdk})
		}
	})
	for i := 0; i < len(workers) && err == nil; i++ {
		if w := &workers[i]; w.Home != tenant {
			w.Owner, err = r.config.TenantName(ctx, w.Home)
		}
	}
	return workers, err
}

// introduced is how a worker that is connected calls itself.
func (ss *sessions) introduced(worker id.ID) (name, sdk string) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if s := ss.of[worker]; s != nil {
		return s.name, s.sdk
	}
	return "", ""
}

// PauseWorkers implements Client.
func (r *Runtime) PauseWorkers(ctx context.Context, tenant id.ID, ids []id.ID, paused bool) ([]bool, error) {
	known, err := r.pausePresent(ctx, tenant, ids, paused)
	if err != nil {
		return nil, err
	}
	var away []id.ID
	for i := range ids {
		if !known[i] {
			away = append(away, ids[i])
		}
	}
	rows, err := r.pauseAway(ctx, tenant, away, paused)
	for i := range ids {
		known[i] = known[i] || slices.Contains(rows, ids[i])
	}
	return known, err
}

// pausePresent pauses the workers that the core knows.
func (r *Runtime) pausePresent(ctx context.Context, tenant id.ID, ids []id.ID, paused bool) ([]bool, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	answers, err := r.ask(ctx, len(ids), func(ref uint64) message {
		return message{input: &core.PauseWorkers{Ref: ref, Tenant: tenant, Workers: ids, Paused: paused}}
	})
	if err != nil {
		return nil, err
	}
	known := make([]bool, len(ids))
	for i := range answers { // in the order of the request
		known[i] = answers[i].Kind == core.AnswerDone
	}
	return known, nil
}

// pauseAway pauses workers for when they come, and tells which there are. One that comes
// just now may have read its row before that: the core is asked again about it.
func (r *Runtime) pauseAway(ctx context.Context, tenant id.ID, ids []id.ID, paused bool) ([]id.ID, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	rows, err := r.config.Store.PausedAway(ctx, tenant, ids, paused)
	if err != nil {
		return nil, err
	}
	if err := r.arrivals.wait(ctx, rows); err != nil {
		return nil, err
	}
	_, err = r.pausePresent(ctx, tenant, rows, paused)
	return rows, err
}

// Introduce implements Client.
func (r *Runtime) Introduce(ctx context.Context, tenant id.ID, hello Hello) (id.ID, error) {
	if hello.Worker == 0 {
		hello.Worker = r.ids.Next(int64(r.now()))
	}
	return hello.Worker, r.config.Store.Introduced(ctx, hello.Worker, tenant, hello)
}

// Held implements Client.
func (r *Runtime) Held(ctx context.Context, tenant, worker id.ID) ([]Held, error) {
	var of []core.Held
	if err := r.look(ctx, func(mind *core.Shard) { of = mind.Held(tenant, worker) }); err != nil {
		return nil, err
	}
	held := make([]Held, len(of))
	for i := range of {
		held[i].Assignment.Assignment, held[i].Released = of[i].Assignment, of[i].Released
		r.introduce(&held[i].Assignment)
	}
	return held, nil
}

// Bearer implements Client.
func (r *Runtime) Bearer(ctx context.Context, home, task id.ID, token core.Token) (tenant id.ID, err error) {
	err = r.look(ctx, func(mind *core.Shard) { tenant = mind.Bearer(home, task, token) })
	return tenant, err
}

// Bearer implements Client.
func (s *Set) Bearer(ctx context.Context, home, task id.ID, token core.Token) (id.ID, error) {
	r, err := s.of(ctx, home)
	if err != nil {
		return 0, err
	}
	return r.Bearer(ctx, home, task, token)
}

// Lodger implements Client.
func (s *Set) Lodger(ctx context.Context, home, task id.ID) (id.ID, error) {
	r, err := s.of(ctx, home)
	if err != nil {
		return 0, err
	}
	return r.Lodger(ctx, home, task)
}

// Lodger implements Client.
func (r *Runtime) Lodger(ctx context.Context, home, task id.ID) (tenant id.ID, err error) {
	if !r.sharing.Load() {
		return 0, nil
	}
	err = r.look(ctx, func(mind *core.Shard) { tenant = mind.Lodger(home, task) })
	return tenant, err
}

// SpareWorker implements Client.
func (r *Runtime) SpareWorker(_ context.Context, tenant, worker id.ID, spared bool) error {
	return r.send(message{input: &core.Spare{Tenant: tenant, Worker: worker, Spared: spared}})
}

// look runs a look at the core in the loop.
func (r *Runtime) look(ctx context.Context, at func(*core.Shard)) error {
	done := make(chan struct{})
	err := r.send(message{do: func(mind *core.Shard) {
		at(mind)
		close(done)
	}})
	if err != nil {
		return err
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-r.failed:
		return r.unavailable()
	}
}

// Introduce implements Client.
func (s *Set) Introduce(ctx context.Context, tenant id.ID, hello Hello) (id.ID, error) {
	r, err := s.of(ctx, tenant)
	if err != nil {
		return 0, err
	}
	return r.Introduce(ctx, tenant, hello)
}

// SpareWorker implements Client.
func (s *Set) SpareWorker(ctx context.Context, tenant, worker id.ID, spared bool) error {
	r, err := s.of(ctx, tenant)
	if err != nil {
		return err
	}
	return r.SpareWorker(ctx, tenant, worker, spared)
}

// Held implements Client.
func (s *Set) Held(ctx context.Context, tenant, worker id.ID) ([]Held, error) {
	r, err := s.of(ctx, tenant)
	if err != nil {
		return nil, err
	}
	return r.Held(ctx, tenant, worker)
}

// Workers implements Client.
func (s *Set) Workers(ctx context.Context, tenant id.ID) ([]Worker, error) {
	r, err := s.of(ctx, tenant)
	if err != nil {
		return nil, err
	}
	return r.Workers(ctx, tenant)
}

// PauseWorkers implements Client.
func (s *Set) PauseWorkers(ctx context.Context, tenant id.ID, ids []id.ID, paused bool) ([]bool, error) {
	r, err := s.of(ctx, tenant)
	if err != nil {
		return nil, err
	}
	return r.PauseWorkers(ctx, tenant, ids, paused)
}
