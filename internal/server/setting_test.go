package server_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// TestAKeyThatIsOnlyPausedHasAsManyUnitsAsOthers: what is set of a key says how many it has,
// and nobody said.
func TestAKeyThatIsOnlyPausedHasAsManyUnitsAsOthers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	put := func(key string, rate *wire.RateSetting) {
		t.Helper()
		_, err := b.client.PutSettings(b.ctx, &wire.PutSettingsRequest{Settings: []*wire.Setting{
			{Name: "api", Key: key, Of: &wire.Setting_Rate{Rate: rate}},
		}})
		require.NoError(t, err)
	}
	put("", &wire.RateSetting{Limit: new(int32(5)), PeriodMs: new(int64(1_000))})
	put("ann", &wire.RateSetting{PausedUntilMs: new(int64(1))})
	put("bob", &wire.RateSetting{Limit: new(int32(7))})
	put("bob", &wire.RateSetting{PausedUntilMs: new(int64(1))})
	limits := map[string]int32{}
	list, err := b.client.ListSettings(b.ctx, &wire.ListSettingsRequest{Kind: wire.SettingName_KIND_RATE, Limit: 10})
	require.NoError(t, err)
	for _, s := range list.Settings {
		limits[s.Key] = s.GetRate().GetLimit()
	}
	require.Equal(t, map[string]int32{"": 5, "ann": 5, "bob": 7}, limits)
}
