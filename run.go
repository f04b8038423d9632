package adze

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/shard"
)

// Run is a run of a Task or a Workflow that was stored. It may be used from any goroutine.
type Run[Out any] struct {
	ID ID
	// Existed reports that nothing was submitted: the run was there before, as the child of
	// that [Key], or because it holds the key that was given with [Once].
	Existed bool

	task   string
	sole   string // of a Workflow of one task, which is stored as a Task: that task's name
	client *Client
	parent *attempt                      // that spawned it in this process; nil = nobody
	ended  atomic.Pointer[shard.Outcome] // kept by the first Result; it never changes
}

// Result waits for the end of the run and returns its output. It may be called any
// number of times, by many at once, and long after the run ended. A run that failed
// or was cancelled gives a *RunError, with what its tasks gave if it is a Workflow's, an ID that is no run of yours ErrNotFound.
// The end of ctx ends the waiting, not the run.
func (r *Run[Out]) Result(ctx context.Context) (out Out, err error) {
	ended := r.ended.Load()
	if ended == nil {
		awaits := r.client.awaits
		if r.parent.guest() {
			awaits = r.parent.awaiter()
		}
		waited, err := awaits.wait(ctx, id.ID(r.ID))
		if err != nil {
			return out, fmt.Errorf("await %s %s: %w", r.task, r.ID, err)
		}
		ended = &waited
		r.ended.Store(ended)
	}
	err = r.failure(ended)
	if len(ended.Output) == 0 {
		return out, err
	}
	return out, cmp.Or(err, r.decode(ended.Output, &out))
}

func (r *Run[Out]) decode(output json.RawMessage, out *Out) error {
	if r.sole != "" {
		output, _ = json.Marshal(Results{r.sole: output}) // it is JSON
	}
	if err := json.Unmarshal(output, out); err != nil {
		return fmt.Errorf("decode output of %s %s: %w", r.task, r.ID, err)
	}
	return nil
}

// Cancel is [Client.Cancel] of this run.
func (r *Run[Out]) Cancel(ctx context.Context, reason string) error {
	return r.client.Cancel(ctx, r.ID, reason)
}

// failure is the error of a run that did not succeed, else nil.
func (r *Run[Out]) failure(o *shard.Outcome) error {
	switch o.Status {
	case core.Succeeded:
		if o.Error != "" { // what it gave fits into no message
			return &Error{Kind: KindExhausted, Field: "output", Text: o.Error}
		}
		return nil
	case core.Failed, core.Cancelled:
		return &RunError{
			ID: r.ID, Task: r.task, Status: Status(o.Status.String()),
			Attempt: int(o.Attempt), Text: o.Error,
		}
	default:
		return &Error{Kind: KindNotFound, Field: "id", Text: "no run " + r.ID.String()}
	}
}
