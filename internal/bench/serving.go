package bench

import (
	"context"
	"errors"

	"github.com/adzehq/adze"
)

// rigged runs a mode with a rig of its own.
func (b *bench) rigged(ctx context.Context, name string, run func(*rig) error) error {
	r, err := b.newRig(ctx, name)
	if err != nil {
		return err
	}
	return errors.Join(run(r), r.end())
}

// serving runs a worker of the tasks among options while run lasts.
func (r *rig) serving(ctx context.Context, run func(context.Context) error, options ...adze.WorkerOption) error {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		defer cancel() // without a worker run would wait for ever
		ended <- r.client.Work(ctx, options...)
	}()
	err := run(ctx)
	cancel()
	return errors.Join(err, <-ended)
}
