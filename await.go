package adze

import (
	"context"
	"log/slog"
	"runtime"
	"sync"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/shard"
)

// awaitIDsMax bounds one message of ids that are asked for.
const awaitIDsMax = 10_000

// awaiter shares one stream among all who wait for a result. Ids that are asked for
// while a message is on its way go with the next one. A stream that breaks is opened
// again and asked for all that is outstanding. It asks nothing until someone waits.
type awaiter struct {
	transport transport
	log       *slog.Logger
	own       *background // the client's

	mu      sync.Mutex
	waiting map[id.ID]*waiter // the first of those who wait for a run
	asks    []id.ID           // not sent on the current stream yet
	open    bool              // run is on its way
	more    chan struct{}     // one value: asks is not empty
}

// waiter is one caller who waits for a run.
type waiter struct {
	outcome chan waited // room for the one value
	next    *waiter     // who waits for the same run
}

type waited struct {
	outcome shard.Outcome
	err     error
}

func newAwaiter(t transport, log *slog.Logger, own *background) *awaiter {
	return &awaiter{
		transport: t, log: log, own: own,
		waiting: map[id.ID]*waiter{}, more: make(chan struct{}, 1),
	}
}

// wait returns how run ended, once it has.
func (a *awaiter) wait(ctx context.Context, run id.ID) (shard.Outcome, error) {
	w := &waiter{outcome: make(chan waited, 1)}
	if err := a.add(run, w); err != nil {
		return shard.Outcome{}, err
	}
	select {
	case got := <-w.outcome:
		return got.outcome, got.err
	case <-ctx.Done():
		a.remove(run, w)
		return shard.Outcome{}, context.Cause(ctx)
	}
}

func (a *awaiter) add(run id.ID, w *waiter) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.open && !a.own.start(a.run) {
		return ErrClosed
	}
	a.open = true
	first := a.waiting[run]
	a.waiting[run], w.next = w, first
	if first == nil {
		a.asks = append(a.asks, run)
		a.signal()
	}
	return nil
}

func (a *awaiter) signal() {
	select {
	case a.more <- struct{}{}:
	default:
	}
}

// remove forgets w. The engine is not told: the outcome comes once, and is dropped.
func (a *awaiter) remove(run id.ID, w *waiter) {
	a.mu.Lock()
	defer a.mu.Unlock()
	at := a.waiting[run]
	if at == w {
		if w.next == nil {
			delete(a.waiting, run)
		} else {
			a.waiting[run] = w.next
		}
		return
	}
	for ; at != nil; at = at.next {
		if at.next == w {
			at.next = w.next
			return
		}
	}
}

// run keeps a stream open until the client closes, or until the engine refuses for
// good: then all who wait are told.
func (a *awaiter) run() {
	var pause pauses
	for {
		heard, err := a.stream()
		if a.own.life.Err() != nil {
			a.fail(ErrClosed)
			return
		}
		if !passing(err) {
			a.fail(err)
			return
		}
		a.log.Warn("lost the stream of results", "error", err)
		if heard {
			pause.reset()
		}
		_ = pause.wait(a.own.life) // its end is seen above
	}
}

// stream opens a stream, asks for all that is outstanding and delivers what comes,
// until it breaks. heard says that something came.
func (a *awaiter) stream() (heard bool, err error) {
	ctx, stop := context.WithCancel(a.own.life)
	var asking sync.WaitGroup
	defer asking.Wait()
	defer stop()

	s, err := a.transport.await(ctx)
	if err != nil {
		return false, err
	}
	defer s.close()
	a.askAgain()
	asking.Go(func() { a.sendAsks(ctx, s) })
	for {
		outcomes, err := s.recv()
		if err != nil {
			return heard, err
		}
		heard = true
		a.deliver(outcomes)
	}
}

// askAgain makes everything outstanding due to be asked.
func (a *awaiter) askAgain() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asks = a.asks[:0]
	for run := range a.waiting {
		a.asks = append(a.asks, run)
	}
	a.signal()
}

// sendAsks sends what is asked for until ctx ends or the stream breaks, which recv
// sees too.
func (a *awaiter) sendAsks(ctx context.Context, s outcomes) {
	for {
		select {
		case <-a.more:
		case <-ctx.Done():
			return
		}
		runtime.Gosched() // who is about to wait goes along: a send does not block, and would leave alone
		for ids := a.takeAsks(); len(ids) > 0; ids = a.takeAsks() {
			if s.ask(ids) != nil {
				return
			}
		}
	}
}

func (a *awaiter) takeAsks() []id.ID {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := min(len(a.asks), awaitIDsMax)
	ids := a.asks[:n:n]
	a.asks = a.asks[n:]
	return ids
}

func (a *awaiter) deliver(outcomes []shard.Outcome) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, o := range outcomes {
		for w := a.waiting[o.ID]; w != nil; w = w.next {
			w.outcome <- waited{outcome: o}
		}
		delete(a.waiting, o.ID)
	}
}

// fail tells all who wait that nothing will come. The next one to wait tries anew.
func (a *awaiter) fail(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.open = false
	a.asks = nil
	for run, w := range a.waiting {
		for ; w != nil; w = w.next {
			w.outcome <- waited{err: err}
		}
		delete(a.waiting, run)
	}
}
