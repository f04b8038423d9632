package adze

import (
	"context"
	"log/slog"
	"sync"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/shard"
)

// fakeTransport answers as a test says. What a test does not use panics.
type fakeTransport struct {
	transport
	onSubmit func(ctx context.Context, runs []shard.NewRun) ([]submitted, error)
	onAwait  func(ctx context.Context) (outcomes, error)
}

func (f *fakeTransport) submit(ctx context.Context, runs []shard.NewRun, _ bool) ([]submitted, error) {
	return f.onSubmit(ctx, runs)
}

func (f *fakeTransport) await(ctx context.Context) (outcomes, error) { return f.onAwait(ctx) }

func (f *fakeTransport) close() error { return nil }

func fakeClient(f *fakeTransport) *Client { return newClient(f, slog.New(slog.DiscardHandler)) }

// ascending gives each run the next id.
func ascending() func(context.Context, []shard.NewRun) ([]submitted, error) {
	var mu sync.Mutex
	var last id.ID
	return func(_ context.Context, runs []shard.NewRun) ([]submitted, error) {
		mu.Lock()
		defer mu.Unlock()
		all := make([]submitted, len(runs))
		for i := range all {
			last++
			all[i].id = last
		}
		return all, nil
	}
}

// fakeOutcomes is a stream of results that a test ends when it likes.
type fakeOutcomes struct {
	asked  chan []id.ID
	broken chan error
	ready  chan []shard.Outcome
}

func newFakeOutcomes() *fakeOutcomes {
	return &fakeOutcomes{
		asked: make(chan []id.ID, 10), broken: make(chan error, 1), ready: make(chan []shard.Outcome, 10),
	}
}

func (f *fakeOutcomes) ask(ids []id.ID) error { f.asked <- ids; return nil }

func (f *fakeOutcomes) recv() ([]shard.Outcome, error) {
	select {
	case all := <-f.ready:
		return all, nil
	case err := <-f.broken:
		return nil, err
	}
}

func (f *fakeOutcomes) close() {}

func succeeded(run id.ID, output string) []shard.Outcome {
	return []shard.Outcome{{ID: run, Status: core.Succeeded, Attempt: 1, Output: []byte(output)}}
}
