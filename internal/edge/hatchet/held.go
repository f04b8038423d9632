package hatchet

import (
	"context"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/record/moment"
	"github.com/adzehq/adze/internal/shard"
)

// Hold is an attempt that a worker has.
type Hold struct {
	Task, Run id.ID // on this wire
	Action    string
	Started   core.Time // 0: the worker has not said so
	Deadline  core.Time // 0 = none
}

// Holds are the attempts of a worker, in the order of their assignment. Those of a worker
// of the native wire go by their own ids, be they of replays or not.
func (s *Server) Holds(ctx context.Context, tenant, number id.ID) ([]Hold, error) {
	held, err := s.Shards.Held(ctx, tenant, number)
	if err != nil || len(held) == 0 {
		return nil, err
	}
	live := map[id.ID]core.Live{}
	for owner, tasks := range byOwner(held) {
		found, err := s.Shards.Live(ctx, owner, tasks)
		if err != nil {
			return nil, err
		}
		for i, task := range tasks {
			live[task] = found[i]
		}
	}
	w := s.roster.find(tenant, number)
	holds := make([]Hold, len(held))
	for i := range held {
		h := &held[i]
		holds[i] = Hold{Task: h.Task, Run: h.Run, Action: h.Action, Deadline: h.Deadline}
		if h.Run == 0 {
			holds[i].Run = h.Task
		}
		if now := live[h.Task]; now.Token == h.Token {
			holds[i].Started = now.Started
		}
		if w == nil {
			continue
		}
		if a := w.attempt(h.Token); a != nil {
			holds[i].Task, holds[i].Run = a.external, a.run
		}
	}
	return holds, nil
}

// byOwner are the tasks of attempts by whose they are.
func byOwner(held []shard.Held) map[id.ID][]id.ID {
	tasks := map[id.ID][]id.ID{}
	for i := range held {
		tasks[held[i].Owner] = append(tasks[held[i].Owner], held[i].Task)
	}
	return tasks
}

// recallReleased notes which attempts have given their slots back since before this engine
// owned the shard: the core has forgotten it, and these SDKs do not say.
func (s *Server) recallReleased(ctx context.Context, held []shard.Held) error {
	of := make(map[core.Token]*shard.Held, len(held))
	for i := range held {
		of[held[i].Token] = &held[i]
	}
	for owner, tasks := range byOwner(held) {
		moments, err := moment.Of(ctx, s.DB, owner, tasks...)
		if err != nil {
			return err
		}
		for i := range moments {
			if h := of[moments[i].Token]; h != nil && moments[i].Kind == core.MomentReleased {
				h.Released = true
			}
		}
	}
	return nil
}
