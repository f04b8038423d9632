package core

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// setting says how a rate limit works, or a key of it.
func (r *rig) rateOf(key string, to RateSetting) *Effects {
	return r.apply(&Set{Settings: []Setting{{Tenant: tenant, Kind: SettingRate, Name: "gas", Key: key, Rate: to}}})
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
