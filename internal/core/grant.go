package core

import (
	"cmp"
	"maps"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
)

// A tenant grants another one, the home, that the home's workers run its tasks: these
// workers then offer to run what has the names of their actions for both. It is a setting
// of the granting tenant, whose inputs they see. A tenant that takes part in a grant has a
// crew, though nobody else may use its workers: so all its tasks are matched in one way.

// Bounds of grants: a free slot costs a look at each tenant of its crew, a task one at each
// crew of its tenant.
const (
	CrewTenantsMax = 1_000 // that grant one home
	HomesMax       = 100   // that one tenant grants
)

// GrantSetting is what a grant gives.
type GrantSetting struct {
	// Weight is the tenant's share of the workers beside others, in thousandths. A grant of
	// the home to itself says its own. 0 = WeightDefault.
	Weight int32 `json:"weight,omitempty"`
}

// grant is a setting as the core knows it.
type grant struct{ tenant, home id.ID }

// GrantName is what a grant to a home is called: Setting.Name.
func GrantName(home id.ID) string { return home.String() }

// setGrant has a grant be in force, or end.
func (s *Shard) setGrant(setting *Setting) {
	home, err := id.Parse(setting.Name)
	if err != nil { // nobody can have made it: the name is checked before
		return
	}
	g := grant{setting.Tenant, home}
	weight := int64(cmp.Or(setting.Grant.Weight, WeightDefault))
	_, there := s.grants[g]
	if setting.Dropped {
		s.saveGuests(g)
		delete(s.grants, g)
	} else {
		s.grants[g] = weight
	}
	if g.tenant != g.home && there == setting.Dropped {
		s.regroup(g)
	} else if c := s.crews[g.home]; c != nil {
		c.weigh()
	}
}

// saveGuests writes down what runs by a grant that ends, in the same commit: a new owner
// cannot tell by the grant any longer where it may run.
func (s *Shard) saveGuests(g grant) {
	for _, w := range s.workersOf(g.home) {
		for t := w.first; t != nil; t = t.next {
			if t.def.Tenant == g.tenant && t.tenancy != nil {
				t.counted = true
				s.changed(t)
			}
		}
	}
}

// workersOf are the workers of a home, oldest first.
func (s *Shard) workersOf(home id.ID) (workers []*worker) {
	for _, w := range s.workers {
		if w.tenant == home {
			workers = append(workers, w)
		}
	}
	slices.SortFunc(workers, func(a, b *worker) int { return cmp.Compare(a.id, b.id) })
	return workers
}

// regroup brings the crews of both sides of a grant in line with it, and has their workers
// offer to run what they may.
func (s *Shard) regroup(g grant) {
	for _, tenant := range []id.ID{g.home, g.tenant} {
		workers := s.workersOf(tenant)
		actions := make([][]string, len(workers))
		for i, w := range workers {
			actions[i] = w.actions()
			s.unserve(w)
		}
		s.setCrew(tenant)
		for i, w := range workers {
			s.setOffers(w, actions[i])
		}
	}
	for _, q := range s.queues {
		if q.tenant == g.home || q.tenant == g.tenant {
			q.tenancies = s.tenancies(q.tenant)
		}
	}
	for _, tenant := range []id.ID{g.home, g.tenant} {
		for _, w := range s.workersOf(tenant) {
			s.welcome(w)
		}
	}
}

// setCrew makes or ends the crew of a home, and has it be for whom the grants say.
func (s *Shard) setCrew(home id.ID) {
	served, guest := []id.ID{home}, false
	for g := range s.grants {
		if g.home == home && g.tenant != home {
			served = append(served, g.tenant)
		}
		guest = guest || g.tenant == home && g.home != home
	}
	if len(served) == 1 && !guest {
		delete(s.crews, home)
	} else {
		s.crew(home).admit(served)
	}
	s.crewList = s.crewList[:0]
	for _, one := range s.crews {
		s.crewList = append(s.crewList, one)
	}
	slices.SortFunc(s.crewList, func(a, b *crew) int { return cmp.Compare(a.home, b.home) })
}

// crew finds the crew of a home, or makes it.
func (s *Shard) crew(home id.ID) *crew {
	c := s.crews[home]
	if c == nil {
		c = &crew{shard: s, home: home, of: map[id.ID]*tenancy{}, posts: map[string]*post{}}
		s.crews[home] = c
	}
	return c
}

// admit has the crew be for those tenants.
func (c *crew) admit(tenants []id.ID) {
	maps.DeleteFunc(c.of, func(tenant id.ID, _ *tenancy) bool { // what it runs goes on, and is counted for nobody
		return tenant != c.home && !c.shard.serves(c.home, tenant)
	})
	for _, tenant := range tenants {
		if c.of[tenant] == nil {
			tn := &tenancy{crew: c, tenant: tenant, granted: c.shard.seq}
			tn.seat = seat{of: tn, at: -1}
			c.of[tenant] = tn
		}
	}
	c.weigh()
}

// weigh gives all tenants the weights of their grants. They start anew.
func (c *crew) weigh() {
	for tenant, tn := range c.of {
		tn.weight = cmp.Or(c.shard.grants[grant{tenant, c.home}], WeightDefault)
	}
	c.renew()
	for _, waiting := range slices.Clone(c.waiting.seats) {
		waiting.of.bill()
	}
}

// tenancies are what a tenant has of crews: of its own first, then by home. nil = it shares
// no workers.
func (s *Shard) tenancies(tenant id.ID) (all []*tenancy) {
	for _, c := range s.crewList {
		if tn := c.of[tenant]; tn != nil {
			all = append(all, tn)
		}
	}
	slices.SortStableFunc(all, func(a, b *tenancy) int {
		switch {
		case a.crew.home == tenant && b.crew.home != tenant:
			return -1
		case b.crew.home == tenant && a.crew.home != tenant:
			return 1
		}
		return 0
	})
	return all
}

// served are the tenants whose tasks workers of a home may run: the home first.
func (s *Shard) served(home id.ID) []id.ID {
	tenants := []id.ID{home}
	if c := s.crews[home]; c != nil {
		for tenant := range c.of {
			if tenant != home {
				tenants = append(tenants, tenant)
			}
		}
		slices.Sort(tenants[1:])
	}
	return tenants
}

// serves tells whether workers of a home may run tasks of a tenant.
func (s *Shard) serves(home, tenant id.ID) bool {
	if home == tenant {
		return true
	}
	_, granted := s.grants[grant{tenant, home}]
	return granted
}

// Bearer is whose task it is that a worker of the home runs under a token; 0 = none does.
func (s *Shard) Bearer(home, task id.ID, token Token) id.ID {
	t := s.tasks[task]
	if t == nil || t.state != OpenRunning || t.token != token || t.worker.tenant != home {
		return 0
	}
	return t.def.Tenant
}

// Shares tells whether any tenants of the shard share workers.
func (s *Shard) Shares() bool { return len(s.crews) > 0 }

// wouldCrowd tells whether settings have more tenants grant a home than may.
func (s *Shard) wouldCrowd(settings []Setting) bool {
	more, homes := map[id.ID]int{}, map[id.ID]int{}
	for i := range settings {
		home, err := id.Parse(settings[i].Name)
		if settings[i].Kind != SettingGrant || settings[i].Dropped || err != nil || s.serves(home, settings[i].Tenant) {
			continue
		}
		guests := 0
		if c := s.crews[home]; c != nil {
			guests = len(c.of) - 1
		}
		more[home]++
		homes[settings[i].Tenant]++
		if guests+more[home] > CrewTenantsMax || s.homes(settings[i].Tenant)+homes[settings[i].Tenant] > HomesMax {
			return true
		}
	}
	return false
}

// lend remembers the grants that a new owner finds: by these, workers of before may have
// what no row says.
func (s *Shard) lend() {
	for g := range s.grants {
		if g.tenant != g.home {
			s.lent = append(s.lent, g)
		}
	}
	slices.SortFunc(s.lent, func(a, b grant) int {
		return cmp.Or(cmp.Compare(a.tenant, b.tenant), cmp.Compare(a.home, b.home))
	})
}

// mayHave tells whether workers of a home may run a task of a tenant that an owner before
// gave them.
func (s *Shard) mayHave(home, tenant id.ID) bool {
	return s.serves(home, tenant) || slices.Contains(s.lent, grant{tenant, home})
}

// awaits tells whether workers of before are not back that may run tasks of a tenant.
func (s *Shard) awaits(tenant id.ID) bool {
	if len(s.expected) == 0 {
		return false
	}
	return s.expected[tenant] > 0 ||
		slices.ContainsFunc(s.lent, func(g grant) bool { return g.tenant == tenant && s.expected[g.home] > 0 })
}

// homes is how many other tenants a tenant has granted.
func (s *Shard) homes(tenant id.ID) (n int) {
	for g := range s.grants {
		if g.tenant == tenant && g.home != tenant {
			n++
		}
	}
	return n
}
