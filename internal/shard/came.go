package shard

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// addCame gives the assignment of a task of a graph the events that it waited for, and the
// names of the times.
func (r *Runtime) addCame(ctx context.Context, a *Assignment, g *graph) error {
	sleeps := g.sleeps(a.Node)
	if len(sleeps) == 0 && !slices.ContainsFunc(g.Nodes[a.Node].Conditions, func(c core.Condition) bool { return c.Kind == core.OnEvent }) {
		return nil
	}
	_, mets, err := r.config.Store.Logs(ctx, []id.ID{a.Task})
	if err != nil {
		return fmt.Errorf("read what task %s met: %w", a.Task, err)
	}
	var ids []id.ID
	for i := range mets {
		m := &mets[i]
		switch {
		case m.Index != 0:
		case m.Event == 0 && len(a.Slept) < len(sleeps): // times pass in their order
			a.Slept = append(a.Slept, sleeps[len(a.Slept)])
		case m.Event != 0 && !slices.Contains(ids, m.Event):
			ids = append(ids, m.Event)
			a.Came = append(a.Came, CameEvent{ID: m.Event, Payload: m.Data, At: m.At})
		}
	}
	if len(ids) == 0 {
		return nil
	}
	events, err := r.config.Store.Events(ctx, ids)
	if err != nil {
		return fmt.Errorf("read what task %s met: %w", a.Task, err)
	}
	for i := range events {
		came := &a.Came[slices.Index(ids, events[i].ID)]
		came.Key, came.Scope = events[i].Key, events[i].Scope
		came.Names = g.metBy(a.Node, &events[i])
	}
	return nil
}

// sleeps are the names of the times that a node waits for, the shortest first.
func (g *graph) sleeps(node int32) []string {
	var named []ConditionName
	for _, n := range g.names {
		if n.Node == node && g.Nodes[node].Conditions[n.Place].Kind == core.OnSleep {
			named = append(named, n)
		}
	}
	slices.SortStableFunc(named, func(a, b ConditionName) int {
		conditions := g.Nodes[node].Conditions
		return cmp.Compare(conditions[a.Place].ForMS, conditions[b.Place].ForMS)
	})
	var names []string
	for _, n := range named {
		if !slices.Contains(names, n.Name) { // one may stand in several groups
			names = append(names, n.Name)
		}
	}
	return names
}

// metBy are the names of a node's conditions that an event meets.
func (g *graph) metBy(node int32, e *core.NewEvent) (names []string) {
	var filters watches
	for _, n := range g.names {
		c := &g.Nodes[n.Node].Conditions[n.Place]
		if n.Node == node && c.Kind == core.OnEvent && c.Key == e.Key && !slices.Contains(names, n.Name) && filters.fits(c.Filter, e) {
			names = append(names, n.Name)
		}
	}
	return names
}
