package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"github.com/adzehq/adze/internal/bench/guest"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// guestTask is the one task of the workflow that is measured.
const guestTask = "ping"

// guestLoad is a client and a worker on the Hatchet wire, in this process.
type guestLoad struct {
	tally
	client   *guest.Client
	workflow string
}

func (b *bench) hatchetPlain(ctx context.Context) error {
	return b.hosting(ctx, "hatchet-plain", func(r *rig, l *guestLoad, name string) error {
		return b.measured(ctx, r, l, name, func() (int, error) {
			return l.singles(ctx, time.Now().Add(b.span()))
		})
	})
}

func (b *bench) hatchetBulk(ctx context.Context) error {
	return b.hosting(ctx, "hatchet-bulk", func(r *rig, l *guestLoad, name string) error {
		return b.measured(ctx, r, l, name, func() (int, error) {
			return l.bulks(ctx, time.Now().Add(b.span()), math.MaxInt)
		})
	})
}

func (b *bench) hatchetLatency(ctx context.Context) error {
	return b.hosting(ctx, "hatchet-latency", func(_ *rig, l *guestLoad, name string) error {
		results, err := l.pace(pacedPerSecond, 2*b.span(), func(in ping) error { return l.call(ctx, in) })
		if err != nil {
			return err
		}
		l.starts.report(&b.report, name, "submit_to_start_ms")
		results.report(&b.report, name, "submit_to_result_ms")
		return nil
	})
}

// hosting runs a mode with a rig and a load on the Hatchet wire, both named after it.
func (b *bench) hosting(ctx context.Context, name string, run func(*rig, *guestLoad, string) error) error {
	return b.rigged(ctx, name, func(r *rig) error {
		client, err := guest.Dial(guest.Config{GRPCAddr: r.engine.address, Token: r.engine.token})
		if err != nil {
			return err
		}
		l := &guestLoad{client: client, workflow: "bench." + name}
		stop, err := l.work(ctx)
		if err != nil {
			return errors.Join(err, client.Close())
		}
		err = run(r, l, name)
		return errors.Join(err, stop(), client.Close())
	})
}

// work runs a worker until stop is called, and returns once it has run a task.
func (l *guestLoad) work(ctx context.Context) (stop func() error, err error) {
	if _, err := l.client.Define(ctx, &wire.CreateWorkflowVersionRequest{
		Name: l.workflow, Tasks: []*wire.CreateTaskOpts{{ReadableId: guestTask}},
	}); err != nil {
		return nil, fmt.Errorf("define workflow: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	worker := &guest.Worker{
		Client:  l.client,
		Name:    "bench",
		Slots:   map[string]int32{"default": workerSlots},
		Actions: map[string]guest.Handler{guest.ActionID(l.workflow, guestTask): l.run},
	}
	go func() { ended <- worker.Run(ctx) }()
	stop = func() error {
		cancel()
		return <-ended
	}
	if err := l.warm(ctx); err != nil {
		return nil, fmt.Errorf("warm up: %w; %w", err, stop())
	}
	return stop, nil
}

// run is the task: it gives back what it got.
func (l *guestLoad) run(_ context.Context, t *guest.Task) (any, error) {
	var in ping
	if err := t.Input(&in); err != nil {
		return nil, err
	}
	l.count(in)
	return in, nil
}

func (l *guestLoad) call(ctx context.Context, in ping) error {
	result, err := l.client.Call(ctx, l.workflow, in)
	if err != nil {
		return err
	}
	return result.Err()
}

func (l *guestLoad) warm(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	return l.call(ctx, ping{Key: 1})
}

// singles triggers one at a time from many goroutines until `until`, and returns how
// many were stored.
func (l *guestLoad) singles(ctx context.Context, until time.Time) (int, error) {
	return many(submitters, func() (int, error) {
		n := 0
		for ; time.Now().Before(until); n++ {
			if _, err := l.client.Start(ctx, l.workflow, ping{Sent: time.Now().UnixNano()}); err != nil {
				return n, err
			}
		}
		return n, nil
	})
}

// bulks triggers bulkSize at a time until `until`, or until atMost are stored.
func (l *guestLoad) bulks(ctx context.Context, until time.Time, atMost int) (int, error) {
	var stored atomic.Int64
	return many(bulkCallers, func() (int, error) {
		n := 0
		inputs := make([]any, bulkSize)
		for time.Now().Before(until) && stored.Add(bulkSize) <= int64(atMost) {
			for i := range inputs {
				inputs[i] = ping{Sent: time.Now().UnixNano()}
			}
			runs, err := l.client.StartMany(ctx, l.workflow, inputs)
			n += len(runs)
			if err != nil {
				return n, err
			}
		}
		return n, nil
	})
}
