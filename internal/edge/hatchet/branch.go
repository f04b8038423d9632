package hatchet

import (
	"context"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/edge/hatchet/ledger"
	"github.com/adzehq/adze/internal/edge/hatchet/view"
	"github.com/adzehq/adze/internal/record/durable"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// RestoreEvictedTask implements the Dispatcher.
func (s *Server) RestoreEvictedTask(ctx context.Context, req *wire.RestoreEvictedTaskRequest) (*wire.RestoreEvictedTaskResponse, error) {
	requeued, err := s.Restore(ctx, req.TaskRunExternalId)
	if err != nil {
		return nil, s.Status(err)
	}
	return &wire.RestoreEvictedTaskResponse{Requeued: requeued}, nil
}

// Restore has a task of the caller's tenant go on that was evicted, and tells whether it
// was: one that runs is left alone.
func (s *Server) Restore(ctx context.Context, task string) (requeued bool, err error) {
	tenant := auth.Tenant(ctx)
	at, err := s.located(ctx, tenant, task)
	if err != nil {
		return false, err
	}
	woken, err := s.Shards.Wake(ctx, tenant, []id.ID{at.Task})
	return err == nil && woken[0] == shard.WakeDone, err
}

// located finds a task by its id on the wire.
func (s *Server) located(ctx context.Context, tenant id.ID, task string) (view.Place, error) {
	external, err := view.ParseID("task_external_id", task)
	if err != nil {
		return view.Place{}, err
	}
	at, err := s.runs.Locate(ctx, tenant, external)
	if err == nil && at.Task == 0 {
		err = fault.New(fault.Invalid, "task_external_id", "is %s, which is a run of several tasks; name the task", task)
	}
	return at, fault.At("task_external_id", err)
}

// BranchDurableTask implements the AdminService.
func (s *Server) BranchDurableTask(ctx context.Context, req *wire.BranchDurableTaskRequest) (*wire.BranchDurableTaskResponse, error) {
	branch, err := s.Branch(ctx, req.TaskExternalId, ledger.Place{Branch: req.BranchId, Node: req.NodeId})
	if err != nil {
		return nil, s.Status(err)
	}
	return &wire.BranchDurableTaskResponse{TaskExternalId: req.TaskExternalId, NodeId: req.NodeId, BranchId: branch}, nil
}

// Branch replays a durable task of the caller's tenant on a new branch, which begins at a
// node of another one: what is before is kept. The task is cancelled if it is open.
func (s *Server) Branch(ctx context.Context, task string, from ledger.Place) (int64, error) {
	tenant := auth.Tenant(ctx)
	for range replayTriesMax {
		if branch, err := s.tryBranch(ctx, tenant, task, from); err != nil || branch != 0 {
			return branch, err
		}
	}
	return 0, fault.New(fault.Conflict, "task_external_id", "task %s is being replayed by others; try again", task)
}

// tryBranch gives no branch if somebody replays the task meanwhile.
func (s *Server) tryBranch(ctx context.Context, tenant id.ID, task string, from ledger.Place) (int64, error) {
	at, err := s.located(ctx, tenant, task)
	if err != nil {
		return 0, err
	}
	wanted, err := s.branchable(ctx, tenant, at, task)
	if err != nil {
		return 0, err
	}
	if err := s.endOne(ctx, tenant, at.Run); err != nil {
		return 0, err
	}
	log, err := durable.Log(ctx, s.DB, at.Task)
	if err != nil {
		return 0, err
	}
	branch, entry, err := ledger.Open(log, nil).Fork(from)
	if err != nil {
		return 0, fault.New(fault.Invalid, "node_id", "%s", err)
	}
	wanted.More = []core.Entry{entry}
	made, err := s.Shards.Repeat(ctx, tenant, []shard.Repeat{wanted})
	if err != nil || made[0] == 0 {
		return 0, err
	}
	return branch, nil
}

// branchable is the replay of a durable task that a branch is.
func (s *Server) branchable(ctx context.Context, tenant id.ID, at view.Place, task string) (shard.Repeat, error) {
	run, err := s.runs.At(ctx, tenant, at, false)
	if err != nil {
		return shard.Repeat{}, err
	}
	wanted, node := shard.Repeat{Run: at.Run, Log: true}, 0
	if run.Graph {
		wanted = shard.Repeat{Run: at.Run, Tasks: []id.ID{at.Task}}
		node = int(at.Task - at.Run - 1)
	}
	if !run.Version.Tasks[node].Durable {
		return shard.Repeat{}, fault.New(fault.Invalid, "task_external_id", "is %s, which is no durable task; replay it", task)
	}
	return wanted, nil
}

// endOne cancels a run if it is open, and waits for its end.
func (s *Server) endOne(ctx context.Context, tenant, run id.ID) error {
	if _, err := s.Shards.Cancel(ctx, tenant, []id.ID{run}, "replayed", false); err != nil {
		return err
	}
	ended := make(chan struct{})
	ctx, done := context.WithCancel(ctx)
	defer done()
	if err := s.Shards.Await(ctx, tenant, []id.ID{run}, func(shard.Outcome) { close(ended) }); err != nil {
		return err
	}
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
