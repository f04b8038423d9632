package crash_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
)

const (
	// homeName is the tenant of the stack: its workers are shared.
	homeName = "default"
	// longMS is how long a task runs that somebody is killed under.
	longMS = 4_000
	// sharedMS is how long one runs of many: some run whenever an engine dies.
	sharedMS = 100
	// shareMost is how many tasks of the home may run while a guest's fewRuns do: as many,
	// and what was on its way to workers or was charged before an engine died.
	shareMost = 2*fewRuns + slots
	manyRuns  = 2_000
	fewRuns   = 200
)

// guest is a tenant beside the stack's own, whose workers run its tasks.
type guest struct {
	stack  *stack
	name   string
	client *adze.Client
}

// newGuest makes a tenant that has granted the stack's.
func (s *stack) newGuest(name string) *guest {
	s.t.Helper()
	s.adze("tenant", "create", name, "--beside", homeName)
	token := s.adze("token", "create", "--tenant", name, "--name", "crash")
	client, err := adze.Dial(s.ctx, adze.Address(s.front.Addr()), adze.Token(token), adze.Logger(discard))
	require.NoError(s.t, err)
	s.t.Cleanup(func() { _ = client.Close() })
	g := &guest{s, name, client}
	g.share()
	return g
}

func (g *guest) share() { g.stack.adze("tenant", "share", g.name, "--with", homeName) }

func (g *guest) unshare() { g.stack.adze("tenant", "unshare", g.name, "--with", homeName) }

// elsewhere is the job as a tenant without workers knows it: it is registered by that.
func elsewhere(context.Context, job) (done, error) { return done{}, errors.ErrUnsupported }

// queue submits jobs of so long as a tenant.
func (s *stack) queue(client *adze.Client, n int, ms int64) []*adze.Run[done] {
	s.t.Helper()
	jobs := make([]job, n)
	for i := range jobs {
		jobs[i] = job{N: s.book.number(), MS: ms}
	}
	runs, err := jobTask(elsewhere).RunMany(s.ctx, client, jobs)
	require.NoError(s.t, err)
	return runs
}

// awaitRunning returns when workers that a tenant sees run so many of its tasks.
func (s *stack) awaitRunning(client *adze.Client, n int) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		workers, err := client.Workers(s.ctx)
		running := 0
		for _, w := range workers {
			running += w.Running
		}
		return err == nil && running == n
	}, waitMax, pollEvery)
}

// ends are the outputs of runs, all of which succeed, in their order.
func (s *stack) ends(runs []*adze.Run[done]) []done {
	s.t.Helper()
	all := make([]done, len(runs))
	for i, run := range runs {
		out, err := run.Result(s.ctx)
		require.NoError(s.t, err, "run %s", run.ID)
		all[i] = out
	}
	return all
}

// checkDone holds what was written down of runs against how they ended: each in the attempt
// that its result is of, and in no other one, but for those that may run twice: what was
// given out in the last moments before an engine died.
func (s *stack) checkDone(runs []*adze.Run[done], ends []done, twiceMax int) {
	s.t.Helper()
	times := map[adze.ID]int{}
	last := map[adze.ID]int{}
	for e, lines := range s.effects() {
		times[e.task] += len(lines)
		last[e.task] = max(last[e.task], e.attempt)
	}
	twice := 0
	for i, run := range runs {
		require.NotZero(s.t, times[run.ID], "run %s has ended and was not done", run.ID)
		require.GreaterOrEqual(s.t, last[run.ID], ends[i].Attempt, "run %s", run.ID)
		twice += times[run.ID] - 1
	}
	require.LessOrEqual(s.t, twice, twiceMax, "runs that were done again")
	s.checkResultsStand()
	s.checkLowWaterIsSound()
}

func TestTasksOfAllTenantsRunAgainWhenTheirWorkerDies(t *testing.T) {
	t.Parallel()
	s := newStack(t, 1)
	g := s.newGuest("guest")
	own, others := s.queue(s.client, slots/2, longMS), s.queue(g.client, slots/2, longMS)
	s.awaitRunning(s.client, slots)
	s.awaitRunning(g.client, slots/2)
	killed := s.workers[0].PID()
	s.killWorker()
	for _, runs := range [][]*adze.Run[done]{own, others} {
		ends := s.ends(runs)
		for _, end := range ends {
			require.Equal(t, 2, end.Attempt)
			require.NotEqual(t, killed, end.PID)
		}
		s.checkDone(runs, ends, 0)
	}
}

func TestTenantsShareWorkersFairlyWhateverEngineDies(t *testing.T) {
	t.Parallel()
	s := newStack(t, 1)
	early, late := s.newGuest("early"), s.newGuest("late")
	own := s.queue(s.client, manyRuns, sharedMS)
	others := s.queue(early.client, fewRuns, sharedMS)
	for _, one := range []trouble{engineDies, engineDiesUnheard} {
		s.pass(pauseMin)
		s.logf("trouble: %s", one.name)
		one.do(s)
	}
	before := s.ended(own)
	runs := s.queue(late.client, fewRuns, sharedMS)
	ends := s.ends(runs)
	during := s.ended(own) - before
	s.logf("%d of the home ended before, %d while %d of a guest did", before, during, fewRuns)
	require.Less(t, before, manyRuns-shareMost, "the home has something left")
	require.LessOrEqual(t, during, shareMost)
	s.checkDone(runs, ends, 0)
	s.checkDone(others, s.ends(others), 2*slots)
	s.checkDone(own, s.ends(own), 2*slots)
}

// ended is how many of runs have a result.
func (s *stack) ended(runs []*adze.Run[done]) int {
	ids := make([]int64, len(runs))
	for i, run := range runs {
		ids[i] = int64(run.ID)
	}
	return int(s.count(`select count(*) from adze.task_result where id = any($1)`, ids))
}

// TestAGrantEndsForGoodThoughTheEngineDies: what runs at the home's workers ends there, though
// the next engine cannot tell by the grant that it may be there, and nothing new begins.
func TestAGrantEndsForGoodThoughTheEngineDies(t *testing.T) {
	t.Parallel()
	s := newStack(t, 1)
	g := s.newGuest("guest")
	running := s.queue(g.client, slots, longMS)
	s.awaitRunning(g.client, slots)
	waiting := s.queue(g.client, slots, 0)
	g.unshare()
	s.killEngine()
	worker := s.workers[0].PID()
	ends := s.ends(running)
	for _, end := range ends {
		require.Equal(t, done{N: end.N, Attempt: 1, PID: worker}, end)
	}
	s.checkDone(running, ends, 0)
	s.ends(s.queue(s.client, slots, 0)) // the worker is free, and takes what is its home's
	require.Zero(t, s.ended(waiting))
	why, err := g.client.Why(s.ctx, waiting[0].ID)
	require.NoError(t, err)
	require.Equal(t, adze.CauseNoWorker, why.Reasons[0].Cause)
	workers, err := g.client.Workers(s.ctx)
	require.NoError(t, err)
	require.Empty(t, workers)
	g.share()
	s.checkDone(waiting, s.ends(waiting), 0)
}

// TestAGrantCountsForTheNextEngine: one that was answered counts for the next
// engine too, with its weight, and workers that it knew run what it gives.
func TestAGrantCountsForTheNextEngine(t *testing.T) {
	t.Parallel()
	s := newStack(t, 1)
	g := s.newGuest("guest")
	s.adze("tenant", "share", g.name, "--with", homeName, "--weight", "3")
	s.killEngine()
	runs := s.queue(g.client, slots, 0)
	s.checkDone(runs, s.ends(runs), 0)
	_, grants, err := g.client.Grants(s.ctx)
	require.NoError(t, err)
	require.Equal(t, []adze.Grant{{Tenant: g.name, Home: homeName, Weight: 3}}, grants)
}
