package sim

import (
	"strings"

	"github.com/adzehq/adze/internal/core"
)

// limitSabotages are ways to break each promise of limits.
var limitSabotages = map[string]attack{
	"a place is one too many":                {limitsExact, lowerMax},
	"a worker is not awaited":                {limitsExact, takeInHand},
	"a place is kept by what ended":          {placesKept, forgetPlace},
	"a place is free and not given":          {noPlaceIdles, raiseMax},
	"who comes later has its place first":    {placesInOrder, swapRanks},
	"a limit cancels somebody else":          {strategiesRight, blameOther},
	"a limit does not say that it cancels":   {rightCause, silenceLimit},
	"a limit cancels for another reason":     {strategiesRight, changeStrategy},
	"a limit leaves waiting whom it cancels": {strategiesRight, leaveWaiting},
	"a run begins before its time":           {ticketsWait, delayTicket},
	"a setting is not stored":                {settingsKept, dropSetting},
	"a setting is not in force":              {noPlaceIdles, loseSetting},
	"a newcomer is younger than it is":       {agesAlike, makeOlder},
	"a heavy key is served as a light one":   {keysTakeTurns, favourKey},
}

// limitRow is the row that says how a limit works for all keys of which nothing else is said.
func limitRow(h *history, l limitKey) core.SettingKey {
	s := h.model.setting(core.SettingLimit, l.tenant, l.name)
	return s.ID()
}

func (h *history) changeLimit(l limitKey, change func(*core.LimitSetting)) {
	row := limitRow(h, l)
	s := h.model.settings[row]
	change(&s.Limit)
	h.model.settings[row] = s
}

// waitingFor is a limit that somebody waits for, with a place in it taken.
func waitingFor(h *history, fits func(limitKey) bool) (limitKey, bool) {
	for _, t := range h.model.sorted() {
		if t.state != core.OpenReady || !t.inLimit() || h.model.awaits(t.row.Tenant) || h.model.loading(t.lane) {
			continue
		}
		l := t.limits[t.passed]
		if _, own := h.model.settingOf(core.SettingLimit, l.tenant, l.name, l.key); !own && len(h.model.said[l]) == 0 && fits(l) {
			return l, true
		}
	}
	return limitKey{}, false
}

func isQueue(h *history) func(limitKey) bool {
	return func(l limitKey) bool { return h.model.strategy(l) == core.LimitQueue }
}

// lowerMax has the rules allow fewer than the core does.
func lowerMax(h *history, st *step) bool {
	if len(st.out.Assigned) == 0 {
		return false
	}
	for _, a := range st.out.Assigned {
		if t := h.model.tasks[a.Task]; t != nil {
			for _, l := range t.limits {
				if len(h.model.said[l]) == 0 && h.model.strategy(l) == core.LimitQueue {
					h.changeLimit(l, func(s *core.LimitSetting) { s.Max = 0 })
				}
			}
		}
	}
	return false // time and again: it must have been given its place in this step
}

// takeInHand has a worker that is awaited run something of all limits.
func takeInHand(h *history, st *step) bool {
	for _, a := range st.out.Assigned {
		t := h.model.tasks[a.Task]
		if t == nil || len(t.limits) == 0 || len(h.agents) == 0 {
			continue
		}
		for _, other := range h.model.sorted() {
			if other.state == core.OpenReady && other != t && len(other.limits) > 0 {
				h.model.expected[h.agents[0].id] = true
				for range 4 {
					h.agents[0].running = append(h.agents[0].running, &run{Claim: core.Claim{Task: other.row.ID, Attempt: other.attempt, Token: -1}})
				}
			}
		}
	}
	return false
}

// forgetPlace has the rules think that a run has given a place back.
func forgetPlace(h *history, _ *step) bool {
	for _, r := range h.model.sortedRuns() {
		if r.passed > 0 {
			r.passed--
			return true
		}
	}
	return false
}

func raiseMax(h *history, _ *step) bool {
	l, ok := waitingFor(h, isQueue(h))
	if ok {
		h.changeLimit(l, func(s *core.LimitSetting) { s.Max += 5 })
	}
	return ok
}

// swapRanks has the rules put those that wait the other way round.
func swapRanks(h *history, _ *step) bool {
	n := 0
	for _, t := range h.model.sorted() {
		if t.state == core.OpenReady && t.inLimit() && h.model.strategy(t.limits[t.passed]) == core.LimitQueue && t.entered {
			t.rank = -int64(t.row.ID)
			n++
		}
	}
	return n > 4
}

// makeOlder has the rules put those that wait for workers behind who comes.
func makeOlder(h *history, _ *step) bool {
	n := 0
	for _, t := range h.model.sorted() {
		if t.state == core.OpenReady && t.inClass() && t.entered && !t.readied {
			t.rank++
			n++
		}
	}
	return n > 4
}

// blameOther has what a user cancelled be cancelled by a limit.
func blameOther(h *history, st *step) bool {
	for i := range st.out.Results {
		r := &st.out.Results[i]
		if t := h.model.tasks[r.Task]; r.Status == core.Cancelled && t != nil && len(t.limits) > 0 && t.ticket == nil && strings.HasPrefix(r.Error, limitText) {
			r.Error = limitText + "nobody"
			return true
		}
	}
	return false
}

// silenceLimit leaves out why something is cancelled that a limit cancels.
func silenceLimit(h *history, st *step) bool {
	for i := range st.out.Results {
		r := &st.out.Results[i]
		if t := h.model.tasks[r.Task]; t != nil && t.state == core.OpenReady && r.Run == 0 && strings.HasPrefix(r.Error, limitText) {
			r.Error = "cancelled"
			return true
		}
	}
	return false
}

// changeStrategy has the rules say that those wait whom the core cancels.
func changeStrategy(h *history, st *step) bool {
	for _, r := range st.out.Results {
		if t := h.model.tasks[r.Task]; t != nil && strings.HasPrefix(r.Error, limitText) {
			v := victim{limits: t.limits, text: r.Error}
			if l, ok := v.limit(); ok {
				h.changeLimit(l, func(s *core.LimitSetting) { s.Strategy = core.LimitFIFO })
				return true
			}
		}
	}
	return false
}

// leaveWaiting has the rules cancel those that the core has wait.
func leaveWaiting(h *history, _ *step) bool {
	l, ok := waitingFor(h, func(l limitKey) bool { return h.model.strategy(l) == core.LimitFIFO })
	if ok {
		h.changeLimit(l, func(s *core.LimitSetting) { s.Strategy = core.LimitCancelNewest })
	}
	return ok
}

// delayTicket has a run wait for its time that begins.
func delayTicket(h *history, st *step) bool {
	for _, t := range h.model.sorted() {
		for _, row := range st.out.Tasks {
			if t.ticket != nil && row.Run == t.row.ID && t.state == core.OpenReady {
				t.delay(h.now, h.now+1_000)
				return true
			}
		}
	}
	return false
}

func dropSetting(_ *history, st *step) bool {
	_, ok := st.in.(*core.Set)
	return ok && dropFirst(&st.out.Settings)
}

// loseSetting has the rules allow more after a crash than the core was told.
func loseSetting(h *history, _ *step) bool {
	for key, s := range h.committed.settings {
		if key.Kind == core.SettingLimit && h.queueing && h.epoch > 1 {
			s.Limit.Max = 9
			h.model.settings[key] = s
		}
	}
	return h.epoch > 1
}

// favourKey has the rules give a key less than the core does.
func favourKey(h *history, st *step) bool {
	for _, a := range st.out.Assigned {
		if t := h.model.tasks[a.Task]; t != nil && t.row.Key != "" {
			own := t.share()
			for name := range h.model.waits {
				if name.tenant == own.tenant && name.queue == own.queue && name != own {
					h.model.waits[name][own] += 100_000
					return true
				}
			}
		}
	}
	return false
}
