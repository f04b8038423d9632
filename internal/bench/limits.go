package bench

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/adzehq/adze"
)

// limitKeys are the keys that runs of a workflow with limits belong to, in turn.
const limitKeys = 100

// everything is an option of each kind of flow control, with limits that no run
// reaches: none waits, and what is left is what it costs to ask.
func everything() (task []adze.TaskOption, run []adze.RunOption) {
	task = append(
		byKey(),
		adze.Limit(adze.ConcurrencyLimit{Name: "bench.all", Max: 100_000}),
		adze.Limit(adze.ConcurrencyLimit{Key: "input.key", Max: 10_000}),
		adze.Rate(adze.RateLimit{Name: "bench.calls", Limit: 100_000_000, Period: time.Second}),
		adze.OnWorkers(adze.Require("zone", "==", "bench"), adze.Prefer("disk", ">", 1)),
		adze.Uses("", 1),
	)
	return task, []adze.RunOption{adze.Priority(1)}
}

// limitRounds are enough for a median.
const limitRounds = 5

// limits measures the throughput with every kind of flow control at once, and without
// any, in turn: what else the machine does falls on both.
func (b *bench) limits(ctx context.Context) error {
	return b.rigged(ctx, "limits", func(r *rig) error {
		task, run := everything()
		plain, limited := newLoad(r.client, "bench.unlimited"), newLoad(r.client, "bench.limits", task...)
		limited.keys, limited.options = limitKeys, run
		return r.serving(ctx, func(ctx context.Context) error {
			if err := errors.Join(plain.warm(ctx), limited.warm(ctx)); err != nil {
				return err
			}
			return errors.Join(
				b.limitRatio(ctx, plain, limited),
				b.baseline(ctx, r, plain, "limits"),
				b.measured(ctx, r, limited, "limits", func() (int, error) {
					return limited.singles(ctx, time.Now().Add(b.span()/2))
				}),
			)
		}, adze.Slots(workerSlots), adze.Labels(map[string]string{"zone": "bench", "disk": "2"}), plain.task, limited.task)
	})
}

// limitRatio adds the median of what a round with limits got through of what the round
// before it did without.
func (b *bench) limitRatio(ctx context.Context, plain, limited *load) error {
	ratios := make([]float64, limitRounds)
	for i := range ratios {
		without, err := plain.rate(ctx, b.span()/2)
		if err != nil {
			return err
		}
		with, err := limited.rate(ctx, b.span()/2)
		if err != nil {
			return err
		}
		ratios[i] = with / without
	}
	slices.Sort(ratios)
	b.report.add("limits", "without_ratio", "ratio", ratios[limitRounds/2])
	return nil
}

// rate is how many tasks a second are submitted one by one and run.
func (l *load) rate(ctx context.Context, last time.Duration) (float64, error) {
	begin, ran := time.Now(), l.done.Load()
	n, err := l.singles(ctx, begin.Add(last))
	if err != nil {
		return 0, err
	}
	err = l.drained(ctx, ran, int64(n))
	return float64(n) / time.Since(begin).Seconds(), err
}
