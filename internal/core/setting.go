package core

import "slices"

// SettingsMax is how many settings a shard has at most, all of them in memory: some 20 MB.
// What the core adds to those of a queue or a limit (SettingAge) is not refused.
const SettingsMax = 100_000

// set changes how things work, all of it or nothing. What works so already costs nothing:
// workers declare it whenever they start.
func (s *Shard) set(in *Set) {
	kind := AnswerDone
	if len(s.settings)+s.added(in.Settings) > SettingsMax || s.wouldCrowd(in.Settings) {
		kind = AnswerFull
	} else {
		s.change(in.Settings)
	}
	if in.Ref != 0 {
		s.out.Answers = append(s.out.Answers, Answer{Ref: in.Ref, Kind: kind})
	}
}

// added is how many rows more there would be.
func (s *Shard) added(settings []Setting) (n int) {
	for i := range settings {
		_, there := s.settings[settings[i].ID()]
		switch {
		case there && settings[i].Dropped:
			n--
		case !there && !settings[i].Dropped:
			n++
		}
	}
	return n
}

func (s *Shard) change(settings []Setting) {
	for i := range settings {
		setting := settings[i]
		s.stamp(&setting)
		switch {
		case !s.differs(&setting):
		case setting.Kind == SettingQueue:
			s.putAgeing(&setting, s.queue(setting.Tenant, setting.Name), SettingAge)
		case setting.Kind == SettingLimit:
			s.putAgeing(&setting, s.limit(setting.Tenant, setting.Name), SettingLimitAge)
		default:
			s.put(&setting)
		}
	}
}

// differs tells whether a setting says anything else than what is in force.
func (s *Shard) differs(setting *Setting) bool {
	was, there := s.settings[setting.ID()]
	return there && was != *setting || !there && !setting.Dropped
}

// put has a setting be in force, and stored.
func (s *Shard) put(setting *Setting) {
	s.apply(setting)
	s.out.Settings = append(s.out.Settings, *setting)
}

// apply has a setting be in force.
func (s *Shard) apply(setting *Setting) {
	if setting.Dropped {
		delete(s.settings, setting.ID())
	} else {
		s.settings[setting.ID()] = *setting
	}
	switch setting.Kind {
	case SettingQueue:
		q := s.queue(setting.Tenant, setting.Name)
		q.change(setting, setting.Queue)
		q.restart()
		q.respread()
		s.setPause(pauseKey{setting.Tenant, SettingQueue, setting.Name}, q.all())
		q.stir()
	case SettingWorkflow:
		w := s.workflows.at(setting.Tenant, setting.Name)
		w.change(setting, setting.Queue)
		s.setPause(pauseKey{setting.Tenant, SettingWorkflow, setting.Name}, w.all())
	case SettingLimit:
		l := s.limit(setting.Tenant, setting.Name)
		l.change(setting, setting.Limit)
		l.reorder()
		l.hasten()
	case SettingRate:
		s.setRate(setting)
	case SettingGrant:
		s.setGrant(setting)
	case SettingBatch:
		s.setBatch(setting)
	case SettingAge:
		s.queue(setting.Tenant, setting.Name).age = setting.Age
	case SettingLimitAge:
		s.limit(setting.Tenant, setting.Name).age = setting.Age
	case SettingOnce:
		s.onceRules.at(setting.Tenant, setting.Name).change(setting, setting.Once)
	}
	if setting.Dropped {
		s.forgetUnset(setting)
	}
}

// forgetUnset forgets how a thing works of which nothing is said any more, and that nothing
// goes by: names are whatever callers say.
func (s *Shard) forgetUnset(dropped *Setting) {
	key := queueKey{dropped.Tenant, dropped.Name}
	switch dropped.Kind {
	case SettingQueue, SettingAge:
		if q := s.queues[key]; q.unset() && q.age == (AgeSetting{}) && len(q.classes)+len(q.shares) == 0 {
			delete(s.queues, key)
		}
	case SettingWorkflow:
		s.workflows.forgetUnset(key)
	case SettingLimit, SettingLimitAge:
		if l := s.limits[key]; l.unset() && l.age == (AgeSetting{}) && len(l.groups) == 0 {
			delete(s.limits, key)
		}
	case SettingRate:
		if r := s.rates[key]; r.unset() && len(r.buckets) == 0 {
			delete(s.rates, key)
		}
	case SettingBatch:
		of := s.batchRules[key]
		if !slices.ContainsFunc(s.classesOf(key.tenant), func(c *class) bool { return c.batches == of }) {
			s.batchRules.forgetUnset(key)
		}
	case SettingOnce:
		s.onceRules.forgetUnset(key)
	}
}

// Setting is the row of that name, if there is one.
func (s *Shard) Setting(key SettingKey) (Setting, bool) {
	setting, there := s.settings[key]
	return setting, there
}
