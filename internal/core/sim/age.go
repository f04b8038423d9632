package sim

import (
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// ageing is how waiting counts in a queue, and what it has come to.
type ageing struct{ each, worth int64 }

// worth is by how many priorities a newcomer to a queue goes behind.
func (m *model) worth(tenant id.ID, queue string) int64 {
	stood := m.settings[core.SettingKey{Tenant: tenant, Kind: core.SettingAge, Name: queue}].Age
	each := m.setting(core.SettingQueue, tenant, queue).Queue.AgeMS
	if each == 0 {
		return stood.Worth
	}
	return stood.Worth + max(int64(m.now-stood.Since), 0)/each
}

// ageOf is the ageing of the queue that a setting is of.
func (m *model) ageOf(s *core.Setting) ageing {
	if s.Kind != core.SettingQueue {
		return ageing{}
	}
	return ageing{m.setting(s.Kind, s.Tenant, s.Name).Queue.AgeMS, m.worth(s.Tenant, s.Name)}
}

// followAge has ageing go on from where it was before a setting, and tells the row that
// says so.
func (m *model) followAge(s *core.Setting, was ageing) []core.Setting {
	if m.ageOf(s).each == was.each {
		return nil
	}
	row := core.Setting{Tenant: s.Tenant, Kind: core.SettingAge, Name: s.Name, Dropped: true}
	if m.anyoneIn(s.Tenant, s.Name) {
		row.Dropped, row.Age = false, core.AgeSetting{Worth: was.worth, Since: m.now}
	}
	return m.adopt(row)
}

// anyoneIn tells whether anybody waits for a worker in a queue.
func (m *model) anyoneIn(tenant id.ID, queue string) bool {
	for _, t := range m.tasks {
		if t.state == core.OpenReady && t.inClass() && t.row.Tenant == tenant && t.queue() == queue {
			return true
		}
	}
	return false
}

// checkAges: who comes to the line of a key for a worker comes behind those of the same
// priority.
func (h *history) checkAges(st *step) *Violation {
	for _, t := range h.model.tasks {
		if t.state != core.OpenReady || !t.inClass() || !t.readied || !t.entered {
			continue
		}
		for _, other := range h.model.tasks {
			if other.state == core.OpenReady && other.inClass() && !other.readied && other.lane == t.lane &&
				other.row.Priority == t.row.Priority && other.attempt > 1 == (t.attempt > 1) && t.rank < other.rank {
				return broken(agesAlike, "task %d has rank %d, and %d, which was there, %d", t.row.ID, t.rank, other.row.ID, other.rank)
			}
		}
	}
	return nil
}
