package shard

import (
	"context"
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
	for i := range f.Nodes {
		all = appendLimits(all, f.Nodes[i].Limits)
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
			Limit: core.LimitSetting{Max: l.Max, Strategy: strategy},
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
	answers, err := r.ask(ctx, 1, func(ref uint64) message {
		return message{input: &core.Set{Ref: ref, Settings: settings}}
	})
	if err != nil {
		return err
	}
	if answers[0].Kind == core.AnswerFull {
		return fault.New(fault.Exhausted, "", "there would be more than %d settings of queues and limits in this shard; drop some", core.SettingsMax)
	}
	return nil
}
