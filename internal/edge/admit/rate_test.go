package admit_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/shard"
)

func drawing(rates ...shard.Rate) error {
	_, err := admitted(shard.Task{Rates: rates})
	return err
}

func TestRateIsRefusedWithThePlaceOfItsFault(t *testing.T) {
	t.Parallel()
	many := make([]shard.Rate, core.RatesMax+1)
	for i := range many {
		many[i] = shard.Rate{Name: fmt.Sprint("r", i)}
	}
	require.NoError(t, drawing(many[:core.RatesMax]...))
	good := shard.Rate{Limit: core.RateLimitMax, Units: core.RateLimitMax, PeriodMS: core.RatePeriodMaxMS}
	require.NoError(t, drawing(good, shard.Rate{Name: "elsewhere"}, shard.Rate{LimitExpression: "1", PeriodMS: 1}))
	for name, c := range map[string]struct {
		rates []shard.Rate
		field string
		says  string
	}{
		"too many":            {many, "rates", "at most 8"},
		"a bad name":          {[]shard.Rate{{Name: "a b"}}, "rates[0].name", "position"},
		"a name twice":        {[]shard.Rate{{Name: "a"}, {Name: "a"}}, "rates[1].name", "second time"},
		"a bad key":           {[]shard.Rate{{Name: "a", Key: "input."}}, "rates[0].key", ""},
		"bad units":           {[]shard.Rate{{Name: "a", UnitsExpression: "'a'"}}, "rates[0].units_expression", "whole number"},
		"a bad limit":         {[]shard.Rate{{Name: "a", LimitExpression: "true"}}, "rates[0].limit_expression", "whole number"},
		"negative units":      {[]shard.Rate{{Name: "a", Units: -1}}, "rates[0].units", ""},
		"too many units":      {[]shard.Rate{{Name: "a", Units: core.RateLimitMax + 1}}, "rates[0].units", ""},
		"too high a limit":    {[]shard.Rate{{Limit: core.RateLimitMax + 1, PeriodMS: 1}}, "rates[0].limit", ""},
		"too long a period":   {[]shard.Rate{{Limit: 1, PeriodMS: core.RatePeriodMaxMS + 1}}, "rates[0].period_ms", ""},
		"no period":           {[]shard.Rate{{Limit: 1}}, "rates[0].period_ms", "not given"},
		"nothing at all":      {[]shard.Rate{{}}, "rates[0].period_ms", "not given"},
		"no limit":            {[]shard.Rate{{PeriodMS: 1_000}}, "rates[0].limit", "not given"},
		"more than the limit": {[]shard.Rate{{Limit: 2, Units: 3, PeriodMS: 1_000}}, "rates[0].units", "never begin"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var refused *fault.Error
			require.ErrorAs(t, drawing(c.rates...), &refused)
			require.True(t, strings.HasSuffix(refused.Field, "tasks[0]."+c.field), refused.Field)
			require.ErrorContains(t, refused, c.says)
		})
	}
	_, err := admitted(
		shard.Task{Name: "a", Rates: []shard.Rate{{Name: "api", Limit: 1, PeriodMS: 1}}},
		shard.Task{Name: "b", Rates: []shard.Rate{{Name: "api", Limit: 2, PeriodMS: 1}}},
	)
	require.ErrorContains(t, err, "tasks[1].rates[0].limit")
}
