package core

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
)

// whyOf is why a task waits.
func (r *rig) whyOf(task id.ID) *Reason {
	out := r.apply(&Ask{Ref: 1, Tenant: tenant, Tasks: []id.ID{task}})
	require.Len(r.t, out.Answers, 1)
	return out.Answers[0].Reason
}

func TestWhySaysWhichLabelNoWorkerHas(t *testing.T) {
	t.Parallel()
	eu, memory := Label{Key: "zone", Value: "eu", Required: true}, Label{Key: "memory", Value: "64", Number: true, Comparator: LabelGreater, Required: true}
	r := newRig(t, Definition{Labels: []Label{memory, eu}})
	r.joinWith(worker1, 1, map[string]string{"memory": "128", "zone": "us"})
	ids, _ := r.submit(1, nil)
	why := r.whyOf(ids[0])
	require.Equal(t, CauseNoMatch, why.Cause)
	require.Equal(t, []Label{eu}, why.Unmet)
	r.joinWith(worker2, 1, map[string]string{"memory": "32", "zone": "eu"})
	require.Empty(t, r.whyOf(ids[0]).Unmet, "each is met by some worker, and no worker meets both")
}

func TestWhySaysThatTheOneWorkerIsGone(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{Sticky: StickyOnly})
	r.join(worker1, 1)
	ids, _ := r.submit(1, func(_ int, row *NewTask) { row.Flow = &Flow{Worker: worker2} })
	why := r.whyOf(ids[0])
	require.Equal(t, CauseNoMatch, why.Cause)
	require.True(t, why.Away)
}

// TestEstimateGoesByWhatBegan: also in the first minute, and in turn with other keys.
func TestEstimateGoesByWhatBegan(t *testing.T) {
	t.Parallel()
	r := newWide(t)
	ids, _ := r.submit(100, func(_ int, row *NewTask) { row.Key = "deep" })
	r.submit(3, func(i int, row *NewTask) { row.Key = string(rune('a' + i)) })
	out := r.join(worker1, 1)
	for range 20 { // one in 100 ms
		r.now += 100
		out = r.done(out.Assigned[0])
	}
	left := r.whyOf(ids[99])
	require.Equal(t, CauseBusy, left.Cause)
	require.InDelta(t, (left.Ahead+1)*100, left.EstimateMS, 800)
}

func TestEstimateOfARateLimitCountsThoseAhead(t *testing.T) {
	t.Parallel()
	for _, smooth := range []bool{false, true} {
		r := newRig(t, Definition{Rates: []RateUse{{Name: "api"}}})
		r.Shard = New(1)
		r.apply(&Define{Definition: Definition{Version: version, Tenant: tenant, Action: "act", Rates: []RateUse{{Name: "api"}}}})
		r.apply(&Restore{Epoch: 1})
		r.apply(&Set{Settings: []Setting{{Tenant: tenant, Kind: SettingRate, Name: "api", Rate: RateSetting{Limit: 10, PeriodMS: 1_000, Smooth: smooth}}}})
		r.join(worker1, 1_000)
		ids, _ := r.submit(101, nil)
		why := r.whyOf(ids[100])
		require.Equal(t, CauseRate, why.Cause)
		require.EqualValues(t, 90, why.Ahead)
		require.InDelta(t, 9_500, why.EstimateMS, 600)
		r.apply(&Set{Settings: []Setting{{Tenant: tenant, Kind: SettingRate, Name: "api", Rate: RateSetting{PeriodMS: 1_000}}}})
		require.Zero(t, r.whyOf(ids[100]).EstimateMS, "nothing can be drawn")
	}
}

func TestWhySaysWhenAPausedTaskIsCancelled(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{})
	before, _ := r.submit(1, nil)
	r.pauses(SettingQueue, "act", true, 5_000)
	began := r.now
	r.now += 1_000
	after, _ := r.submit(1, nil)
	require.Equal(t, began+5_000, r.whyOf(before[0]).Expires)
	require.Equal(t, began+6_000, r.whyOf(after[0]).Expires)
}

// TestWhySaysThatNoWorkerHasTheSlots: whether workers are busy with something else or not.
func TestWhySaysThatNoWorkerHasTheSlots(t *testing.T) {
	t.Parallel()
	gpu := SlotUse{Type: "gpu", Units: 2}
	r := newRig(t, Definition{Slots: []SlotUse{{Units: 1}, gpu}})
	r.apply(&Join{Worker: worker1, Tenant: tenant, Actions: []string{"act"}, Slots: 4, Types: []SlotUse{{Type: "gpu", Units: 1}}})
	ids, _ := r.submit(2, nil)
	why := r.whyOf(ids[0])
	require.Equal(t, CauseNoMatch, why.Cause)
	require.Equal(t, []SlotUse{gpu}, why.Scarce)

	r.apply(&Join{Worker: worker2, Tenant: tenant, Actions: []string{"act"}, Slots: 4, Types: []SlotUse{{Type: "gpu", Units: 3}}})
	why = r.whyOf(ids[1])
	require.Equal(t, CauseBusy, why.Cause)
	require.Equal(t, 1, why.Fitting)
	require.Equal(t, 7, why.Slots, "of the two types that it takes up")
}

func TestWhySaysThatItsWorkersArePaused(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{})
	r.join(worker1, 1)
	r.apply(&PauseWorkers{Tenant: tenant, Workers: []id.ID{worker1}, Paused: true})
	ids, _ := r.submit(1, nil)
	why := r.whyOf(ids[0])
	require.Equal(t, CausePaused, why.Cause)
	require.Equal(t, 1, why.Paused)
	require.Empty(t, why.Name, "neither its queue nor its workflow is")
	r.submit(1, nil)
	r.join(worker2, 1)
	require.Equal(t, CauseBusy, r.whyOf(ids[0]+1).Cause, "another one goes on")
}

func TestWhyCountsNoWorkerThatIsAway(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{})
	r.join(worker1, 1)
	r.apply(&Leave{Worker: worker1})
	ids, _ := r.submit(1, nil)
	require.Equal(t, CauseNoWorker, r.whyOf(ids[0]).Cause)
}

// TestPlaceInLineCountsThoseThatDrawOtherwise: they have lanes of their own, and are of the
// same key.
func TestPlaceInLineCountsThoseThatDrawOtherwise(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{Rates: []RateUse{{Name: "api"}}})
	r.apply(&Set{Settings: []Setting{{Tenant: tenant, Kind: SettingRate, Name: "api", Rate: RateSetting{Limit: 10, PeriodMS: 1_000}}}})
	r.join(worker1, 1)
	ids, _ := r.submit(4, func(i int, row *NewTask) { row.Flow = &Flow{Rates: []RateKey{{Key: string(rune('a' + i)), Units: 1}}} })
	why := r.whyOf(ids[3])
	require.Equal(t, CauseBusy, why.Cause)
	require.EqualValues(t, 2, why.Ahead)
	require.Zero(t, why.Others, "all are of one key")
}
