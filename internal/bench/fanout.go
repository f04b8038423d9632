package bench

import (
	"context"
	"time"

	"github.com/adzehq/adze"
)

const (
	// fanoutChildren is how many children a parent waits for.
	fanoutChildren = 1_000
	// fanoutParents spread out at once in the second part.
	fanoutParents = 8
)

// fanout measures a durable task that starts many children and takes their results:
// one such parent at a time, then several at once.
func (b *bench) fanout(ctx context.Context) error {
	child := adze.NewTask("bench.child", func(_ context.Context, in ping) (ping, error) { return in, nil })
	parent := adze.NewDurable("bench.fanout", func(ctx context.Context, n int) (int, error) {
		outs, err := adze.CallMany(ctx, child, make([]ping, n))
		return len(outs), err
	})
	return b.rigged(ctx, "fanout", func(r *rig) error {
		return r.serving(ctx, func(ctx context.Context) error {
			if _, err := parent.Call(ctx, r.client, 1); err != nil { // warm
				return err
			}
			if err := b.fanoutLoad(ctx, r, parent, "fanout", 1); err != nil {
				return err
			}
			return b.fanoutLoad(ctx, r, parent, "fanout-many", fanoutParents)
		}, adze.Slots(workerSlots), child, parent)
	})
}

func (b *bench) fanoutLoad(ctx context.Context, r *rig, parent *adze.Task[int, int], name string, callers int) error {
	before, err := r.meter.read(ctx)
	if err != nil {
		return err
	}
	until := time.Now().Add(b.span())
	n, err := many(callers, func() (n int, err error) {
		for time.Now().Before(until) {
			outs, err := parent.Call(ctx, r.client, fanoutChildren)
			if err != nil {
				return n, err
			}
			n += outs
		}
		return n, nil
	})
	if err != nil {
		return err
	}
	after, err := r.meter.read(ctx)
	if err != nil {
		return err
	}
	b.report.add(name, "children_per_s", "children/s", float64(n)/after.at.Sub(before.at).Seconds())
	b.report.costs(name, before, after, n)
	return b.memory(name, r)
}
