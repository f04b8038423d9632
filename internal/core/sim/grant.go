package sim

import (
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// grant has a tenant let the workers of another one run its tasks, by some weight, or takes
// that back. Now and then it is about its own weight at home. That tenants get what is
// theirs is for the histories of little else, see sharing.
func (h *history) grant() *Violation {
	by := pact{firstTenant + id.ID(h.rand.IntN(tenants)), firstTenant + id.ID(h.rand.IntN(tenants))}
	s := core.Setting{Tenant: by.tenant, Kind: core.SettingGrant, Name: core.GrantName(by.home), Dropped: h.rand.IntN(3) == 0}
	s.Grant.Weight = pick(h, []int32{0, 500, 2_000})
	h.lastRef++
	h.asked[h.lastRef] = 1
	return h.apply(&core.Set{Ref: h.lastRef, Settings: []core.Setting{s}})
}

// bearer is the tenant of what a worker runs, as far as anybody knows: its word counts as
// that one's.
func (h *history) bearer(a *agent, r *run) id.ID {
	if t := h.model.tasks[r.Task]; t != nil {
		return t.row.Tenant
	}
	return a.tenant
}

// takeGrant has a grant be in force, or end, and all that takes turns begin anew.
func (m *model) takeGrant(st *step, s *core.Setting) {
	home, err := id.Parse(s.Name)
	if err != nil { // it was drawn here
		panic(err)
	}
	by := pact{s.Tenant, home}
	if s.Dropped {
		delete(m.grants, by)
	} else {
		m.grants[by] = true
	}
	m.muster(st.seq)
	clear(m.waits)
	clear(m.waiting)
}

// muster brings the crews in line with the grants: who takes part in one has a crew, of
// itself and of all that have granted it.
func (m *model) muster(seq uint64) {
	crews := map[pact]uint64{}
	for by := range m.grants {
		if by.tenant != by.home {
			crews[by] = seq
			crews[pact{by.home, by.home}], crews[pact{by.tenant, by.tenant}] = seq, seq
		}
	}
	for by := range crews {
		if since, before := m.crews[by]; before {
			crews[by] = since
		}
	}
	m.crews = crews
}

// recoverGrants is what a crash leaves of the grants: by these, workers of before may have
// what no row says.
func (m *model) recoverGrants() {
	for key := range m.settings {
		if home, err := id.Parse(key.Name); key.Kind == core.SettingGrant && err == nil {
			m.grants[pact{key.Tenant, home}], m.lent[pact{key.Tenant, home}] = true, true
		}
	}
}

// offers tells whether w runs such tasks, by its word and the grants.
func (m *model) offers(w *worker, t *task) bool {
	return (w.tenant == t.row.Tenant || m.grants[pact{t.row.Tenant, w.tenant}]) && slices.Contains(w.actions, t.def.Action)
}

// mayHave tells whether w may have a task of a tenant that an owner before gave it.
func (m *model) mayHave(w *worker, tenant id.ID) bool {
	by := pact{tenant, w.tenant}
	return w.tenant == tenant || m.grants[by] || m.lent[by]
}

// awaits tells whether workers are awaited since a crash that may run tasks of a tenant.
func (m *model) awaits(tenant id.ID) bool {
	for worker := range m.expected {
		if w := m.workers[worker]; w != nil && (w.tenant == tenant || m.lent[pact{tenant, w.tenant}]) {
			return true
		}
	}
	return false
}

// checkGrant: a worker is given tasks of other tenants by their grants only, and is told
// when these are committed.
func (m *model) checkGrant(a *core.Assignment, t *task, w *worker) *Violation {
	if t.row.Tenant == w.tenant {
		return nil
	}
	by := pact{t.row.Tenant, w.tenant}
	if !m.grants[by] {
		return broken(grantsKept, "task %d of tenant %d is given to worker %d of tenant %d, which has no grant", a.Task, by.tenant, w.id, by.home)
	}
	if granted := m.crews[by]; a.Seq < granted {
		return broken(grantsKept, "task %d of tenant %d is given to worker %d of tenant %d after the commit of %d, and the grant is of %d",
			a.Task, by.tenant, w.id, by.home, a.Seq, granted)
	}
	return nil
}

// isAtHome tells whether w is of the tenant of t: of workers that are equal otherwise it is
// given t.
func (w *worker) isAtHome(t *task) bool { return w.tenant == t.row.Tenant }
