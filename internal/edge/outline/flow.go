package outline

import (
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

func limitsFromWire(from []*wire.Limit) []shard.Limit {
	var list []shard.Limit
	for _, l := range from {
		list = append(list, shard.Limit{
			Name: l.GetName(), Key: l.GetKey(), Max: l.GetMax(), MaxExpression: l.GetMaxExpression(),
			Strategy: StrategyFromWire(l.GetStrategy()), AgeMS: l.GetAgeMs(),
		})
	}
	return list
}

func limitsToWire(from []shard.Limit) []*wire.Limit {
	var list []*wire.Limit
	for i := range from {
		l := &from[i]
		list = append(list, &wire.Limit{
			Name: l.Name, Key: l.Key, Max: l.Max, MaxExpression: l.MaxExpression, Strategy: StrategyToWire(l.Strategy),
			AgeMs: l.AgeMS,
		})
	}
	return list
}

// StrategyFromWire gives a strategy's name; the number's own if it is none.
func StrategyFromWire(number wire.Limit_Strategy) string {
	switch {
	case number == wire.Limit_STRATEGY_UNSPECIFIED:
		return ""
	case number > 0 && number <= wire.Limit_STRATEGY_KEEP_OLDEST:
		return core.Strategy(number - 1).String()
	}
	return number.String()
}

// StrategyToWire gives a strategy as it travels.
func StrategyToWire(name string) wire.Limit_Strategy {
	s, known := core.ParseStrategy(name)
	switch {
	case known:
		return wire.Limit_Strategy(s) + 1
	case name == "":
		return wire.Limit_STRATEGY_UNSPECIFIED
	}
	return noPolicy
}

func queuesFromWire(from []*wire.Queue) []shard.Queue {
	var list []shard.Queue
	for _, q := range from {
		list = append(list, shard.Queue{Name: q.GetName(), ByCost: q.GetByCost(), AgeMS: q.GetAgeMs()})
	}
	return list
}

func queuesToWire(from []shard.Queue) []*wire.Queue {
	var list []*wire.Queue
	for _, q := range from {
		list = append(list, &wire.Queue{Name: q.Name, ByCost: q.ByCost, AgeMs: q.AgeMS})
	}
	return list
}
