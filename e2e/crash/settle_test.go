package crash_test

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/e2e/child"
)

// finish ends a scenario: the load stops, the healthy system works off what is
// there, and all checkers run; once more on an engine that has seen none of it.
func (s *stack) finish(l *load) {
	s.t.Helper()
	l.stop()
	s.logf("stopped the load")
	s.conclude(func() {
		l.waiters.Wait()
		s.check()
	})
	accepted, refused, unknown, told := s.book.counts()
	s.logf("%d runs accepted, %d refused, %d unknown, %d ends told", accepted, refused, unknown, told)
}

// conclude runs checkers once all has ended, and once more on an engine that has seen none
// of it.
func (s *stack) conclude(check func()) {
	s.t.Helper()
	s.settle()
	check()
	require.NoError(s.t, s.engine.Stop(), "a healthy engine ends cleanly")
	s.startEngine()
	s.settle()
	check()
	s.checkProcesses()
}

// settle waits until all has ended and nothing is held for anything.
func (s *stack) settle() {
	s.t.Helper()
	const open = `
		select count(*) from adze.task as t
		where not exists (select from adze.task_result as r where r.id = t.id)`
	s.becomesZero("tasks without a result", func() (float64, error) { return float64(s.count(open)), nil })
	const openRuns = `
		select count(*) from adze.run as g
		where not exists (select from adze.run_result as r where r.id = g.id)`
	s.becomesZero("runs without a result", func() (float64, error) { return float64(s.count(openRuns)), nil })
	for _, metric := range []string{
		"adze_shard_slots_used", `adze_shard_tasks{state="running"}`, `adze_shard_tasks{state="ready"}`,
		`adze_shard_tasks{state="delayed"}`, `adze_shard_tasks{state="stored"}`, "adze_journal_pending_bytes",
	} {
		s.becomesZero(metric, func() (float64, error) { return s.scrape(s.engine, metric) })
	}
	s.becomesZero("checkpoint rows", func() (float64, error) {
		return float64(s.count(`
			select (select count(*) from adze.open_task) + (select count(*) from adze.open_run)
				+ (select count(*) from adze.wait) + (select count(*) from adze.closing)`)), nil
	})
}

func (s *stack) becomesZero(what string, read func() (float64, error)) {
	s.t.Helper()
	s.becomes(what, 0, read)
}

// becomes returns once read gives want.
func (s *stack) becomes(what string, want float64, read func() (float64, error)) {
	s.t.Helper()
	var last float64
	var err error
	for deadline := time.Now().Add(waitMax); time.Now().Before(deadline); s.pass(pollEvery) {
		if last, err = read(); err == nil && last == want {
			return
		}
	}
	require.FailNow(s.t, "did not come to its value: "+what, "it is %v and should be %v; error %v", last, want, err)
}

// checkProcesses: nothing ended that was not told to.
func (s *stack) checkProcesses() {
	s.t.Helper()
	s.checkAlive("engine", s.engine)
	for _, w := range s.workers {
		s.checkAlive("worker", w)
	}
}

func (s *stack) checkAlive(name string, p *child.Process) {
	s.t.Helper()
	select {
	case <-p.Done():
		s.t.Errorf("%s ended by itself: %v\n%s", name, p.Err(), p.LogTail())
	default:
	}
}
