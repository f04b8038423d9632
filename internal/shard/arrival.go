package shard

import (
	"context"
	"sync"

	"github.com/adzehq/adze/internal/base/id"
)

// arrivals are the workers that attach just now: their rows are read, and the core has
// not heard of them.
type arrivals struct {
	mu sync.Mutex
	of map[id.ID]*arrival
}

type arrival struct {
	under int           // how many calls of the worker
	over  chan struct{} // closed once there is none
}

// enter notes one of worker. leave is to be called when the core will hear of it.
func (a *arrivals) enter(worker id.ID) (leave func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	one := a.of[worker]
	if one == nil {
		one = &arrival{over: make(chan struct{})}
		if a.of == nil {
			a.of = map[id.ID]*arrival{}
		}
		a.of[worker] = one
	}
	one.under++
	return func() { a.leave(worker, one) }
}

func (a *arrivals) leave(worker id.ID, one *arrival) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if one.under--; one.under == 0 {
		delete(a.of, worker)
		close(one.over)
	}
}

// wait returns once none of the workers attaches that did when it was called.
func (a *arrivals) wait(ctx context.Context, workers []id.ID) error {
	for _, worker := range workers {
		a.mu.Lock()
		one := a.of[worker]
		a.mu.Unlock()
		if one == nil {
			continue
		}
		select {
		case <-one.over:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
