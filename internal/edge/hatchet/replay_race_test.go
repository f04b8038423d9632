package hatchet_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/edge/hatchettest"
	native "github.com/adzehq/adze/internal/wire/adzev1"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// racers is how many ask for a replay of the same run at once.
const racers = 32

// replayAtOnce asks for replays of ids by both ways at the same time, each in a call of its
// own, racers in all.
func replayAtOnce(t *testing.T, s *hatchettest.Stage, ids ...string) {
	t.Helper()
	var asked sync.WaitGroup
	start := make(chan struct{})
	for i := range racers {
		one := ids[i%len(ids)]
		asked.Go(func() {
			<-start
			if i%2 == 0 {
				response, err := s.Admin.ReplayTasks(s.Ctx, &wire.ReplayTasksRequest{ExternalIds: []string{one}})
				require.NoError(t, err)
				require.Contains(t, response.ReplayedTasks, one)
				return
			}
			code, answer := s.REST(t, "POST", "/api/v1/stable/tenants/"+s.Tenant+"/tasks/replay", map[string]any{"externalIds": []string{one}})
			require.Equal(t, http.StatusOK, code)
			require.Contains(t, answer.(map[string]any)["ids"], one)
		})
	}
	close(start)
	asked.Wait()
}

// replays counts the runs that repeat another one, and those that repeat one that another
// one repeats too.
func replays(t *testing.T, s *hatchettest.Stage, table string) (all, twice int) {
	t.Helper()
	require.NoError(t, s.Pool.QueryRow(s.Ctx, `select count(*), count(*) - count(distinct replay_of) from adze.`+table+
		` where replay_of is not null and replay_of <> 0`).Scan(&all, &twice))
	return all, twice
}

func cancelled(t *testing.T, s *hatchettest.Stage, runs ...string) {
	t.Helper()
	_, err := s.Admin.CancelTasks(s.Ctx, &wire.CancelTasksRequest{ExternalIds: runs})
	require.NoError(t, err)
	results(t, s, runs...)
}

func TestReplaysAtTheSameMomentAreOne(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	define(t, s, "plain", nil)
	define(t, s, "deep", durable)
	plain, deep := start(t, s, "plain", `{}`), start(t, s, "deep", `{}`)
	cancelled(t, s, plain, deep)
	replayAtOnce(t, s, plain)
	replayAtOnce(t, s, deep)
	all, twice := replays(t, s, "task")
	require.Equal(t, 2, all)
	require.Zero(t, twice)
	cancelled(t, s, plain, deep)
	s.Stop(t)

	s = hatchettest.StartOn(t, s.URL) // what was before is not in memory
	replayAtOnce(t, s, plain)
	replayAtOnce(t, s, deep)
	all, twice = replays(t, s, "task")
	require.Equal(t, 4, all)
	require.Zero(t, twice)
	p := work(t, s, "plain:step")
	a := p.next()
	require.EqualValues(t, 2, a.RetryCount)
	p.completed(a, `{}`)
	require.Empty(t, results(t, s, plain)[plain].Results[0].GetError())
}

// What begins meanwhile is cancelled and begins again; it is still one after the other.
func TestReplaysOfWhatRunsFollowEachOther(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	s.Work(t, func(*native.Assignment) (string, error) { return `{}`, nil }, hatchettest.One("w", 0))
	run := trigger(t, s, &wire.TriggerWorkflowRequest{Name: "w"})
	results(t, s, run)
	replayAtOnce(t, s, run)
	_, twice := replays(t, s, "task")
	require.Zero(t, twice)
	require.Empty(t, results(t, s, run)[run].Results[0].GetError())
}

func TestReplaysOfTwoTasksAtTheSameMomentReplayBoth(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	task := func(name string) *wire.CreateTaskOpts {
		return &wire.CreateTaskOpts{ReadableId: name, Action: "pair:" + name, Timeout: "60s", Inputs: "{}"}
	}
	_, err := s.Admin.PutWorkflow(s.Ctx, &wire.CreateWorkflowVersionRequest{
		Name: "pair", Tasks: []*wire.CreateTaskOpts{task("one"), task("two"), task("three")},
	})
	require.NoError(t, err)
	p := work(t, s, "pair:one", "pair:two", "pair:three")
	run := trigger(t, s, &wire.TriggerWorkflowRequest{Name: "pair"})
	for range 3 {
		p.completed(p.next(), `{}`)
	}
	results(t, s, run)
	p.stop()
	require.Error(t, <-p.over)
	tasks := details(t, s, run).TaskRuns
	replayAtOnce(t, s, tasks["one"].ExternalId, tasks["two"].ExternalId)
	_, twice := replays(t, s, "run")
	require.Zero(t, twice)
	p.listen()
	again := map[string]bool{}
	for range 2 {
		a := p.next()
		again[a.TaskName] = true
		p.completed(a, `{}`)
	}
	require.Equal(t, map[string]bool{"one": true, "two": true}, again, "the third is kept")
	results(t, s, run)
}
