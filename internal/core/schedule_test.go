package core

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
)

// clockwork is a shard with one schedule whose runs a worker may end.
type clockwork struct {
	t     *testing.T
	shard *Shard
	next  id.ID
	now   Time
}

const tickMS = 60_000

func newClockwork(t *testing.T, overlap Overlap) *clockwork {
	c := &clockwork{t: t, shard: New(0), next: 1_000, now: 1}
	c.apply(&Define{Definition{Version: 1, Tenant: 1, Workflow: "w", Action: "w"}})
	out := c.apply(&PutSchedules{Ref: 1, Tenant: 1, Items: []PutSchedule{{
		Schedule: Schedule{ID: 10, Tenant: 1, Expression: "* * * * *", Overlap: overlap}, Due: tickMS,
	}}})
	require.Equal(t, []Answer{{Ref: 1, Task: 10, Kind: AnswerDone}}, out.Answers)
	require.Len(t, out.Schedules, 1)
	require.Len(t, out.ScheduleStates, 1)
	return c
}

func (c *clockwork) apply(in Input) *Effects {
	out := &Effects{}
	c.shard.Apply(c.now, in, out)
	return out
}

// state is that of the schedule.
func (c *clockwork) state() ScheduleState { return c.shard.schedules.of[10].state }

// answer fires what a tick asked for, as the runtime does: each tick that is due.
func (c *clockwork) answer(ripe Ripe) *Fire {
	in := &Fire{Schedule: ripe.Schedule, Revision: ripe.Revision, Last: ripe.Last, Next: c.state().Due}
	add := func(tick Time, queued bool) {
		c.next++
		in.Runs = append(in.Runs, Fired{Queued: queued, Run: NewRun{Task: NewTask{ID: c.next, Tenant: 1, Version: 1, Schedule: 10, RunAt: tick}}})
	}
	if ripe.Queued != 0 {
		add(ripe.Queued, true)
	}
	for due := ripe.Due; due > 0 && due <= c.now; due += tickMS {
		add(due, false)
		in.Last, in.Next = due, due+tickMS
	}
	return in
}

// tick moves the clock and fires; it returns the runs that began.
func (c *clockwork) tick(now Time) (began []id.ID) {
	c.now = now
	for due := c.shard.NextDue(); due > 0 && due <= c.now; due = c.shard.NextDue() {
		for _, ripe := range c.apply(&Tick{}).Ripe {
			out := c.apply(c.answer(ripe))
			for _, t := range out.Tasks {
				began = append(began, t.ID)
			}
		}
	}
	return began
}

func (c *clockwork) cancel(run id.ID) { c.apply(&Cancel{Tenant: 1, Tasks: []id.ID{run}}) }

func TestATickStartsARunInTheCommitOfItsState(t *testing.T) {
	t.Parallel()
	c := newClockwork(t, OverlapSkip)
	require.Equal(t, Time(tickMS), c.shard.NextDue(), "nothing between ticks")
	c.now = tickMS
	out := c.apply(&Tick{})
	require.Equal(t, []Ripe{{Schedule: 10, Revision: 1, Due: tickMS, Now: tickMS}}, out.Ripe)
	require.Empty(t, c.apply(&Tick{}).Ripe, "it is asked for once")
	out = c.apply(c.answer(out.Ripe[0]))
	require.Len(t, out.Tasks, 1)
	require.Equal(t, []ScheduleState{{
		ID: 10, Tenant: 1, Due: 2 * tickMS, Last: tickMS, LastRun: 1_001, Running: 1_001, Revision: 2, Overlap: OverlapSkip,
	}}, out.ScheduleStates)
}

func TestAStaleFireIsRefused(t *testing.T) {
	t.Parallel()
	c := newClockwork(t, OverlapAllow)
	c.now = tickMS
	fire := c.answer(c.apply(&Tick{}).Ripe[0])
	moved := c.state()
	c.apply(&PutSchedules{Tenant: 1, Items: []PutSchedule{{Schedule: Schedule{ID: 10, Tenant: 1}, Due: 5 * tickMS, Rearm: true}}})
	out := c.apply(fire)
	require.Empty(t, out.Tasks, "it was moved")
	require.Zero(t, out.Rows())
	require.Equal(t, moved.Revision+1, c.state().Revision)
	began := c.tick(5 * tickMS)
	require.Len(t, began, 1)
	c.apply(&PutSchedules{Tenant: 1, Drops: []id.ID{10}})
	require.Zero(t, c.apply(fire).Rows(), "it is gone")
}

func TestOverlapSkipsWhileTheRunIsOpen(t *testing.T) {
	t.Parallel()
	c := newClockwork(t, OverlapSkip)
	first := c.tick(tickMS)
	require.Len(t, first, 1)
	require.Empty(t, c.tick(3*tickMS))
	require.Equal(t, int64(2), c.state().Skipped)
	c.cancel(first[0])
	require.Len(t, c.tick(4*tickMS), 1)
}

func TestOverlapQueuesOne(t *testing.T) {
	t.Parallel()
	c := newClockwork(t, OverlapQueue)
	first := c.tick(tickMS)
	require.Empty(t, c.tick(3*tickMS))
	require.Equal(t, Time(2*tickMS), c.state().Queued)
	require.Equal(t, int64(1), c.state().Skipped, "one waits, the other does not")
	c.cancel(first[0])
	require.Len(t, c.tick(c.now), 1, "it begins when the one before ends")
	require.Zero(t, c.state().Queued)
}

func TestRunThatWaitedIsAskedForByTheTickThatEndsTheOneBefore(t *testing.T) {
	t.Parallel()
	c := newClockwork(t, OverlapQueue)
	c.apply(&Set{Settings: []Setting{{Tenant: 1, Kind: SettingWorkflow, Name: "w", Queue: QueueSetting{Paused: true, PausedTTLMS: 3 * tickMS / 2}}}})
	c.tick(tickMS)
	c.tick(2 * tickMS)
	require.Equal(t, Time(2*tickMS), c.state().Queued)
	c.now += tickMS / 2
	out := c.apply(&Tick{})
	require.Len(t, out.Results, 1, "it was paused for too long")
	require.Len(t, out.Ripe, 1)
	require.Equal(t, Time(2*tickMS), out.Ripe[0].Queued)
}

func TestOverlapCancelsTheOldOneAndWaitsForItsEnd(t *testing.T) {
	t.Parallel()
	c := newClockwork(t, OverlapCancelOld)
	c.apply(&Join{Worker: 5, Tenant: 1, Actions: []string{"w"}, Slots: 9})
	c.now = tickMS
	out := c.apply(c.answer(c.apply(&Tick{}).Ripe[0]))
	running := out.Assigned[0]
	c.now = 2 * tickMS
	out = c.apply(&Tick{})
	out = c.apply(c.answer(out.Ripe[0]))
	require.Len(t, out.Stopped, 1, "its worker is told")
	require.Empty(t, out.Tasks)
	c.apply(&Report{Worker: 5, Items: []ReportItem{{Task: running.Task, Attempt: 1, Token: running.Token, Kind: ReportFailed}}})
	require.Len(t, c.tick(c.now), 1)
	require.Empty(t, c.shard.Live(running.Task).State)
}

func TestOverlapCancelsOneThatWaitsAtOnce(t *testing.T) {
	t.Parallel()
	c := newClockwork(t, OverlapCancelOld)
	require.Len(t, c.tick(tickMS), 1)
	require.Len(t, c.tick(2*tickMS), 1)
	require.Len(t, c.shard.tasks, 1)
}

func TestOverlapAllowsRunsBesides(t *testing.T) {
	t.Parallel()
	c := newClockwork(t, OverlapAllow)
	require.Len(t, c.tick(3*tickMS), 3)
	require.Len(t, c.shard.tasks, 3)
}

func TestAOneOffIsGoneOnceItFired(t *testing.T) {
	t.Parallel()
	c := newClockwork(t, OverlapAllow)
	c.apply(&PutSchedules{Tenant: 1, Items: []PutSchedule{{Schedule: Schedule{ID: 11, Tenant: 1, At: 50}, Due: 50}}})
	c.now = 50
	ripe := c.apply(&Tick{}).Ripe
	require.Len(t, ripe, 1)
	out := c.apply(c.answer(ripe[0]))
	require.Len(t, out.Tasks, 1)
	require.Equal(t, []id.ID{11}, out.ClosedSchedules)
	require.Nil(t, c.shard.schedules.of[11])
}

func TestRunNowLeavesTheTicksAlone(t *testing.T) {
	t.Parallel()
	c := newClockwork(t, OverlapSkip)
	c.tick(tickMS)
	before := c.state()
	c.next++
	out := c.apply(&Fire{Ref: 3, Schedule: 10, Runs: []Fired{{Run: NewRun{Task: NewTask{ID: c.next, Tenant: 1, Version: 1}}}}})
	require.Len(t, out.Tasks, 1, "although one is open")
	require.Equal(t, []Answer{{Ref: 3, Task: 10, Kind: AnswerDone}}, out.Answers)
	require.Equal(t, before.Due, c.state().Due)
	require.Equal(t, before.Running, c.state().Running)
	out = c.apply(&Fire{Ref: 4, Schedule: 99})
	require.Equal(t, []Answer{{Ref: 4, Task: 99, Kind: AnswerUnknown}}, out.Answers)
}

func TestAPausedScheduleWaitsForNothing(t *testing.T) {
	t.Parallel()
	c := newClockwork(t, OverlapQueue)
	c.tick(2 * tickMS)
	require.NotZero(t, c.state().Queued)
	c.apply(&PutSchedules{Tenant: 1, Items: []PutSchedule{{Schedule: Schedule{ID: 10, Tenant: 1, Overlap: OverlapQueue, Paused: true}, Rearm: true}}})
	require.Zero(t, c.state().Queued)
	c.cancel(c.state().Running)
	require.Empty(t, c.tick(9*tickMS))
}

func TestANewOwnerGoesOnWhereTheOldOneStood(t *testing.T) {
	t.Parallel()
	c := newClockwork(t, OverlapQueue)
	first := c.tick(2 * tickMS)
	state := c.state()
	c.shard = New(0)
	c.apply(&Define{Definition{Version: 1, Tenant: 1, Workflow: "w", Action: "w"}})
	c.apply(&Restore{Epoch: 2, Fresh: []NewTask{{ID: first[0], Tenant: 1, Version: 1}}, Schedules: []ScheduleState{state}})
	c.cancel(first[0])
	require.Len(t, c.tick(c.now), 1, "the one that waited")
	require.Len(t, c.tick(3*tickMS), 0)
	require.Equal(t, Time(4*tickMS), c.state().Due)
}

func TestSchedulesAreBounded(t *testing.T) {
	t.Parallel()
	s, out := New(0), &Effects{}
	put := func(first, n int) {
		in := &PutSchedules{Tenant: 1}
		for i := range n {
			in.Items = append(in.Items, PutSchedule{Schedule: Schedule{ID: id.ID(first + i), Tenant: 1, At: 9}, Due: Time(9 + i%7)})
		}
		out.Reset()
		s.Apply(1, in, out)
	}
	put(1, SchedulesMax-1)
	put(SchedulesMax, 2)
	require.Equal(t, AnswerFull, out.Answers[0].Kind)
	require.Equal(t, AnswerFull, out.Answers[1].Kind)
	require.Zero(t, out.Rows(), "nothing is stored")
	put(SchedulesMax, 1)
	require.Equal(t, AnswerDone, out.Answers[0].Kind)
	put(1, 5)
	require.Equal(t, AnswerDone, out.Answers[0].Kind, "a changed one is not one more")
	out.Reset()
	s.Apply(20, &Tick{}, out)
	require.Len(t, out.Ripe, RipeMax)
	require.LessOrEqual(t, s.NextDue(), Time(20), "the others follow at once")
}

func TestAScheduleOfAnotherTenantIsUnknown(t *testing.T) {
	t.Parallel()
	c := newClockwork(t, OverlapSkip)
	out := c.apply(&PutSchedules{Ref: 2, Tenant: 3, Items: []PutSchedule{{Schedule: Schedule{ID: 10, Tenant: 3}, Due: 5, Rearm: true}}})
	require.Equal(t, []Answer{{Ref: 2, Task: 10, Kind: AnswerUnknown}}, out.Answers)
	out = c.apply(&PutSchedules{Ref: 2, Tenant: 3, Drops: []id.ID{10}})
	require.Equal(t, []Answer{{Ref: 2, Task: 10, Kind: AnswerUnknown}}, out.Answers)
	require.Zero(t, out.Rows())
}
