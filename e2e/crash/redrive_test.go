package crash_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
)

const (
	redriveRuns = 2_000
	// redriveLook is the pause between looks at how far a redrive has come: it is over within
	// a second.
	redriveLook = 2 * time.Millisecond
)

var errBrittle = errors.New("the payment service is down")

// Who asks for a redrive again, because the engine died before it answered, has no run
// replayed twice, and none left out.
func TestRedriveReplaysEachRunOnceWhateverEngineDies(t *testing.T) {
	t.Parallel()
	s := newStack(t, 1)
	var mended atomic.Bool
	brittle := adze.NewTask("brittle", func(_ context.Context, n int) (int, error) {
		if !mended.Load() {
			return 0, errBrittle
		}
		return n, nil
	})
	s.failAll(brittle)
	mended.Store(true)

	inTheMiddle := 0
	for _, one := range []trouble{engineDies, engineDiesUnheard, engineDies} {
		before := s.replays()
		var asked sync.WaitGroup
		asked.Go(func() { // it may be answered, or not
			for before == s.replays() && s.redrive() == nil {
				s.pass(pollEvery) // the engine is not back
			}
		})
		require.Eventually(t, func() bool { return s.replays() > before || before == redriveRuns }, waitMax, redriveLook)
		one.do(s)
		asked.Wait()
		n := s.replays()
		s.logf("%s: %d of %d replayed", one.name, n, redriveRuns)
		if before < n && n < redriveRuns {
			inTheMiddle++
		}
	}
	require.NotZero(t, inTheMiddle, "each engine died too late")

	var last *adze.Redriven
	require.Eventually(t, func() bool {
		last = s.redrive()
		return last != nil && last.Runs == 0
	}, waitMax, pollEvery)
	require.Equal(t, redriveRuns, last.Skipped)
	require.EqualValues(t, redriveRuns, s.replays())
	require.EqualValues(t, redriveRuns, s.count(`select count(distinct replay_of) from adze.task where replay_of <> 0`))
	require.Eventually(t, func() bool {
		return s.count(`select count(*) from adze.task_result as r join adze.task as t using (id) where t.replay_of <> 0 and r.status = 'succeeded'`) == redriveRuns
	}, waitMax, pollEvery)
}

// failAll has a worker run the task for as long as the test goes on, and runs of it fail.
func (s *stack) failAll(brittle *adze.Task[int, int]) {
	s.t.Helper()
	life, stop := context.WithCancel(s.ctx)
	var ended sync.WaitGroup
	ended.Go(func() { _ = s.client.Work(life, brittle, adze.Slots(slots)) })
	s.t.Cleanup(func() { stop(); ended.Wait() })
	inputs := make([]int, redriveRuns)
	var runs []*adze.Run[int]
	require.Eventually(s.t, func() (ok bool) { // the worker registers it
		var err error
		runs, err = brittle.RunMany(s.ctx, s.client, inputs)
		return err == nil
	}, waitMax, pollEvery)
	for _, run := range runs {
		_, err := run.Result(s.ctx)
		require.ErrorContains(s.t, err, errBrittle.Error())
	}
}

// redrive is what came of one, nil if it broke off.
func (s *stack) redrive() *adze.Redriven {
	ctx, done := context.WithTimeout(s.ctx, waitMax)
	defer done()
	redriven, err := s.client.Redrive(ctx, adze.Redrive{FailureFilter: adze.FailureFilter{Task: "brittle"}})
	if err != nil {
		return nil
	}
	return redriven
}

// replays is how many are stored.
func (s *stack) replays() int64 {
	s.t.Helper()
	return s.count(`select count(*) from adze.task where replay_of <> 0`)
}
