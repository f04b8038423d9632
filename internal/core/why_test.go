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
