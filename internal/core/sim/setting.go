package sim

import (
	"maps"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// set changes how something works, for all keys or for one, or takes it back.
func (h *history) set() *Violation {
	if h.rateShare > 0 && h.rand.IntN(3) == 0 {
		return h.setRate()
	}
	s := core.Setting{Tenant: firstTenant + id.ID(h.rand.IntN(tenants)), Dropped: h.rand.IntN(4) == 0}
	switch draw := h.rand.IntN(8); {
	case draw < 3 && h.limitShare > 0:
		s.Kind, s.Name, s.Limit = core.SettingLimit, pick(h, slices.Concat(taskLimits, runLimits)), h.drawLimit()
		s.Key = pick(h, limitKeys)
	case draw == 3 && h.batchShare > 0:
		s.Kind, s.Name, s.Batch = core.SettingBatch, pick(h, allActions), h.drawBatchSetting()
		s.Key = pick(h, batchKeys)
	case draw == 4:
		s.Kind, s.Name, s.Once = core.SettingOnce, pick(h, onceWorkflows[1:]), h.drawOnceSetting()
		s.Key = pick(h, slices.Concat(onceKeys, quietKeys, []string{"", "", ""}))
	default:
		s.Kind, s.Name, s.Queue = core.SettingQueue, queueOf(h, pick(h, allActions)), h.drawQueue()
		if s.Key = pick(h, keys); s.Key != "" {
			s.Queue = core.QueueSetting{Weight: pick(h, []int32{1, 500, 1_000, 2_000, 3_500})}
		}
	}
	h.lastRef++
	h.asked[h.lastRef] = 1
	return h.apply(&core.Set{Ref: h.lastRef, Settings: []core.Setting{s}})
}

// declareQueue has a queue work otherwise from the beginning, now and then: what comes of
// that takes some time.
func (h *history) declareQueue() *Violation {
	if h.rand.IntN(3) > 0 {
		return nil
	}
	return h.apply(&core.Set{Settings: []core.Setting{{
		Tenant: firstTenant + id.ID(h.rand.IntN(tenants)), Kind: core.SettingQueue, Name: queueOf(h, pick(h, allActions)), Queue: h.drawQueue(),
	}}})
}

func (h *history) drawQueue() core.QueueSetting {
	return core.QueueSetting{
		ByCost: h.rand.IntN(4) == 0, AgeMS: pick(h, []int64{0, 0, 1, 100, 5_000}),
		Weight: pick(h, []int32{0, 0, 500, 2_000}), Spread: pick(h, []int32{0, 0, 1, 2}),
	}
}

func (s *store) settingKeys() []core.SettingKey {
	return slices.SortedFunc(maps.Keys(s.settings), core.SettingKey.Compare)
}

// applySettings writes the rows of settings.
func (s *store) applySettings(e *core.Effects) {
	for _, setting := range e.Settings {
		if setting.Dropped {
			delete(s.settings, setting.ID())
			continue
		}
		s.settings[setting.ID()] = setting
	}
}

// settings are what is in force, of the rows.
func (m *model) setting(kind core.SettingKind, tenant id.ID, name string) core.Setting {
	if s, ok := m.settings[core.SettingKey{Tenant: tenant, Kind: kind, Name: name}]; ok {
		return s
	}
	if s, ok := m.settings[core.SettingKey{Tenant: tenant, Kind: kind, Name: name, Declared: true}]; ok {
		return s
	}
	return core.Setting{Limit: core.LimitSetting{Max: 1}}
}

func (m *model) settingOf(kind core.SettingKind, tenant id.ID, name, key string) (core.Setting, bool) {
	if key == "" {
		return core.Setting{}, false
	}
	s, ok := m.settings[core.SettingKey{Tenant: tenant, Kind: kind, Name: name, Key: key}]
	return s, ok
}

// layers are what is set for a key, and for all.
func (m *model) layers(kind core.SettingKind, tenant id.ID, name, key string) (own, all core.Setting) {
	own, _ = m.settingOf(kind, tenant, name, key)
	return own, m.settings[core.SettingKey{Tenant: tenant, Kind: kind, Name: name}]
}

// takeSet: what is set is stored as it is, and answered.
func (m *model) takeSet(st *step, in *core.Set) *Violation {
	var rows []core.Setting // of what works otherwise from now on
	for _, s := range in.Settings {
		s = m.stamped(s)
		age, spread := m.ageOf(&s), m.setting(core.SettingQueue, s.Tenant, s.Name).Queue.Spread
		rows = append(rows, m.adopt(s)...)
		rows = append(rows, m.followAge(&s, age)...)
		switch s.Kind {
		case core.SettingQueue:
			m.forgetShares(s.Tenant, s.Name)
			m.forgetHands(spread, &s)
		case core.SettingWorkflow:
			clear(m.waits)
		case core.SettingGrant:
			m.takeGrant(st, &s)
		}
	}
	if !slices.Equal(rows, st.out.Settings) {
		return broken(settingsKept, "rows %s, want %s", show(st.out.Settings), show(rows))
	}
	if in.Ref != 0 {
		st.answers = append(st.answers, core.Answer{Ref: in.Ref, Kind: core.AnswerDone})
	}
	return nil
}

// adopt has a setting be in force, and tells its row, if it was not before.
func (m *model) adopt(s core.Setting) (rows []core.Setting) {
	if was, there := m.settings[s.ID()]; there && was != s || !there && !s.Dropped {
		rows = append(rows, s)
	}
	if s.Dropped {
		delete(m.settings, s.ID())
	} else {
		m.settings[s.ID()] = s
	}
	return rows
}
