package outline

import (
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// noStrategy is what a strategy becomes that does not exist.
const noStrategy core.Strategy = 255

// SettingsFromWire gives changes of settings as the shard takes them.
func SettingsFromWire(from []*wire.Setting) []shard.SettingChange {
	list := make([]shard.SettingChange, len(from))
	for i, s := range from {
		to := &list[i]
		to.Name, to.Key = s.GetName(), s.GetKey()
		switch of := s.GetOf().(type) {
		case *wire.Setting_Queue:
			to.Kind, to.Queue = core.SettingQueue, queueChange(of.Queue)
		case *wire.Setting_Workflow:
			to.Kind, to.Queue = core.SettingWorkflow, queueChange(of.Workflow)
		case *wire.Setting_Limit:
			to.Kind, to.Limit = core.SettingLimit, limitChange(of.Limit)
		case *wire.Setting_Rate:
			to.Kind = core.SettingRate
			to.Rate = &shard.RateChange{
				Limit: of.Rate.Limit, PeriodMS: of.Rate.PeriodMs, Smooth: of.Rate.Smooth, Paused: (*core.Time)(of.Rate.PausedUntilMs),
			}
		case *wire.Setting_Batch:
			b := of.Batch
			to.Kind = core.SettingBatch
			to.Batch = &shard.BatchChange{SizeMax: b.SizeMax, RunningMax: b.RunningMax, BytesMax: b.BytesMax, IntervalMS: b.IntervalMs}
		case *wire.Setting_Once:
			to.Kind, to.Once = core.SettingOnce, onceChange(of.Once)
		}
	}
	return list
}

func queueChange(q *wire.QueueSetting) *shard.QueueChange {
	return &shard.QueueChange{
		ByCost: q.ByCost, AgeMS: q.AgeMs, Weight: q.Weight, Spread: q.Spread, Paused: q.Paused, PausedTTLMS: q.PausedTtlMs,
		DropCrons: q.DropCrons, DropOnce: q.DropOnce,
	}
}

func limitChange(l *wire.LimitSetting) *shard.LimitChange {
	to := &shard.LimitChange{Max: l.Max, AgeMS: l.AgeMs}
	if name := StrategyFromWire(l.Strategy); name != "" {
		s, known := core.ParseStrategy(name)
		if !known {
			s = noStrategy
		}
		to.Strategy = &s
	}
	return to
}

func onceChange(o *wire.OnceSetting) *shard.OnceChange {
	to := &shard.OnceChange{TTLMS: o.TtlMs, MaxDelayMS: o.MaxDelayMs}
	if o.OnCollision != nil {
		to.Taken = new(takenOf(*o.OnCollision))
	}
	return to
}

func onceChangeToWire(c *shard.OnceChange) *wire.OnceSetting {
	to := &wire.OnceSetting{TtlMs: c.TTLMS, MaxDelayMs: c.MaxDelayMS}
	if c.Taken != nil {
		to.OnCollision = new(nameOf(shard.Collisions, *c.Taken))
	}
	return to
}

// ChangeToWire is the inverse of SettingsFromWire, of one that drops nothing.
func ChangeToWire(c *shard.SettingChange) *wire.Setting {
	to := &wire.Setting{Name: c.Name, Key: c.Key}
	switch {
	case c.Limit != nil:
		l := &wire.LimitSetting{Max: c.Limit.Max, AgeMs: c.Limit.AgeMS}
		if c.Limit.Strategy != nil {
			l.Strategy = strategyToWire(*c.Limit.Strategy)
		}
		to.Of = &wire.Setting_Limit{Limit: l}
	case c.Rate != nil:
		to.Of = &wire.Setting_Rate{Rate: &wire.RateSetting{
			Limit: c.Rate.Limit, PeriodMs: c.Rate.PeriodMS, Smooth: c.Rate.Smooth, PausedUntilMs: (*int64)(c.Rate.Paused),
		}}
	case c.Batch != nil:
		b := c.Batch
		to.Of = &wire.Setting_Batch{Batch: &wire.BatchSetting{SizeMax: b.SizeMax, RunningMax: b.RunningMax, BytesMax: b.BytesMax, IntervalMs: b.IntervalMS}}
	case c.Once != nil:
		to.Of = &wire.Setting_Once{Once: onceChangeToWire(c.Once)}
	case c.Queue != nil:
		q := &wire.QueueSetting{
			ByCost: c.Queue.ByCost, AgeMs: c.Queue.AgeMS, Weight: c.Queue.Weight, Spread: c.Queue.Spread,
			Paused: c.Queue.Paused, PausedTtlMs: c.Queue.PausedTTLMS,
			DropCrons: c.Queue.DropCrons, DropOnce: c.Queue.DropOnce,
		}
		if to.Of = &(wire.Setting_Queue{Queue: q}); c.Kind == core.SettingWorkflow {
			to.Of = &wire.Setting_Workflow{Workflow: q}
		}
	}
	return to
}

func strategyToWire(s core.Strategy) wire.Limit_Strategy {
	if s > core.LimitKeepOldest {
		return noPolicy
	}
	return wire.Limit_Strategy(s) + 1
}

// SettingToWire gives a setting as it stands.
func SettingToWire(s *core.Setting) *wire.Setting {
	c := shard.SettingChange{Kind: s.Kind, Name: s.Name, Key: s.Key}
	switch s.Kind {
	case core.SettingLimit:
		c.Limit = &shard.LimitChange{Max: &s.Limit.Max, Strategy: &s.Limit.Strategy, AgeMS: &s.Limit.AgeMS}
	case core.SettingRate:
		c.Rate = &shard.RateChange{Limit: &s.Rate.Limit, PeriodMS: &s.Rate.PeriodMS, Smooth: &s.Rate.Smooth, Paused: &s.Rate.PausedUntil}
	case core.SettingBatch:
		b := &s.Batch
		c.Batch = &shard.BatchChange{SizeMax: &b.SizeMax, RunningMax: &b.RunningMax, BytesMax: &b.BytesMax, IntervalMS: &b.IntervalMS}
	case core.SettingOnce:
		c.Once = &shard.OnceChange{TTLMS: &s.Once.TTLMS, MaxDelayMS: &s.Once.MaxDelayMS}
		if s.Once.Collides {
			c.Once.Taken = &s.Once.Taken
		}
	default:
		c.Queue = &shard.QueueChange{
			ByCost: &s.Queue.ByCost, AgeMS: &s.Queue.AgeMS, Weight: &s.Queue.Weight, Spread: &s.Queue.Spread,
			Paused: &s.Queue.Paused, PausedTTLMS: &s.Queue.PausedTTLMS,
			DropCrons: &s.Queue.DropCrons, DropOnce: &s.Queue.DropOnce,
		}
	}
	to := ChangeToWire(&c)
	to.Declared = s.Declared
	if s.Limit.ByRun {
		to.GetLimit().ByRun = new(true)
	}
	return to
}

// DropsFromWire gives settings that are to be taken back.
func DropsFromWire(from []*wire.SettingName) []shard.SettingChange {
	list := make([]shard.SettingChange, len(from))
	for i, s := range from {
		list[i] = shard.SettingChange{Kind: SettingKind(s.GetKind()), Name: s.GetName(), Key: s.GetKey(), Drop: true}
	}
	return list
}

// DropToWire is the inverse of DropsFromWire.
func DropToWire(c *shard.SettingChange) *wire.SettingName {
	return &wire.SettingName{Kind: wire.SettingName_Kind(c.Kind), Name: c.Name, Key: c.Key}
}

// SettingKind is the kind of that number; 0 if there is none.
func SettingKind(number wire.SettingName_Kind) core.SettingKind {
	if _, known := wire.SettingName_Kind_name[int32(number)]; !known {
		return 0
	}
	return core.SettingKind(number)
}
