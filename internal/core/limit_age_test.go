package core

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
)

// TestAgeingLimitStarvesNobody: however much of a higher priority comes, who waits has its
// place when its wait is worth the difference. Where ageing is off, priority is strict.
func TestAgeingLimitStarvesNobody(t *testing.T) {
	t.Parallel()
	const lead = 50 // priorities
	for each, want := range map[int64]int{0: 0, 10: lead, 20: 2 * lead, 1_000: 100 * lead} {
		r := newRig(t, Definition{Limits: []string{"oven"}})
		r.limit("", LimitSetting{Max: 1, AgeMS: each})
		r.join(worker1, 10)
		_, out := r.submit(1, nil)
		running := out.Assigned[0]
		low, _ := r.submit(1, nil)
		rounds := 0
		for ; rounds < 10_000 && running.Task != low[0]; rounds++ {
			r.submit(1, func(_ int, row *NewTask) { row.Priority = lead })
			running = r.done(running).Assigned[0]
			r.now += 10
		}
		if want == 0 {
			require.Equal(t, 10_000, rounds, "it never has its turn")
			continue
		}
		require.InDelta(t, want, rounds, 3, "one of priority each %d ms", each)
	}
}

// TestAgeingLimitCountsForRunsToo: for those of a graph, which wait before they begin.
func TestAgeingLimitCountsForRunsToo(t *testing.T) {
	t.Parallel()
	for each, first := range map[int64]int{0: 1, 10: 0} {
		r := newRig(t, Definition{})
		r.apply(&DefineGraph{Graph: Graph{Version: 9, Tenant: tenant, Workflow: "flow", Limits: []string{"oven"}, Nodes: []Node{
			{Definition: Definition{Version: 10, Tenant: tenant, Workflow: "flow", Task: "a", Action: "act"}},
		}}})
		r.limit("", LimitSetting{Max: 0, AgeMS: each})
		r.join(worker1, 1)
		var runs []id.ID
		for _, priority := range []int32{0, 5} {
			run := r.ids.Block(int64(r.now), 2)
			r.apply(&Submit{Runs: []NewRun{{Task: NewTask{ID: run, Tenant: tenant, Version: 9, Priority: priority}}}})
			runs = append(runs, run)
			r.now += 100
		}
		r.limit("", LimitSetting{Max: 1, AgeMS: each})
		require.Equal(t, []id.ID{runs[first]}, r.holders(""), "one of priority each %d ms", each)
	}
}

// TestAgeingLimitGoesOnInTheHandsOfANewOwner, and remembers nothing while nobody waits: of who
// has a place a row may still say so.
func TestAgeingLimitGoesOnInTheHandsOfANewOwner(t *testing.T) {
	t.Parallel()
	r := newOven(t)
	change := func(each int64) *Effects { return r.limit("", LimitSetting{Max: 0, AgeMS: each}) }
	require.Len(t, change(10).Settings, 1, "nobody waits")
	r.submit(1, nil)
	r.now += 1_000
	stored := change(0).Settings
	worth := int64(r.now) / 10
	require.Equal(t, Setting{Tenant: tenant, Kind: SettingLimitAge, Name: "oven", Age: AgeSetting{Worth: worth, Since: r.now}}, stored[1])

	owner := New(1)
	owner.Apply(r.now, &Restore{Epoch: 2, Settings: stored}, &Effects{})
	require.Equal(t, worth, owner.limit(tenant, "oven").worth())

	r.limit("", LimitSetting{Max: 1})
	running := r.join(worker1, 1).Assigned[0]
	r.now += 10
	require.False(t, change(5).Settings[1].Dropped)
	r.done(running)
	require.True(t, change(6).Settings[1].Dropped, "nobody waits any more")
	require.Empty(t, r.apply(&Set{Settings: []Setting{{Tenant: tenant, Kind: SettingLimit, Name: "unknown", Dropped: true}}}).Settings)
}
