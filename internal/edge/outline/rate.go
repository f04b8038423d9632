package outline

import (
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
