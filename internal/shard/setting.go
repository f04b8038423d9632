package shard

import (
	"context"
	"fmt"
	"slices"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// declared are the settings that come with w.
func (w *Workflow) declared(f *Flow) (all []core.Setting) {
	for i := range w.Queues {
		q := &w.Queues[i]
		all = append(all, core.Setting{
			Kind: core.SettingQueue, Name: q.Name, Declared: true,
			Queue: core.QueueSetting{ByCost: q.ByCost, AgeMS: q.AgeMS},
		})
	}
	all = appendLimits(all, f.Run.Limits)
	all = appendRates(all, f.Run.Rates)
	for i := range f.Nodes {
		all = appendLimits(all, f.Nodes[i].Limits)
		all = appendRates(all, f.Nodes[i].Rates)
	}
	return all
}

func appendLimits(all []core.Setting, limits []Limit) []core.Setting {
	for i := range limits {
		l := &limits[i]
		if l.Max == 0 { // others say how it works
			continue
		}
		strategy, _ := core.ParseStrategy(l.Strategy) // edge/admit has checked it
		all = append(all, core.Setting{
			Kind: core.SettingLimit, Name: l.Name, Declared: true,
			Limit: core.LimitSetting{Max: l.Max, ByRun: l.MaxExpression != "", Strategy: strategy, AgeMS: l.AgeMS},
		})
	}
	return all
}

// declare has the core know what definitions declare, and forget what a workflow no longer
// declares of its queues. What was declared of limits stays: runs may wait for places.
func (r *Runtime) declare(ctx context.Context, tenant id.ID, definitions []Definition) error {
	var settings []core.Setting
	for i := range definitions {
		if said := definitions[i].Flow; said != nil {
			settings = append(settings, said.Declared...)
		}
	}
	settings = append(settings, r.catalog.undeclared(tenant, definitions, settings)...)
	if len(settings) == 0 {
		return nil
	}
	for i := range settings {
		settings[i].Tenant = tenant
	}
	return r.set(ctx, settings)
}

// undeclared drops what the versions before declared of queues, unless it is still
// declared, by these definitions or by another workflow.
func (c *catalog) undeclared(tenant id.ID, definitions []Definition, still []core.Setting) (drops []core.Setting) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	declares := func(list []core.Setting, name string) bool {
		return slices.ContainsFunc(list, func(s core.Setting) bool { return s.Kind == core.SettingQueue && s.Name == name })
	}
	for i := range definitions {
		was := c.current[workflowKey{tenant, definitions[i].Name}]
		if was == nil || was.rules == nil {
			continue
		}
		for _, s := range was.rules.declared {
			if s.Kind == core.SettingQueue && !declares(still, s.Name) && !c.declaredElsewhere(was, s.Name, declares) {
				drops = append(drops, core.Setting{Kind: s.Kind, Name: s.Name, Declared: true, Dropped: true})
			}
		}
	}
	return drops
}

// declaredElsewhere tells whether another workflow of the tenant declares a queue. Called
// with mu held.
func (c *catalog) declaredElsewhere(v *version, queue string, declares func([]core.Setting, string) bool) bool {
	for _, other := range c.current {
		if other != v && other.Tenant == v.Tenant && other.rules != nil && declares(other.rules.declared, queue) {
			return true
		}
	}
	return false
}

// set has settings stored, all or none.
func (r *Runtime) set(ctx context.Context, settings []core.Setting) error {
	return r.setAs(ctx, func(*core.Shard) []core.Setting { return settings })
}

// setAs is set of what wanted makes of those in force.
func (r *Runtime) setAs(ctx context.Context, wanted func(*core.Shard) []core.Setting) error {
	answers, err := r.ask(ctx, 1, func(ref uint64) message {
		in := &core.Set{Ref: ref}
		return message{input: in, do: func(mind *core.Shard) { in.Settings = wanted(mind) }}
	})
	if err != nil {
		return err
	}
	if answers[0].Kind == core.AnswerFull {
		return fault.New(fault.Exhausted, "", "there would be more than %d settings of queues and limits in this shard, or more than %d tenants that share one's workers, or than %d whose workers one shares; drop some", core.SettingsMax, core.CrewTenantsMax, core.HomesMax)
	}
	return nil
}

// SettingChange is what is to be different about a thing, or a key of it. One of Queue,
// Limit, Rate, Grant, Batch and Once is set, as the kind says, unless it is dropped.
type SettingChange struct {
	Kind  core.SettingKind
	Name  string
	Key   string // for this key only; "" = for all
	Drop  bool   // what was set is taken back
	Queue *QueueChange
	Limit *LimitChange
	Rate  *RateChange
	Grant *core.GrantSetting
	Batch *BatchChange
	Once  *OnceChange
}

// QueueChange is what is to be different about a queue; nil = as it is.
type QueueChange struct {
	ByCost      *bool
	AgeMS       *int64
	Weight      *int32
	Spread      *int32
	Paused      *bool
	PausedTTLMS *int64
	DropCrons   *bool // of a workflow, as core.QueueSetting has them
	DropOnce    *bool
}

// LimitChange is what is to be different about a limit; nil = as it is.
type LimitChange struct {
	Max      *int32
	Strategy *core.Strategy
	AgeMS    *int64
}

// RateChange is what is to be different about a rate limit; nil = as it is.
type RateChange struct {
	Limit    *int32
	PeriodMS *int64
	Smooth   *bool
	Paused   *core.Time // until then; it only ever prolongs a pause, but 0, which ends it
}

// BatchChange is what is to be different about the batches of an action; nil = as it is, 0 =
// as is declared.
type BatchChange struct {
	SizeMax    *int32
	RunningMax *int32
	BytesMax   *int64
	IntervalMS *int64
}

// OnceChange is what is to be different about the keys that a workflow declares; nil = as it
// is, 0 = as is declared.
type OnceChange struct {
	TTLMS      *int64
	MaxDelayMS *int64
	Taken      *core.OnceTaken
}

// PutSettings implements Client. Changes are made to what is in force in the loop: two at
// the same time lose nothing of each other.
func (r *Runtime) PutSettings(ctx context.Context, tenant id.ID, changes []SettingChange) error {
	var refused error
	err := r.setAs(ctx, func(mind *core.Shard) []core.Setting {
		settings := make([]core.Setting, len(changes))
		for i := range changes {
			settings[i] = changes[i].on(mind, tenant)
			if refused = fault.At(fmt.Sprintf("settings[%d].limit", i), agesByPriority(&settings[i])); refused != nil {
				return nil
			}
		}
		return settings
	})
	if err != nil { // the loop may not have come to it
		return err
	}
	return refused
}

// agesByPriority refuses an ageing of a limit that would count for nothing.
func agesByPriority(s *core.Setting) error {
	if s.Dropped || s.Limit.AgeMS == 0 || s.Limit.Strategy == core.LimitQueue {
		return nil
	}
	return fault.New(fault.Invalid, "age_ms", "would be %d with strategy %s, where priority does not count; give age_ms 0 with it, or strategy queue", s.Limit.AgeMS, s.Limit.Strategy)
}

// on is the setting that c makes of the one in force.
func (c *SettingChange) on(mind *core.Shard, tenant id.ID) core.Setting {
	key := core.SettingKey{Tenant: tenant, Kind: c.Kind, Name: c.Name, Key: c.Key}
	setting := core.Setting{Tenant: tenant, Kind: c.Kind, Name: c.Name, Key: c.Key, Limit: core.LimitSetting{Max: 1}}
	if c.Kind != core.SettingLimit {
		setting.Limit = core.LimitSetting{}
	}
	key.Declared = true
	if was, there := mind.Setting(key); there {
		setting.Queue, setting.Limit, setting.Rate = was.Queue, was.Limit, was.Rate
	}
	if c.Kind == core.SettingRate && c.Key != "" { // a key that is only paused has as many units as others
		setting.Rate.Limit = limitOfAll(mind, key)
	}
	key.Declared = false
	if was, there := mind.Setting(key); there {
		setting = was
	}
	if setting.Dropped = c.Drop; c.Drop {
		return setting
	}
	c.Queue.apply(&setting.Queue)
	c.Limit.apply(&setting.Limit)
	c.Rate.apply(&setting.Rate)
	c.Batch.apply(&setting.Batch)
	c.Once.apply(&setting.Once)
	change(&setting.Grant, c.Grant)
	return setting
}

// limitOfAll is how many units each key of a rate limit has of which nothing else was set.
func limitOfAll(mind *core.Shard, of core.SettingKey) int32 {
	of.Key = ""
	for _, of.Declared = range []bool{false, true} {
		if all, there := mind.Setting(of); there {
			return all.Rate.Limit
		}
	}
	return 0
}

func (c *QueueChange) apply(to *core.QueueSetting) {
	if c == nil {
		return
	}
	change(&to.ByCost, c.ByCost)
	change(&to.AgeMS, c.AgeMS)
	change(&to.Weight, c.Weight)
	change(&to.Spread, c.Spread)
	change(&to.Paused, c.Paused)
	change(&to.PausedTTLMS, c.PausedTTLMS)
	change(&to.DropCrons, c.DropCrons)
	change(&to.DropOnce, c.DropOnce)
}

func (c *LimitChange) apply(to *core.LimitSetting) {
	if c == nil {
		return
	}
	change(&to.Max, c.Max)
	change(&to.Strategy, c.Strategy)
	change(&to.AgeMS, c.AgeMS)
	to.ByRun = to.ByRun && c.Max == nil
}

func (c *RateChange) apply(to *core.RateSetting) {
	if c == nil {
		return
	}
	change(&to.Limit, c.Limit)
	change(&to.PeriodMS, c.PeriodMS)
	change(&to.Smooth, c.Smooth)
	if c.Paused != nil && (*c.Paused == 0 || *c.Paused > to.PausedUntil) {
		to.PausedUntil = *c.Paused
	}
}

func (c *BatchChange) apply(to *core.BatchSetting) {
	if c == nil {
		return
	}
	change(&to.SizeMax, c.SizeMax)
	change(&to.RunningMax, c.RunningMax)
	change(&to.BytesMax, c.BytesMax)
	change(&to.IntervalMS, c.IntervalMS)
}

func (c *OnceChange) apply(to *core.OnceSetting) {
	if c == nil {
		return
	}
	change(&to.TTLMS, c.TTLMS)
	change(&to.MaxDelayMS, c.MaxDelayMS)
	if c.Taken != nil {
		to.Taken, to.Collides = *c.Taken, true
	}
}

// change gives v another value, unless there is none.
func change[T any](v, to *T) {
	if to != nil {
		*v = *to
	}
}
