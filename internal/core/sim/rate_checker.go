package sim

import "github.com/adzehq/adze/internal/core"

// rateRule is how a key works.
type rateRule struct {
	core.RateSetting
	own bool // its limit was set for the key: what tasks say of it does not count
}

// limit is how many units there are in a period for those who say so much.
func (r rateRule) limit(said int32) int64 {
	if said == 0 || r.own {
		return int64(r.Limit)
	}
	return int64(said)
}

// debt is what is owed of the draws at a time by a rule, in units times milliseconds of
// the period; and the smallest limit that was said of them since nothing was owed, 0 if
// none was.
func (m *meter) debt(rule rateRule, now core.Time) (debt int64, said int32) {
	if m == nil {
		return 0, 0
	}
	debt, said = m.owed, m.limit
	since := m.since
	for _, d := range m.draws {
		if debt, since = pay(rule, said, debt, since, d.at); debt == 0 {
			since, said = d.at, 0
		}
		debt += d.units * rule.PeriodMS
		said = smaller(said, d.limit)
	}
	if debt, _ = pay(rule, said, debt, since, now); debt == 0 {
		said = 0
	}
	return debt, said
}

// smaller is the smaller of two limits, 0 = none.
func smaller(a, b int32) int32 {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

// pay takes off a debt what time has paid. A new owner's clock may be behind.
func pay(rule rateRule, said int32, debt int64, since, now core.Time) (left int64, reckoned core.Time) {
	switch {
	case now <= since:
		return debt, since
	case rule.Smooth:
		return max(0, debt-int64(now-since)*rule.limit(said)), now
	case now-since >= core.Time(rule.PeriodMS):
		return 0, now
	}
	return debt, since
}

// checkRates looks at everything that must hold of rate limits after each step.
func (h *history) checkRates(st *step) *Violation {
	if h.rateShare == 0 {
		return nil
	}
	return first(h.checkNotOverspent(st), h.checkUnitsStored(st))
}

// rateRule is how a key works: as it was set for it, or else as all do.
func (m *model) rateRule(name core.RateName) rateRule {
	rule := rateRule{RateSetting: m.setting(core.SettingRate, name.Tenant, name.Name).Rate}
	paused := rule.PausedUntil
	if own, ok := m.settingOf(core.SettingRate, name.Tenant, name.Name, name.Key); ok {
		rule.Limit, rule.own = own.Rate.Limit, true
		if own.Rate.PeriodMS > 0 {
			rule.PeriodMS = own.Rate.PeriodMS
		}
		paused = max(paused, own.Rate.PausedUntil)
	}
	rule.PausedUntil = paused
	return rule
}

// checkNotOverspent: no more is owed of a key than its limit when a task draws from it: what
// was set for it, else the smallest that tasks have said which drew. Who waits binds
// nobody.
func (h *history) checkNotOverspent(st *step) *Violation {
	for _, a := range st.out.Assigned {
		t := h.model.tasks[a.Task]
		if t == nil {
			continue
		}
		for name := range t.rateKeys() {
			rule := h.model.rateRule(name)
			if rule.PausedUntil > h.model.now {
				return broken(ratesExact, "task %d draws from %+v, which is paused until %d", a.Task, name, rule.PausedUntil)
			}
			debt, said := h.meters[name].debt(rule, h.model.now)
			if debt > rule.limit(said)*rule.PeriodMS {
				return broken(ratesExact, "task %d draws from %+v (%+v, %d are said), and %d are owed: %v", a.Task, name, rule, said, debt, h.meters[name].draws)
			}
		}
	}
	return nil
}

// checkUnitsStored: what an assignment draws is in the rows of its own step, with what tasks
// have said of the limit; and its worker is told after their commit.
func (h *history) checkUnitsStored(st *step) *Violation {
	for _, a := range st.out.Assigned {
		t := h.model.tasks[a.Task]
		if t == nil || len(t.def.Rates) == 0 {
			continue
		}
		if a.Seq != st.seq {
			return broken(unitsStored, "task %d is told after the commit of %d, and has drawn in %d", a.Task, a.Seq, st.seq)
		}
		for name := range t.rateKeys() {
			row := h.written.rates[name]
			if debt, said := h.meters[name].debt(h.model.rateRule(name), h.model.now); row.Debt != debt || row.Limit != said {
				return broken(unitsStored, "task %d has drawn from %+v, the row is %+v, owed are %d, and %d are said", a.Task, name, row, debt, said)
			}
		}
	}
	return nil
}
