package sim

import (
	"maps"
	"slices"
	"strconv"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

var rateNames = []string{"gas", "water"}

// meter is what is owed of a key of a rate limit.
type meter struct {
	debt  int64     // units times milliseconds of the period
	said  int32     // the smallest limit that tasks said which drew since nothing was owed; 0 = none did
	since core.Time // up to when it is reckoned; of a window: when that began
}

// drawRates draws some of the rate limits.
func (h *history) drawRates() []core.RateUse {
	var uses []core.RateUse
	for _, name := range rateNames {
		if h.rand.IntN(8) < h.rateShare {
			uses = append(uses, core.RateUse{Name: name})
		}
	}
	return uses
}

// withRates adds what a task draws to what is said of it.
func (h *history) withRates(flow *core.Flow, uses []core.RateUse, share string) *core.Flow {
	if len(uses) == 0 {
		return flow
	}
	if flow == nil {
		flow = &core.Flow{Share: share}
	}
	for _, use := range uses {
		key := core.RateKey{Key: pick(h, limitKeys), Units: int32(1 + h.rand.IntN(rateUnitsMax))}
		if h.worded[use.Name] && h.rand.IntN(2) == 0 {
			key.Limit = h.drawRateLimit()
		}
		flow.Rates = append(flow.Rates, key)
	}
	return flow
}

const (
	rateUnitsMax = 2 // what a task needs at most: no limit is below it
	rateLimitMax = 5
)

func (h *history) drawRateLimit() int32 {
	return int32(rateUnitsMax + h.rand.IntN(rateLimitMax-rateUnitsMax+1))
}

func (h *history) drawRate(tenant int, name string) core.Setting {
	return core.Setting{
		Tenant: firstTenant + id.ID(tenant), Kind: core.SettingRate, Name: name,
		Rate: core.RateSetting{
			Limit: h.drawRateLimit(), PeriodMS: pick(h, []int64{1, 10, 700, 5_000}), Smooth: h.rand.IntN(2) == 0,
		},
	}
}

// declareRates says how rate limits work, as workflows do.
func (h *history) declareRates() *Violation {
	in := &core.Set{}
	for tenant := range tenants {
		for _, name := range rateNames {
			setting := h.drawRate(tenant, name)
			setting.Declared = true
			in.Settings = append(in.Settings, setting)
		}
	}
	return h.apply(in)
}

// setRate changes how a rate limit works, or a key of it.
func (h *history) setRate() *Violation {
	h.lastRef++
	h.asked[h.lastRef] = 1
	setting := h.drawRate(h.rand.IntN(tenants), pick(h, rateNames))
	if h.rand.IntN(3) == 0 {
		setting.Key, setting.Rate.Smooth = pick(h, limitKeys[1:]), false
		setting.Rate.PeriodMS = pick(h, []int64{0, setting.Rate.PeriodMS})
	}
	if h.rand.IntN(3) == 0 {
		setting.Rate.PausedUntil = h.model.now + core.Time(h.rand.IntN(5_000))
	}
	return h.apply(&core.Set{Ref: h.lastRef, Settings: []core.Setting{setting}})
}

// rateKeys are the keys that t draws from, and how it does.
func (t *task) rateKeys() map[core.RateName]core.RateKey {
	keys := make(map[core.RateName]core.RateKey, len(t.def.Rates))
	for i, use := range t.def.Rates { // each is of another name
		key := core.RateKey{Units: 1}
		if t.flow != nil && i < len(t.flow.Rates) {
			key = t.flow.Rates[i]
		}
		keys[core.RateName{Tenant: t.row.Tenant, Name: use.Name, Key: key.Key}] = key
	}
	return keys
}

// classKey is the key of t's lane in its class: those that draw alike are in one lane.
func (t *task) classKey() string {
	if len(t.def.Rates) == 0 {
		return t.shareKey()
	}
	part := func(s string) string { return strconv.Itoa(len(s)) + ":" + s }
	key := "\x1f" + part(t.shareKey())
	for i, use := range t.def.Rates {
		name := ""
		if t.flow != nil && i < len(t.flow.Rates) {
			name = t.flow.Rates[i].Key
		}
		key += part(use.Name) + part(name)
	}
	return key
}

// applyRates writes the rows of rate limits.
func (s *store) applyRates(e *core.Effects) {
	for _, r := range e.Rates {
		s.rates[r.RateName] = r
	}
	for _, name := range e.ClosedRates {
		delete(s.rates, name)
	}
}

func (s *store) restoreRates(r *core.Restore) {
	for _, name := range slices.SortedFunc(maps.Keys(s.rates), core.RateName.Compare) {
		r.Rates = append(r.Rates, s.rates[name])
	}
}

// recoverMeters has what is owed be what the rows say.
func (h *history) recoverMeters() {
	clear(h.meters)
	for name, row := range h.committed.rates {
		h.meters[name] = &meter{row.Debt, row.Limit, row.Since}
	}
}

// followDraws notes what is drawn.
func (h *history) followDraws(st *step) {
	for _, a := range st.out.Assigned {
		t := h.model.tasks[a.Task]
		if t == nil {
			continue
		}
		for name, key := range t.rateKeys() {
			if h.meters[name] == nil {
				h.meters[name] = &meter{}
			}
			h.meters[name].draw(h.model.rateRule(name), h.model.now, key)
		}
	}
}

// followRules reckons what is owed by the rules until a step that changes some, and returns
// what has it counted in the periods of then.
func (h *history) followRules(st *step) (rescale func()) {
	if _, ok := st.in.(*core.Set); !ok {
		return func() {}
	}
	was := map[core.RateName]int64{}
	for name, m := range h.meters {
		rule := h.model.rateRule(name)
		m.reckon(rule, max(st.now, h.model.now))
		was[name] = rule.PeriodMS
	}
	return func() {
		for name, m := range h.meters {
			if period := h.model.rateRule(name).PeriodMS; period != was[name] {
				m.debt = (m.debt + was[name] - 1) / was[name] * period // a part of a unit is a whole one
			}
		}
	}
}
