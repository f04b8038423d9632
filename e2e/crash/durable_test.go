package crash_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
)

func TestDurableTasksGoOnWhereTheyWereWhenEnginesDie(t *testing.T) {
	t.Parallel()
	s := newStack(t, 2)
	g := s.playSagas()
	s.play(engineDies, engineDiesUnheard)
	s.finishSagas(g)
}

func TestDurableTasksGoOnWhereTheyWereWhenWorkersDie(t *testing.T) {
	t.Parallel()
	s := newStack(t, 3)
	g := s.playSagas()
	s.play(workerDies)
	s.finishSagas(g)
}

func TestDurableTasksGoOnWhereTheyWereWhenEverythingDies(t *testing.T) {
	t.Parallel()
	s := newStack(t, 3)
	g := s.playSagas()
	troubles := []trouble{engineDies, engineDiesUnheard, workerDies, postgresDies, commitIsCut, wiresAreCut}
	if soaking() {
		troubles = append(troubles, postgresFreezes)
	}
	s.play(troubles...)
	s.finishSagas(g)
}

// finishSagas ends a scenario as finish does.
func (s *stack) finishSagas(g *stage) {
	s.t.Helper()
	g.close()
	g.promptStrangers()
	s.logf("stopped the load: %d runs accepted, %d refused", len(g.accepted), len(g.refused))
	s.conclude(g.check)
}

const (
	// lodgersMany are more than are kept in memory of what is due soonest.
	lodgersMany = 10_000
	// downtime is how long the engine is away at least while some fall due.
	downtime = 2 * time.Second
)

func TestWhatFellDueWhileTheEngineWasAwayWakesUpWhenItIsBack(t *testing.T) {
	t.Parallel()
	s := newStack(t, 1)
	begin := time.Now()
	s.lodge(lodgersMany/2, time.Now().Add(lodgersSleep))
	took := time.Since(begin)
	due := time.Now().Add(2*took + downtime)
	early := s.lodge(lodgersMany/2, due)
	s.logf("all sleep, half of them for another %v", time.Until(due))

	s.engine.Kill()
	s.pass(time.Until(due) + downtime)
	s.startEngine()

	var waiters sync.WaitGroup
	for _, run := range early {
		waiters.Go(func() {
			if _, err := run.Result(s.ctx); err != nil {
				t.Errorf("run %s: %v", run.ID, err)
			}
		})
	}
	waiters.Wait()
	s.logf("all that fell due have ended, %v after it", time.Since(due))
	require.EqualValues(t, lodgersMany/2, s.count("select count(*) from adze.open_task where state = 'waiting'"), "the others sleep on")
	s.checkLowWaterIsSound()
}

// lodge submits tasks that sleep, and returns once they do.
func (s *stack) lodge(n int, until time.Time) []*adze.Run[int64] {
	s.t.Helper()
	const asleep = "select count(*) from adze.open_task where state = 'waiting'"
	before := s.count(asleep)
	inputs := make([]int64, n)
	for i := range inputs {
		inputs[i] = until.UnixMilli()
	}
	runs, err := s.troupe.lodger.RunMany(s.ctx, s.client, inputs)
	require.NoError(s.t, err)
	s.becomes("sleepers", float64(before)+float64(n), func() (float64, error) { return float64(s.count(asleep)), nil })
	return runs
}
