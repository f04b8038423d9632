package core

// worth is by how many priorities what becomes ready now goes behind, for what has waited
// longer gains on it: so much as it grows meanwhile. It never falls, and goes on from where
// it stood when ageing is switched on, off or to another time. So ranks of before and after
// compare: nobody goes before one of the same priority who waited before, and what was
// gained by waiting is kept.
func (q *queue) worth() int64 {
	worth := q.age.Worth
	if each := q.all().AgeMS; each > 0 {
		worth += int64(max(q.shard.now-q.age.Since, 0)) / each // a new owner's clock may be behind
	}
	return worth
}

// putQueue is put of a setting of a queue: what waiting is worth goes on. While nobody waits
// there is nothing to compare with, and nothing to remember.
func (s *Shard) putQueue(setting *Setting) {
	q := s.queue(setting.Tenant, setting.Name)
	each, worth := q.all().AgeMS, q.worth()
	s.put(setting)
	if q.all().AgeMS == each {
		return
	}
	age := Setting{Tenant: q.tenant, Kind: SettingAge, Name: q.name, Dropped: !q.waits()}
	if !age.Dropped {
		age.Age = AgeSetting{Worth: worth, Since: s.now}
	}
	if s.differs(&age) {
		s.put(&age)
	}
}

// waits tells whether anybody waits for a worker, here or in Postgres.
func (q *queue) waits() bool {
	for _, c := range q.classes {
		for _, l := range c.byKey {
			if !l.empty() || len(l.arrived) > 0 {
				return true
			}
		}
	}
	return false
}
