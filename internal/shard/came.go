package shard

import (
	"context"
	"fmt"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// addCame gives the assignment of a task of a graph the events that it waited for.
func (r *Runtime) addCame(ctx context.Context, a *Assignment, node *core.Node) error {
	if !slices.ContainsFunc(node.Conditions, func(c core.Condition) bool { return c.Kind == core.OnEvent }) {
		return nil
	}
	_, mets, err := r.config.Store.Logs(ctx, []id.ID{a.Task})
	if err != nil {
		return fmt.Errorf("read what task %s met: %w", a.Task, err)
	}
	var ids []id.ID
	for i := range mets {
		if m := &mets[i]; m.Index == 0 && m.Event != 0 && !slices.Contains(ids, m.Event) {
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
	}
	return nil
}
