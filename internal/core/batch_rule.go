package core

import (
	"cmp"
	"slices"
)

// rule is when batches of l go.
func (l *lane) rule() BatchRule { return l.class.rule(l.share.key) }

// rule is when batches of a key go: as is set for it, else for all keys, else as the
// definition says.
func (c *class) rule(key string) BatchRule {
	rule := *c.need.Batch
	if c.batches.set == nil && len(c.batches.keys) == 0 {
		return rule
	}
	rule.heed(c.batches.all())
	if own, ok := c.batches.of(key); ok {
		rule.heed(&own)
	}
	return rule
}

func (r *BatchRule) heed(to *BatchSetting) {
	r.SizeMax = cmp.Or(to.SizeMax, r.SizeMax)
	r.RunningMax = cmp.Or(to.RunningMax, r.RunningMax)
	r.BytesMax = cmp.Or(to.BytesMax, r.BytesMax)
	r.IntervalMS = cmp.Or(to.IntervalMS, r.IntervalMS)
}

// setBatch changes when batches of an action go, those that wait too.
func (s *Shard) setBatch(setting *Setting) {
	s.batchRules.at(setting.Tenant, setting.Name).change(setting, setting.Batch)
	for _, c := range s.classesOf(setting.Tenant) {
		if c.need.Action != setting.Name || !c.need.gathers() {
			continue
		}
		c.regather()
		for _, l := range c.sortedLanes() {
			l.weigh()
		}
	}
}

// regather has the tasks of c that wait for their interval wait for the one of now.
func (c *class) regather() {
	s := c.shard
	s.gathering = slices.DeleteFunc(s.gathering, func(g *gathering) bool { return g.class == c })
	c.gatherings = nil
	var waiting []*task
	for _, l := range c.byKey {
		for _, t := range slices.Concat(l.all(), l.arrived) {
			if t.arrived > 0 && !t.ripe {
				waiting = append(waiting, t)
			}
		}
	}
	slices.SortFunc(waiting, func(a, b *task) int { return cmp.Or(cmp.Compare(a.arrived, b.arrived), cmp.Compare(a.id, b.id)) })
	for _, t := range waiting {
		t.lane.gathering().note(t)
	}
}
