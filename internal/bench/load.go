package bench

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/adzehq/adze"
)

// ping is the task that is measured. It does nothing: what is left is Adze.
type ping struct {
	Sent int64 `json:"sent"` // Unix nanoseconds, by the client's clock; the worker shares it
	Key  int   `json:"key,omitempty"`
}

// load is a client and a worker with one task.
type load struct {
	client *adze.Client
	task   *adze.Task[ping, ping]
	done   atomic.Int64 // attempts that the worker ran
	starts latencies    // submit → start, while measured is set
	watch  atomic.Bool

	// Of single submits.
	keys    int // that they belong to, in turn; 0 = none
	options []adze.RunOption
}

const (
	workerSlots = 1_000
	submitters  = 512 // goroutines that submit one at a time
	bulkSize    = 1_000
	bulkCallers = 4
)

func newLoad(client *adze.Client, name string, options ...adze.TaskOption) *load {
	l := &load{client: client}
	l.task = adze.NewTask(name, func(_ context.Context, in ping) (ping, error) {
		if l.watch.Load() {
			l.starts.add(time.Duration(time.Now().UnixNano() - in.Sent))
		}
		l.done.Add(1)
		return in, nil
	}, options...)
	return l
}

// work runs a worker until stop is called, and returns once it is registered.
func (l *load) work(ctx context.Context) (stop func() error, err error) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- l.client.Work(ctx, adze.Slots(workerSlots), l.task) }()
	stop = func() error {
		cancel()
		return <-ended
	}
	if err := l.warm(ctx); err != nil {
		return nil, fmt.Errorf("warm up: %w; %w", err, stop())
	}
	return stop, nil
}

// warm runs one task to its end, once the worker has registered it.
func (l *load) warm(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for {
		_, err := l.task.Call(ctx, l.client, ping{Key: 1})
		if err == nil || ctx.Err() != nil {
			return err
		}
		time.Sleep(pollPause)
	}
}

// singles submits one at a time from many goroutines until `until`, and returns how
// many were stored.
func (l *load) singles(ctx context.Context, until time.Time) (int, error) {
	return many(submitters, func() (int, error) {
		n := 0
		for time.Now().Before(until) {
			in := ping{Sent: time.Now().UnixNano()}
			if l.keys > 0 {
				in.Key = 1 + n%l.keys
			}
			if _, err := l.task.Run(ctx, l.client, in, l.options...); err != nil {
				return n, err
			}
			n++
		}
		return n, nil
	})
}

// bulks submits bulkSize at a time until `until`, or until atMost are stored.
func (l *load) bulks(ctx context.Context, until time.Time, atMost int) (int, error) {
	var stored atomic.Int64
	return many(bulkCallers, func() (int, error) {
		n := 0
		inputs := make([]ping, bulkSize)
		for time.Now().Before(until) && stored.Add(bulkSize) <= int64(atMost) {
			for i := range inputs {
				inputs[i].Sent = time.Now().UnixNano()
			}
			runs, err := l.task.RunMany(ctx, l.client, inputs)
			n += len(runs)
			if err != nil {
				return n, err
			}
		}
		return n, nil
	})
}

// many runs one in n goroutines and adds up what they did.
func many(n int, one func() (int, error)) (int, error) {
	var group sync.WaitGroup
	var total atomic.Int64
	var failure atomic.Pointer[error]
	for range n {
		group.Go(func() {
			did, err := one()
			total.Add(int64(did))
			if err != nil {
				failure.CompareAndSwap(nil, &err)
			}
		})
	}
	group.Wait()
	if err := failure.Load(); err != nil {
		return int(total.Load()), *err
	}
	return int(total.Load()), nil
}

// drained waits until the worker has run n attempts since before.
func (l *load) drained(ctx context.Context, before, n int64) error {
	for l.done.Load()-before < n {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %d tasks, %d ran: %w", n, l.done.Load()-before, ctx.Err())
		case <-time.After(pollPause):
		}
	}
	return nil
}

// paced submits perSecond runs a second and waits for each result, one at a time.
func (l *load) paced(ctx context.Context, perSecond int, last time.Duration) (results *latencies, err error) {
	results = &latencies{}
	l.watch.Store(true)
	defer l.watch.Store(false)
	tick := time.NewTicker(time.Second / time.Duration(perSecond))
	defer tick.Stop()
	for end := time.Now().Add(last); time.Now().Before(end); {
		<-tick.C
		sent := time.Now()
		if _, err := l.task.Call(ctx, l.client, ping{Sent: sent.UnixNano()}); err != nil {
			return nil, err
		}
		results.add(time.Since(sent))
	}
	return results, nil
}
