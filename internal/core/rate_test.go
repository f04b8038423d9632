package core

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
)

// setting says how a rate limit works, or a key of it.
func (r *rig) rateOf(key string, to RateSetting) *Effects {
	return r.apply(&Set{Settings: []Setting{{Tenant: tenant, Kind: SettingRate, Name: "gas", Key: key, Rate: to}}})
}

func TestNothingIsDrawnOfAKeyThatIsPaused(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{Rates: []RateUse{{Name: "gas"}}})
	r.join(worker1, 10)
	r.rateOf("", RateSetting{Limit: 5, PeriodMS: 10})
	r.rateOf("a", RateSetting{Limit: 5, PausedUntil: r.now + 1_000})
	ids, out := r.submit(2, func(i int, task *NewTask) {
		task.Flow = &Flow{Rates: []RateKey{{Key: []string{"a", "b"}[i], Units: 1}}}
	})
	require.Len(t, out.Assigned, 1)
	require.Equal(t, ids[1], out.Assigned[0].Task)
	r.now += 999
	require.Empty(t, r.apply(&Tick{}).Assigned)
	require.Equal(t, r.now+1, r.NextDue())
	r.now++
	require.Len(t, r.apply(&Tick{}).Assigned, 1)
}

func TestAKeyOfARateLimitMayHaveAPeriodOfItsOwn(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{Rates: []RateUse{{Name: "gas"}}})
	r.join(worker1, 10)
	draw := &Flow{Rates: []RateKey{{Key: "a", Units: 1}}}
	_, out := r.submit(3, func(_ int, task *NewTask) { task.Flow = draw })
	require.Empty(t, out.Assigned, "nobody has said how it works")

	require.Len(t, r.rateOf("b", RateSetting{Limit: 1, PeriodMS: 1_000}).Assigned, 0)
	require.Len(t, r.rateOf("a", RateSetting{Limit: 1, PeriodMS: 1_000}).Assigned, 1)
	r.now += 999
	require.Empty(t, r.apply(&Tick{}).Assigned)
	r.now++
	require.Len(t, r.apply(&Tick{}).Assigned, 1, "its own period is over")

	r.rateOf("", RateSetting{Limit: 5, PeriodMS: 10})
	r.now += 999
	require.Empty(t, r.apply(&Tick{}).Assigned, "what is set for the key goes before what is set for all")
	r.now++
	require.Len(t, r.apply(&Tick{}).Assigned, 1)
}

func TestUnitsThatAreSavedUpAreGivenOnceThereAreEnough(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{Rates: []RateUse{{Name: "gas"}}})
	r.join(worker1, 10)
	r.rateOf("", RateSetting{Limit: 4, PeriodMS: 4_000, Smooth: true})
	draw := func(share string, units int32) *Effects {
		_, out := r.submitOne(version, func(row *NewTask) {
			row.Key, row.Flow = share, &Flow{Share: share, Rates: []RateKey{{Units: units}}}
		})
		return out
	}
	require.Len(t, draw("x", 4).Assigned, 1)
	began, given := r.now, 0
	require.Empty(t, draw("a", 1).Assigned)
	require.Empty(t, draw("b", 2).Assigned)
	for given < 2 {
		r.now = r.NextDue()
		given += len(r.apply(&Tick{}).Assigned)
	}
	require.Equal(t, began+3_000, r.now, "one unit a second")
}

func TestUnitsAreSavedUpForSomeoneOnlyWhileThereIsAWorker(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{Rates: []RateUse{{Name: "gas"}}})
	r.apply(&Define{Definition: Definition{Version: 3, Tenant: tenant, Action: "other", Rates: []RateUse{{Name: "gas"}}}})
	r.apply(&Define{Definition: Definition{Version: 4, Tenant: tenant, Action: "act"}})
	r.join(worker1, 1)
	r.apply(&Join{Worker: worker2, Tenant: tenant, Actions: []string{"other"}, Slots: 2})
	r.rateOf("", RateSetting{Limit: 3, PeriodMS: 60_000})
	draw := func(version id.ID, units int32) *Effects {
		_, out := r.submitOne(version, func(row *NewTask) { row.Flow = &Flow{Rates: []RateKey{{Units: units}}} })
		return out
	}
	require.Len(t, draw(3, 2).Assigned, 1)
	require.Empty(t, draw(version, 2).Assigned, "one unit is left")
	require.Empty(t, draw(3, 1).Assigned, "it is saved for the one before")
	_, out := r.submitOne(4, nil)
	require.Len(t, out.Assigned, 2, "that one has lost its worker")
	require.Equal(t, worker2, out.Assigned[1].Worker)
}

func TestUnitsAreNotSavedUpForWhatIsPaused(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{Workflow: "a", Rates: []RateUse{{Name: "gas"}}})
	r.apply(&Define{Definition: Definition{Version: 3, Tenant: tenant, Action: "act", Workflow: "b", Rates: []RateUse{{Name: "gas"}}}})
	r.join(worker1, 3)
	r.rateOf("", RateSetting{Limit: 3, PeriodMS: 60_000})
	draw := func(version id.ID, units int32) *Effects {
		_, out := r.submitOne(version, func(row *NewTask) { row.Flow = &Flow{Rates: []RateKey{{Units: units}}} })
		return out
	}
	require.Len(t, draw(version, 2).Assigned, 1)
	require.Empty(t, draw(version, 2).Assigned, "one unit is left")
	require.Empty(t, draw(3, 1).Assigned, "it is saved for the one before")
	out := r.apply(&Set{Settings: []Setting{{Tenant: tenant, Kind: SettingWorkflow, Name: "a", Queue: QueueSetting{Paused: true}}}})
	require.Len(t, out.Assigned, 1)
	require.Equal(t, id.ID(3), out.Assigned[0].Version)
}

func TestUnitsThatOneClassLetsGoAreForTheNextAtSharedWorkersToo(t *testing.T) {
	t.Parallel()
	for name, grants := range map[string][]Setting{"of one tenant": nil, "shared": {granted(guest1)}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, Definition{Rates: []RateUse{{Name: "gas"}, {Name: "water"}}})
			r.apply(&Define{Definition: Definition{
				Version: 3, Tenant: tenant, Action: "act", Rates: []RateUse{{Name: "gas"}}, Labels: []Label{{Key: "zone", Weight: 1}},
			}})
			r.apply(&Set{Settings: append(grants,
				Setting{Tenant: tenant, Kind: SettingRate, Name: "gas", Rate: RateSetting{Limit: 1, PeriodMS: 100}},
				Setting{Tenant: tenant, Kind: SettingRate, Name: "water", Rate: RateSetting{Limit: 1, PeriodMS: 60_000}},
			)})
			r.join(worker1, 10)
			draw := func(version id.ID, priority int32, keys ...RateKey) *Effects {
				_, out := r.submitOne(version, func(row *NewTask) { row.Priority, row.Flow = priority, &Flow{Rates: keys} })
				return out
			}
			here, there, water := RateKey{Units: 1}, RateKey{Key: "there", Units: 1}, RateKey{Units: 1}
			require.Len(t, draw(version, 0, here, water).Assigned, 1)
			require.Len(t, draw(version, 0, there, RateKey{}).Assigned, 1)
			require.Empty(t, draw(version, 2, here, water).Assigned)
			require.Empty(t, draw(version, 1, there, RateKey{}).Assigned)
			require.Empty(t, draw(3, 0, here).Assigned)
			r.now += 100
			out := r.apply(&Tick{})
			require.Len(t, out.Assigned, 2, "the first one has no water, and lets its gas go")
			require.Equal(t, id.ID(3), out.Assigned[1].Version)
		})
	}
}

func TestWhatARunSaysOfARateLimitBindsOthersOnceItHasDrawn(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{Rates: []RateUse{{Name: "gas"}}})
	r.join(worker1, 10)
	r.rateOf("", RateSetting{Limit: 5, PeriodMS: 1_000})
	draw := func(share string, units, limit int32) (assigned int) {
		_, out := r.submitOne(version, func(row *NewTask) {
			row.Key, row.Flow = share, &Flow{Share: share, Rates: []RateKey{{Units: units, Limit: limit}}}
		})
		return len(out.Assigned)
	}
	require.Equal(t, 1, draw("a", 4, 5))
	require.Zero(t, draw("b", 1, 3), "by its own word there are 3, and 4 are drawn")
	out := r.rateOf("", RateSetting{Limit: 6, PeriodMS: 1_000})
	require.Empty(t, out.Assigned)
	require.EqualValues(t, 5, out.Rates[0].Limit, "who waits binds nobody")
	require.Zero(t, draw("a", 2, 0), "who has drawn does: there are 5")

	r.now += 1_000
	out = r.apply(&Tick{})
	require.Len(t, out.Assigned, 2, "all are back")
	require.EqualValues(t, 3, out.Rates[0].Limit)
	require.EqualValues(t, 3_000, out.Rates[0].Debt)
	require.Zero(t, draw("a", 1, 0), "the smallest of those that have drawn counts for all")
}

func TestNothingComesBackWhileASmoothRateLimitIsZero(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{Rates: []RateUse{{Name: "gas"}}})
	r.join(worker1, 10)
	r.rateOf("", RateSetting{Limit: 2, PeriodMS: 1_000, Smooth: true})
	_, out := r.submit(4, func(_ int, task *NewTask) { task.Flow = &Flow{Rates: []RateKey{{Units: 1}}} })
	require.Len(t, out.Assigned, 2)
	r.rateOf("", RateSetting{PeriodMS: 1_000, Smooth: true})
	r.now += 60_000
	require.Empty(t, r.rateOf("", RateSetting{Limit: 2, PeriodMS: 1_000, Smooth: true}).Assigned)
	r.now += 499
	require.Empty(t, r.apply(&Tick{}).Assigned)
	r.now++
	require.Len(t, r.apply(&Tick{}).Assigned, 1)
}
