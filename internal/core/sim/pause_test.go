package sim

import (
	"strings"

	"github.com/adzehq/adze/internal/core"
)

// pauseSabotages break the promises of pauses.
var pauseSabotages = map[string]attack{
	"what is paused begins":                     {pausesKept, pauseAssigned},
	"a worker that is paused is given a task":   {pausesKept, pauseGiven},
	"the pause of a worker is not stored":       {pausesKept, dropPaused},
	"a pause ends what it must not":             {pausesKept, lengthenPause},
	"what was paused does not go on":            {goesOn, endPauseEarly},
	"a pause is watched too late":               {onTime, shortenPause},
	"a pause is not in force after a crash":     {pausesKept, losePause},
	"a paused worker is free again after crash": {pausesKept, loseRest},
}

// changePause has the rules say otherwise how something is paused.
func changePause(h *history, p paused, change func(*core.QueueSetting)) {
	key := core.SettingKey{Tenant: p.tenant, Kind: p.kind, Name: p.name}
	s := h.model.settings[key]
	s.Tenant, s.Kind, s.Name = p.tenant, p.kind, p.name
	change(&s.Queue)
	h.model.settings[key] = s
}

func pauseAssigned(h *history, st *step) bool {
	for _, a := range st.out.Assigned {
		if t := h.model.tasks[a.Task]; t != nil && h.model.pausedBy(t) == nil {
			changePause(h, t.pausable()[0], func(q *core.QueueSetting) { q.Paused = true })
			return true
		}
	}
	return false
}

func pauseGiven(h *history, st *step) bool {
	for _, a := range st.out.Assigned {
		if w := h.model.workers[a.Worker]; w != nil {
			w.paused = true
			return true
		}
	}
	return false
}

func dropPaused(_ *history, st *step) bool { return dropFirst(&st.out.Paused) }

func lengthenPause(h *history, st *step) bool {
	for _, r := range st.out.Results {
		if t := h.model.tasks[r.Task]; t != nil && strings.Contains(r.Error, pausedText) {
			for _, p := range t.pausable() {
				changePause(h, p, func(q *core.QueueSetting) { q.PausedTTLMS += 1_000_000 })
			}
			return true
		}
	}
	return false
}

// waitsBehind is a pause that is on and has a task wait in memory that nothing is loaded of.
func waitsBehind(h *history) (paused, bool) {
	for _, t := range h.model.sorted() {
		p, held := t.waitsIn()
		if held && t.state == core.OpenReady && h.model.pauseOf(p) != nil && h.shard.Live(t.row.ID).State != 0 && !h.model.loading(t.lane) {
			return p, true
		}
	}
	return paused{}, false
}

func endPauseEarly(h *history, _ *step) bool {
	p, ok := waitsBehind(h)
	if ok {
		changePause(h, p, func(q *core.QueueSetting) { q.Paused = false })
	}
	return ok
}

func shortenPause(h *history, st *step) bool {
	if _, tick := st.in.(*core.Tick); !tick {
		return false
	}
	p, ok := waitsBehind(h)
	if ok {
		changePause(h, p, func(q *core.QueueSetting) { q.PausedTTLMS = 1 })
	}
	return ok
}

// losePause has the rules remember pauses that the next owner is not told of.
func losePause(h *history, st *step) bool {
	_, is := st.in.(*core.Restore)
	if !is {
		return false
	}
	lost := false
	for _, t := range h.model.sorted() {
		if t.state == core.OpenReady && h.model.pausedBy(t) == nil {
			changePause(h, t.pausable()[1], func(q *core.QueueSetting) { q.Paused = true })
			lost = true
		}
	}
	return lost
}

func loseRest(h *history, st *step) bool {
	if _, is := st.in.(*core.Restore); !is {
		return false
	}
	for _, w := range h.model.sortedWorkers() {
		w.paused = true
	}
	return len(h.model.workers) > 0
}
