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

// ask sends an input with a Ref and waits for its n answers.
func (r *Runtime) ask(ctx context.Context, n int, question func(ref uint64) message) ([]core.Answer, error) {
	ref, pending := r.answers.expect(n)
	defer r.answers.forget(ref)
	if err := r.send(question(ref)); err != nil {
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
func (r *Runtime) Cancel(ctx context.Context, tenant id.ID, ids []id.ID, reason string, tree bool) ([]Cancelled, error) {
	tasks := slices.Compact(slices.Sorted(slices.Values(ids)))
	if len(tasks) == 0 {
		return nil, nil
	}
	answers, err := r.ask(ctx, len(tasks), func(ref uint64) message {
		return message{input: &core.Cancel{Ref: ref, Tenant: tenant, Tasks: tasks, Reason: reason, Tree: tree}}
	})
	if err != nil {
		return nil, err
	}
	got := make(map[id.ID]core.Answer, len(answers))
	for _, answer := range answers {
		got[answer.Task] = answer
	}
	ended, err := r.hasEnded(ctx, tenant, unknown(got))
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

// unknown are the tasks that the core does not know.
func unknown(got map[id.ID]core.Answer) (ids []id.ID) {
	for task, answer := range got {
		if answer.Kind == core.AnswerUnknown {
			ids = append(ids, task)
		}
	}
	return ids
}

// hasEnded tells which runs, of one task or of several, have a result.
func (r *Runtime) hasEnded(ctx context.Context, tenant id.ID, ids []id.ID) (map[id.ID]bool, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	outcomes, err := r.config.Store.Outcomes(ctx, tenant, ids)
	if err != nil {
		return nil, err
	}
	runs, err := r.config.Store.RunOutcomes(ctx, tenant, ids)
	if err != nil {
		return nil, err
	}
	ended := make(map[id.ID]bool, len(outcomes)+len(runs))
	for i := range outcomes {
		ended[outcomes[i].ID] = true
	}
	for i := range runs {
		ended[runs[i].Run] = true
	}
	return ended, nil
}

// Refresh implements Client.
func (r *Runtime) Refresh(ctx context.Context, tenant id.ID, order core.Refresh) (core.Time, error) {
	got, err := r.ask(ctx, 1, func(ref uint64) message {
		order.Ref, order.Tenant = ref, tenant
		return message{input: &order}
	})
	if err != nil {
		return 0, err
	}
	return got[0].Deadline, stale(&got[0])
}

// Release implements Client.
func (r *Runtime) Release(ctx context.Context, tenant, task id.ID, token core.Token) error {
	got, err := r.ask(ctx, 1, func(ref uint64) message {
		return message{input: &core.Release{Ref: ref, Tenant: tenant, Task: task, Token: token}}
	})
	if err != nil {
		return err
	}
	return stale(&got[0])
}

// stale is the fault of an order for an attempt that is not the current one; nil if it was
// carried out.
func stale(a *core.Answer) error {
	if a.Kind == core.AnswerDone {
		return nil
	}
	return fault.New(fault.Conflict, "token", "this attempt is not the current one of task %s, or is being stopped", a.Task)
}
