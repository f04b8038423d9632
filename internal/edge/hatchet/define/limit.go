package define

import (
	"fmt"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// strategies are those of limits. The two that are missing are not used by any SDK of the
// protocol of today.
var strategies = map[wire.ConcurrencyLimitStrategy]string{
	wire.ConcurrencyLimitStrategy_CONCURRENCY_LIMIT_STRATEGY_CANCEL_IN_PROGRESS:          "cancel_running",
	wire.ConcurrencyLimitStrategy_CONCURRENCY_LIMIT_STRATEGY_GROUP_ROUND_ROBIN:           "queue",
	wire.ConcurrencyLimitStrategy_CONCURRENCY_LIMIT_STRATEGY_CANCEL_NEWEST:               "cancel_newest",
	wire.ConcurrencyLimitStrategy_CONCURRENCY_LIMIT_STRATEGY_CANCEL_QUEUED_EXCEPT_NEWEST: "keep_newest",
	wire.ConcurrencyLimitStrategy_CONCURRENCY_LIMIT_STRATEGY_CANCEL_QUEUED_EXCEPT_OLDEST: "keep_oldest",
}

func limits(field string, from []*wire.Concurrency) (list []shard.Limit, err error) {
	for i, c := range from {
		l, err := limit(c)
		if err != nil {
			return nil, fault.At(fmt.Sprintf("%s[%d]", field, i), err)
		}
		list = append(list, l)
	}
	return list, nil
}

// limit is one strategy: its expression gives the group of a run.
func limit(c *wire.Concurrency) (l shard.Limit, err error) {
	l.Max = 1
	if c.MaxRuns != nil {
		l.Max = c.GetMaxRuns()
	}
	if l.Max < 1 {
		return l, invalid("max_runs", "is %d, it must be 1 at least", l.Max)
	}
	var known bool
	if l.Strategy, known = strategies[c.GetLimitStrategy()]; !known {
		return l, invalid("limit_strategy", "%s is not supported: say CANCEL_IN_PROGRESS, GROUP_ROUND_ROBIN, CANCEL_NEWEST, "+
			"CANCEL_QUEUED_EXCEPT_NEWEST or CANCEL_QUEUED_EXCEPT_OLDEST", c.GetLimitStrategy())
	}
	if l.Key, err = runExpression(c.GetExpression()); err != nil {
		return l, fault.At("expression", err)
	}
	if c.GetMaxRunsExpression() != "" {
		if l.MaxExpression, err = numberExpression(c.GetMaxRunsExpression()); err != nil {
			return l, fault.At("max_runs_expression", err)
		}
	}
	if c.GetIsTenantScoped() {
		if c.GetName() == "" {
			return l, invalid("name", "is empty, and the strategy is shared by name; give it one")
		}
		l.Name = Escape(c.GetName())
	}
	return l, nil
}

// rotation is the expression by which the groups of w take turns in its queue: that of
// the first strategy that says they should.
func rotation(w *shard.Workflow, asked []*wire.Concurrency) string {
	for i, c := range asked {
		if c.GetLimitStrategy() == wire.ConcurrencyLimitStrategy_CONCURRENCY_LIMIT_STRATEGY_GROUP_ROUND_ROBIN {
			return w.Limits[i].Key
		}
	}
	return ""
}
