package server

import (
	"context"
	"errors"
	"fmt"
)

// part is something long-lived with a name for people.
type part struct {
	name string
	run  func(ctx context.Context) error
}

// running is a part that was started.
type running struct {
	part
	stop  context.CancelFunc
	ended chan struct{}
	err   error // read after ended
}

// runAll starts the parts in order and waits until ctx ends or one of them does.
// Then it stops them in reverse: each has ended before the one that it stands on is
// told to. The error is that of the part which ended first.
func runAll(ctx context.Context, parts ...part) error {
	first := make(chan *running, len(parts))
	started := make([]*running, len(parts))
	for i, p := range parts {
		started[i] = p.start(ctx, first)
	}
	var err error
	select {
	case <-ctx.Done():
	case r := <-first:
		err = r.failure(errEndedEarly)
	}
	for i := len(started) - 1; i >= 0; i-- {
		started[i].stop()
		<-started[i].ended
		if err == nil {
			err = started[i].failure(nil)
		}
	}
	return err
}

var errEndedEarly = errors.New("ended without being told to")

// start runs p apart from the end of ctx: it is stopped in its turn.
func (p part) start(ctx context.Context, first chan<- *running) *running {
	own, stop := context.WithCancel(context.WithoutCancel(ctx))
	r := &running{part: p, stop: stop, ended: make(chan struct{})}
	go func() {
		r.err = p.run(own)
		close(r.ended)
		first <- r
	}()
	return r
}

func (r *running) failure(otherwise error) error {
	err := r.err
	if err == nil || errors.Is(err, context.Canceled) {
		err = otherwise
	}
	if err == nil {
		return nil
	}
	return fmt.Errorf("run %s: %w", r.name, err)
}
