package shard

import (
	"context"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// Worker is where a worker stands.
type Worker struct {
	core.WorkerStat
	Name string // empty: it is away
	SDK  string
}

// Workers implements Client.
func (r *Runtime) Workers(ctx context.Context, tenant id.ID) ([]Worker, error) {
	var workers []Worker
	done := make(chan struct{})
	err := r.send(message{do: func(mind *core.Shard) {
		for _, stat := range mind.Workers(tenant) {
			name, sdk := r.sessions.introduced(stat.Worker)
			workers = append(workers, Worker{stat, name, sdk})
		}
		close(done)
	}})
	if err != nil {
		return nil, err
	}
	select {
	case <-done:
		return workers, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-r.failed:
		return nil, r.unavailable()
	}
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
