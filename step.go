package adze

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/adzehq/adze/internal/core"
)

// Step runs function once for a durable function, and records what it returned: when the
// durable function is called again, Step returns that without running function a second
// time. It is the way to the world outside. A worker that dies within function, or before
// what it returned is stored, has it run again.
//
// An error is tried again as [StepRetries] says. One that is left makes a [*StepError]. A
// durable function that returns it fails its attempt, and the next attempt runs the step
// again; one that goes on without the step has that recorded, with its next call.
//
// The name is 1–255 bytes, and need not be unique: a step in a loop has the same one each
// time. What function returns is written and read as JSON.
func Step[Out any](ctx context.Context, name string, function func(ctx context.Context) (Out, error), options ...StepOption) (out Out, err error) {
	l, done, err := begin(ctx)
	if err != nil {
		return out, fmt.Errorf("step %s: %w", name, err)
	}
	defer done()
	data, err := l.step(ctx, name, func(ctx context.Context) ([]byte, error) {
		out, err := function(ctx)
		if err != nil {
			return nil, err
		}
		data, err := json.Marshal(out)
		if err != nil {
			return nil, NonRetryable(fmt.Errorf("encode output: %w", err))
		}
		return data, nil
	}, options)
	if err != nil {
		return out, err
	}
	// What is returned comes from the JSON the first time too: it is the same each time.
	if err := json.Unmarshal(data, &out); err != nil {
		return out, NonRetryable(fmt.Errorf("step %s: decode output: %w", name, err))
	}
	return out, nil
}

// Do is [Step] for a function that returns nothing but an error.
func Do(ctx context.Context, name string, function func(ctx context.Context) error, options ...StepOption) error {
	_, err := Step(ctx, name, func(ctx context.Context) (any, error) { return nil, function(ctx) }, options...)
	return err
}

// StepOption is an option of [Step] and [Do].
type StepOption func(*stepPolicy)

type stepPolicy struct {
	retries int
	initial time.Duration
	factor  float64
	longest time.Duration
	timeout time.Duration // of one try; 0 = none
}

// StepRetries is how many failed tries of a step are followed by another one, in its
// place; 0 if it is not given. The pauses between them are those of [StepBackoff].
func StepRetries(n int) StepOption { return func(s *stepPolicy) { s.retries = n } }

// StepBackoff is the pause before a step is tried again: initial × factor^(n-1) before the
// n-th time, at most longest, less up to half of it by jitter. If it is not given: 1 s, 2,
// 60 s.
func StepBackoff(initial time.Duration, factor float64, longest time.Duration) StepOption {
	return func(s *stepPolicy) { s.initial, s.factor, s.longest = initial, factor, longest }
}

// StepTimeout is how long one try of a step may take before its context ends; no limit if
// it is not given.
func StepTimeout(d time.Duration) StepOption { return func(s *stepPolicy) { s.timeout = d } }

// step gives what the step recorded, or runs it.
func (l *logbook) step(ctx context.Context, name string, function func(context.Context) ([]byte, error), options []StepOption) ([]byte, error) {
	recorded, err := l.next(core.EntryStep, name)
	if err != nil {
		return nil, err
	}
	if recorded != nil {
		if recorded.Error != "" {
			return nil, stepError(name, recorded.Error, string(recorded.Data) == finalMark)
		}
		return recorded.Data, nil
	}
	policy := stepPolicy{initial: time.Second, factor: 2, longest: time.Minute}
	for _, o := range options {
		o(&policy)
	}
	place := l.size + int32(len(l.pending)) + 1
	data, err := policy.run(ctx, l.attempt, func(ctx context.Context) ([]byte, error) {
		if fail := l.attempt.worker.hooks.Step; fail != nil {
			if err := fail(name); err != nil {
				return nil, err
			}
		}
		return function(withBrood(ctx, fmt.Sprintf("%d/", place)))
	})
	if stop := l.stopped(); stop != nil {
		return nil, stop
	}
	if err != nil {
		return nil, l.failed(name, err)
	}
	_, err = l.record(entry{NewEntry: core.NewEntry{Kind: core.EntryStep, Name: name, Data: data}})
	return data, err
}

// recall gives the value that was recorded under a name; at first it is the one given,
// which is recorded with the next entry.
func recall[T any](ctx context.Context, name string, first T) (value T, err error) {
	l, done, err := begin(ctx)
	if err != nil {
		return value, err
	}
	defer done()
	recorded, err := l.next(core.EntryStep, name)
	if err != nil {
		return value, err
	}
	if recorded != nil {
		err = json.Unmarshal(recorded.Data, &value)
		return value, err
	}
	data, err := json.Marshal(first)
	l.pending = append(l.pending, core.NewEntry{Kind: core.EntryStep, Name: name, Data: data})
	return first, err
}

// finalMark is the data of a failed step that is not to be tried again.
const finalMark = `"non_retryable"`

// failed has the failure of a step recorded if the function goes on past it.
func (l *logbook) failed(name string, err error) error {
	var final *nonRetryable
	e := core.NewEntry{Kind: core.EntryStep, Name: name, Error: err.Error()}
	if errors.As(err, &final) {
		e.Data = core.Payload(finalMark)
	}
	if e.Error == "" {
		e.Error = "failed without saying why"
	}
	l.pending = append(l.pending, e)
	return stepError(name, e.Error, final != nil)
}

func stepError(name, text string, final bool) error {
	err := &StepError{Step: name, Text: text}
	if final {
		return NonRetryable(err)
	}
	return err
}

// run tries function until it succeeds, its retries are used up, or the attempt ends.
func (s *stepPolicy) run(ctx context.Context, a *attempt, function func(context.Context) ([]byte, error)) ([]byte, error) {
	for n := 0; ; n++ {
		data, err := s.try(ctx, function)
		var final *nonRetryable
		if err == nil || n >= s.retries || errors.As(err, &final) || a.ctx.Err() != nil {
			return data, err
		}
		if !s.pause(ctx, n) {
			return nil, err
		}
	}
}

func (s *stepPolicy) try(ctx context.Context, function func(context.Context) ([]byte, error)) ([]byte, error) {
	if s.timeout <= 0 {
		return function(ctx)
	}
	ctx, stop := context.WithTimeoutCause(ctx, s.timeout, ErrTimedOut)
	defer stop()
	return function(ctx)
}

// pause waits before the retry after try n, and tells whether ctx goes on.
func (s *stepPolicy) pause(ctx context.Context, n int) bool {
	d := time.Duration(min(float64(s.initial)*math.Pow(max(s.factor, 1), float64(n)), float64(s.longest)))
	if d > 0 {
		d -= rand.N(d/2 + 1)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
