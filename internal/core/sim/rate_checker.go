package sim

import "github.com/adzehq/adze/internal/core"

// debt is what is owed of the draws at a time by a rule, in units times milliseconds of
// the period.
func (m *meter) debt(rule core.RateSetting, now core.Time) int64 {
	debt, since := m.owed, m.since
	for _, d := range m.draws {
		if debt, since = pay(rule, debt, since, d.at); debt == 0 {
			since = d.at
		}
		debt += d.units * rule.PeriodMS
	}
	debt, _ = pay(rule, debt, since, now)
	return debt
}

// pay takes off a debt what time has paid. A new owner's clock may be behind.
func pay(rule core.RateSetting, debt int64, since, now core.Time) (left int64, reckoned core.Time) {
	switch {
	case now <= since:
		return debt, since
	case rule.Smooth:
		return max(0, debt-int64(now-since)*int64(rule.Limit)), now
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
func (m *model) rateRule(name core.RateName) core.RateSetting {
	rule := m.setting(core.SettingRate, name.Tenant, name.Name).Rate
	paused := rule.PausedUntil
	if own, ok := m.settingOf(core.SettingRate, name.Tenant, name.Name, name.Key); ok {
		rule.Limit = own.Rate.Limit
		if own.Rate.PeriodMS > 0 {
			rule.PeriodMS = own.Rate.PeriodMS
		}
		paused = max(paused, own.Rate.PausedUntil)
	}
	rule.PausedUntil = paused
	return rule
}

// checkNotOverspent: no more is owed of a key than its limit when a task draws from it.
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
			if debt := h.meters[name].debt(rule, h.model.now); debt > int64(rule.Limit)*rule.PeriodMS {
				return broken(ratesExact, "task %d draws from %+v (%+v), and %d are owed: %v", a.Task, name, rule, debt, h.meters[name].draws)
			}
		}
	}
	return nil
}

// checkUnitsStored: what an assignment draws is in the rows of its own step, and
// its worker is told after their commit.
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
			rule, row := h.model.rateRule(name), h.written.rates[name]
			if debt := h.meters[name].debt(rule, h.model.now); row.Debt != debt {
				return broken(unitsStored, "task %d has drawn from %+v (%+v), the row is %+v, owed are %d", a.Task, name, rule, row, debt)
			}
		}
	}
	return nil
}
