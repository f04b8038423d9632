package core

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
)

// newLimited is a rig whose tasks have a limit of two places.
func newLimited(t *testing.T, strategy Strategy) *rig {
	r := newRig(t, Definition{Limits: []string{"oven"}, Retries: 1})
	r.limit("", LimitSetting{Max: 2, Strategy: strategy})
	return r
}

func (r *rig) limit(key string, to LimitSetting) *Effects {
	return r.apply(&Set{Settings: []Setting{{Tenant: tenant, Kind: SettingLimit, Name: "oven", Key: key, Limit: to}}})
}

// holders are the tasks that have a place of a key.
func (r *rig) holders(key string) []id.ID {
	for _, h := range r.Holdings(tenant, "oven") {
		if h.Key == key {
			return h.Held
		}
	}
	return nil
}

func (r *rig) failed(a Assignment) *Effects {
	return r.apply(&Report{Worker: a.Worker, Items: []ReportItem{{Task: a.Task, Attempt: a.Attempt, Token: a.Token, Kind: ReportFailed, Error: "no"}}})
}

// ended are the tasks that end in a step.
func ended(out *Effects) (tasks []id.ID) {
	for i := range out.Results {
		tasks = append(tasks, out.Results[i].Task)
	}
	return tasks
}

func TestLimitQueuesWhoComesPastItsMaximum(t *testing.T) {
	t.Parallel()
	r := newLimited(t, LimitQueue)
	r.join(worker1, 10)
	ids, out := r.submit(3, nil)
	require.Len(t, out.Assigned, 2)
	require.Equal(t, ids[:2], r.holders(""))

	out = r.done(out.Assigned[0])
	require.Len(t, out.Assigned, 1)
	require.Equal(t, ids[2], out.Assigned[0].Task)
	require.Equal(t, ids[1:], r.holders(""))
}

func TestLimitCountsEachKeyByItself(t *testing.T) {
	t.Parallel()
	r := newLimited(t, LimitQueue)
	r.join(worker1, 10)
	_, out := r.submit(6, func(i int, row *NewTask) {
		row.Flow = &Flow{Limits: []LimitKey{{Key: []string{"a", "b"}[i%2]}}}
	})
	require.Len(t, out.Assigned, 4)
	require.Len(t, r.holders("a"), 2)
	require.Len(t, r.holders("b"), 2)
}

func TestLimitIsRaisedAndLoweredWhileItRuns(t *testing.T) {
	t.Parallel()
	r := newLimited(t, LimitQueue)
	r.join(worker1, 10)
	_, out := r.submit(4, nil)
	running := out.Assigned
	running = append(running, r.limit("", LimitSetting{Max: 3}).Assigned...)
	require.Len(t, running, 3)

	require.Empty(t, r.limit("", LimitSetting{Max: 1}).Stopped, "what has a place keeps it")
	require.Empty(t, r.done(running[0]).Assigned)
	require.Empty(t, r.done(running[1]).Assigned)
	require.Len(t, r.done(running[2]).Assigned, 1)
}

func TestLimitGoesByTheMaximumOfTheNewestComer(t *testing.T) {
	t.Parallel()
	r := newLimited(t, LimitQueue)
	r.join(worker1, 10)
	says := func(most int32) func(int, *NewTask) {
		return func(_ int, row *NewTask) { row.Flow = &Flow{Limits: []LimitKey{{Max: most}}} }
	}
	_, out := r.submit(2, says(1))
	require.Len(t, out.Assigned, 1)
	first := out.Assigned[0]
	_, out = r.submit(3, says(3))
	require.Len(t, out.Assigned, 2)
	require.Len(t, r.done(first).Assigned, 1, "who leaves says nothing")
	require.Len(t, r.holders(""), 3)
}

func TestLimitGivesHigherPrioritiesTheirPlacesFirst(t *testing.T) {
	t.Parallel()
	r := newLimited(t, LimitQueue)
	r.join(worker1, 10)
	_, first := r.submit(2, nil)
	ids, _ := r.submit(2, func(i int, row *NewTask) { row.Priority = int32(i) })
	require.Equal(t, ids[1], r.done(first.Assigned[0]).Assigned[0].Task)
}

func TestLimitFIFOKeepsThePlaceOfWhatIsTriedAgain(t *testing.T) {
	t.Parallel()
	for strategy, want := range map[Strategy]int{LimitFIFO: 0, LimitQueue: 1} {
		r := newRig(t, Definition{Limits: []string{"oven"}, Retries: 1, BackoffMS: 1_000, BackoffMaxMS: 1_000, BackoffFactor: 1})
		r.limit("", LimitSetting{Max: 1, Strategy: strategy})
		r.join(worker1, 10)
		_, out := r.submit(2, nil)
		require.Len(t, r.failed(out.Assigned[0]).Assigned, want, "%v", strategy)
	}
}

func TestLimitCancelsRunningOnesForNewerOnes(t *testing.T) {
	t.Parallel()
	r := newLimited(t, LimitCancelRunning)
	r.join(worker1, 10)
	ids, out := r.submit(2, nil)
	require.Len(t, out.Assigned, 2)
	oldest := out.Assigned[0]
	newer, out := r.submit(1, nil)
	require.Empty(t, out.Assigned, "its place is not free yet")
	require.Equal(t, []Stop{{Worker: worker1, Task: ids[0], Token: oldest.Token, Reason: StopCancelled}}, out.Stopped)

	out = r.failed(oldest)
	require.Equal(t, Cancelled, out.Results[0].Status)
	require.Equal(t, "cancelled by the limit oven: a newer one came", out.Results[0].Error)
	require.Equal(t, newer[0], out.Assigned[0].Task)
}

func TestLimitCancelsThoseThatWaitAsItsStrategySays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		strategy Strategy
		cancels  []int // of five, two of which have places
		text     string
	}{
		{LimitCancelNewest, []int{2, 3, 4}, "cancelled by the limit oven: there was no place"},
		{LimitKeepNewest, []int{2, 3}, "cancelled by the limit oven: another one waits already"},
		{LimitKeepOldest, []int{3, 4}, "cancelled by the limit oven: another one waits already"},
	} {
		r := newLimited(t, c.strategy)
		r.join(worker1, 10)
		ids, out := r.submit(5, nil)
		require.Len(t, out.Assigned, 2)
		var want []id.ID
		for _, at := range c.cancels {
			want = append(want, ids[at])
		}
		require.ElementsMatch(t, want, ended(out), "%v", c.strategy)
		for i := range out.Results {
			require.Equal(t, Cancelled, out.Results[i].Status)
			require.Equal(t, c.text, out.Results[i].Error)
		}
	}
}

// TestPlacesAwaitTheWorkersOfBefore: what one of them runs may be in no row.
func TestPlacesAwaitTheWorkersOfBefore(t *testing.T) {
	t.Parallel()
	for _, comesBack := range []bool{true, false} {
		r := &rig{Shard: newSmall(), t: t, now: Time(id.Epoch) + 1_000_000, ids: id.NewSource(1, 0)}
		r.apply(&Define{Definition: Definition{Version: version, Tenant: tenant, Action: "act", Limits: []string{"oven"}}})
		running, waiting := r.ids.Next(int64(r.now)), r.ids.Next(int64(r.now))
		r.apply(&Restore{
			Epoch: 2, Workers: []Present{{Worker: worker1, Tenant: tenant}},
			Fresh: []NewTask{{ID: running, Tenant: tenant, Version: version}, {ID: waiting, Tenant: tenant, Version: version}},
		})
		require.Empty(t, r.join(worker2, 5).Assigned)
		if comesBack {
			require.Empty(t, r.join(worker1, 5, Claim{Task: running, Attempt: 1, Token: 7}).Assigned)
			require.Equal(t, []id.ID{running}, r.holders(""))
			continue
		}
		r.now += RecoveryGraceMS
		require.Equal(t, running, r.apply(&Tick{}).Assigned[0].Task)
	}
}

func TestLimitedRunBeginsWhenItHasItsPlaces(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{})
	graph := Graph{Version: 9, Tenant: tenant, Limits: []string{"oven"}, Nodes: []Node{
		{Definition: Definition{Version: 9, Tenant: tenant, Action: "act"}, Name: "a"},
		{Definition: Definition{Version: 9, Tenant: tenant, Action: "act"}, Name: "b"},
	}}
	r.apply(&DefineGraph{Graph: graph})
	r.join(worker1, 10)
	submit := func() (id.ID, *Effects) {
		run := r.ids.Next(int64(r.now))
		for range graph.Nodes {
			r.ids.Next(int64(r.now))
		}
		return run, r.apply(&Submit{Runs: []NewRun{{Task: NewTask{ID: run, Tenant: tenant, Version: 9}}}})
	}
	first, out := submit()
	require.Len(t, out.Assigned, 2)
	second, waiting := submit()
	require.Empty(t, waiting.Tasks)
	third, _ := submit()

	cancelled := r.apply(&Cancel{Ref: 1, Tenant: tenant, Tasks: []id.ID{second}})
	require.Equal(t, AnswerDone, cancelled.Answers[0].Kind)
	require.Len(t, cancelled.Results, 2)
	require.Equal(t, Cancelled, cancelled.RunResults[0].Status)

	require.Equal(t, []id.ID{first}, r.holders(""))
	require.Empty(t, r.done(out.Assigned[0]).Assigned)
	out = r.done(out.Assigned[1])
	require.Equal(t, first, out.RunResults[0].Run)
	require.Len(t, out.Assigned, 2)
	require.Equal(t, []id.ID{third}, r.holders(""))
	for _, a := range out.Assigned {
		r.done(a)
	}
	require.Zero(t, r.Stats().Groups)
}

// TestNobodyIsCancelledForAPlaceThatIsAboutToBeFree: the run that has it was cancelled, and
// what of it is open has to be loaded first.
func TestNobodyIsCancelledForAPlaceThatIsAboutToBeFree(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{})
	graph := Graph{Version: 9, Tenant: tenant, Limits: []string{"oven"}, Nodes: []Node{
		{Definition: Definition{Version: 9, Tenant: tenant, Action: "act"}, Name: "a"},
	}}
	r.apply(&DefineGraph{Graph: graph})
	r.limit("", LimitSetting{Max: 2, Strategy: LimitCancelRunning})
	r.submit(20, nil) // what comes after them is in Postgres only
	rows, tasks := map[id.ID]OpenRun{}, map[id.ID]OpenTask{}
	submit := func() (id.ID, *Effects) {
		run := r.ids.Next(int64(r.now))
		r.ids.Next(int64(r.now))
		out := r.apply(&Submit{Runs: []NewRun{{Task: NewTask{ID: run, Tenant: tenant, Version: 9}}}})
		for _, row := range out.OpenRuns {
			rows[row.ID] = row
		}
		for _, row := range out.Open {
			tasks[row.ID] = row
		}
		return run, out
	}
	first, _ := submit()
	second, _ := submit()
	require.Equal(t, []id.ID{first, second}, r.holders(""))

	asked := r.apply(&Cancel{Ref: 1, Tenant: tenant, Tasks: []id.ID{second}}).Loads[0]
	cancelled := r.apply(&Loaded{Load: asked, Runs: []OpenRun{rows[second]}})
	require.Equal(t, AnswerStarted, cancelled.Answers[0].Kind)
	third, out := submit()
	require.Empty(t, out.Loads, "the first one goes on")

	row := rows[second]
	row.Cancel = cancelled.OpenRuns[0].Cancel
	out = r.apply(&Loaded{Load: cancelled.Loads[0], Rows: []OpenTask{tasks[cancelled.Loads[0].Tasks[0]]}, Runs: []OpenRun{row}})
	require.Equal(t, second, out.RunResults[0].Run)
	require.Equal(t, []id.ID{first, third}, r.holders(""))
}

// TestLimitThatCancelsManyTakesSteps: what else happens is not kept waiting by it.
func TestLimitThatCancelsManyTakesSteps(t *testing.T) {
	t.Parallel()
	const keys = 2*strikesMax + 1
	r := newOven(t)
	r.limit("", LimitSetting{Max: 1})
	r.join(worker1, 1)
	for range 2 { // of each key one has the place, and one waits
		r.submit(keys, func(i int, row *NewTask) { row.Flow = &Flow{Limits: []LimitKey{{Key: benchKeys[i]}}} })
	}
	require.Len(t, r.limit("", LimitSetting{Max: 1, Strategy: LimitCancelNewest}).Results, strikesMax)
	require.Equal(t, r.now, r.NextDue(), "at once")
	ids, out := r.submit(1, func(_ int, row *NewTask) { row.Flow = &Flow{Limits: []LimitKey{{Key: "another"}}} })
	require.Len(t, out.Results, strikesMax)
	require.Len(t, r.apply(&Tick{}).Results, 1)
	require.Empty(t, r.apply(&Tick{}).Results)
	require.NotEqual(t, r.now, r.NextDue())
	require.Equal(t, ids, r.holders("another"))
}
