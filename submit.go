package adze

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/shard"
)

const (
	// submitRunsMax is what the engine takes in one call.
	submitRunsMax = 1_000
	// submitBytesMax bounds a call's message; one larger run goes alone.
	submitBytesMax = 4 << 20
	// submitCallsMax lets one batch travel while the one before is committed. More
	// would only make the batches smaller.
	submitCallsMax = 2
	// runOverheadBytes is what a run weighs beside its payloads.
	runOverheadBytes = 64
)

// submitter merges concurrent submits. A submit that finds a call free leaves at
// once; what arrives while all are in flight is the next batch. There is no timer:
// alone, a submit takes one round trip, and among many it shares one.
type submitter struct {
	transport transport
	own       *background // the client's: a call serves many callers and outlives each
	// spare submissions are those whose caller has seen the answer. One whose caller
	// gave up is not used again: its answer may still come.
	spare sync.Pool

	mu      sync.Mutex
	waiting []*submission // in order of arrival
	calls   int           // in flight
}

// submission is one caller's run on its way.
type submission struct {
	run      shard.NewRun
	answered chan struct{} // one value, once id and err are set
	id       id.ID
	err      error
}

func newSubmitter(t transport, own *background) *submitter {
	return &submitter{
		transport: t, own: own,
		spare: sync.Pool{New: func() any { return &submission{answered: make(chan struct{}, 1)} }},
	}
}

// submit returns once the run is stored, refused, or ctx ends.
func (s *submitter) submit(ctx context.Context, run shard.NewRun) (id.ID, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	one := s.spare.Get().(*submission)
	one.run = run
	if !s.add(one) {
		return 0, ErrClosed
	}
	select {
	case <-one.answered:
		i, err := one.id, one.err
		one.run, one.err = shard.NewRun{}, nil
		s.spare.Put(one)
		return i, ofOneRun(err)
	case <-ctx.Done():
		return 0, s.giveUp(ctx, one)
	}
}

// add puts one in the line, unless the client is closed.
func (s *submitter) add(one *submission) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls < submitCallsMax {
		if !s.own.start(s.flushAll) {
			return false
		}
		s.calls++
	}
	s.waiting = append(s.waiting, one)
	return true
}

// giveUp takes back a submission whose caller will not wait. Once it has left, what
// comes of it is unknown.
func (s *submitter) giveUp(ctx context.Context, one *submission) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, w := range s.waiting {
		if w == one {
			s.waiting = append(s.waiting[:i], s.waiting[i+1:]...)
			return context.Cause(ctx)
		}
	}
	return &Error{
		Kind: KindUnknown, Text: "gave up before the answer, the run may be stored or not: " + context.Cause(ctx).Error(),
		cause: ctx.Err(),
	}
}

// flushAll sends batch after batch until nothing waits.
func (s *submitter) flushAll() {
	var runs []shard.NewRun
	runtime.Gosched() // who is about to submit goes along; alone, this costs nothing
	for batch := s.take(); batch != nil; batch = s.take() {
		runs = runs[:0]
		for _, one := range batch {
			runs = append(runs, one.run)
		}
		answers, err := s.transport.submit(s.own.life, runs, false)
		for i, one := range batch {
			if one.err = err; err == nil {
				one.id, one.err = answers[i].id, answers[i].err
			}
			one.answered <- struct{}{}
		}
		clear(runs) // lets go of the payloads
	}
}

// take is the next batch; nil gives the call back.
func (s *submitter) take() []*submission {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, bytes := 0, 0
	for n < len(s.waiting) && n < submitRunsMax {
		bytes += weight(&s.waiting[n].run)
		if n > 0 && bytes > submitBytesMax {
			break
		}
		n++
	}
	if n == 0 {
		s.calls--
		return nil
	}
	batch := s.waiting[:n:n]
	if s.waiting = s.waiting[n:]; len(s.waiting) == 0 {
		s.waiting = nil // the batch owns the array now
	}
	return batch
}

// submitMany stores runs in transactions of as many as fit, in order. With an
// error, the ids are those of the transactions before.
func (s *submitter) submitMany(ctx context.Context, runs []shard.NewRun) ([]id.ID, error) {
	ids := make([]id.ID, 0, len(runs))
	for len(runs) > 0 {
		n := fitting(runs)
		answers, err := s.transport.submit(ctx, runs[:n], true)
		if at, err := placed(err); at >= 0 {
			return ids, fmt.Errorf("input %d: %w", len(ids)+at, err)
		}
		if err != nil {
			return ids, err
		}
		for _, a := range answers {
			ids = append(ids, a.id)
		}
		runs = runs[n:]
	}
	return ids, nil
}

// fitting is how many of runs go in one call; one at least.
func fitting(runs []shard.NewRun) int {
	bytes := 0
	for n := range min(len(runs), submitRunsMax) {
		if bytes += weight(&runs[n]); n > 0 && bytes > submitBytesMax {
			return n
		}
	}
	return min(len(runs), submitRunsMax)
}

func weight(r *shard.NewRun) int {
	return len(r.Input) + len(r.Metadata) + len(r.Workflow) + runOverheadBytes
}
