package core

import (
	"cmp"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
)

// A tenant grants another one, the home, that the home's workers run its tasks: these
// workers then offer to run what has the names of their actions for both. It is a setting
// of the granting tenant, whose inputs they see. A tenant that takes part in a grant has a
// crew, though nobody else may use its workers: so all its tasks are matched in one way.

// Bounds of grants: one that comes or goes costs a look at each class of the shard, a task one
// at each crew of its tenant.
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
	}
	if c := s.crews[g.home]; c != nil {
		c.weigh(g.tenant)
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
// meet what they may run.
func (s *Shard) regroup(g grant) {
	both := []id.ID{g.home, g.tenant}
	type pair struct {
		*worker
		actions []string
	}
	var workers []pair
	var classes []*class
	for _, tenant := range both {
		for _, w := range s.workersOf(tenant) {
			workers = append(workers, pair{w, w.actions()})
			s.unserve(w)
		}
		classes = append(classes, s.classesOf(tenant)...)
	}
	for _, c := range classes {
		c.castOff()
	}
	s.pledge(g)
	for _, q := range s.queues {
		if slices.Contains(both, q.tenant) {
			q.tenancies = s.tenancies(q.tenant)
		}
	}
	for _, c := range classes {
		c.moor()
	}
	for _, w := range workers {
		s.setOffers(w.worker, w.actions)
	}
	for _, w := range workers {
		s.welcome(w.worker)
	}
}

// pledge notes what a grant, or its end, makes of the crews of both sides.
func (s *Shard) pledge(g grant) {
	homes := slices.DeleteFunc(s.homes[g.tenant], func(home id.ID) bool { return home == g.home })
	if s.serves(g.home, g.tenant) {
		homes = append(homes, g.home)
		slices.Sort(homes)
		s.crew(g.home).admit(g.tenant)
		s.crew(g.tenant)
	} else {
		s.crew(g.home).dismiss(g.tenant)
	}
	if s.homes[g.tenant] = homes; len(homes) == 0 {
		delete(s.homes, g.tenant)
	}
	for _, tenant := range []id.ID{g.home, g.tenant} {
		if len(s.crews[tenant].of) == 1 && len(s.homes[tenant]) == 0 { // nobody but itself
			delete(s.crews, tenant)
		}
	}
}

// crew finds the crew of a home, or makes it.
func (s *Shard) crew(home id.ID) *crew {
	c := s.crews[home]
	if c == nil {
		c = &crew{shard: s, home: home, of: map[id.ID]*tenancy{}, posts: map[string]*post{}, postsOf: map[string][]*post{}}
		s.crews[home] = c
		c.admit(home)
	}
	return c
}

// admit has the crew be for a tenant.
func (c *crew) admit(tenant id.ID) {
	weight := cmp.Or(c.shard.grants[grant{tenant, c.home}], WeightDefault)
	c.of[tenant] = &tenancy{
		crew: c, tenant: tenant, granted: c.shard.seq, weight: weight,
		account: c.shard.account(tenant), entered: c.shard.now,
	}
}

// dismiss is the inverse of admit: what it runs goes on, and is counted for nobody.
func (c *crew) dismiss(tenant id.ID) { delete(c.of, tenant) }

// weigh gives a tenant the weight of its grant. All start anew.
func (c *crew) weigh(tenant id.ID) {
	if tn := c.of[tenant]; tn != nil {
		tn.weight = cmp.Or(c.shard.grants[grant{tenant, c.home}], WeightDefault)
	}
	c.renew()
	if c.waiting == 0 {
		return
	}
	for _, tn := range c.of { // in any order: they keep their turns
		if len(tn.berths) > 0 {
			tn.bill()
			tn.move(c.base - tn.tag)
		}
	}
}

// tenancies are what a tenant has of crews: of its own first, then by home. nil = it shares
// no workers.
func (s *Shard) tenancies(tenant id.ID) []*tenancy {
	own := s.crews[tenant]
	if own == nil {
		return nil
	}
	all := []*tenancy{own.of[tenant]}
	for _, home := range s.homes[tenant] {
		all = append(all, s.crews[home].of[tenant])
	}
	return all
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
	if t := s.tasks[task]; t == nil || t.token != token {
		return 0
	}
	return s.Lodger(home, task)
}

// Lodger is whose task it is that a worker of the home runs; 0 = none does.
func (s *Shard) Lodger(home, task id.ID) id.ID {
	t := s.tasks[task]
	if t == nil || t.state != OpenRunning || t.worker.tenant != home {
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
		if guests+more[home] > CrewTenantsMax || len(s.homes[settings[i].Tenant])+homes[settings[i].Tenant] > HomesMax {
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
