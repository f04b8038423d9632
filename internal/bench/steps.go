package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/adzehq/adze"
)

const (
	// stepsOne is how many steps the one durable task of the first part takes.
	stepsOne = 1_000
	// stepTasks of stepsEach steps run at once in the second part.
	stepTasks = 64
	stepsEach = 100
)

// steps measures the steps of durable tasks: of one in a loop, where each step is a
// commit, then of many tasks at once, which share their commits.
func (b *bench) steps(ctx context.Context) error {
	task := adze.NewDurable("bench.steps", func(ctx context.Context, n int) (sum int, err error) {
		for i := range n {
			got, err := adze.Step(ctx, "add", func(context.Context) (int, error) { return i, nil })
			if err != nil {
				return 0, err
			}
			sum += got
		}
		return sum, nil
	})
	return b.rigged(ctx, "steps", func(r *rig) error {
		return r.serving(ctx, func(ctx context.Context) error {
			if _, err := task.Call(ctx, r.client, 1); err != nil { // warm
				return err
			}
			if err := b.stepLoad(ctx, r, task, "steps", 1, b.size(stepsOne, stepsOne/4)); err != nil {
				return err
			}
			return b.stepLoad(ctx, r, task, "steps-many", stepTasks, stepsEach)
		}, adze.Slots(workerSlots), task)
	})
}

// stepLoad has tasks of n steps each run at once.
func (b *bench) stepLoad(ctx context.Context, r *rig, task *adze.Task[int, int], name string, tasks, n int) error {
	before, err := r.meter.read(ctx)
	if err != nil {
		return err
	}
	if _, err := many(tasks, func() (int, error) {
		sum, err := task.Call(ctx, r.client, n)
		if err == nil && sum != n*(n-1)/2 {
			err = fmt.Errorf("the steps gave %d", sum)
		}
		return n, err
	}); err != nil {
		return err
	}
	after, err := r.meter.read(ctx)
	if err != nil {
		return err
	}
	took, all := after.at.Sub(before.at), tasks*n
	b.report.add(name, "us_per_step", "µs", float64(took/time.Duration(all))/float64(time.Microsecond))
	b.report.add(name, "steps_per_s", "steps/s", float64(all)/took.Seconds())
	b.report.costs(name, before, after, all)
	return nil
}
