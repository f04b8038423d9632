package adze

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/shard"
)

// updateGrace is how long the answer to a request is waited for once its run has ended:
// it was stored before the end, and may be told after it.
const updateGrace = time.Second

// Signal sends a message to a run: its durable function takes it by [WaitSignal] of that
// name, now or later. It returns once the signal is stored. A run that has ended is
// ErrConflict, one that does not exist ErrNotFound. The name is 1–255 bytes.
func (c *Client) Signal(ctx context.Context, run ID, name string, payload any) error {
	if _, err := c.address(ctx, run, name, payload); err != nil {
		return fmt.Errorf("signal %s to %s: %w", name, run, err)
	}
	return nil
}

// Signal is [Client.Signal] to this run.
func (r *Run[Out]) Signal(ctx context.Context, name string, payload any) error {
	return r.client.Signal(ctx, r.ID, name, payload)
}

// address stores an event that is addressed to a run.
func (c *Client) address(ctx context.Context, run ID, key string, payload any) (id.ID, error) {
	data, err := json.Marshal(payload)
	if err != nil {
		return 0, &Error{Kind: KindInvalid, Field: "payload", Text: err.Error(), cause: err}
	}
	if run == 0 {
		return 0, &Error{Kind: KindNotFound, Field: "id", Text: "no run " + run.String()}
	}
	answers, err := c.transport.push(ctx, []shard.NewEvent{{Key: key, Payload: data, Target: id.ID(run)}}, false)
	if err != nil {
		return 0, ofOneRun(err)
	}
	return answers[0].ID, nil
}

// UpdateError says that a durable function refused a request.
type UpdateError struct {
	Run    ID
	Update string
	Text   string // the text of the error that it gave to Reject
}

func (e *UpdateError) Error() string {
	return fmt.Sprintf("update %s of %s was rejected: %s", e.Update, e.Run, e.Text)
}

// Update sends a request to a run, and waits for the answer that its durable function
// gives by [WaitUpdate] of that name. One that it rejects is an [*UpdateError]; a run that
// ends without an answer is ErrConflict. The end of ctx ends the waiting, not the request.
func Update[In, Out any](ctx context.Context, c *Client, run ID, name string, in In) (out Out, err error) {
	request, err := c.address(ctx, run, updatePrefix+name, in)
	if err != nil {
		return out, fmt.Errorf("update %s of %s: %w", name, run, err)
	}
	answer, err := c.answer(ctx, run, request)
	switch {
	case err != nil:
		return out, fmt.Errorf("update %s of %s: %w", name, run, err)
	case answer.Status != core.Succeeded:
		return out, &UpdateError{Run: run, Update: name, Text: answer.Error}
	}
	if err := json.Unmarshal(answer.Output, &out); err != nil {
		return out, fmt.Errorf("update %s of %s: decode answer: %w", name, run, err)
	}
	return out, nil
}

// answer waits for the answer to a request, or for the end of its run without one.
func (c *Client) answer(ctx context.Context, run ID, request id.ID) (answer shard.Outcome, err error) {
	waiting, stop := context.WithCancel(ctx)
	var watch sync.WaitGroup
	defer watch.Wait()
	defer stop()
	watch.Go(func() {
		if _, err := c.awaits.wait(waiting, id.ID(run)); err == nil {
			grace := time.NewTimer(updateGrace)
			defer grace.Stop()
			select {
			case <-grace.C:
				stop()
			case <-waiting.Done():
			}
		}
	})
	answer, err = c.awaits.wait(waiting, request)
	if errors.Is(err, context.Canceled) && ctx.Err() == nil {
		err = &Error{Kind: KindConflict, Field: "run", Text: "the run ended before it answered"}
	}
	return answer, err
}

// GetValue reads what a durable function published last under a name, by [SetValue],
// without waking it. Nothing is ErrNotFound. A task of a workflow is named by the ID of
// its [TaskInfo].
func GetValue[T any](ctx context.Context, c *Client, run ID, name string) (value T, err error) {
	data, err := c.transport.value(ctx, id.ID(run), name)
	if err == nil && data == nil {
		err = &Error{Kind: KindNotFound, Field: "name", Text: "nothing was published under that name"}
	}
	if err == nil {
		err = json.Unmarshal(data, &value)
	}
	if err != nil {
		return value, fmt.Errorf("get value %s of %s: %w", name, run, err)
	}
	return value, nil
}
