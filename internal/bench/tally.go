package bench

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// tally counts what the worker of a load runs, and times when it starts.
type tally struct {
	done   atomic.Int64 // attempts
	starts latencies    // submit → start, while watch is set
	watch  atomic.Bool
}

// count is called by each attempt.
func (t *tally) count(in ping) {
	if t.watch.Load() {
		t.starts.add(time.Duration(time.Now().UnixNano() - in.Sent))
	}
	t.done.Add(1)
}

func (t *tally) ran() int64 { return t.done.Load() }

// drained waits until the worker has run n attempts since before.
func (t *tally) drained(ctx context.Context, before, n int64) error {
	for t.ran()-before < n {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %d tasks, %d ran: %w", n, t.ran()-before, ctx.Err())
		case <-time.After(pollPause):
		}
	}
	return nil
}

// pace calls perSecond times a second, one at a time, and times the calls.
func (t *tally) pace(perSecond int, last time.Duration, call func(ping) error) (results *latencies, err error) {
	results = &latencies{}
	t.watch.Store(true)
	defer t.watch.Store(false)
	tick := time.NewTicker(time.Second / time.Duration(perSecond))
	defer tick.Stop()
	for end := time.Now().Add(last); time.Now().Before(end); {
		<-tick.C
		sent := time.Now()
		if err := call(ping{Sent: sent.UnixNano()}); err != nil {
			return nil, err
		}
		results.add(time.Since(sent))
	}
	return results, nil
}
