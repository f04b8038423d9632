package sim

import (
	"maps"
	"slices"

	"github.com/adzehq/adze/internal/core"
)

// rateSabotages are ways to break the promises of rate limits.
var rateSabotages = map[string]attack{
	"more is drawn than there is":        {ratesExact, drawMore},
	"what is drawn is not written":       {unitsStored, dropRates},
	"what a task says is not written":    {unitsStored, forgetSaid},
	"a row goes while units are owed":    {unitsStored, closeRate},
	"what a task says does not count":    {ratesExact, sayLess},
	"a worker is told before the commit": {unitsStored, hurryDraw},
	"units that are there are not drawn": {nothingIdles, raiseRates},
}

// drawMore has a key be drawn from that has nothing left.
func drawMore(h *history, st *step) bool {
	for _, a := range st.out.Assigned {
		t := h.model.tasks[a.Task]
		if t == nil {
			continue
		}
		for name := range t.rateKeys() {
			if m := h.meters[name]; m != nil {
				rule := h.model.rateRule(name)
				m.draw(rule, max(h.now, h.model.now), core.RateKey{Units: 1_000})
				return true
			}
		}
	}
	return false
}

func dropRates(_ *history, st *step) bool {
	if len(st.out.Rates) == 0 {
		return false
	}
	st.out.Rates = nil
	return true
}

// forgetSaid has a row say nothing of the limit that tasks gave.
func forgetSaid(_ *history, st *step) bool {
	return changeWhere(st.out.Rates, func(r core.RateState) bool { return r.Limit > 0 }, func(r *core.RateState) { r.Limit = 0 })
}

// closeRate has a row go of which units are owed.
func closeRate(h *history, st *step) bool {
	for _, name := range slices.SortedFunc(maps.Keys(h.meters), core.RateName.Compare) {
		m, rule := h.meters[name], h.model.rateRule(name)
		if _, set := st.in.(*core.Set); !set && m.owed(rule, max(h.now, h.model.now)).debt > 0 && len(st.out.Assigned) == 0 {
			st.out.ClosedRates = append(st.out.ClosedRates, name)
			return true
		}
	}
	return false
}

// sayLess has the last task that drew have said that there is less than was drawn.
func sayLess(h *history, st *step) bool {
	for _, a := range st.out.Assigned {
		t := h.model.tasks[a.Task]
		if t == nil {
			continue
		}
		for name := range t.rateKeys() {
			m := h.meters[name]
			rule := h.model.rateRule(name)
			if m == nil || rule.own {
				continue
			}
			if m.reckon(rule, max(h.now, h.model.now)); m.debt > 0 {
				m.said = 1
				return true
			}
		}
	}
	return false
}

func hurryDraw(h *history, st *step) bool {
	for i := range st.out.Assigned {
		if t := h.model.tasks[st.out.Assigned[i].Task]; t != nil && len(t.def.Rates) > 0 && t.seq != st.seq && t.seq > 0 {
			st.out.Assigned[i].Seq = t.seq
			return true
		}
	}
	return false
}

// raiseRates has the rules give more units to a task that waits for some.
func raiseRates(h *history, st *step) bool {
	for _, t := range h.model.heads() {
		if len(t.def.Rates) == 0 || len(st.out.Assigned) > 0 || h.model.freeFor(t, true) == nil {
			continue
		}
		for key, s := range h.model.settings {
			s.Rate.Limit += 1_000
			h.model.settings[key] = s
		}
		return true
	}
	return false
}
