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
	// graphOf: one of so many submits is of the diamond.
	graphOf = 8
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
	s := l.stack
	await := random.IntN(awaitedOf) == 0
	if random.IntN(graphOf) == 0 {
		submitOne(l, s.diamond, s.newGraph(random), await)
		return
	}
	submitOne(l, s.job, s.newJob(random), await)
}

func submitOne[Out any](l *load, to runner[Out], j job, await bool) {
	if run, ok := submit(l.stack, to, j); ok && await {
		l.waiters.Go(func() { wait(l.stack, run) })
	}
}

func (l *load) bulk(random *rand.Rand) {
	s := l.stack
	if random.IntN(graphOf) == 0 {
		submitMany(s, s.diamond, func() job { return s.newGraph(random) })
		return
	}
	submitMany(s, s.job, func() job { return s.newJob(random) })
}

func submitMany[Out any](s *stack, to runner[Out], next func() job) {
	jobs := make([]job, bulkJobs)
	for i := range jobs {
		jobs[i] = next()
	}
	ctx, cancel := context.WithTimeout(s.ctx, submitPatience)
	defer cancel()
	runs, err := to.RunMany(ctx, s.client, jobs)
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

// newGraph goes wrong more often than a job: there are few.
func (s *stack) newGraph(random *rand.Rand) job {
	j := job{N: s.book.number(), MS: random.Int64N(20), Graph: true}
	switch pick := random.IntN(100); {
	case pick < 10:
		j.Fault = failsForGood
	case pick < 30:
		j.Fault = failsOnce
	case pick < 50: // long enough for the checkpoint
		j.MS = 300 + random.Int64N(300)
	}
	return j
}

// runner is a task or a workflow.
type runner[Out any] interface {
	Run(context.Context, *adze.Client, job, ...adze.RunOption) (*adze.Run[Out], error)
	RunMany(context.Context, *adze.Client, []job, ...adze.RunOption) ([]*adze.Run[Out], error)
}

func (s *stack) submit(j job) (*adze.Run[done], bool) { return submit(s, s.job, j) }

// submit submits one job, and notes what comes of it.
func submit[Out any](s *stack, to runner[Out], j job) (*adze.Run[Out], bool) {
	ctx, cancel := context.WithTimeout(s.ctx, submitPatience)
	defer cancel()
	run, err := to.Run(ctx, s.client, j)
	if err != nil {
		s.book.reject(err, j)
		return nil, false
	}
	s.book.accept(run.ID, j)
	return run, true
}

// wait notes how a run ends, and that all who wait are told the same.
func wait[Out any](s *stack, run *adze.Run[Out]) {
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
