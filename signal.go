package adze

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/adzehq/adze/internal/core"
)

// updatePrefix tells updates from signals of the same name.
const updatePrefix = "update:"

// OnSignal is met by a signal to this run, see [WaitSignal].
func OnSignal[T any](name string) *EventWait[T] {
	return &EventWait[T]{wanted: wanted{key: name, signal: true}}
}

// WaitSignal lets a durable function wait for a signal: a message that is addressed to its
// run, by [Run.Signal]. Those of a name come in the order they were sent, each once; none
// is missed that was sent since the run was submitted.
func WaitSignal[T any](ctx context.Context, name string) (T, error) {
	s := OnSignal[T](name)
	_, err := Any(ctx, s)
	return s.payload, err
}

// OnUpdate is met by a request to this run, see [WaitUpdate].
func OnUpdate[In, Out any](name string) *UpdateRequest[In, Out] {
	return &UpdateRequest[In, Out]{
		EventWait: EventWait[In]{wanted: wanted{key: updatePrefix + name, signal: true}}, update: name,
	}
}

// WaitUpdate lets a durable function wait for a request: a signal whose sender waits for
// the answer, by [Update]. Answer it by its Reply or Reject.
func WaitUpdate[In, Out any](ctx context.Context, name string) (*UpdateRequest[In, Out], error) {
	u := OnUpdate[In, Out](name)
	if _, err := Any(ctx, u); err != nil {
		return nil, err
	}
	return u, nil
}

// UpdateRequest is the [Condition] that a request has come, and the request.
type UpdateRequest[In, Out any] struct {
	EventWait[In]
	update string
}

func (u *UpdateRequest[In, Out]) terms() []term { return []term{&u.EventWait} }

// Input is what is asked.
func (u *UpdateRequest[In, Out]) Input() In { return u.payload }

// Reply answers the request. The first answer counts.
func (u *UpdateRequest[In, Out]) Reply(ctx context.Context, out Out) error {
	data, err := json.Marshal(out)
	if err != nil {
		return NonRetryable(fmt.Errorf("reply to %s: encode output: %w", u.update, err))
	}
	return u.answer(ctx, core.NewEntry{Data: data})
}

// Reject refuses the request: who asked gets an [*UpdateError] with the text of err.
func (u *UpdateRequest[In, Out]) Reject(ctx context.Context, err error) error {
	return u.answer(ctx, core.NewEntry{Error: err.Error()})
}

func (u *UpdateRequest[In, Out]) answer(ctx context.Context, e core.NewEntry) error {
	if !u.met {
		return &Error{Kind: KindInvalid, Field: "request", Text: "has not come; wait for it first"}
	}
	e.Kind, e.Name, e.Event = core.EntryAnswer, u.update, u.id
	return recordOnce(ctx, e)
}

// SetValue publishes a value of a durable function under a name, for others to read with
// [GetValue]: how far it has come, or what it found. The last one of a name counts. The
// name is 1–255 bytes.
func SetValue(ctx context.Context, name string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return NonRetryable(fmt.Errorf("set value %s: encode: %w", name, err))
	}
	return recordOnce(ctx, core.NewEntry{Kind: core.EntryValue, Name: name, Data: data})
}

// recordOnce adds an entry to the log, unless it is there.
func recordOnce(ctx context.Context, e core.NewEntry) error {
	l, done, err := begin(ctx)
	if err != nil {
		return fmt.Errorf("%s %s: %w", e.Kind, e.Name, err)
	}
	defer done()
	recorded, err := l.next(e.Kind, e.Name)
	if recorded == nil && err == nil {
		_, err = l.record(entry{NewEntry: e})
	}
	return err
}
