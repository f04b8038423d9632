package admit

import (
	"fmt"
	"slices"

	"github.com/adzehq/adze/internal/base/expr"
	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/shard"
)

// rates checks those of a task, and gives them with what was left out.
func rates(list []shard.Rate) ([]shard.Rate, error) {
	if len(list) > core.RatesMax {
		return nil, invalid("rates", "has %d entries, at most %d are allowed", len(list), core.RatesMax)
	}
	list = slices.Clone(list)
	for i := range list {
		if err := rate(&list[i]); err != nil {
			return nil, fault.At(ratePlace(i), err)
		}
		name, key := list[i].Name, list[i].Key
		if name != "" && slices.ContainsFunc(list[:i], func(other shard.Rate) bool { return other.Name == name && other.Key == key }) {
			return nil, invalid(ratePlace(i)+".name", "%q is drawn from a second time with the same key; name it once, with all units", name)
		}
	}
	return list, nil
}

func ratePlace(i int) string { return fmt.Sprintf("rates[%d]", i) }

// rate checks r. One with a name and without a period is declared by others.
func rate(r *shard.Rate) error {
	if r.Name != "" {
		if err := name("name", r.Name); err != nil {
			return err
		}
	}
	if err := key("key", r.Key); err != nil {
		return err
	}
	for _, number := range []struct{ field, expression string }{
		{"units_expression", r.UnitsExpression}, {"limit_expression", r.LimitExpression},
	} {
		if number.expression == "" {
			continue
		}
		if _, err := expr.Run.CompileInt(number.expression); err != nil {
			return invalid(number.field, "%s", err)
		}
	}
	r.Units = orDefault(r.Units, 1)
	if err := between("units", int64(r.Units), 1, core.RateLimitMax); err != nil {
		return err
	}
	return ratePeriod(r)
}

// ratePeriod checks how r works, if it says so.
func ratePeriod(r *shard.Rate) error {
	if err := between("limit", int64(r.Limit), 0, core.RateLimitMax); err != nil {
		return err
	}
	if err := between("period_ms", r.PeriodMS, 0, core.RatePeriodMaxMS); err != nil {
		return err
	}
	switch {
	case r.PeriodMS == 0 && (r.Limit > 0 || r.Smooth || r.Name == ""):
		return invalid("period_ms", "is not given; say how long it takes until the units are back")
	case r.PeriodMS > 0 && r.Limit == 0 && r.LimitExpression == "":
		return invalid("limit", "is not given; say how many units a period has")
	case r.Limit > 0 && r.LimitExpression == "" && r.UnitsExpression == "" && r.Units > r.Limit:
		return invalid("units", "is %d, and a period has %d: it would never begin", r.Units, r.Limit)
	}
	return nil
}

// rateClashes refuses a workflow that declares a rate limit twice, and not alike.
func rateClashes(w *shard.Workflow) error {
	declared := map[string]shard.Rate{}
	for i := range w.Tasks {
		for j, r := range w.Tasks[i].Rates {
			if r.Name == "" || r.PeriodMS == 0 {
				continue
			}
			other, known := declared[r.Name]
			if known && (other.Limit != r.Limit || other.PeriodMS != r.PeriodMS || other.Smooth != r.Smooth) {
				return invalid(taskPlace(i)+"."+ratePlace(j)+".limit", "period_ms and smooth of %q are other ones than this workflow gives elsewhere; give them once", r.Name)
			}
			declared[r.Name] = r
		}
	}
	return nil
}
