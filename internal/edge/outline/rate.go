package outline

import (
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

func ratesFromWire(from []*wire.Rate) []shard.Rate {
	var list []shard.Rate
	for _, r := range from {
		list = append(list, shard.Rate{
			Name: r.GetName(), Key: r.GetKey(), Units: r.GetUnits(), UnitsExpression: r.GetUnitsExpression(),
			Limit: r.GetLimit(), LimitExpression: r.GetLimitExpression(), PeriodMS: r.GetPeriodMs(), Smooth: r.GetSmooth(),
		})
	}
	return list
}

func ratesToWire(from []shard.Rate) []*wire.Rate {
	var list []*wire.Rate
	for i := range from {
		r := &from[i]
		list = append(list, &wire.Rate{
			Name: r.Name, Key: r.Key, Units: r.Units, UnitsExpression: r.UnitsExpression,
			Limit: r.Limit, LimitExpression: r.LimitExpression, PeriodMs: r.PeriodMS, Smooth: r.Smooth,
		})
	}
	return list
}

func rateStatsToWire(from []core.RateStat) []*wire.RateStat {
	var list []*wire.RateStat
	for i := range from {
		r := &from[i]
		to := &wire.RateStat{
			Name: r.Name, Limit: r.Setting.Limit, PeriodMs: r.Setting.PeriodMS, Smooth: r.Setting.Smooth, Keys: int32(r.Keys),
		}
		for _, k := range r.Top {
			to.Top = append(to.Top, &wire.RateKeyStat{
				Key: k.Key, Limit: k.Limit, Left: k.Left, Waited: k.Lanes > 0, SinceMs: int64(k.Since), FullMs: int64(k.Full),
			})
		}
		list = append(list, to)
	}
	return list
}
