package core

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
)

// The tenants of a fleet: its home, and two that may grant it.
const (
	guest1 = id.ID(101)
	guest2 = id.ID(102)
)

// fleet is a rig of which several tenants have the action act.
type fleet struct {
	*rig
	of  map[id.ID]id.ID // the tenant of each task
	ran map[id.ID]Time  // how long tasks of a tenant run
}

func newFleet(t *testing.T, grants ...Setting) *fleet {
	f := &fleet{newWide(t), map[id.ID]id.ID{}, map[id.ID]Time{}}
	for _, guest := range []id.ID{guest1, guest2} {
		f.apply(&Define{Definition: Definition{Version: guest, Tenant: guest, Action: "act"}})
	}
	f.apply(&Set{Settings: grants})
	return f
}

func granted(guest id.ID) Setting {
	return Setting{Tenant: guest, Kind: SettingGrant, Name: GrantName(tenant)}
}

func weighed(s Setting, weight int32) Setting {
	s.Grant.Weight = weight
	return s
}

func dropped(s Setting) Setting {
	s.Dropped = true
	return s
}

func (f *fleet) queue(who id.ID, n int) *Effects {
	at := who
	if who == tenant {
		at = version
	}
	ids, out := f.submit(n, func(_ int, row *NewTask) { row.Tenant, row.Version = who, at })
	for _, task := range ids {
		f.of[task] = who
	}
	return out
}

// serve has a worker of the home, of some slots, run n tasks, and tells how many of each
// tenant it began. What runs longest ends last.
func (f *fleet) serve(w id.ID, slots int32, n int) (began map[id.ID]int, order []id.ID) {
	return f.follow(f.join(w, slots), n)
}

// resized is serve of a worker that has joined without slots.
func (f *fleet) resized(w id.ID, slots int32, n int) (began map[id.ID]int, order []id.ID) {
	return f.follow(f.apply(&Resize{Worker: w, Slots: slots}), n)
}

func (f *fleet) follow(first *Effects, n int) (began map[id.ID]int, order []id.ID) {
	began = map[id.ID]int{}
	ends := map[Time][]Assignment{}
	note := func(out *Effects) {
		for _, a := range out.Assigned {
			who := f.of[a.Task]
			began[who]++
			order = append(order, who)
			at := f.now + f.ran[who]
			ends[at] = append(ends[at], a)
		}
	}
	note(first)
	for len(order) < n && len(ends) > 0 {
		for len(ends[f.now]) == 0 {
			f.now++
		}
		a := ends[f.now][0]
		if ends[f.now] = ends[f.now][1:]; len(ends[f.now]) == 0 {
			delete(ends, f.now)
		}
		note(f.done(a))
	}
	return began, order
}

func TestWorkerRunsWhatWasGrantedToItsHome(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.queue(guest1, 2)
	require.Empty(t, f.join(worker1, 1).Assigned)
	out := f.apply(&Set{Settings: []Setting{granted(guest1)}})
	require.Len(t, out.Assigned, 1)
	running := out.Assigned[0]
	require.Equal(t, guest1, f.of[running.Task])

	out = f.apply(&Set{Settings: []Setting{dropped(granted(guest1))}})
	require.Len(t, out.Open, 1, "a new owner cannot tell by the grant any longer where it runs")
	require.Empty(t, out.Stopped, "what runs goes on")
	out = f.done(running)
	require.Equal(t, Succeeded, out.Results[0].Status)
	require.Equal(t, guest1, out.Results[0].Tenant)
	require.Empty(t, out.Assigned)
	require.False(t, f.Shares())
}

func TestTenantWithMuchWaitingDoesNotStandBeforeOthers(t *testing.T) {
	t.Parallel()
	f := newFleet(t, granted(guest1), granted(guest2))
	f.queue(tenant, 1_000)
	f.queue(guest1, 1_000)
	f.queue(guest2, 10)
	f.ran = map[id.ID]Time{tenant: 10, guest1: 10, guest2: 10}
	began, order := f.serve(worker1, 4, 60)
	require.Equal(t, 10, began[guest2])
	require.InDelta(t, began[tenant], began[guest1], 2)
	require.Contains(t, order[:4], guest2)
}

func TestTenantsShareAWorkersTimeNotItsTasks(t *testing.T) {
	t.Parallel()
	f := newFleet(t, granted(guest1))
	f.queue(tenant, 2_000)
	f.queue(guest1, 2_000)
	f.ran = map[id.ID]Time{tenant: 10, guest1: 100}
	began, _ := f.serve(worker1, 10, 1_000)
	require.InDelta(t, 10*began[guest1], began[tenant], 120, "what ten slots hold of the longest, and a little")
}

func TestTenantsShareByTheirWeights(t *testing.T) {
	t.Parallel()
	f := newFleet(t, weighed(granted(guest1), 3_000), weighed(granted(tenant), 1_000))
	f.queue(tenant, 1_000)
	f.queue(guest1, 1_000)
	f.ran = map[id.ID]Time{tenant: 10, guest1: 10}
	began, _ := f.serve(worker1, 4, 400)
	require.InDelta(t, 300, began[guest1], 6)
	f.apply(&Set{Settings: []Setting{weighed(granted(tenant), 3_000)}})
	require.EqualValues(t, 3_000, f.crews[tenant].of[tenant].weight)
}

// TestTasksOfUnknownLengthDoNotTakeAllSlots: nobody has seen yet how long they run, and
// others want the slots meanwhile.
func TestTasksOfUnknownLengthDoNotTakeAllSlots(t *testing.T) {
	t.Parallel()
	f := newFleet(t, granted(guest1))
	f.queue(tenant, 1_000)
	f.queue(guest1, 1_000)
	f.ran = map[id.ID]Time{tenant: 10, guest1: 1_000_000}
	began, _ := f.serve(worker1, 10, 500)
	require.LessOrEqual(t, began[guest1], 7, "half of the slots, and what was given while both had had as much")
}

// TestIdleTenantSavesUpNothing: what the other one had while nobody else wanted it is not
// made up for.
func TestIdleTenantSavesUpNothing(t *testing.T) {
	t.Parallel()
	f := newFleet(t, granted(guest1))
	f.ran = map[id.ID]Time{tenant: 10, guest1: 10}
	f.queue(tenant, 2_000)
	f.serve(worker1, 4, 1_000)
	f.apply(&Leave{Worker: worker1, Reason: LeaveDrained})
	f.queue(guest1, 1_000)
	began, _ := f.serve(worker2, 4, 200)
	require.InDelta(t, began[tenant], began[guest1], 8)
}

// TestTenantThatWaitedForAbsentWorkersSavesUpNothing: nor does it keep alive what others had
// while nobody waited for the workers that there were.
func TestTenantThatWaitedForAbsentWorkersSavesUpNothing(t *testing.T) {
	t.Parallel()
	f := newFleet(t, granted(guest1), granted(guest2))
	f.apply(&Define{Definition: Definition{Version: 7, Tenant: guest2, Action: "other"}})
	ids, _ := f.submit(500, func(_ int, row *NewTask) { row.Tenant, row.Version = guest2, 7 })
	for _, task := range ids {
		f.of[task] = guest2
	}
	f.ran = map[id.ID]Time{tenant: 10, guest1: 10, guest2: 10}
	f.queue(tenant, 1_000)
	f.serve(worker1, 4, 1_000)
	f.apply(&Leave{Worker: worker1, Reason: LeaveDrained})
	f.queue(tenant, 500)
	f.queue(guest1, 500)
	began, _ := f.serve(worker2, 4, 200)
	require.InDelta(t, began[tenant], began[guest1], 8)
	f.apply(&Leave{Worker: worker2, Reason: LeaveDrained})
	f.now++
	f.apply(&Join{Worker: worker1, Tenant: tenant, Actions: []string{"act", "other"}})
	began, _ = f.resized(worker1, 4, 300)
	require.InDelta(t, 100, began[guest2], 8)
}

// TestOneTenantsQueuesCountAsOneTenant: a tenant gets no more by having more queues.
func TestOneTenantsQueuesCountAsOneTenant(t *testing.T) {
	t.Parallel()
	f := newFleet(t, granted(guest1))
	f.ran = map[id.ID]Time{tenant: 10, guest1: 10}
	f.apply(&Define{Definition: Definition{Version: 5, Tenant: tenant, Action: "act", Queue: "second"}})
	f.queue(tenant, 500)
	ids, _ := f.submit(500, func(_ int, row *NewTask) { row.Version = 5 })
	for _, task := range ids {
		f.of[task] = tenant
	}
	f.queue(guest1, 500)
	began, _ := f.serve(worker1, 2, 300)
	require.InDelta(t, began[tenant], began[guest1], 4)
}

func TestTenantsOwnWorkersGoBeforeThoseItShares(t *testing.T) {
	t.Parallel()
	f := newFleet(t, granted(guest1))
	f.join(worker1, 2)
	f.apply(&Join{Worker: worker2, Tenant: guest1, Actions: []string{"act"}, Slots: 1})
	out := f.queue(guest1, 4)
	require.Len(t, out.Assigned, 3)
	require.Equal(t, worker2, out.Assigned[0].Worker)
	require.Equal(t, worker1, out.Assigned[1].Worker)
	require.Empty(t, f.queue(tenant, 1).Assigned)
	require.Equal(t, worker2, f.done(out.Assigned[0]).Assigned[0].Worker, "a guest's worker is not the home's")
}

// TestLimitsWaitForWorkersThatWereShared: after a restart, a worker of the home may run
// what holds a place of the guest's limit, and no row says so.
func TestLimitsWaitForWorkersThatWereShared(t *testing.T) {
	t.Parallel()
	s := New(1)
	r := &rig{Shard: s, t: t, now: Time(id.Epoch) + 1_000_000, ids: id.NewSource(1, 0)}
	r.apply(&Define{Definition: Definition{Version: guest1, Tenant: guest1, Action: "act", Limits: []string{"one"}}})
	fresh := []NewTask{{ID: 1_001, Tenant: guest1, Version: guest1}, {ID: 1_002, Tenant: guest1, Version: guest1}}
	out := r.apply(&Restore{
		Epoch: 2, Fresh: fresh, LastID: 1_002,
		Settings: []Setting{granted(guest1), {Tenant: guest1, Kind: SettingLimit, Name: "one", Limit: LimitSetting{Max: 1}}},
		Workers:  []Present{{Worker: worker1, Tenant: tenant}, {Worker: worker2, Tenant: tenant}},
	})
	require.Empty(t, out.Assigned)
	require.Empty(t, r.join(worker2, 4).Assigned, "the other one may run something")
	token := Token(1<<epochShift | 7)
	out = r.join(worker1, 4, Claim{Task: 1_001, Attempt: 1, Token: token})
	require.Empty(t, out.Stopped, "it goes on with what it was given")
	require.Empty(t, out.Assigned, "its limit is full")
	require.Equal(t, guest1, r.Bearer(tenant, 1_001, token))
	out = r.done(Assignment{Worker: worker1, Task: 1_001, Attempt: 1, Token: token})
	require.Len(t, out.Assigned, 1)
}

// TestTaskThatTakesSeveralSlotsGetsThemFromAnotherTenantsWorkers: a tenant whose tasks need
// one slot does not take each that is free.
func TestTaskThatTakesSeveralSlotsGetsThemFromAnotherTenantsWorkers(t *testing.T) {
	t.Parallel()
	f := newFleet(t, granted(guest1))
	f.apply(&Define{Definition: Definition{Version: 6, Tenant: guest1, Action: "act", Slots: []SlotUse{{Units: 3}}}})
	f.ran = map[id.ID]Time{tenant: 10, guest1: 10}
	f.queue(tenant, 500)
	ids, _ := f.submit(100, func(_ int, row *NewTask) { row.Tenant, row.Version = guest1, 6 })
	for _, task := range ids {
		f.of[task] = guest1
	}
	began, _ := f.serve(worker1, 4, 200)
	require.InDelta(t, began[tenant], 3*began[guest1], 30)
}

func TestWorkerSpeaksOnlyForWhatItRuns(t *testing.T) {
	t.Parallel()
	f := newFleet(t, granted(guest1))
	f.join(worker1, 1)
	a := f.queue(guest1, 2).Assigned[0]
	require.Equal(t, guest1, f.Bearer(tenant, a.Task, a.Token))
	require.Zero(t, f.Bearer(guest2, a.Task, a.Token), "another's worker")
	require.Zero(t, f.Bearer(tenant, a.Task, a.Token+1), "another attempt")
	require.Zero(t, f.Bearer(tenant, a.Task+1, a.Token), "another task")
	f.done(a)
	require.Zero(t, f.Bearer(tenant, a.Task, a.Token), "it has ended")
}

func TestHomeIsGrantedByNoMoreThanItsBound(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	grants := make([]Setting, CrewTenantsMax)
	for i := range grants {
		grants[i] = granted(id.ID(1_000 + i))
	}
	answered := func(settings ...Setting) AnswerKind { return f.apply(&Set{Ref: 1, Settings: settings}).Answers[0].Kind }
	require.Equal(t, AnswerDone, answered(grants...))
	require.Equal(t, AnswerFull, answered(granted(guest1)))
	require.Equal(t, AnswerDone, answered(weighed(grants[0], 2_000)), "it is there")
	require.Equal(t, AnswerDone, answered(dropped(grants[0])))
	require.Equal(t, AnswerDone, answered(granted(guest1)))
}

func TestTenantGrantsNoMoreHomesThanItsBound(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	grants := make([]Setting, HomesMax)
	for i := range grants {
		grants[i] = Setting{Tenant: guest1, Kind: SettingGrant, Name: GrantName(id.ID(1_000 + i))}
	}
	require.Equal(t, AnswerDone, f.apply(&Set{Ref: 1, Settings: grants}).Answers[0].Kind)
	require.Equal(t, AnswerFull, f.apply(&Set{Ref: 1, Settings: []Setting{granted(guest1)}}).Answers[0].Kind)
}

func TestWorkersThatAreSharedAreShownAsSuch(t *testing.T) {
	t.Parallel()
	f := newFleet(t, granted(guest1))
	f.join(worker1, 3)
	f.queue(tenant, 1)
	f.queue(guest1, 1)
	own, shared := f.Workers(tenant), f.Workers(guest1)
	require.Len(t, own, 1)
	require.Equal(t, 2, own[0].Running)
	require.Equal(t, 1, own[0].Guests)
	require.Len(t, shared, 1)
	require.Equal(t, tenant, shared[0].Home)
	require.Equal(t, 1, shared[0].Running, "its own")
	require.Zero(t, shared[0].Guests)
	require.Equal(t, []string{"act"}, shared[0].Actions)
	require.Empty(t, f.Workers(guest2))
	require.Equal(t, AnswerUnknown, f.apply(&PauseWorkers{Tenant: guest1, Workers: []id.ID{worker1}, Paused: true}).Answers[0].Kind)
	require.Equal(t, 1, f.Queues(guest1, f.now)[0].Running)
}

// TestHandOfAWorkerThatLeavesGoesToOneOfAnotherCrew: what waited for the tenant's own worker
// is given to one that it shares.
func TestHandOfAWorkerThatLeavesGoesToOneOfAnotherCrew(t *testing.T) {
	t.Parallel()
	f := newFleet(t, granted(guest1), Setting{Tenant: guest1, Kind: SettingQueue, Name: "act", Queue: QueueSetting{Spread: 1}})
	f.join(worker1, 10)
	f.apply(&Join{Worker: worker2, Tenant: guest1, Actions: []string{"act"}})
	waiting := 0
	for _, key := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		_, out := f.submit(1, func(_ int, row *NewTask) { row.Tenant, row.Version, row.Key = guest1, guest1, key })
		waiting += 1 - len(out.Assigned)
	}
	require.Positive(t, waiting, "some key is dealt the worker without slots")
	require.Len(t, f.apply(&Leave{Worker: worker2, Reason: LeaveDrained}).Assigned, waiting)
}

// TestRivalsAreTenantsThatWaitForTheSameWorkers: not for others of the crew, and not for the
// end of a pause.
func TestRivalsAreTenantsThatWaitForTheSameWorkers(t *testing.T) {
	t.Parallel()
	f := newFleet(t, granted(guest1), granted(guest2))
	f.apply(&Define{Definition: Definition{Version: 3, Tenant: guest2, Action: "other"}})
	f.join(worker1, 1)
	f.queue(tenant, 1)
	f.apply(&Join{Worker: worker2, Tenant: tenant, Actions: []string{"other"}, Slots: 1})
	elsewhere := func() (id.ID, *Effects) {
		return f.submitOne(3, func(row *NewTask) { row.Tenant = guest2 })
	}
	elsewhere()
	elsewhere()
	ids, _ := f.submit(1, func(_ int, row *NewTask) { row.Tenant, row.Version = guest1, guest1 })
	rivals := func() int {
		return f.apply(&Ask{Ref: 1, Tenant: guest1, Tasks: ids}).Answers[0].Reason.Tenants
	}
	require.Zero(t, rivals(), "the other guest waits for a worker of another action")
	f.queue(guest2, 1)
	require.Equal(t, 1, rivals())
	f.queue(tenant, 1)
	require.Equal(t, 2, rivals())
	f.apply(&Set{Settings: []Setting{{Tenant: guest2, Kind: SettingQueue, Name: "act", Queue: QueueSetting{Paused: true}}}})
	require.Equal(t, 1, rivals(), "what is paused waits for no worker")
}

// TestWhySaysThatOtherTenantsHaveTheWorkers: and the queue's overview tells of the slots that
// it shares, and of the tenant's own tasks.
func TestWhySaysThatOtherTenantsHaveTheWorkers(t *testing.T) {
	t.Parallel()
	f := newFleet(t, granted(guest1), granted(guest2))
	f.join(worker1, 2)
	running := f.queue(tenant, 4).Assigned
	require.Len(t, running, 2)
	f.queue(guest1, 1)
	why := func(who id.ID) *Reason {
		for _, task := range slices.Sorted(maps.Keys(f.of)) {
			if t := f.tasks[task]; f.of[task] == who && t != nil && t.state == OpenReady {
				return f.apply(&Ask{Ref: 1, Tenant: who, Tasks: []id.ID{task}}).Answers[0].Reason
			}
		}
		return nil
	}
	r := why(guest1)
	require.Equal(t, CauseBusy, r.Cause)
	require.Equal(t, []int{1, 2, 2, 1}, []int{r.Fitting, r.Slots, r.Theirs, r.Tenants})
	r = why(tenant)
	require.Equal(t, []int{0, 1}, []int{r.Theirs, r.Tenants}, "those at work are its own")
	q := f.Queues(guest1, f.now)[0]
	require.EqualValues(t, 1, q.Ready)
	require.Equal(t, []int{1, 2, 2, 0}, []int{q.Workers, q.Slots, q.SlotsUsed, q.Running})

	f.now += 10
	require.Equal(t, guest1, f.of[f.done(running[0]).Assigned[0].Task])
	r = why(tenant)
	require.Equal(t, []int{1, 0}, []int{r.Theirs, r.Tenants})
	f.queue(guest2, 1)
	f.apply(&Set{Settings: []Setting{dropped(granted(guest2))}})
	require.Equal(t, CauseNoWorker, why(guest2).Cause)
	require.Zero(t, why(tenant).Tenants)
}

// TestSlotsOfSharersAddUp: to those of their workers; and what tasks have had of them is
// counted for their tenants, whosever workers they are, also when the grant has ended.
func TestSlotsOfSharersAddUp(t *testing.T) {
	t.Parallel()
	f := newFleet(t, granted(guest1))
	require.Empty(t, New(1).Sharers(f.now))
	f.join(worker1, 4)
	f.queue(tenant, 1)
	running := f.queue(guest1, 2).Assigned
	f.apply(&Join{Worker: worker2, Tenant: guest1, Actions: []string{"none"}, Slots: 5, Types: []SlotUse{{Type: "gpu", Units: 2}}})
	f.now += 10
	require.Equal(t, []SharerStat{
		{Tenant: tenant, Free: 1, Own: 1, Guests: 2, SlotMS: 10},
		{Tenant: guest1, Free: 7, Abroad: 2, SlotMS: 20},
	}, f.Sharers(f.now))
	f.queue(guest1, 3)
	f.apply(&PauseWorkers{Tenant: tenant, Workers: []id.ID{worker1}, Paused: true})
	f.done(running[0])
	require.Equal(t, []SharerStat{
		{Tenant: tenant, Own: 1, Guests: 2, SlotMS: 10},
		{Tenant: guest1, Free: 7, Abroad: 2, Waiting: 2, SlotMS: 20},
	}, f.Sharers(f.now), "a paused worker has no slot for anybody")
	f.apply(&Set{Settings: []Setting{granted(guest2), dropped(granted(guest1))}})
	f.now += 5
	f.done(running[1])
	require.EqualValues(t, 30, *f.account(guest1), "two slots for ten, then two for five")
	require.EqualValues(t, 15, f.Sharers(f.now)[0].SlotMS)
}

// TestSharedWorkerIsKeptForNoOtherHand: a task that takes up several slots of one worker that
// its key is dealt keeps none of another one free.
func TestSharedWorkerIsKeptForNoOtherHand(t *testing.T) {
	t.Parallel()
	const wide = id.ID(7)
	f := newFleet(t, granted(guest1), Setting{Tenant: guest1, Kind: SettingQueue, Name: "act", Queue: QueueSetting{Spread: 1}})
	f.apply(&Define{Definition: Definition{Version: wide, Tenant: guest1, Action: "act", Slots: []SlotUse{{"", 4}}}})
	running := f.queue(tenant, 60).Assigned
	for _, w := range []id.ID{worker1, worker2} {
		running = append(running, f.join(w, 4).Assigned...)
	}
	for _, key := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		f.submitOne(wide, func(row *NewTask) { row.Tenant, row.Key = guest1, key })
	}
	kept := 0
	for len(running) > 0 {
		running = append(running[1:], f.done(running[0]).Assigned...)
		for _, w := range f.Shard.workers {
			if w.reserved != nil {
				kept++
				require.True(t, w.reserved.mayTake(w), "worker %d is kept for %s", w.id, w.reserved.key.text)
			}
		}
	}
	require.Positive(t, kept)
}
