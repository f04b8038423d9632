package core

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
)

// serve has a worker of one slot run n tasks, each for as long as its key says, and tells
// the keys in order.
func serve(r *rig, keyOf map[id.ID]string, n int, ran map[string]Time) (order []string) {
	out := r.join(worker1, 1)
	for range n {
		if len(out.Assigned) == 0 {
			return order
		}
		a := out.Assigned[0]
		order = append(order, keyOf[a.Task])
		r.now += ran[keyOf[a.Task]]
		out = r.done(a)
	}
	return order
}

// backlog submits n tasks of each key.
func (r *rig) backlog(keyOf map[id.ID]string, n int, keys ...string) {
	for _, key := range keys {
		ids, _ := r.submit(n, func(_ int, row *NewTask) { row.Key = key })
		for _, task := range ids {
			keyOf[task] = key
		}
	}
}

func (r *rig) set(name, key string, to QueueSetting) {
	r.apply(&Set{Settings: []Setting{{Tenant: tenant, Kind: SettingQueue, Name: name, Key: key, Queue: to}}})
}

func count(order []string) map[string]int {
	n := map[string]int{}
	for _, key := range order {
		n[key]++
	}
	return n
}

// newWide is a rig whose lanes fit in memory.
func newWide(t *testing.T) *rig {
	r := newRig(t, Definition{})
	r.Shard = New(1)
	r.apply(&Define{Definition: Definition{Version: version, Tenant: tenant, Action: "act"}})
	r.apply(&Restore{Epoch: 1})
	return r
}

func TestKeysShareAQueueByTheirWeights(t *testing.T) {
	t.Parallel()
	r, keyOf := newWide(t), map[id.ID]string{}
	r.set("act", "b", QueueSetting{Weight: 3_000})
	r.backlog(keyOf, 100, "a", "b")
	require.Equal(t, map[string]int{"a": 20, "b": 60}, count(serve(r, keyOf, 80, nil)))
}

func TestKeysShareRunTimeWhereItCounts(t *testing.T) {
	t.Parallel()
	r, keyOf := newWide(t), map[id.ID]string{}
	r.set("act", "", QueueSetting{ByCost: true})
	r.backlog(keyOf, 1_000, "long", "short")
	n := count(serve(r, keyOf, 220, map[string]Time{"long": 100, "short": 10}))
	require.InDelta(t, 10*n["long"], n["short"], 20, "two of the longest")
}

// TestNewKeysLeaveTheOthersTheirTurns: a key with many tasks is served once in a round,
// however many keys of one task come.
func TestNewKeysLeaveTheOthersTheirTurns(t *testing.T) {
	t.Parallel()
	r, keyOf := newWide(t), map[id.ID]string{}
	r.backlog(keyOf, 100, "many")
	out := r.join(worker1, 1)
	served := 0
	for i := range 100 {
		r.backlog(keyOf, 1, fmt.Sprint(i, "a"), fmt.Sprint(i, "b"))
		if keyOf[out.Assigned[0].Task] == "many" {
			served++
		}
		out = r.done(out.Assigned[0])
	}
	require.GreaterOrEqual(t, served, 5, "rounds get longer as more wait: 2, 4, 6 and so on")
}

func TestKeysThatAreDoneAreForgotten(t *testing.T) {
	t.Parallel()
	r, keyOf := newWide(t), map[id.ID]string{}
	out := r.join(worker1, 1)
	for i := range 1_000 {
		ids, next := r.submit(1, func(_ int, row *NewTask) { row.Key = fmt.Sprint(i) })
		keyOf[ids[0]] = fmt.Sprint(i)
		if len(next.Assigned) > 0 {
			out = next
		}
		require.Equal(t, ids[0], out.Assigned[0].Task)
		out = r.done(out.Assigned[0])
	}
	require.LessOrEqual(t, r.Stats().Shares, 3)
}

// TestKeyThatHadNoWorkerDoesNotMakeUpForIt: of two actions of a queue, one has no worker
// for long.
func TestKeyThatHadNoWorkerDoesNotMakeUpForIt(t *testing.T) {
	t.Parallel()
	r, keyOf := newWide(t), map[id.ID]string{}
	r.apply(&Define{Definition: Definition{Version: 3, Tenant: tenant, Action: "one", Queue: "both"}})
	r.apply(&Define{Definition: Definition{Version: 4, Tenant: tenant, Action: "two", Queue: "both"}})
	put := func(version id.ID, key string, n int) {
		ids, _ := r.submit(n, func(_ int, row *NewTask) { row.Version, row.Key = version, key })
		for _, task := range ids {
			keyOf[task] = key
		}
	}
	put(3, "waits", 100)
	put(4, "runs", 200)
	out := r.apply(&Join{Worker: worker1, Tenant: tenant, Slots: 1, Actions: []string{"two"}})
	for range 100 {
		out = r.done(out.Assigned[0])
	}
	last := out.Assigned[0]
	r.apply(&Join{
		Worker: worker1, Tenant: tenant, Slots: 1, Actions: []string{"one", "two"},
		Running: []Claim{{Task: last.Task, Attempt: 1, Token: last.Token}},
	})
	out = r.done(last)
	var order []string
	for range 20 {
		order = append(order, keyOf[out.Assigned[0].Task])
		out = r.done(out.Assigned[0])
	}
	require.InDelta(t, 10, count(order)["waits"], 1)
}

// TestWaitingIsWorthPriorityWhereItCounts: the lowest priority goes before newcomers of
// the highest once it has waited for all that lies between.
func TestWaitingIsWorthPriorityWhereItCounts(t *testing.T) {
	t.Parallel()
	for waited, first := range map[Time]int{
		(PriorityMax - PriorityMin - 1) * 10: 1,
		(PriorityMax - PriorityMin + 1) * 10: 0,
	} {
		r := newWide(t)
		r.set("act", "", QueueSetting{AgeMS: 10})
		low, _ := r.submit(1, func(_ int, row *NewTask) { row.Priority = PriorityMin })
		r.now += waited
		high, _ := r.submit(1, func(_ int, row *NewTask) { row.Priority = PriorityMax })
		require.Equal(t, []id.ID{low[0], high[0]}[first], r.join(worker1, 1).Assigned[0].Task, "after %d ms", waited)
	}
}

func TestKeysStartAnewWhenWhatIsCountedChanges(t *testing.T) {
	t.Parallel()
	r, keyOf := newWide(t), map[id.ID]string{}
	r.set("act", "", QueueSetting{ByCost: true})
	r.backlog(keyOf, 100, "long", "short")
	serve(r, keyOf, 4, map[string]Time{"long": 10_000, "short": 1})
	r.set("act", "", QueueSetting{})
	out := r.join(worker1, 1)
	var order []string
	for range 20 {
		order = append(order, keyOf[out.Assigned[0].Task])
		out = r.done(out.Assigned[0])
	}
	require.InDelta(t, 10, count(order)["long"], 1)
}

// TestKeyKeepsItsTurnWhileItsTasksAreLoaded: deep keys have turns as those do that fit in
// memory.
func TestKeyKeepsItsTurnWhileItsTasksAreLoaded(t *testing.T) {
	t.Parallel()
	r, rows, keyOf := newRig(t, Definition{}), map[id.ID]OpenTask{}, map[id.ID]string{}
	name := func(i int) string { return []string{"a", "b"}[i%2] }
	var loads []Load
	take := func(out *Effects) *Effects {
		for _, row := range out.Open {
			rows[row.ID] = row
		}
		loads = append(loads, out.Loads...)
		return out
	}
	ids, out := r.submit(40, func(i int, row *NewTask) { row.Key = name(i) })
	for i, task := range ids {
		keyOf[task] = name(i)
	}
	take(out)
	running := take(r.join(worker1, 1)).Assigned
	var order []string
	for len(order) < 20 {
		for len(loads) > 0 {
			load, of := loads[0], map[id.ID]OpenTask{}
			for task, row := range rows {
				if row.Key == load.Key {
					of[task] = row
				}
			}
			loads = loads[1:]
			running = append(running, take(r.apply(&Loaded{Load: load, Rows: laneRows(of, load)})).Assigned...)
		}
		require.NotEmpty(t, running)
		order = append(order, keyOf[running[0].Task])
		running = append(running[1:], take(r.done(running[0])).Assigned...)
	}
	require.Equal(t, map[string]int{"a": 10, "b": 10}, count(order))
}

// TestWeightsCountForKeysThatWait: of what came before they were set, too.
func TestWeightsCountForKeysThatWait(t *testing.T) {
	t.Parallel()
	r, keyOf := newWide(t), map[id.ID]string{}
	r.backlog(keyOf, 200, "a", "b")
	require.Equal(t, map[string]int{"a": 20, "b": 20}, count(serve(r, keyOf, 40, nil)))
	r.set("act", "b", QueueSetting{Weight: 3_000})
	again := serve(r, keyOf, 40, nil)
	require.InDelta(t, 30, count(again)["b"], 1)
}
