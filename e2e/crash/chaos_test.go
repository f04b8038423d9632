package crash_test

import (
	"time"

	"github.com/adzehq/adze/e2e/crash/proxy"
)

// Pauses between faults: from "in the middle of the recovery" to "all is well again".
const (
	pauseMin = 100 * time.Millisecond
	pauseMax = 2 * time.Second
	// silence is when the engine gives up a worker that says nothing.
	silence = 10 * time.Second
)

// Markers are names of prepared statements, as they stand where one is executed.
const (
	flushMarker  = "\x00lease_fence\x00"      // in each pipeline of the journal
	submitMarker = "\x00task_insert_many\x00" // in those that store tasks
)

// trouble is something bad that happens, and is over when do returns.
type trouble struct {
	name string
	do   func(*stack)
}

var (
	engineDies        = trouble{"engine dies", (*stack).killEngine}
	engineDiesUnheard = trouble{"engine dies unheard", (*stack).killEngineUnheard}
	workerDies        = trouble{"worker dies", (*stack).killWorker}
	postgresDies      = trouble{"postgres dies", (*stack).killPostgres}
	commitIsCut       = trouble{"commit is cut", (*stack).cutCommit}
	wiresAreCut       = trouble{"wires are cut", func(s *stack) { s.wire.Cut() }}

	// These take as long as a whole schedule of the short form.
	postgresFreezes = trouble{"postgres freezes", (*stack).freezePostgres}
	workerFreezes   = trouble{"worker freezes", (*stack).freezeWorker}
)

// soaking tells whether this is the long form.
func soaking() bool { return *durationFlag >= time.Minute }

// play lets troubles happen at random moments while the load goes on.
func (s *stack) play(troubles ...trouble) {
	s.t.Helper()
	begin := time.Now()
	for n := 1; time.Since(begin) < *durationFlag; n++ {
		s.pass(pauseMin + time.Duration(s.random.Int64N(int64(pauseMax-pauseMin))))
		one := troubles[s.random.IntN(len(troubles))]
		s.logf("trouble %d: %s", n, one.name)
		one.do(s)
		s.checkLowWaterIsSound()
		s.checkResultsStand()
		s.checkGraphsAreWhole()
	}
}

// killEngine looks at what is left before another engine touches it.
func (s *stack) killEngine() {
	s.t.Helper()
	s.checkAlive("engine", s.engine)
	s.engine.Kill()
	s.checkLowWaterIsSound()
	s.startEngine()
}

// killEngineUnheard lets the engine decide for a while what Postgres does not hear of
// until it is dead.
func (s *stack) killEngineUnheard() {
	s.t.Helper()
	s.wire.Stall()
	s.pass(pauseMin + time.Duration(s.random.Int64N(int64(pauseMax-pauseMin)))/2)
	s.checkAlive("engine", s.engine)
	s.engine.Kill()
	s.wire.Resume()
	s.startEngine()
}

func (s *stack) killWorker() {
	s.t.Helper()
	i := s.random.IntN(len(s.workers))
	s.checkAlive("worker", s.workers[i])
	s.workers[i].Kill()
	s.workers[i] = s.startWorker()
}

// freezeWorker stops a worker until its tasks run elsewhere.
func (s *stack) freezeWorker() {
	s.t.Helper()
	worker := s.workers[s.random.IntN(len(s.workers))]
	worker.Freeze()
	s.pass(silence + time.Duration(s.random.Int64N(int64(silence))) - silence/2)
	worker.Thaw()
}

func (s *stack) killPostgres() {
	s.t.Helper()
	_ = s.postgres.Kill() // it never fails
	s.startPostgres()
}

// cutCommit breaks the journal's connection in the middle of its next commit.
func (s *stack) cutCommit() {
	at := proxy.Moment(s.random.IntN(proxy.Moments))
	happened := s.wire.CutCommit(flushMarker, at)
	select {
	case <-happened:
		s.cuts[at]++
	case <-time.After(pauseMax): // nothing was committed just now
	}
}
