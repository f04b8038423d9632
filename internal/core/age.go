package core

// ages is where those wait whose priority counts, and their waiting with it: a queue, or a
// limit.
type ages interface {
	// each is how long a wait is worth one of priority; 0 = none is.
	each() int64
	// worth is by how many priorities what comes now goes behind, for what has waited
	// longer gains on it: so much as it grows meanwhile. It never falls, and goes on from
	// where it stood when ageing is switched on, off or to another time. So ranks of before
	// and after compare: nobody goes before one of the same priority who waited before, and
	// what was gained by waiting is kept.
	worth() int64
	// waits tells whether anybody waits, here or in Postgres, or has gone on of whom a row may
	// still say so: with that one a new owner begins.
	waits() bool
}

func (q *queue) each() int64  { return q.all().AgeMS }
func (q *queue) worth() int64 { return q.age.worth(q.each(), q.shard.now) }

// each implements ages, whatever the strategy: where priority does not count, nor does it,
// and nobody sees it until priority counts again.
func (l *limit) each() int64  { return l.all().AgeMS }
func (l *limit) worth() int64 { return l.age.worth(l.each(), l.shard.now) }

// worth is what it has come to, of what stood so when it was last changed.
func (a AgeSetting) worth(each int64, now Time) int64 {
	if each == 0 {
		return a.Worth
	}
	return a.Worth + int64(max(now-a.Since, 0))/each // a new owner's clock may be behind
}

// putAgeing is put of a setting of what ages: what waiting is worth goes on, as a setting of
// that kind says. While nobody waits there is nothing to compare with, and nothing to
// remember.
func (s *Shard) putAgeing(setting *Setting, of ages, kind SettingKind) {
	each, worth := of.each(), of.worth()
	s.put(setting)
	if of.each() == each {
		return
	}
	age := Setting{Tenant: setting.Tenant, Kind: kind, Name: setting.Name, Dropped: !of.waits()}
	if !age.Dropped {
		age.Age = AgeSetting{Worth: worth, Since: s.now}
	}
	if s.differs(&age) {
		s.put(&age)
	}
}

func (q *queue) waits() bool {
	for _, c := range q.classes {
		for _, l := range c.byKey {
			if l.waits() {
				return true
			}
		}
	}
	return false
}

func (l *limit) waits() bool {
	for _, g := range l.groups {
		if g.lane.waits() || len(g.held) > 0 {
			return true
		}
	}
	return false
}

// waits tells whether anybody is in the lane, or was, and runs.
func (l *lane) waits() bool { return l.open > 0 || l.stored > 0 }
