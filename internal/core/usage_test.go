package core

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
)

// wander runs what is assigned on a worker until a time: each task of the key ends once it
// has run so long, the others do not end. It tells how often each key was served, and how
// many of each still run.
func wander(r *rig, keyOf map[id.ID]string, running []Assignment, ends string, ran, until Time) (served, left map[string]int) {
	served, began := map[string]int{}, map[id.ID]Time{}
	for i := range running {
		served[keyOf[running[i].Task]]++
		began[running[i].Task] = r.now
	}
	for r.now < until {
		r.now++
		for i := 0; i < len(running); i++ {
			a := running[i]
			if keyOf[a.Task] != ends || began[a.Task]+ran > r.now {
				continue
			}
			running = append(running[:i], running[i+1:]...)
			i--
			for _, next := range r.done(a).Assigned {
				running, began[next.Task] = append(running, next), r.now
				served[keyOf[next.Task]]++
			}
		}
	}
	left = map[string]int{}
	for i := range running {
		left[keyOf[running[i].Task]]++
	}
	return served, left
}

// TestKeyOfLongTasksTakesNotAllSlotsBeforeAnyOfThemHasEnded: nobody knows yet how long they
// take, and both have used as much when the first short ones end.
func TestKeyOfLongTasksTakesNotAllSlotsBeforeAnyOfThemHasEnded(t *testing.T) {
	t.Parallel()
	r, keyOf := newWide(t), map[id.ID]string{}
	r.set("act", "", QueueSetting{ByCost: true})
	r.backlog(keyOf, 1_000, "long")
	r.backlog(keyOf, 3_000, "short")
	const slots = 20
	out := r.join(worker1, slots)
	served, left := wander(r, keyOf, out.Assigned, "short", 10, r.now+4_000)
	require.LessOrEqual(t, left["long"], slots*3/4)
	require.GreaterOrEqual(t, served["short"], 4_000/10*slots/4)
}

// TestWhatRanWhileNobodyWaitedIsHeldAgainstNoKey: it takes turns with who comes then.
func TestWhatRanWhileNobodyWaitedIsHeldAgainstNoKey(t *testing.T) {
	t.Parallel()
	r, keyOf := newWide(t), map[id.ID]string{}
	r.set("act", "", QueueSetting{ByCost: true})
	r.backlog(keyOf, 10, "alone")
	running := r.join(worker1, 20).Assigned
	require.Len(t, running, 10)
	r.now += 1_000_000
	r.backlog(keyOf, 1_000, "alone", "other")
	running = append(running, r.join(worker1, 30).Assigned...)
	require.NotEmpty(t, running)
	served, _ := wander(r, keyOf, running, "other", 10, r.now+1_000)
	require.Greater(t, served["alone"], 12)
}

// TestTasksOfSeveralSlotsCostTheirKeyMore: both keys have the same time of slots.
func TestTasksOfSeveralSlotsCostTheirKeyMore(t *testing.T) {
	t.Parallel()
	r, keyOf := newWide(t), map[id.ID]string{}
	r.apply(&Define{Definition: Definition{Version: 3, Tenant: tenant, Action: "wide", Queue: "act", Slots: []SlotUse{{Units: 4}}}})
	r.set("act", "", QueueSetting{ByCost: true})
	r.backlog(keyOf, 1_000, "one")
	ids, _ := r.submit(1_000, func(_ int, row *NewTask) { row.Version, row.Key = 3, "four" })
	for _, task := range ids {
		keyOf[task] = "four"
	}
	out := r.apply(&Join{Worker: worker1, Tenant: tenant, Slots: 4, Actions: []string{"act", "wide"}})
	running, n := out.Assigned, map[string]int{}
	for range 500 {
		r.now += 10
		ended := running
		running = nil
		for _, a := range ended {
			n[keyOf[a.Task]]++
			running = append(running, r.done(a).Assigned...)
		}
	}
	require.InDelta(t, n["one"], 4*n["four"], 40)
	require.Greater(t, n["four"], 100)
}
