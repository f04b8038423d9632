package core

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
)

// ageing is a setting of the queue of the rig: by its workflows or otherwise.
func ageing(declared, dropped bool, each int64) Setting {
	s := Setting{Tenant: tenant, Kind: SettingQueue, Name: "act", Declared: declared, Dropped: dropped}
	s.Queue.AgeMS = each
	return s
}

// ofLimit is that setting of a limit of one place.
func ofLimit(s Setting) Setting {
	return Setting{
		Tenant: s.Tenant, Kind: SettingLimit, Name: "oven", Declared: s.Declared, Dropped: s.Dropped,
		Limit: LimitSetting{Max: 1, AgeMS: s.Queue.AgeMS},
	}
}

// newOven is a rig whose tasks wait in the line of that limit.
func newOven(t *testing.T) *rig {
	r := newWide(t)
	r.Shard = New(1)
	r.apply(&Define{Definition: Definition{Version: version, Tenant: tenant, Action: "act", Limits: []string{"oven"}}})
	r.apply(&Restore{Epoch: 1})
	return r
}

// TestChangingAgeingLeavesNobodyBehindANewcomer: of the same priority, whoever waited when
// ageing was switched on, off or to another time goes first, in a queue and in a limit.
func TestChangingAgeingLeavesNobodyBehindANewcomer(t *testing.T) {
	t.Parallel()
	const declared = true
	for name, changes := range map[string][]Setting{
		"on":          {ageing(!declared, false, 10)},
		"off":         {ageing(!declared, false, 10), ageing(!declared, false, 0)},
		"dropped":     {ageing(!declared, false, 10), ageing(!declared, true, 0)},
		"slower":      {ageing(!declared, false, 1), ageing(!declared, false, 100_000)},
		"faster":      {ageing(!declared, false, 100_000), ageing(!declared, false, 1)},
		"declared":    {ageing(declared, false, 10), ageing(declared, false, 1_000), ageing(declared, true, 0)},
		"both layers": {ageing(declared, false, 10), ageing(!declared, false, 0), ageing(!declared, true, 0), ageing(declared, true, 0)},
		"to and fro":  {ageing(!declared, false, 10), ageing(!declared, false, 0), ageing(!declared, false, 7), ageing(!declared, true, 0)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, priority := range []int32{PriorityMin, -5, 0, 5, PriorityMax} {
				requireOlderFirst(t, newWide(t), changes, priority)
				ofLimits := make([]Setting, len(changes))
				for i := range changes {
					ofLimits[i] = ofLimit(changes[i])
				}
				requireOlderFirst(t, newOven(t), ofLimits, priority)
			}
		})
	}
}

// requireOlderFirst has one task come before each of some changes, and one after them all.
func requireOlderFirst(t *testing.T, r *rig, changes []Setting, priority int32) {
	t.Helper()
	var want []id.ID
	come := func() {
		ids, _ := r.submit(1, func(_ int, row *NewTask) { row.Priority = priority })
		want = append(want, ids[0])
		r.now += 1_000
	}
	for _, change := range changes {
		come()
		r.apply(&Set{Settings: []Setting{change}})
		r.now += 1_000
	}
	come()
	out := r.join(worker1, 1)
	var got []id.ID
	for range want {
		got = append(got, out.Assigned[0].Task)
		out = r.done(out.Assigned[0])
	}
	require.Equal(t, want, got, "priority %d", priority)
}

func TestWhatWasGainedByWaitingIsKeptWhenAgeingEnds(t *testing.T) {
	t.Parallel()
	for lead, first := range map[int32]int{20: 0, 21: 1} {
		r := newWide(t)
		r.set("act", "", QueueSetting{AgeMS: 10})
		low, _ := r.submit(1, nil)
		r.now += 200 // 20 priorities
		r.set("act", "", QueueSetting{})
		r.now += 1_000_000
		high, _ := r.submit(1, func(_ int, row *NewTask) { row.Priority = lead })
		require.Equal(t, []id.ID{low[0], high[0]}[first], r.join(worker1, 1).Assigned[0].Task, "priority %d", lead)
	}
}

// TestWhatWaitsGainsFromWhenAgeingBegins, not from when it came.
func TestWhatWaitsGainsFromWhenAgeingBegins(t *testing.T) {
	t.Parallel()
	for waited, first := range map[Time]int{40: 1, 60: 0} {
		r := newWide(t)
		low, _ := r.submit(1, nil)
		r.now += 1_000_000
		r.set("act", "", QueueSetting{AgeMS: 10})
		r.now += waited
		high, _ := r.submit(1, func(_ int, row *NewTask) { row.Priority = 5 })
		require.Equal(t, []id.ID{low[0], high[0]}[first], r.join(worker1, 1).Assigned[0].Task, "after %d ms", waited)
	}
}

// TestAgeingGoesOnInTheHandsOfANewOwner, whose clock may be behind.
func TestAgeingGoesOnInTheHandsOfANewOwner(t *testing.T) {
	t.Parallel()
	for _, late := range []Time{-5_000, 0, 5_000} {
		r := newWide(t)
		r.set("act", "", QueueSetting{AgeMS: 10})
		ids, _ := r.submit(1, func(_ int, row *NewTask) { row.Priority = 3 })
		r.now += 1_000
		out := r.apply(&Set{Settings: []Setting{ageing(false, true, 0)}})
		require.Len(t, out.Settings, 2)
		rows := r.later(CheckpointAgeMS).Open
		require.Len(t, rows, 1)

		owner := &rig{Shard: New(1), t: t, now: r.now + late, ids: r.ids}
		owner.apply(&Define{Definition: Definition{Version: version, Tenant: tenant, Action: "act"}})
		owner.apply(&Restore{
			Epoch: 2, LowWater: ids[0] + 1, Settings: out.Settings[1:],
			Lanes: []LaneDepth{{Tenant: tenant, Queue: "act", Depth: 1}},
		})
		next, out := owner.submit(1, func(_ int, row *NewTask) { row.Priority = 3 })
		rows = append(rows, out.Open...)
		rows = append(rows, owner.apply(&Set{Settings: []Setting{ageing(false, false, 10)}}).Open...)
		last, out := owner.submit(1, func(_ int, row *NewTask) { row.Priority = 3 })
		rows = append(rows, out.Open...)
		load := owner.join(worker1, 3).Loads[0]
		byID := map[id.ID]OpenTask{}
		for _, row := range rows {
			byID[row.ID] = row
		}
		given := owner.apply(&Loaded{Load: load, Rows: laneRows(byID, load)}).Assigned
		require.Equal(t, []id.ID{ids[0], next[0], last[0]}, tasksOf(given))
	}
}

// TestWhatRanWhenAgeingEndedIsNotLeftBehindByACrash: its row says where it waited, and nothing
// that comes later goes before that.
func TestWhatRanWhenAgeingEndedIsNotLeftBehindByACrash(t *testing.T) {
	t.Parallel()
	r := newWide(t)
	r.apply(&Set{Settings: []Setting{ageing(false, false, 10)}})
	r.submit(1, nil)
	r.now += 2_000
	waits := r.apply(&Tick{}).Open[0]
	require.Equal(t, OpenReady, waits.State)
	running := r.join(worker1, 1).Assigned[0]
	stored := r.apply(&Set{Settings: []Setting{ageing(false, false, 0)}}).Settings

	owner := New(1)
	owner.Apply(r.now, &Restore{Epoch: 2, Settings: stored}, &Effects{})
	require.GreaterOrEqual(t, owner.queue(tenant, "act").worth(), waits.Rank)
	r.done(running)
	require.True(t, r.apply(&Set{Settings: []Setting{ageing(false, false, 5)}}).Settings[1].Dropped, "its row is gone")
}

// TestQueueWithoutAnybodyRemembersNoAgeing: what was worth how much is stored while it is of
// use, so that queues which come and go leave nothing.
func TestQueueWithoutAnybodyRemembersNoAgeing(t *testing.T) {
	t.Parallel()
	r := newWide(t)
	kinds := func(settings ...Setting) (kinds []string) {
		for _, s := range r.apply(&Set{Settings: settings}).Settings {
			kinds = append(kinds, fmt.Sprint(s.Kind, s.Dropped))
		}
		return kinds
	}
	queue, age := fmt.Sprint(SettingQueue, false), fmt.Sprint(SettingAge, false)
	require.Equal(t, []string{queue}, kinds(ageing(false, false, 10)))
	r.submit(1, nil)
	require.Equal(t, []string{queue, age}, kinds(ageing(false, false, 20)))
	require.Equal(t, []string{queue}, kinds(Setting{Tenant: tenant, Kind: SettingQueue, Name: "act", Queue: QueueSetting{AgeMS: 20, ByCost: true}}))
	r.done(r.join(worker1, 1).Assigned[0])
	require.Equal(t, []string{fmt.Sprint(SettingQueue, true), fmt.Sprint(SettingAge, true)}, kinds(ageing(false, true, 0)))
	queues := len(r.queues)
	unknown := ageing(false, true, 0)
	unknown.Name = "unknown"
	require.Empty(t, kinds(unknown))
	require.Len(t, r.queues, queues)
}
