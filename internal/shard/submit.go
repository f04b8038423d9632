package shard

import (
	"context"
	"fmt"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// rowBytes is what a task costs in the journal beside its payloads.
const rowBytes = 256

// Submit implements Client.
func (r *Runtime) Submit(ctx context.Context, tenant id.ID, runs []NewRun, wait Wait) ([]id.ID, error) {
	now := r.now()
	tasks := make([]core.NewTask, len(runs))
	for i := range runs {
		run := &runs[i]
		def := r.catalog.workflow(tenant, run.Workflow)
		if def == nil {
			return nil, fault.New(fault.NotFound, fmt.Sprintf("runs[%d].workflow", i), "no workflow %q; register it first (a worker does when it starts)", run.Workflow)
		}
		tasks[i] = core.NewTask{
			Tenant: tenant, Version: def.Version, RunAt: run.RunAt, Priority: run.Priority,
			Input: run.Input, Metadata: run.Metadata,
		}
		if run.DelayMS > 0 {
			tasks[i].RunAt = now + core.Time(run.DelayMS)
		}
	}
	return r.submit(ctx, tasks, wait)
}

// submit stores tasks once there is room for them, and returns their ids.
func (r *Runtime) submit(ctx context.Context, tasks []core.NewTask, wait Wait) ([]id.ID, error) {
	if len(tasks) == 0 {
		return nil, nil
	}
	bytes := int64(0)
	for i := range tasks {
		bytes += rowBytes + int64(len(tasks[i].Input)+len(tasks[i].Metadata))
	}
	if err := r.config.Submits.Reserve(ctx, bytes, bool(wait)); err != nil {
		return nil, err
	}
	ids := make([]id.ID, len(tasks))
	done := make(chan error, 1)
	err := r.send(message{
		input: &core.Submit{Tasks: tasks},
		prepare: func(now core.Time) {
			for i := range tasks {
				ids[i] = r.ids.Next(int64(now))
				tasks[i].ID = ids[i]
			}
		},
		told: func(err error) { done <- err },
		gate: r.config.Submits, bytes: bytes,
	})
	if err != nil {
		r.config.Submits.Release(bytes)
		return nil, err
	}
	return ids, r.wait(ctx, done)
}

// wait waits for what told says.
func (r *Runtime) wait(ctx context.Context, done <-chan error) error {
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-r.failed:
		select {
		case err := <-done:
			return err
		default: // it may or may not have been committed
			return r.unavailable()
		}
	}
}

// Replay implements Client.
func (r *Runtime) Replay(ctx context.Context, tenant id.ID, ids []id.ID) ([]id.ID, error) {
	stored, err := r.config.Store.Inputs(ctx, ids)
	if err != nil {
		return nil, err
	}
	outcomes, err := r.config.Store.Outcomes(ctx, tenant, ids)
	if err != nil {
		return nil, err
	}
	ended := make(map[id.ID]bool, len(outcomes))
	for i := range outcomes {
		ended[outcomes[i].ID] = true
	}
	of := make(map[id.ID]*core.NewTask, len(stored))
	for i := range stored {
		of[stored[i].ID] = &stored[i]
	}
	tasks := make([]core.NewTask, len(ids))
	for i, run := range ids {
		task := of[run]
		if task == nil || task.Tenant != tenant {
			return nil, fault.New(fault.NotFound, fmt.Sprintf("run_ids[%d]", i), "no run %s", run)
		}
		if !ended[run] {
			return nil, fault.New(fault.Conflict, fmt.Sprintf("run_ids[%d]", i), "run %s has not ended; cancel it first, or wait for its result", run)
		}
		tasks[i] = r.again(task)
	}
	return r.submit(ctx, tasks, WaitForRoom)
}

// again is task as a new run, under the current version of its workflow.
func (r *Runtime) again(task *core.NewTask) core.NewTask {
	repeat := *task
	repeat.ID, repeat.RunAt, repeat.ReplayOf = 0, 0, task.ID
	if was := r.catalog.version(task.Version); was != nil {
		repeat.Version = r.catalog.workflow(was.Tenant, was.Workflow).Version
	}
	return repeat
}
