package shard

import (
	"fmt"

	"github.com/adzehq/adze/internal/base/expr"
	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/core"
)

// DrawnBytesMax is how long the key of a run in its queue, and the names and keys of the
// rate limits that it draws from, may be together: they are one key of an index.
const DrawnBytesMax = 1_000

// Rate is a rate limit that a task draws units from when it is given to a worker: so many
// are there in each period, of each key.
type Rate struct {
	Name            string `json:"name,omitempty"`             // shared by all that name it; "" = this task's own
	Key             string `json:"key,omitempty"`              // CEL over the run (expr.Run); "" = one key for all
	Units           int32  `json:"units,omitempty"`            // that it needs
	UnitsExpression string `json:"units_expression,omitempty"` // CEL that gives a number; instead of Units
	Limit           int32  `json:"limit,omitempty"`            // units in each period; 0 with a name: as others say
	LimitExpression string `json:"limit_expression,omitempty"` // CEL that gives a number; the limit for the key of the run
	PeriodMS        int64  `json:"period_ms,omitempty"`        // 0: others say how it works
	Smooth          bool   `json:"smooth,omitempty"`           // units come back one by one
}

// ratesOf gives those of t without a name one that no other has.
func (w *Workflow) ratesOf(t *Task) []Rate {
	owner := w.Name
	if w.IsGraph() {
		owner += ":" + t.Name
	}
	list := make([]Rate, len(t.Rates))
	for i, r := range t.Rates {
		if r.Name == "" {
			r.Name = ownName(owner, i)
		}
		list[i] = r
	}
	return list
}

func usesOf(rates []Rate) (uses []core.RateUse) {
	for i := range rates {
		uses = append(uses, core.RateUse{Name: rates[i].Name})
	}
	return uses
}

func appendRates(all []core.Setting, rates []Rate) []core.Setting {
	for i := range rates {
		r := &rates[i]
		if r.PeriodMS == 0 { // others say how it works
			continue
		}
		all = append(all, core.Setting{
			Kind: core.SettingRate, Name: r.Name, Declared: true,
			Rate: core.RateSetting{Limit: r.Limit, PeriodMS: r.PeriodMS, Smooth: r.Smooth},
		})
	}
	return all
}

// rateRule is a Rate that can be evaluated.
type rateRule struct {
	name  string
	units int32
	// nil: one key for all, units as above, the limit as the rate limit says
	key                 *expr.KeyProgram
	unitsWorked, limits *expr.IntProgram
}

func newRateRule(from *Rate) (rule rateRule, err error) {
	rule.name, rule.units = from.Name, from.Units
	if from.Key != "" {
		if rule.key, err = expr.Run.CompileKey(from.Key); err != nil {
			return rule, fmt.Errorf("compile key of rate limit %s: %w", from.Name, err)
		}
	}
	if from.UnitsExpression != "" {
		if rule.unitsWorked, err = expr.Run.CompileInt(from.UnitsExpression); err != nil {
			return rule, fmt.Errorf("compile units of rate limit %s: %w", from.Name, err)
		}
	}
	if from.LimitExpression != "" {
		if rule.limits, err = expr.Run.CompileInt(from.LimitExpression); err != nil {
			return rule, fmt.Errorf("compile limit of rate limit %s: %w", from.Name, err)
		}
	}
	return rule, nil
}

func (r *rateRule) looks() bool { return r.key != nil || r.unitsWorked != nil || r.limits != nil }

// of is what a run draws.
func (r *rateRule) of(e *evaluation) (key core.RateKey, err error) {
	key.Units = r.units
	if r.key != nil {
		if key.Key, err = keyOf(r.key, e); err != nil {
			return key, unworkable("key for the rate limit "+r.name, r.key.Source(), err)
		}
	}
	if r.unitsWorked != nil {
		units, err := r.unitsWorked.Int(0, core.RateLimitMax, e.input, e.metadata)
		if err != nil {
			return key, unworkable("units for the rate limit "+r.name, r.unitsWorked.Source(), err)
		}
		key.Units = int32(units)
	}
	if r.limits != nil {
		limit, err := r.limits.Int(1, core.RateLimitMax, e.input, e.metadata)
		if err != nil {
			return key, unworkable("limit for the rate limit "+r.name, r.limits.Source(), err)
		}
		key.Limit = int32(limit)
	}
	if key.Limit > 0 && key.Units > key.Limit {
		return key, fault.New(fault.Invalid, "input", "needs %d units of the rate limit %s, and gives it a limit of %d: it would never begin", key.Units, r.name, key.Limit)
	}
	return key, nil
}

// draw works out what a run draws from each of its rate limits.
func (t *taskRules) draw(e *evaluation, f *core.Flow) error {
	bytes := max(len(e.share), len(f.Batch)) // which of them stands in the lane's key is up to the core
	for i := range t.rates {
		key, err := t.rates[i].of(e)
		if err != nil {
			return err
		}
		f.Rates = append(f.Rates, key)
		bytes += len(t.rates[i].name) + len(key.Key)
	}
	if len(t.rates) > 0 && bytes > DrawnBytesMax {
		return fault.New(fault.Invalid, "input", "gives keys that are %d bytes long, for the queue and the rate limits together; at most %d are allowed", bytes, DrawnBytesMax)
	}
	return nil
}
