// Package adzetest runs tasks in memory, in a unit test, on a clock the test owns.
//
// It owns a whole engine without its database: the same mind that decides in
// production decides here, so that retries, back-off, delays and timeouts are
// exact. It promises that no time passes but the test's: a retry after an hour's
// pause takes no longer than one at once, and a test's result does not hang on the
// speed of the machine.
//
//	func TestGreetComesBackAfterAFailure(t *testing.T) {
//		adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
//			env.Work(Greet)
//			out, err := Greet.Call(t.Context(), env.Client, Name{"Ada"})
//			…
//		})
//	}
//
// The test's function and all it starts live in a bubble of testing/synctest.
// There, time stands still while anything can be done, and jumps to the next moment
// at which something is due when all wait: so waiting for a result with
// [adze.Run.Result] lets pass what time the run takes. To stop in between, use
// [Env.Advance]. A task that waits for the network or a process outside holds the
// clock until it comes back.
package adzetest

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/internal/base/clock"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/embed"
	"github.com/adzehq/adze/internal/shard"
)

// Start is the time at which a test begins.
var Start = time.Date(2030, time.January, 1, 0, 0, 0, 0, time.UTC)

const (
	tenant = id.ID(1)

	shardOnly  = 0
	epochFirst = 1
)

// Env is an engine in memory and a clock.
type Env struct {
	// Client reaches the engine. It is closed when the test ends.
	Client *adze.Client

	t      testing.TB
	shards *shard.Set
	faults *faults
}

// Run runs test with an engine of its own. t.Run, t.Parallel and t.Deadline must
// not be called within test; t.Parallel may be called before Run.
func Run(t *testing.T, test func(t *testing.T, env *Env)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(Start)) // a bubble begins before the first id
		test(t, newEnv(t))
	})
}

func newEnv(t *testing.T) *Env {
	t.Helper()
	faults := newFaults()
	client, shards := newClient(t, faults)
	t.Cleanup(func() { _ = client.Close() })
	return &Env{Client: client, t: t, shards: shards, faults: faults}
}

// newClient starts an engine, which ends with the client.
func newClient(t testing.TB, faults *faults) (*adze.Client, *shard.Set) {
	rows := newMemory()
	log := slog.New(slog.DiscardHandler)
	shards := shard.NewSet(shard.Config{
		Epochs:  map[int32]int64{shardOnly: epochFirst},
		ShardOf: func(context.Context, id.ID) (int32, error) { return shardOnly, nil },
		Store:   rows, Journal: rows, Submits: rows, Reports: rows, Emits: rows,
		Clock: clock.Wall, // the bubble's
		Log:   log,
	})
	ctx, stop := context.WithCancel(context.Background())
	var engine sync.WaitGroup
	engine.Go(func() {
		if err := shards.Run(ctx); err != nil {
			t.Errorf("run engine: %v", err)
		}
	})
	end := func() error {
		stop()
		engine.Wait()
		return nil
	}
	return adze.Embed(embed.Engine{
		Tenant: tenant, Shards: &faultyShards{shards, faults}, Reader: &reader{rows, shards}, Close: end,
	}, log), shards
}

// Work starts a worker with the tasks and options given; it is ended before the
// test is, with what it still runs told to stop. One that crashes is started again.
func (e *Env) Work(options ...adze.WorkerOption) {
	e.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	p := &program{client: e.Client, faults: e.faults, options: append([]adze.WorkerOption{adze.DrainTimeout(0)}, options...)}
	ended := make(chan error, 1)
	go func() { ended <- p.run(ctx) }()
	e.t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			e.t.Errorf("end worker: %v", err)
		}
	})
	e.Settle()
}

// Now is the time on the test's clock, in UTC.
func (e *Env) Now() time.Time { return time.Now().UTC() }

// Advance moves the clock by d. All that falls due on the way happens at its time.
// It returns when nothing more can be done without the clock moving on.
func (e *Env) Advance(d time.Duration) {
	// The test has read what tasks wrote: to ask the engine tells the race detector that
	// it did so before all that the engine does next.
	_, _ = e.shards.Stats(context.Background())
	time.Sleep(d)
	synctest.Wait()
}

// Settle waits until nothing more can be done without the clock moving on.
func (e *Env) Settle() { synctest.Wait() }

// Status is where a run stands. It fails the test if there is no such run.
func (e *Env) Status(run adze.ID) adze.Status {
	e.t.Helper()
	info, err := e.Client.Get(context.Background(), run)
	if err != nil {
		e.t.Fatalf("status: %v", err)
	}
	return info.Status
}
