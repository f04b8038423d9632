package sim

import "github.com/adzehq/adze/internal/core"

// debt is what is owed of the draws at a time by a rule, in units times milliseconds of
// the period; and the smallest limit that was said of them since nothing was owed, 0 if
// none was.
func (m *meter) debt(rule core.RateSetting, now core.Time) (debt int64, said int32) {
	debt, said = m.owed, m.limit
	since := m.since
	for _, d := range m.draws {
		if debt, since = pay(rule, debt, since, d.at); debt == 0 {
			since, said = d.at, 0
		}
		debt += d.units * rule.PeriodMS
		if d.limit > 0 && (said == 0 || d.limit < said) {
			said = d.limit
		}
	}
	debt, _ = pay(rule, debt, since, now)
	return debt, said
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

// rateRules are how a key works: between the two if runs may say how much of it there is.
// Who waits for units counts as well, and nothing that is written tells of that.
func (h *history) rateRules(name core.RateName) (least, most core.RateSetting) {
	least = h.model.rateRule(name)
	most = least
	_, own := h.model.settingOf(core.SettingRate, name.Tenant, name.Name, name.Key)
	if h.worded[name.Name] && !own {
		least.Limit, most.Limit = rateUnitsMax, rateLimitMax
	}
	return least, most
}

// checkNotOverspent: no more is owed of a key than its limit when a task draws from it: what
// was set for it, else the smallest that tasks have said which drew.
func (h *history) checkNotOverspent(st *step) *Violation {
	for _, a := range st.out.Assigned {
		t := h.model.tasks[a.Task]
		if t == nil {
			continue
		}
		for name := range t.rateKeys() {
			least, rule := h.rateRules(name)
			if rule.PausedUntil > h.model.now {
				return broken(ratesExact, "task %d draws from %+v, which is paused until %d", a.Task, name, rule.PausedUntil)
			}
			debt, said := h.meters[name].debt(rule, h.model.now)
			limit := rule.Limit
			if least != rule && said > 0 {
				limit = said
			}
			if debt > int64(limit)*rule.PeriodMS {
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
			least, most := h.rateRules(name)
			upper, _ := h.meters[name].debt(least, h.model.now)
			lower, said := h.meters[name].debt(most, h.model.now)
			if row.Debt < lower || row.Debt > upper {
				return broken(unitsStored, "task %d has drawn from %+v (%+v), the row is %+v, owed are %d to %d", a.Task, name, most, row, lower, upper)
			}
			if said > 0 && (row.Limit == 0 || row.Limit > said) {
				return broken(unitsStored, "task %d has drawn from %+v, of which tasks say %d, and the row is %+v", a.Task, name, said, row)
			}
		}
	}
	return nil
}
