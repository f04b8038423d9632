package shard

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// waiters are those who wait for results, by run.
type waiters struct {
	mu sync.Mutex
	of map[id.ID][]*waiter
}

// waiter is one call of Await.
type waiter struct {
	tenant  id.ID
	left    atomic.Int64 // runs not told yet
	stop    func() bool  // ends the watch over the context, once none is left
	deliver func(Outcome)
}

func (w *waiter) tell(outcome Outcome) {
	w.deliver(outcome)
	if w.left.Add(-1) == 0 {
		w.stop()
	}
}

func newWaiters() *waiters { return &waiters{of: map[id.ID][]*waiter{}} }

func (w *waiters) add(ids []id.ID, waiting *waiter) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, run := range ids {
		w.of[run] = append(w.of[run], waiting)
	}
}

// remove ends one wait of waiting for run. It tells whether there was one: of all
// who find the outcome only one delivers it.
func (w *waiters) remove(run id.ID, waiting *waiter) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.of[run]
	at := slices.Index(list, waiting)
	if at < 0 {
		return false
	}
	if len(list) == 1 {
		delete(w.of, run)
		return true
	}
	w.of[run] = slices.Delete(slices.Clone(list), at, at+1)
	return true
}

// deliver tells the outcomes to whoever waits for them; name gives the task's of a version.
func (w *waiters) deliver(results []core.Result, name func(version id.ID) string) {
	type match struct {
		result  *core.Result
		waiting []*waiter
	}
	var found []match
	w.mu.Lock()
	if len(w.of) > 0 {
		for i := range results {
			if list := w.of[results[i].Task]; list != nil {
				found = append(found, match{&results[i], list})
				delete(w.of, results[i].Task)
			}
		}
	}
	w.mu.Unlock()
	for _, m := range found {
		for _, waiting := range m.waiting {
			outcome := outcomeFor(waiting.tenant, m.result)
			if outcome.Status != 0 {
				outcome.Task = name(m.result.Version)
			}
			waiting.tell(outcome)
		}
	}
}

// answer tells what requests were answered with, as the outcomes of the requests.
func (w *waiters) answer(replies []core.Reply) {
	for i := range replies {
		for _, waiting := range w.claim(replies[i].Event) {
			waiting.tell(replied(waiting.tenant, &replies[i]))
		}
	}
}

func replied(tenant id.ID, r *core.Reply) Outcome {
	switch {
	case r.Tenant != tenant:
		return Outcome{ID: r.Event}
	case r.Error != "":
		return Outcome{ID: r.Event, Status: core.Failed, Attempt: 1, Error: r.Error}
	}
	return Outcome{ID: r.Event, Status: core.Succeeded, Attempt: 1, Output: r.Data}
}

// any tells whether somebody waits for run.
func (w *waiters) any(run id.ID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.of[run]) > 0
}

// claim takes those who wait for run: whoever has them tells them.
func (w *waiters) claim(run id.ID) []*waiter {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.of[run]
	delete(w.of, run)
	return list
}

func outcomeFor(tenant id.ID, r *core.Result) Outcome {
	if r.Tenant != tenant {
		return Outcome{ID: r.Task}
	}
	return Outcome{ID: r.Task, Status: r.Status, Attempt: r.Attempt, Error: r.Error, Output: r.Output}
}

// Await implements Client.
func (r *Runtime) Await(ctx context.Context, tenant id.ID, ids []id.ID, deliver func(Outcome)) error {
	if len(ids) == 0 {
		return nil
	}
	waiting := &waiter{tenant: tenant, deliver: deliver}
	waiting.left.Store(int64(len(ids)))
	ids = slices.Clone(ids)
	waiting.stop = context.AfterFunc(ctx, func() {
		for _, run := range ids {
			r.waiters.remove(run, waiting)
		}
	})
	r.waiters.add(ids, waiting)
	live, err := r.Live(ctx, tenant, ids)
	if err != nil {
		return err
	}
	var elsewhere []id.ID
	for i := range live {
		if live[i].State == 0 {
			elsewhere = append(elsewhere, ids[i])
		}
	}
	if len(elsewhere) == 0 {
		return nil
	}
	return r.awaitStored(ctx, waiting, elsewhere)
}

// awaitStored tells what is known of runs that are not in memory: their outcome, or
// that there is no such run. Others are on their way, or wait in Postgres only.
func (r *Runtime) awaitStored(ctx context.Context, waiting *waiter, ids []id.ID) error {
	outcomes, err := r.ended(ctx, waiting.tenant, ids)
	if err != nil {
		return err
	}
	left := make(map[id.ID]bool, len(ids))
	for _, run := range ids {
		left[run] = true
	}
	for _, outcome := range outcomes {
		delete(left, outcome.ID)
		for r.waiters.remove(outcome.ID, waiting) {
			waiting.tell(outcome)
		}
	}
	if len(left) == 0 {
		return nil
	}
	return r.refuseUnknown(ctx, waiting, left)
}

// ended are the outcomes of those of the runs that have ended, of one task or of
// several.
func (r *Runtime) ended(ctx context.Context, tenant id.ID, ids []id.ID) ([]Outcome, error) {
	outcomes, err := r.config.Store.Outcomes(ctx, tenant, ids)
	if err != nil || len(outcomes) == len(ids) {
		return outcomes, err
	}
	runs, err := r.config.Store.RunOutcomes(ctx, tenant, ids)
	if err != nil {
		return nil, err
	}
	for i := range runs {
		outcome, err := r.outcome(ctx, &runs[i])
		if err != nil {
			return nil, err
		}
		outcomes = append(outcomes, outcome)
	}
	if len(outcomes) == len(ids) {
		return outcomes, nil
	}
	replies, err := r.config.Store.Replies(ctx, tenant, ids)
	for i := range replies {
		outcomes = append(outcomes, replied(tenant, &replies[i]))
	}
	return outcomes, err
}

// refuseUnknown tells those who wait for what is no run of theirs.
func (r *Runtime) refuseUnknown(ctx context.Context, waiting *waiter, ids map[id.ID]bool) error {
	asked := make([]id.ID, 0, len(ids))
	for run := range ids {
		asked = append(asked, run)
	}
	known, err := r.config.Store.Inputs(ctx, asked)
	if err != nil {
		return err
	}
	runs, err := r.config.Store.Runs(ctx, asked)
	if err != nil {
		return err
	}
	known = append(known, runs...)
	requests, err := r.config.Store.Requests(ctx, asked)
	if err != nil {
		return err
	}
	known = append(known, requests...)
	for i := range known {
		if known[i].Tenant == waiting.tenant {
			delete(ids, known[i].ID)
		}
	}
	for run := range ids {
		for r.waiters.remove(run, waiting) {
			waiting.tell(Outcome{ID: run})
		}
	}
	return nil
}
