package hatchet

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/edge/hatchet/view"
	"github.com/adzehq/adze/internal/history"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// systemPrefix begins the keys of metadata that the engine gives; those of a parent are
// not its children's.
const systemPrefix = "hatchet__"

// birth is what a child is told of how its parent named it.
type birth struct {
	Key   *string `json:"key,omitempty"`
	Index *int32  `json:"index,omitempty"`
}

// birthOf is that of a run as it is asked for; nil if it is not named.
func birthOf(req *wire.TriggerWorkflowRequest) []byte {
	if req.ChildKey == nil && req.ChildIndex == nil {
		return nil
	}
	b, _ := json.Marshal(birth{req.ChildKey, req.ChildIndex}) // texts and numbers never fail
	return b
}

// tellBirth says by which key and index a child was spawned.
func tellBirth(message *wire.AssignedAction, given []byte) {
	var b birth
	_ = json.Unmarshal(given, &b) // what birthOf wrote, or nothing
	message.ChildWorkflowKey, message.ChildWorkflowIndex = b.Key, b.Index
}

// spawn starts children of the task that goes by an id. Of a task that has ended, or was
// replayed, those that it spawned before are found, and new ones are started without it.
func (s *Server) spawn(ctx context.Context, tenant id.ID, parent string, runs []shard.NewRun) ([]Triggered, error) {
	external, err := view.ParseID("parent_task_run_external_id", parent)
	if err != nil {
		return nil, err
	}
	at, err := s.runs.Locate(ctx, tenant, external)
	if err != nil {
		return nil, fault.At("parent_task_run_external_id", err)
	}
	if at.Task == 0 {
		return nil, fault.New(fault.Invalid, "parent_task_run_external_id", "is %s, which is a run of several tasks; name the task", parent)
	}
	origin, err := s.inherit(ctx, tenant, at, parent, runs)
	if err != nil {
		return nil, err
	}
	return s.startKeyed(ctx, tenant, runs, func(kept []shard.NewRun) ([]admit.Submitted, error) {
		return s.spawnAt(ctx, tenant, at, origin, kept)
	})
}

// spawnAt starts children of the task at a place.
func (s *Server) spawnAt(ctx context.Context, tenant id.ID, at view.Place, origin *view.Chain, runs []shard.NewRun) ([]admit.Submitted, error) {
	if origin != nil {
		return s.spawnAgain(ctx, tenant, at, origin, runs)
	}
	return s.spawnNew(ctx, tenant, at.Task, runs)
}

// spawnNew starts children of a task, whether it has ended or not.
func (s *Server) spawnNew(ctx context.Context, tenant, parent id.ID, runs []shard.NewRun) ([]admit.Submitted, error) {
	answers, err := s.Limits.Spawn(ctx, s.Shards, tenant, shard.Parent{Task: parent}, runs, shard.WaitForRoom)
	if fault.KindOf(err) == fault.Conflict { // it has ended
		return s.spawnLate(ctx, tenant, []id.ID{parent}, runs)
	}
	return answers, err
}

// spawnAgain starts children of a task of a replay: what an earlier one spawned is not
// started again.
func (s *Server) spawnAgain(ctx context.Context, tenant id.ID, at view.Place, chain *view.Chain, runs []shard.NewRun) ([]admit.Submitted, error) {
	there, err := s.children(ctx, tenant, chain.Earlier(at.Name))
	if err != nil {
		return nil, err
	}
	return found(there, runs, func(fresh []shard.NewRun) ([]admit.Submitted, error) {
		return s.spawnNew(ctx, tenant, at.Task, fresh)
	})
}

// spawnLate starts runs for a task that has ended: on this wire that is no error.
func (s *Server) spawnLate(ctx context.Context, tenant id.ID, parents []id.ID, runs []shard.NewRun) ([]admit.Submitted, error) {
	there, err := s.children(ctx, tenant, parents)
	if err != nil {
		return nil, err
	}
	return found(there, runs, func(fresh []shard.NewRun) ([]admit.Submitted, error) {
		for i := range fresh {
			fresh[i].Key = ""
		}
		return s.Limits.Submit(ctx, s.Shards, tenant, fresh, true, shard.WaitForRoom)
	})
}

// children are what tasks spawned, by key.
func (s *Server) children(ctx context.Context, tenant id.ID, parents []id.ID) (map[string]id.ID, error) {
	there := map[string]id.ID{}
	for _, parent := range parents {
		list, err := history.Children(ctx, s.DB, tenant, parent)
		if err != nil {
			return nil, err
		}
		for _, child := range list {
			there[child.Key] = child.Run
		}
	}
	return there, nil
}

// found answers for the runs whose keys are there, and has the others started.
func found(
	there map[string]id.ID, runs []shard.NewRun, start func([]shard.NewRun) ([]admit.Submitted, error),
) ([]admit.Submitted, error) {
	answers := make([]admit.Submitted, len(runs))
	var fresh []shard.NewRun
	var places []int
	for i := range runs {
		if run, exists := there[runs[i].Key]; exists {
			answers[i] = admit.Submitted{ID: run, Existed: true}
			continue
		}
		fresh, places = append(fresh, runs[i]), append(places, i)
	}
	if len(fresh) == 0 {
		return answers, nil
	}
	started, err := start(fresh)
	if err != nil {
		return nil, moved(err, places)
	}
	for at, i := range places {
		answers[i] = started[at]
	}
	return answers, nil
}

// inherit gives children the metadata of their parent and the keys that name it. It tells
// which runs that of the parent repeats, nil if none.
func (s *Server) inherit(ctx context.Context, tenant id.ID, at view.Place, parent string, runs []shard.NewRun) (*view.Chain, error) {
	given, err := s.Shards.Given(ctx, tenant, at.Run)
	if err != nil {
		return nil, err
	}
	chain, err := s.runs.Chain(ctx, tenant, given.ReplayOf)
	if err != nil {
		return nil, err
	}
	own := map[string]json.RawMessage{}
	if len(given.Metadata) > 0 {
		if err := json.Unmarshal(given.Metadata, &own); err != nil {
			return nil, fmt.Errorf("read metadata of run %s: %w", at.Run, err)
		}
	}
	for key := range own {
		if strings.HasPrefix(key, systemPrefix) {
			delete(own, key)
		}
	}
	own[systemPrefix+"parent_workflow_run_id"] = quoted(chain.External(at.Run).String())
	own[systemPrefix+"parent_step_run_id"] = quoted(parent)
	for i := range runs {
		if runs[i].Metadata, err = merged(own, runs[i].Metadata); err != nil {
			return nil, err
		}
	}
	return chain, nil
}

// merged is metadata with that of a parent, where it says nothing itself.
func merged(parent map[string]json.RawMessage, metadata []byte) ([]byte, error) {
	all := make(map[string]json.RawMessage, len(parent))
	for key, value := range parent {
		all[key] = value
	}
	if metadata != nil {
		if err := json.Unmarshal(metadata, &all); err != nil {
			return nil, fault.New(fault.Invalid, "additional_metadata", "is not a JSON object: %s", err)
		}
	}
	return json.Marshal(all)
}

func quoted(text string) json.RawMessage {
	b, _ := json.Marshal(text) // a string never fails
	return b
}
