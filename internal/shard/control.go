package shard

import (
	"context"
	"slices"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// Live implements Client.
func (r *Runtime) Live(ctx context.Context, tenant id.ID, ids []id.ID) ([]core.Live, error) {
	live := make([]core.Live, len(ids))
	done := make(chan struct{})
	err := r.send(message{do: func(mind *core.Shard) {
		for i, task := range ids {
			if l := mind.Live(task); l.Tenant == tenant {
				live[i] = l
			}
		}
		close(done)
	}})
	if err != nil {
		return nil, err
	}
	select {
	case <-done:
		return live, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-r.failed:
		return nil, r.unavailable()
	}
}

// ask sends an input with a Ref and waits for its answers.
func (r *Runtime) ask(ctx context.Context, n int, input func(ref uint64) core.Input) (map[id.ID]core.Answer, error) {
	ref, pending := r.answers.expect(n)
	defer r.answers.forget(ref)
	if err := r.send(message{input: input(ref)}); err != nil {
		return nil, err
	}
	select {
	case <-pending.done:
		return pending.got, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-r.failed:
		return nil, r.unavailable()
	}
}

// Cancel implements Client.
func (r *Runtime) Cancel(ctx context.Context, tenant id.ID, ids []id.ID, reason string) ([]Cancelled, error) {
	tasks := slices.Compact(slices.Sorted(slices.Values(ids)))
	if len(tasks) == 0 {
		return nil, nil
	}
	got, err := r.ask(ctx, len(tasks), func(ref uint64) core.Input {
		return &core.Cancel{Ref: ref, Tenant: tenant, Tasks: tasks, Reason: reason}
	})
	if err != nil {
		return nil, err
	}
	ended, err := r.ended(ctx, tenant, got)
	if err != nil {
		return nil, err
	}
	cancelled := make([]Cancelled, len(ids))
	for i, task := range ids {
		switch kind := got[task].Kind; {
		case kind == core.AnswerDone:
			cancelled[i] = CancelDone
		case kind == core.AnswerStarted:
			cancelled[i] = CancelStopping
		case ended[task]:
			cancelled[i] = CancelEnded
		}
	}
	return cancelled, nil
}

// ended tells which of the unknown tasks have a result.
func (r *Runtime) ended(ctx context.Context, tenant id.ID, got map[id.ID]core.Answer) (map[id.ID]bool, error) {
	var unknown []id.ID
	for task, answer := range got {
		if answer.Kind == core.AnswerUnknown {
			unknown = append(unknown, task)
		}
	}
	if len(unknown) == 0 {
		return nil, nil
	}
	outcomes, err := r.config.Store.Outcomes(ctx, tenant, unknown)
	if err != nil {
		return nil, err
	}
	ended := make(map[id.ID]bool, len(outcomes))
	for i := range outcomes {
		ended[outcomes[i].ID] = true
	}
	return ended, nil
}

// Refresh implements Client.
func (r *Runtime) Refresh(ctx context.Context, tenant, task id.ID, token core.Token, byMS int64) (core.Time, error) {
	got, err := r.ask(ctx, 1, func(ref uint64) core.Input {
		return &core.Refresh{Ref: ref, Tenant: tenant, Task: task, Token: token, ByMS: byMS}
	})
	if err != nil {
		return 0, err
	}
	if got[task].Kind != core.AnswerDone {
		return 0, fault.New(fault.Conflict, "token", "this attempt is not the current one of task %s, or is being stopped", task)
	}
	return got[task].Deadline, nil
}
