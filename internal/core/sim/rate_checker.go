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

// draw has somebody draw of it.
func (m *meter) draw(rule rateRule, now core.Time, key core.RateKey) {
	if m.reckon(rule, now); m.debt == 0 {
		m.since = now
	}
	m.debt += int64(key.Units) * rule.PeriodMS
	m.said = smaller(m.said, key.Limit)
}

// owed is what is owed by a rule at a time; of one that nobody has drawn from, nothing.
func (m *meter) owed(rule rateRule, now core.Time) meter {
	if m == nil {
		return meter{}
	}
	owed := *m
	owed.reckon(rule, now)
	return owed
}

// reckon takes off what time has paid. A new owner's clock may be behind.
func (m *meter) reckon(rule rateRule, now core.Time) {
	elapsed := int64(now - m.since)
	switch {
	case elapsed <= 0:
		return
	case rule.Smooth:
		m.debt, m.since = max(0, m.debt-elapsed*rule.limit(m.said)), now
	case elapsed >= rule.PeriodMS:
		m.debt = 0
	}
	if m.debt == 0 {
		m.said = 0
	}
}

// smaller is the smaller of two limits, 0 = none.
func smaller(a, b int32) int32 {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
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
			if m := h.meters[name]; m.debt > rule.limit(m.said)*rule.PeriodMS {
				return broken(ratesExact, "task %d draws from %+v (%+v), and owed are %+v", a.Task, name, rule, *m)
			}
		}
	}
	return nil
}

// checkUnitsStored: what an assignment draws is in the rows of its own step, and its worker
// is told after their commit. Rows say what is owed, with what tasks have said of the limit,
// and are gone only when nothing is.
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
			if v := h.checkRateRow(name); v != nil {
				return v
			}
		}
	}
	for _, row := range st.out.Rates {
		if v := h.checkRateRow(row.RateName); v != nil {
			return v
		}
	}
	for _, name := range st.out.ClosedRates {
		if v := h.checkRateRow(name); v != nil {
			return v
		}
	}
	return nil
}

func (h *history) checkRateRow(name core.RateName) *Violation {
	row, rule := h.written.rates[name], h.model.rateRule(name)
	if owed := h.meters[name].owed(rule, h.model.now); row.Debt != owed.debt || row.Limit != owed.said {
		return broken(unitsStored, "of %+v (%+v) owed are %+v, and the row is %+v", name, rule, owed, row)
	}
	return nil
}
