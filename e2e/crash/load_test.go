package crash_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/adzehq/adze"
)

const (
	// submitPatience is what a caller gives the engine; a crash lasts longer or
	// shorter.
	submitPatience = 2 * time.Second
	// singlesPerSecond and bulksPerSecond of bulkJobs leave two busy cores time to
	// catch up after each fault.
	singlesPerSecond = 200
	bulksPerSecond   = 4
	bulkJobs         = 40
	submitters       = 4
	// awaitedOf: one of so many single runs is waited for from the start.
	awaitedOf = 4
)

// load submits jobs until it is stopped, one by one and in bulk, and waits for some.
type load struct {
	stack   *stack
	cancel  context.CancelFunc
	parts   sync.WaitGroup // submitters
	waiters sync.WaitGroup
}

func (s *stack) startLoad() *load {
	ctx, cancel := context.WithCancel(s.ctx)
	l := &load{stack: s, cancel: cancel}
	s.t.Cleanup(func() { l.stop(); l.waiters.Wait() })
	singles := rate.NewLimiter(singlesPerSecond, submitters)
	for range submitters {
		own := rand.New(rand.NewPCG(s.random.Uint64(), 0))
		l.parts.Go(func() {
			for singles.Wait(ctx) == nil {
				l.single(own)
			}
		})
	}
	bulks := rate.NewLimiter(bulksPerSecond, 1)
	own := rand.New(rand.NewPCG(s.random.Uint64(), 0))
	l.parts.Go(func() {
		for bulks.Wait(ctx) == nil {
			l.bulk(own)
		}
	})
	return l
}

// stop ends the submits; the waiters go on.
func (l *load) stop() {
	l.cancel()
	l.parts.Wait()
}

func (l *load) single(random *rand.Rand) {
	if run, ok := l.stack.submit(l.stack.newJob(random)); ok && random.IntN(awaitedOf) == 0 {
		l.waiters.Go(func() { l.stack.wait(run) })
	}
}

func (l *load) bulk(random *rand.Rand) {
	s := l.stack
	jobs := make([]job, bulkJobs)
	for i := range jobs {
		jobs[i] = s.newJob(random)
	}
	ctx, cancel := context.WithTimeout(s.ctx, submitPatience)
	defer cancel()
	runs, err := s.job.RunMany(ctx, s.client, jobs)
	for i, run := range runs {
		s.book.accept(run.ID, jobs[i])
	}
	if err != nil {
		s.book.reject(err, jobs[len(runs):]...)
	}
}

// newJob is mostly short, and mostly goes well.
func (s *stack) newJob(random *rand.Rand) job {
	j := job{N: s.book.number(), MS: random.Int64N(20)}
	switch pick := random.IntN(100); {
	case pick < 3:
		j.Fault = failsForGood
	case pick < 13:
		j.Fault = failsOnce
	case pick < 18:
		j.MS = 300 + random.Int64N(1_200)
	}
	return j
}

// submit submits one job, and notes what comes of it.
func (s *stack) submit(j job) (*adze.Run[done], bool) {
	ctx, cancel := context.WithTimeout(s.ctx, submitPatience)
	defer cancel()
	run, err := s.job.Run(ctx, s.client, j)
	if err != nil {
		s.book.reject(err, j)
		return nil, false
	}
	s.book.accept(run.ID, j)
	return run, true
}

// wait notes how a run ends, and that all who wait are told the same.
func (s *stack) wait(run *adze.Run[done]) {
	out, err := run.Result(s.ctx)
	how, ok := endOf(out, err)
	if !ok {
		if s.ctx.Err() == nil {
			s.t.Errorf("a waiter for %s was told no end: %v", run.ID, err)
		}
		return
	}
	if first := s.book.told(run.ID, how); first != how {
		s.t.Errorf("run %s ended as %+v for one waiter and %+v for another", run.ID, first, how)
	}
}
