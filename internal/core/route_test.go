package core

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
)

const worker3 = id.ID(13)

func (r *rig) joinWith(w id.ID, slots int32, labels map[string]string, types ...SlotUse) *Effects {
	return r.apply(&Join{Worker: w, Tenant: tenant, Actions: []string{"act"}, Slots: slots, Labels: labels, Types: types})
}

func (r *rig) also(version id.ID, def Definition) {
	def.Version, def.Tenant, def.Action = version, tenant, "act"
	r.apply(&Define{Definition: def})
}

func (r *rig) submitOne(version id.ID, with func(row *NewTask)) (id.ID, *Effects) {
	row := NewTask{ID: r.ids.Next(int64(r.now)), Tenant: tenant, Version: version}
	if with != nil {
		with(&row)
	}
	return row.ID, r.apply(&Submit{Tasks: []NewTask{row}})
}

func workersOf(out *Effects) (workers []id.ID) {
	for _, a := range out.Assigned {
		workers = append(workers, a.Worker)
	}
	return workers
}

func TestLabelsAreComparedAsTheySay(t *testing.T) {
	t.Parallel()
	labels := map[string]string{"gpu": "yes", "memory": "64", "zone": "b"}
	for name, c := range map[string]struct {
		label Label
		want  bool
	}{
		"equal":                   {Label{Key: "gpu", Value: "yes"}, true},
		"not equal":               {Label{Key: "gpu", Value: "yes", Comparator: LabelNotEqual}, false},
		"greater, as numbers":     {Label{Key: "memory", Value: "9", Number: true, Comparator: LabelGreater}, true},
		"not greater than itself": {Label{Key: "memory", Value: "64", Number: true, Comparator: LabelGreater}, false},
		"greater or equal":        {Label{Key: "memory", Value: "64.0", Number: true, Comparator: LabelGreaterOrEqual}, true},
		"less":                    {Label{Key: "memory", Value: "64", Number: true, Comparator: LabelLess}, false},
		"less or equal":           {Label{Key: "memory", Value: "64", Number: true, Comparator: LabelLessOrEqual}, true},
		"no number":               {Label{Key: "zone", Value: "1", Number: true, Comparator: LabelNotEqual}, false},
		"not there":               {Label{Key: "disk", Value: "ssd", Comparator: LabelNotEqual}, false},
	} {
		require.Equal(t, c.want, c.label.met(labels), name)
	}
}

func TestBestWorkerGoesFirstAndEqualOnesTakeTurns(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{Labels: []Label{{Key: "zone", Value: "a", Weight: 10}, {Key: "gpu", Value: "1", Weight: 1}}})
	r.joinWith(worker1, 2, nil)
	r.joinWith(worker2, 2, map[string]string{"zone": "a"})
	r.joinWith(worker3, 2, map[string]string{"zone": "a"})
	_, out := r.submit(6, nil)
	require.Equal(t, []id.ID{worker2, worker3, worker2, worker3, worker1, worker1}, workersOf(out))
}

func TestRequiredLabelIsWaitedFor(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{Labels: []Label{{Key: "gpu", Value: "1", Required: true}}})
	r.joinWith(worker1, 1, map[string]string{"gpu": "0"})
	ids, out := r.submit(1, nil)
	require.Empty(t, out.Assigned)
	out = r.apply(&Ask{Ref: 1, Tenant: tenant, Tasks: ids})
	require.Equal(t, CauseNoMatch, out.Answers[0].Reason.Cause)
	require.Equal(t, []id.ID{worker1}, workersOf(r.apply(&Relabel{Worker: worker1, Labels: map[string]string{"gpu": "1"}})))
}

func TestLabelsOfARunReplaceThoseOfItsDefinition(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{Labels: []Label{{Key: "zone", Value: "a", Required: true}}})
	r.joinWith(worker1, 5, map[string]string{"zone": "a"})
	r.joinWith(worker2, 5, map[string]string{"zone": "b"})
	_, out := r.submitOne(version, func(row *NewTask) {
		row.Flow = &Flow{Labels: []Label{{Key: "zone", Value: "b", Required: true}}}
	})
	require.Equal(t, []id.ID{worker2}, workersOf(out))
	_, out = r.submitOne(version, nil)
	require.Equal(t, []id.ID{worker1}, workersOf(out))
}

func TestTaskTakesAllItsSlotsOfOneWorker(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{Slots: []SlotUse{{"", 2}, {"gpu", 1}}})
	r.joinWith(worker1, 1, nil, SlotUse{"gpu", 1})
	r.joinWith(worker2, 9, nil)
	_, out := r.submit(3, nil)
	require.Empty(t, out.Assigned)
	out = r.joinWith(worker3, 5, nil, SlotUse{"gpu", 2})
	require.Equal(t, []id.ID{worker3, worker3}, workersOf(out))
	require.Equal(t, 6, r.Stats().SlotsUsed)
	require.Equal(t, []id.ID{worker3}, workersOf(r.done(out.Assigned[0])))
}

func TestWideTaskDoesNotStarveBehindNarrowOnes(t *testing.T) {
	t.Parallel()
	for name, queue := range map[string]string{"of its queue": "q", "of another queue": "other"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, Definition{Queue: "q"})
			r.also(3, Definition{Queue: queue, Slots: []SlotUse{{"", 4}}})
			r.join(worker1, 4)
			_, out := r.submit(4, nil)
			running := out.Assigned
			require.Len(t, running, 4)
			wide, _ := r.submitOne(3, nil)
			for n := range 8 {
				r.submit(1, nil)
				out = r.done(running[0])
				running = append(running[1:], out.Assigned...)
				if len(out.Assigned) == 1 && out.Assigned[0].Task == wide {
					require.LessOrEqual(t, n, 5)
					return
				}
			}
			t.Fatal("it starved")
		})
	}
}

func TestReservedSlotsAreGivenAgainWhenTheWideTaskIsGone(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{})
	r.also(3, Definition{Slots: []SlotUse{{"", 2}}})
	r.join(worker1, 2)
	_, out := r.submit(2, nil)
	wide, _ := r.submitOne(3, nil)
	r.submit(3, nil)
	running := out.Assigned
	require.Len(t, r.done(running[0]).Assigned, 1, "one may pass it by")
	require.Empty(t, r.done(running[1]).Assigned, "the slot is kept")
	out = r.apply(&Cancel{Ref: 1, Tenant: tenant, Tasks: []id.ID{wide}})
	require.Len(t, out.Assigned, 1)
	require.Equal(t, 2, r.Stats().SlotsUsed)
}

func TestReleasedSlotsAreGivenAgainOnceAndItsWorkersDeathIsNoticed(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{})
	r.join(worker1, 1)
	ids, out := r.submit(2, nil)
	first := out.Assigned[0]
	release := &Report{Worker: worker1, Items: []ReportItem{{Task: ids[0], Attempt: 1, Token: first.Token, Kind: ReportReleased}}}
	out = r.apply(release)
	require.Equal(t, ids[1], out.Assigned[0].Task)
	second := out.Assigned[0]
	require.Empty(t, r.apply(release).Assigned)
	require.Equal(t, 1, r.Stats().SlotsUsed)
	require.Equal(t, 2, r.Stats().Running)

	r.apply(&Leave{Worker: worker1, Reason: LeaveClosed})
	r.join(worker1, 1, Claim{Task: ids[0], Attempt: 1, Token: first.Token, Released: true}, Claim{Task: ids[1], Attempt: 1, Token: second.Token})
	require.Equal(t, 1, r.Stats().SlotsUsed)
	out = r.apply(&Leave{Worker: worker1, Reason: LeaveSilent})
	require.Len(t, out.Attempts, 2)
	require.Zero(t, r.Stats().SlotsUsed)
	require.Len(t, r.join(worker2, 2).Assigned, 2)
}

func TestReleasedSlotsStayReleasedWithTheNextOwner(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{})
	r.Shard = newSmall()
	r.apply(&Define{Definition: Definition{Version: version, Tenant: tenant, Action: "act"}})
	row := OpenTask{ID: 9, Tenant: tenant, Version: version, State: OpenRunning, Attempt: 1, Worker: worker1, Token: 5, Queue: "act"}
	r.apply(&Restore{Epoch: 2, Running: []OpenTask{row}, LowWater: 100})
	require.Equal(t, 1, r.Stats().SlotsUsed)
	r.join(worker1, 1, Claim{Task: 9, Attempt: 1, Token: 5, Released: true})
	require.Zero(t, r.Stats().SlotsUsed)
	require.Equal(t, 1, r.Stats().Running)
}

func TestPausedWorkerIsGivenNothingNew(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{})
	r.join(worker1, 2)
	out := r.apply(&PauseWorkers{Ref: 1, Tenant: tenant, Workers: []id.ID{worker1, 99}, Paused: true})
	require.Equal(t, []PausedWorker{{worker1, true}}, out.Paused)
	require.Equal(t, AnswerUnknown, out.Answers[1].Kind)
	_, out = r.submit(1, nil)
	require.Empty(t, out.Assigned)
	r.apply(&Leave{Worker: worker1, Reason: LeaveClosed})
	require.Empty(t, r.join(worker1, 2).Assigned, "it came back paused")
	out = r.apply(&PauseWorkers{Ref: 2, Tenant: tenant, Workers: []id.ID{worker1}})
	require.Len(t, out.Assigned, 1)
}

func TestStickyTaskPrefersItsWorkerAndStickyOnlyWaitsForIt(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{Sticky: StickyPrefer})
	r.also(3, Definition{Sticky: StickyOnly})
	r.join(worker1, 1)
	r.join(worker2, 1)
	to2 := func(row *NewTask) { row.Flow = &Flow{Worker: worker2} }
	_, out := r.submitOne(version, to2)
	require.Equal(t, []id.ID{worker2}, workersOf(out))
	busy := out.Assigned[0]
	_, out = r.submitOne(version, to2)
	require.Equal(t, []id.ID{worker1}, workersOf(out), "it is busy, any other does")
	other := out.Assigned[0]
	ids, _ := r.submitOne(3, to2)
	require.Empty(t, r.done(other).Assigned, "it waits for that one")
	out = r.apply(&Ask{Ref: 1, Tenant: tenant, Tasks: []id.ID{ids}})
	require.Equal(t, worker2, out.Answers[0].Reason.Worker)
	require.Equal(t, []id.ID{worker2}, workersOf(r.done(busy)))
}

func TestStickyNodeGoesWhereItsParentRan(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{})
	graph := Graph{Version: 5, Tenant: tenant, Workflow: "g", Nodes: []Node{
		{Definition: Definition{Version: 5, Tenant: tenant, Workflow: "g", Action: "act"}, Name: "a"},
		{Definition: Definition{Version: 5, Tenant: tenant, Workflow: "g", Action: "act", Sticky: StickyOnly}, Name: "b", Parents: []int32{0}},
	}}
	r.apply(&DefineGraph{Graph: graph})
	r.join(worker1, 1)
	r.join(worker2, 1)
	for range 3 {
		out := r.apply(&Submit{Runs: []NewRun{{Task: NewTask{ID: r.ids.Block(int64(r.now), 3), Tenant: tenant, Version: 5}}}})
		first := out.Assigned[0]
		out = r.done(first)
		require.Equal(t, []id.ID{first.Worker}, workersOf(out))
		r.done(out.Assigned[0])
	}
}

func TestKeyIsDealtFewWorkersAndKeepsThem(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{})
	r.apply(&Set{Settings: []Setting{{Tenant: tenant, Kind: SettingQueue, Name: "act", Queue: QueueSetting{Spread: 2}}}})
	for w := range id.ID(8) {
		r.join(100+w, 100)
	}
	hand := func(key string) map[id.ID]bool {
		_, out := r.submit(8, func(_ int, row *NewTask) { row.Key = key })
		seen := map[id.ID]bool{}
		for _, w := range workersOf(out) {
			seen[w] = true
		}
		return seen
	}
	before := map[string]map[id.ID]bool{}
	all := map[id.ID]bool{}
	for _, key := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		before[key] = hand(key)
		require.Len(t, before[key], 2, key)
		for w := range before[key] {
			all[w] = true
		}
	}
	require.Greater(t, len(all), 4)
	gone := id.ID(0)
	for w := range before["a"] {
		gone = max(gone, w)
	}
	r.apply(&Leave{Worker: gone, Reason: LeaveSilent})
	for key, had := range before {
		now := hand(key)
		require.Len(t, now, 2)
		for w := range had {
			require.True(t, w == gone || now[w], "key %s lost worker %d", key, w)
		}
	}
	r.apply(&Set{Settings: []Setting{{Tenant: tenant, Kind: SettingQueue, Name: "act", Dropped: true}}})
	require.Greater(t, len(hand("a")), 2)
}

func TestTasksThatAreLoadedMakeNoKindOfTheirOwn(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{})
	row := OpenTask{ID: r.ids.Next(int64(r.now)), Tenant: tenant, Version: version, Attempt: 1, State: OpenReady, Queue: "act", Key: "a"}
	def := *r.definitions[version]
	r.Shard = newSmall()
	r.apply(&Define{Definition: def})
	r.apply(&Restore{
		Epoch: 2, Lanes: []LaneDepth{{Tenant: tenant, Queue: row.Queue, Key: row.Key, Depth: 1}},
		Settings: []Setting{{Tenant: tenant, Kind: SettingQueue, Name: "act", Queue: QueueSetting{Spread: 1}}},
	})
	out := r.join(worker1, 1)
	out = r.apply(&Loaded{Load: out.Loads[0], Rows: []OpenTask{row}})
	require.Len(t, out.Assigned, 1)
	require.Equal(t, 2, r.Stats().Classes, "that of its definition, and of its hand")
	r.done(out.Assigned[0])
	require.Equal(t, 1, r.Stats().Classes)
}
