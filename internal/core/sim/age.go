package sim

import (
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// ageing is how waiting counts in a queue or a limit, and what it has come to.
type ageing struct{ each, worth int64 }

// ages are the kinds of settings that have an ageing, and of those that say where it stands.
var ages = map[core.SettingKind]core.SettingKind{
	core.SettingQueue: core.SettingAge, core.SettingLimit: core.SettingLimitAge,
}

// each is how long a wait is worth one of priority.
func (m *model) each(of core.SettingKind, tenant id.ID, name string) int64 {
	s := m.setting(of, tenant, name)
	if of == core.SettingLimit {
		return s.Limit.AgeMS
	}
	return s.Queue.AgeMS
}

// worth is by how many priorities a newcomer to a queue or a limit goes behind.
func (m *model) worth(of core.SettingKind, tenant id.ID, name string) int64 {
	stood := m.settings[core.SettingKey{Tenant: tenant, Kind: ages[of], Name: name}].Age
	each := m.each(of, tenant, name)
	if each == 0 {
		return stood.Worth
	}
	return stood.Worth + max(int64(m.now-stood.Since), 0)/each
}

// ageOf is the ageing of what a setting is of.
func (m *model) ageOf(s *core.Setting) ageing {
	if ages[s.Kind] == 0 {
		return ageing{}
	}
	return ageing{m.each(s.Kind, s.Tenant, s.Name), m.worth(s.Kind, s.Tenant, s.Name)}
}

// followAge has ageing go on from where it was before a setting, and tells the row that
// says so.
func (m *model) followAge(s *core.Setting, was ageing) []core.Setting {
	if m.ageOf(s).each == was.each {
		return nil
	}
	row := core.Setting{Tenant: s.Tenant, Kind: ages[s.Kind], Name: s.Name, Dropped: true}
	if m.anyoneIn(s) {
		row.Dropped, row.Age = false, core.AgeSetting{Worth: was.worth, Since: m.now}
	}
	return m.adopt(row)
}

// anyoneIn tells whether anybody waits in the queue, or the limit, that a setting is of, or
// runs or has a place: its row may say that it waits.
func (m *model) anyoneIn(s *core.Setting) bool {
	limited := func(l limitKey) bool { return s.Kind == core.SettingLimit && l.tenant == s.Tenant && l.name == s.Name }
	for _, t := range m.tasks {
		running := t.state == core.OpenRunning
		switch {
		case slices.ContainsFunc(t.limits[:t.passed], limited):
			return true
		case t.state != core.OpenReady && !running || t.row.Tenant != s.Tenant:
		case s.Kind == core.SettingQueue && (t.inClass() || running) && t.queue() == s.Name,
			!running && t.inLimit() && limited(t.limits[t.passed]):
			return true
		}
	}
	for _, r := range m.runs {
		if slices.ContainsFunc(r.limits[:r.passed], limited) {
			return true
		}
	}
	return false
}

// checkAges: who comes to the line of a key, for a worker or for a place, comes behind those
// of the same priority. A new owner's clock may be behind for a while, and its ranks with it.
func (h *history) checkAges(st *step) *Violation {
	if h.model.now < h.model.latest {
		return nil
	}
	for _, t := range h.model.tasks {
		if t.state != core.OpenReady || t.held != "" || !t.readied || !t.entered {
			continue
		}
		for _, other := range h.model.tasks {
			if other.state == core.OpenReady && other.held == "" && !other.readied && other.lane == t.lane &&
				other.row.Priority == t.row.Priority && other.attempt > 1 == (t.attempt > 1) && t.rank < other.rank {
				return broken(agesAlike, "task %d has rank %d, and %d, which was there, %d", t.row.ID, t.rank, other.row.ID, other.rank)
			}
		}
	}
	return nil
}
