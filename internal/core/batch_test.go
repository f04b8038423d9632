package core

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
)

// keyed gives each task the batch key, and bytes of input, of its place.
func keyed(key func(i int) string, size int32) func(i int, row *NewTask) {
	return func(i int, row *NewTask) { row.Flow = &Flow{Batch: key(i), Size: size} }
}

func sameKey(int) string { return "k" }

func newBatchRig(t *testing.T, rule BatchRule) *rig { return newRig(t, Definition{Batch: &rule}) }

func (r *rig) later(ms Time) *Effects {
	r.now += ms
	return r.apply(&Tick{})
}

func tasksOf(assigned []Assignment) []id.ID {
	tasks := make([]id.ID, len(assigned))
	for i := range assigned {
		tasks[i] = assigned[i].Task
	}
	return tasks
}

func TestFullBatchGoesAtOnceInOneSlot(t *testing.T) {
	t.Parallel()
	r := newBatchRig(t, BatchRule{SizeMax: 3, IntervalMS: 1_000})
	r.join(worker1, 1)
	ids, out := r.submit(2, keyed(sameKey, 0))
	require.Empty(t, out.Assigned)
	more, out := r.submit(1, keyed(sameKey, 0))
	require.Equal(t, append(ids, more...), tasksOf(out.Assigned))
	for _, a := range out.Assigned {
		require.Equal(t, out.Assigned[0].Token, a.Batch)
		require.Equal(t, r.Seq(), a.Seq, "they are told together, when all are stored")
	}
	require.EqualValues(t, 1, r.Stats().SlotsUsed)
	r.done(out.Assigned[0])
	r.done(out.Assigned[2])
	require.EqualValues(t, 1, r.Stats().SlotsUsed)
	r.done(out.Assigned[1])
	require.Zero(t, r.Stats().SlotsUsed)
}

func TestBatchGoesWhenItsFirstHasWaitedForTheInterval(t *testing.T) {
	t.Parallel()
	r := newBatchRig(t, BatchRule{SizeMax: 10, IntervalMS: 1_000})
	r.join(worker1, 1)
	first, _ := r.submit(1, keyed(sameKey, 0))
	r.later(600)
	second, _ := r.submit(1, keyed(sameKey, 0))
	require.Equal(t, r.now+400, r.NextDue())
	require.Empty(t, r.later(399).Assigned)
	require.Equal(t, append(first, second...), tasksOf(r.later(1).Assigned))
}

func TestRestOfABatchWaitsNoLongerThanTheInterval(t *testing.T) {
	t.Parallel()
	r := newBatchRig(t, BatchRule{SizeMax: 2, IntervalMS: 1_000})
	r.join(worker1, 10)
	ids, out := r.submit(3, keyed(sameKey, 0))
	require.Equal(t, ids[:2], tasksOf(out.Assigned))
	require.Equal(t, ids[2:], tasksOf(r.later(1_000).Assigned))
}

func TestBatchOfBytesTakesWhatFits(t *testing.T) {
	t.Parallel()
	r := newBatchRig(t, BatchRule{SizeMax: 10, BytesMax: 100, IntervalMS: 1_000})
	r.join(worker1, 10)
	ids, out := r.submit(3, keyed(sameKey, 40))
	require.Equal(t, ids[:2], tasksOf(out.Assigned))
	large, out := r.submit(1, func(_ int, row *NewTask) {
		row.Priority, row.Flow = 1, &Flow{Batch: "k", Size: 1_000}
	})
	require.Equal(t, large, tasksOf(out.Assigned), "one at least is taken")
	require.Equal(t, ids[2:], tasksOf(r.later(1_000).Assigned))
}

func TestBatchHasOneKey(t *testing.T) {
	t.Parallel()
	r := newBatchRig(t, BatchRule{SizeMax: 2, IntervalMS: 1_000})
	r.join(worker1, 10)
	ids, out := r.submit(3, keyed(func(i int) string { return fmt.Sprint(i % 2) }, 0))
	require.Equal(t, []id.ID{ids[0], ids[2]}, tasksOf(out.Assigned))
}

func TestBatchesOfAKeyAreBounded(t *testing.T) {
	t.Parallel()
	r := newBatchRig(t, BatchRule{SizeMax: 1, IntervalMS: 1_000, RunningMax: 2})
	r.join(worker1, 10)
	ids, out := r.submit(4, keyed(sameKey, 0))
	require.Equal(t, ids[:2], tasksOf(out.Assigned))
	require.Equal(t, ids[2:3], tasksOf(r.done(out.Assigned[0]).Assigned))
	require.Equal(t, ids[3:], tasksOf(r.done(out.Assigned[1]).Assigned))
}

func TestMembersOfABatchEndForThemselves(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{Retries: 1, Batch: &BatchRule{SizeMax: 3, IntervalMS: 1_000}})
	r.join(worker1, 2)
	ids, out := r.submit(3, keyed(sameKey, 0))
	a := out.Assigned
	stop := r.apply(&Cancel{Tenant: tenant, Tasks: ids[:1], Ref: 1})
	require.Len(t, stop.Stopped, 1)
	require.Equal(t, a[0].Token, stop.Stopped[0].Token)

	out = r.apply(&Report{Worker: worker1, Items: []ReportItem{
		{Task: a[0].Task, Attempt: 1, Token: a[0].Token, Kind: ReportFailed},
		{Task: a[1].Task, Attempt: 1, Token: a[1].Token, Kind: ReportFailed, Error: "no"},
	}})
	require.Equal(t, Cancelled, out.Results[0].Status)
	require.Len(t, out.Attempts, 1)
	require.Equal(t, Succeeded, r.done(a[2]).Results[0].Status)

	again, _ := r.submit(1, keyed(sameKey, 0))
	require.Equal(t, []id.ID{ids[1], again[0]}, tasksOf(r.later(1_000).Assigned), "the retry joins a new batch")
}

func TestCancelledBeforeTheBatchIsFullIsNotInIt(t *testing.T) {
	t.Parallel()
	r := newBatchRig(t, BatchRule{SizeMax: 2, IntervalMS: 1_000})
	r.join(worker1, 1)
	ids, _ := r.submit(1, keyed(sameKey, 0))
	require.Equal(t, Cancelled, r.apply(&Cancel{Tenant: tenant, Tasks: ids, Ref: 1}).Results[0].Status)
	_, out := r.submit(1, keyed(sameKey, 0))
	require.Empty(t, out.Assigned)
}

func TestSlotOfABatchStaysWithMembersThatDoNotAnswer(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{ExecutionTimeoutMS: 10, Batch: &BatchRule{SizeMax: 2, IntervalMS: 1_000}})
	r.join(worker1, 1)
	_, out := r.submit(2, keyed(sameKey, 0))
	a := out.Assigned
	require.Len(t, r.later(10).Stopped, 2)
	require.Len(t, r.later(StopGraceMS).Results, 2)
	require.EqualValues(t, 1, r.Stats().SlotsUsed)
	r.done(a[0])
	require.EqualValues(t, 1, r.Stats().SlotsUsed)
	r.done(a[1])
	require.Zero(t, r.Stats().SlotsUsed)
}

func TestNewOwnerCountsOneSlotForABatch(t *testing.T) {
	t.Parallel()
	rule := BatchRule{SizeMax: 3, IntervalMS: 1_000, RunningMax: 1}
	r := newBatchRig(t, rule)
	r.join(worker1, 2)
	ids, out := r.submit(3, keyed(sameKey, 0))
	a := out.Assigned
	rows := r.later(CheckpointAgeMS).Open
	require.Len(t, rows, 3)
	for i := range rows {
		require.Equal(t, a[0].Batch, rows[i].Batch)
	}

	// Of the second owner, two have a row, and the third is told of by the worker only.
	next := newSmall()
	r.Shard = next
	r.apply(&Define{Definition: Definition{Version: version, Tenant: tenant, Action: "act", Batch: &rule}})
	r.apply(&Restore{
		Epoch: 2, Running: rows[:2], Workers: []Present{{Worker: worker1, Tenant: tenant}},
		Fresh: []NewTask{{ID: ids[2], Tenant: tenant, Version: version, Flow: &Flow{Batch: "k"}}},
	})
	waiting, _ := r.submit(3, keyed(sameKey, 0))
	r.later(1_000)
	var claims []Claim
	for i := range a {
		claims = append(claims, Claim{Task: a[i].Task, Attempt: 1, Token: a[i].Token, Batch: a[i].Batch})
	}
	require.Empty(t, r.join(worker1, 2, claims...).Assigned, "a batch of the key runs")
	require.EqualValues(t, 1, r.Stats().SlotsUsed)
	r.done(a[0])
	r.done(a[1])
	require.Equal(t, waiting, tasksOf(r.done(a[2]).Assigned))
}

func TestDeepLaneGivesBatchAfterBatch(t *testing.T) {
	t.Parallel()
	r := newBatchRig(t, BatchRule{SizeMax: 3, IntervalMS: 1_000})
	rows := map[id.ID]OpenTask{}
	note := func(out *Effects) *Effects {
		for _, row := range out.Open {
			rows[row.ID] = row
		}
		return out
	}
	ids, out := r.submit(40, keyed(sameKey, 0))
	note(out)
	var given []id.ID
	work := []*Effects{note(r.join(worker1, 1))}
	for len(work) > 0 {
		out := work[0]
		work = work[1:]
		require.LessOrEqual(t, len(out.Assigned), 3)
		given = append(given, tasksOf(out.Assigned)...)
		for _, load := range out.Loads {
			work = append(work, note(r.apply(&Loaded{Load: load, Rows: laneRows(rows, load)})))
		}
		for _, a := range out.Assigned {
			work = append(work, note(r.done(a)))
		}
		if len(work) == 0 && len(given) < len(ids) {
			work = append(work, note(r.later(1_000)))
		}
	}
	require.Equal(t, ids, given)
}

func TestWhyTellsWhenTheBatchGoes(t *testing.T) {
	t.Parallel()
	r := newBatchRig(t, BatchRule{SizeMax: 10, IntervalMS: 1_000})
	r.join(worker1, 1)
	ids, _ := r.submit(1, keyed(sameKey, 0))
	reason := r.apply(&Ask{Ref: 1, Tenant: tenant, Tasks: ids}).Answers[0].Reason
	require.Equal(t, CauseBatch, reason.Cause)
	require.Equal(t, r.now+1_000, reason.Until)
	require.Equal(t, "k", reason.Key)
}

func TestWhyTellsThatEnoughBatchesOfTheKeyRun(t *testing.T) {
	t.Parallel()
	r := newBatchRig(t, BatchRule{SizeMax: 1, IntervalMS: 1_000, RunningMax: 1})
	r.join(worker1, 10)
	ids, _ := r.submit(3, keyed(sameKey, 0))
	reason := r.apply(&Ask{Ref: 1, Tenant: tenant, Tasks: ids[2:]}).Answers[0].Reason
	require.Equal(t, CauseBatch, reason.Cause)
	require.Equal(t, 1, reason.Held)
	require.Equal(t, 1, reason.Max)
	require.EqualValues(t, 1, reason.Ahead)
}

func TestWhyKnowsTheWorkersThatCameToSharedOnesSinceABatchWasLookedAt(t *testing.T) {
	t.Parallel()
	r := newBatchRig(t, BatchRule{SizeMax: 10, IntervalMS: 1_000})
	r.apply(&Set{Settings: []Setting{
		granted(guest1), {Tenant: tenant, Kind: SettingQueue, Name: "act", Queue: QueueSetting{Spread: 1}},
	}})
	ids, _ := r.submit(1, func(i int, row *NewTask) {
		keyed(sameKey, 0)(i, row)
		row.Key, row.Flow.Share = "mine", "mine"
	})
	r.join(worker1, 1)
	reason := r.apply(&Ask{Ref: 1, Tenant: tenant, Tasks: ids}).Answers[0].Reason
	require.Equal(t, CauseBatch, reason.Cause)
	require.Equal(t, 1, reason.Fitting)
}
