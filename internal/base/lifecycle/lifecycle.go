// Package lifecycle runs the long-lived parts of a process. It owns their order:
// they start as they are listed and stop in reverse, so that a part may lean on
// those before it for as long as it lives. The first that ends, with an error or
// without, ends all, and Run returns only when every one has.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Runner is a part that works until ctx ends. It returns nil, or ctx's error,
// when it was told to stop, and does not return before what it started has ended.
type Runner interface {
	Run(ctx context.Context) error
}

// RunnerFunc makes a Runner of a function.
type RunnerFunc func(ctx context.Context) error

// Run calls f.
func (f RunnerFunc) Run(ctx context.Context) error { return f(ctx) }

// Part is a Runner with the name that logs and errors give it.
type Part struct {
	Name   string
	Runner Runner
}

// slowStop is how long a part may take to stop before the log says which one
// everybody is waiting for.
const slowStop = 5 * time.Second

// running is a part that has been started.
type running struct {
	Part
	stop context.CancelFunc
	done chan struct{}
	err  error // set before done is closed
}

// Run starts the parts in order and waits until ctx ends or one of them does.
// Then it stops them one at a time, last first, each with a context that is its
// own: while a part stops, those before it still work. It returns what the parts
// returned, joined; ending because of ctx is no error.
func Run(ctx context.Context, parts ...Part) error {
	if ctx.Err() != nil {
		return nil
	}
	ended := make(chan *running, len(parts))
	started := make([]*running, 0, len(parts))
	for _, part := range parts {
		started = append(started, start(ctx, part, ended))
	}
	var cause error
	select {
	case <-ctx.Done():
	case first := <-ended:
		if first.err == nil && ctx.Err() == nil {
			cause = fmt.Errorf("%s: ended by itself", first.Name)
		}
	}
	return errors.Join(cause, stopAll(started))
}

// start gives the part a context that keeps the values of ctx but not its end:
// order is Run's to keep.
func start(ctx context.Context, part Part, ended chan<- *running) *running {
	own, stop := context.WithCancel(context.WithoutCancel(ctx))
	r := &running{Part: part, stop: stop, done: make(chan struct{})}
	go func() {
		defer func() { close(r.done); ended <- r }()
		err := part.Runner.Run(own)
		if err != nil && !(own.Err() != nil && errors.Is(err, context.Canceled)) {
			r.err = fmt.Errorf("%s: %w", part.Name, err)
		}
	}()
	return r
}

func stopAll(started []*running) error {
	var errs []error
	for i := len(started) - 1; i >= 0; i-- {
		r := started[i]
		r.stop()
		r.await()
		errs = append(errs, r.err)
	}
	return errors.Join(errs...)
}

func (r *running) await() {
	slow := time.NewTimer(slowStop)
	defer slow.Stop()
	select {
	case <-r.done:
		return
	case <-slow.C:
		slog.Warn("waited long for part to stop", "part", r.Name)
	}
	<-r.done
}
