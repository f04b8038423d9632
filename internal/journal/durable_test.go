package journal_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

func TestAllRowsOfADurableTaskAreThereAfterTheCommit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	task, child := b.task(), b.task()
	child.Parent = task.ID
	request := b.task().ID
	key := core.WaitKey{Task: task.ID, Index: 2}
	require.NoError(t, await(t, b.append(shard, epoch, &core.Effects{
		Tasks: []core.NewTask{task, child},
		Open:  []core.OpenTask{{ID: task.ID, State: core.OpenWaiting, Entries: 2, Waits: 1, Binds: true}},
		Entries: []core.Entry{
			{Task: task.ID, Tenant: 1, At: 5, Index: 1, Kind: core.EntryStep, Name: "s", Data: core.Payload("6")},
			{Task: task.ID, Tenant: 1, At: 5, Index: 2, Kind: core.EntryWait, Conditions: []core.Condition{{Kind: core.OnSleep, Due: 7}}},
		},
		Mets:     []core.Met{{Task: task.ID, Tenant: 1, Index: 1, Condition: 3, Order: 4, Event: 8, Data: core.Payload("9")}},
		Events:   []core.NewEvent{{ID: request, Tenant: 1, Target: task.ID, Key: "k", Payload: core.Payload("1")}},
		Replies:  []core.Reply{{Event: request, Tenant: 1, Data: core.Payload("1")}},
		Values:   []core.Value{{Task: task.ID, Tenant: 1, Name: "v", Data: core.Payload("1")}},
		Waits:    []core.Wait{{Task: task.ID, Tenant: 1, Index: 2, Conditions: []core.Condition{{Kind: core.OnEvent, Key: "k"}}}},
		Children: []core.Child{{Parent: task.ID, Tenant: 1, Run: child.ID, Key: "c", Cancel: true}},
		Closing:  []core.Closing{{Task: task.ID, Tenant: 1, Reason: "over"}},
	})))
	for sql, argument := range map[string]id.ID{
		"durable_entry where task_id = $1 and index = 1 and kind = 'step' and name = 's' and data = '6' and conditions is null":         task.ID,
		`durable_entry where task_id = $1 and index = 2 and kind = 'wait' and conditions = '[{"on":"sleep","due":7}]' and data is null`: task.ID,
		"condition_met where task_id = $1 and index = 1 and condition = 3 and met_order = 4 and event_id = 8 and data = '9'":            task.ID,
		"reply where event_id = $1 and data = '1'":                                              request,
		"durable_value where task_id = $1 and name = 'v' and data = '1'":                        task.ID,
		"wait where task_id = $1 and index = 2 and shard = 7 and watched":                       task.ID,
		"child where run_id = $1 and key = 'c' and cancel":                                      child.ID,
		"closing where task_id = $1 and shard = 7 and not whole and reason = 'over'":            task.ID,
		"task where parent_id is not null and id = $1":                                          child.ID,
		"open_task where id = $1 and state = 'waiting' and entries = 2 and waits = 1 and binds": task.ID,
	} {
		require.Equal(t, 1, b.count("select count(*) from adze."+sql, argument), sql)
	}
	require.NoError(t, await(t, b.append(shard, epoch, &core.Effects{
		ClosedWaits: []core.WaitKey{key}, ClosedChildren: []id.ID{task.ID},
	})))
	require.Zero(t, b.count("select count(*) from adze.wait"))
	require.Zero(t, b.count("select count(*) from adze.closing"))
}

// inOneBatch has the journal write effects as one transaction.
func (b *bundle) inOneBatch(effects ...*core.Effects) {
	b.t.Helper()
	release := b.holdFence(shard)
	done := []<-chan error{b.submit(b.task())}
	b.awaitBlocked()
	for _, e := range effects {
		done = append(done, b.append(shard, epoch, e))
	}
	release()
	for _, d := range done {
		require.NoError(b.t, await(b.t, d))
	}
}

func TestTheLastStateOfAWaitIsWritten(t *testing.T) {
	t.Parallel()
	b := setup(t)
	task := b.task().ID
	wait := func(index int32) core.Wait {
		return core.Wait{Task: task, Index: index, Conditions: []core.Condition{{Kind: core.OnSleep, Due: core.Time(index)}}}
	}
	require.NoError(t, await(t, b.append(shard, epoch, &core.Effects{Waits: []core.Wait{wait(1), wait(2)}})))
	b.inOneBatch(
		&core.Effects{Waits: []core.Wait{wait(3), wait(4)}, ClosedWaits: []core.WaitKey{{Task: task, Index: 1}}},
		&core.Effects{ClosedWaits: []core.WaitKey{{Task: task, Index: 3}}, Waits: []core.Wait{wait(5)}},
		&core.Effects{
			Closing: []core.Closing{{Task: task}, {Task: task + 1}},
			Values:  []core.Value{{Task: task, Name: "v\x00", Data: core.Payload("1")}, {Task: task, Name: "v\uFFFD", Data: core.Payload("2")}},
		},
		&core.Effects{ClosedChildren: []id.ID{task + 1}, Closing: []core.Closing{{Task: task, Whole: true}}},
		&core.Effects{Values: []core.Value{{Task: task, Name: "v\x00", Data: core.Payload("3")}}},
	)
	require.Equal(t, 3, b.count("select count(*) from adze.wait where index in (2, 4, 5)"))
	require.Equal(t, 3, b.count("select count(*) from adze.wait"))
	require.Equal(t, 1, b.count("select count(*) from adze.closing where whole and task_id = $1", task))
	require.Equal(t, 1, b.count("select count(*) from adze.closing"))
	require.Equal(t, 1, b.count("select count(*) from adze.durable_value where data = '3'"))
	require.Equal(t, 1, b.count("select count(*) from adze.durable_value"))
}

// A due time is moved in a row that is there, or was written before in the batch; what
// is written later has a newer one.
func TestADueTimeIsMovedInTheOrderOfTheEntries(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ids := make([]id.ID, 6)
	for i := range ids {
		ids[i] = b.task().ID
	}
	open := func(i int, due core.Time) []core.OpenTask {
		return []core.OpenTask{{ID: ids[i], State: core.OpenWaiting, Due: due}}
	}
	move := func(i int, due core.Time) []core.DueChange { return []core.DueChange{{Task: ids[i], Due: due}} }
	for i := range 4 {
		require.NoError(t, await(t, b.append(shard, epoch, &core.Effects{Open: open(i, 1)})))
	}
	b.inOneBatch(
		&core.Effects{Due: move(0, 9)}, &core.Effects{Due: move(0, 10)}, // 0: moved twice
		&core.Effects{Open: open(1, 2), Due: move(1, 11)},                // 1: written, then moved
		&core.Effects{Due: move(2, 9)}, &core.Effects{Open: open(2, 12)}, // 2: moved, then written
		&core.Effects{Due: move(3, 9)}, &core.Effects{Closed: []id.ID{ids[3]}}, // 3: moved, then gone
		&core.Effects{Open: open(4, 1), Closed: []id.ID{ids[4]}, Due: move(4, 9)}, // 4: gone, then moved
		&core.Effects{Open: open(5, 1)}, &core.Effects{Due: move(5, 13)},          // 5: new, then moved
	)
	want := map[int]int{0: 10, 1: 11, 2: 12, 5: 13}
	for i, due := range want {
		require.Equal(t, due, b.count("select due_at from adze.open_task where id = $1", ids[i]), fmt.Sprint(i))
	}
	require.Equal(t, len(want), b.count("select count(*) from adze.open_task"))
}

// A task may sleep for longer than its day's partitions are kept, or than one call
// makes partitions for.
func TestWhatAnOldTaskDoesGoesToThePartitionOfItsDay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	old := id.NewSource(shard, 0).Next(time.Now().AddDate(-2, 0, 0).UnixMilli())
	for n, e := range []*core.Effects{
		{Entries: []core.Entry{{Task: old, Index: 1, Kind: core.EntryStep}}},
		{Mets: []core.Met{{Task: old - 1<<40}}},
		{
			Events:  []core.NewEvent{{ID: old - 2<<40, Target: old, Payload: core.Payload("1")}},
			Replies: []core.Reply{{Event: old - 2<<40}},
		},
		{Values: []core.Value{{Task: old - 3<<40}}},
		{Children: []core.Child{{Parent: old - 4<<40}}},
		{EventRuns: []core.EventRun{{Event: old - 5<<40}}},
	} {
		e.Tasks = b.tasks(1)
		require.NoError(t, await(t, b.append(shard, epoch, e)), "%d", n)
	}
	require.True(t, b.journal.Healthy())
	require.Equal(t, 1, b.count("select count(*) from adze.durable_entry where task_id = $1", old))
}
