package bench

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/adzehq/adze"
)

// keyCounts are over how many keys a queue is spread.
var keyCounts = []int{1, 100, 10_000}

// keysSettle is longer than a task stays out of the checkpoint: what was queued is
// written there before a part is measured.
const keysSettle = 3 * time.Second

// keys measures what a task takes by the depth of its queue and the number of keys in
// it, of Adze and then of a queue in SQL.
//
// There is an engine for each depth, with a queue for each number of keys. All are
// filled first, and then measured in turn, a part at a time: what else the machine does
// meanwhile falls on all of them alike.
func (b *bench) keys(ctx context.Context) error {
	if err := b.keysOf(ctx, b.depths(), nil); err != nil {
		return err
	}
	return b.classics(ctx, func(db *pgxpool.Pool) error {
		for _, queued := range b.depths() {
			for _, keys := range keyCounts {
				if err := b.classicPoint(ctx, db, point{keys, queued}, "keys-classic", classicFair); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// keysOf starts an engine for each of the depths, and measures the queues of all.
func (b *bench) keysOf(ctx context.Context, depths []int, taps []*tap) error {
	if len(depths) == 0 {
		return b.flows(ctx, taps)
	}
	queued := depths[0]
	return b.rigged(ctx, fmt.Sprintf("keys_%d", queued), func(r *rig) error {
		var own []*tap
		for _, keys := range keyCounts {
			t := newTap(r, fmt.Sprintf("bench.keys%d", keys), point{keys, queued})
			if err := t.fill(ctx, t.filled()); err != nil {
				return fmt.Errorf("fill queue: %w", err)
			}
			own = append(own, t)
		}
		rss, err := peakRSS(r.meter.enginePID)
		if err != nil {
			return err
		}
		name := fmt.Sprintf("keys-engine-%d", queued)
		b.report.add(name, "queued", "tasks", float64(len(own)*own[0].filled()))
		b.report.add(name, "engine_rss_mb", "MB", rss)
		return serveEach(ctx, r, own, func(ctx context.Context) error {
			return b.keysOf(ctx, depths[1:], append(taps, own...))
		})
	})
}

// serveEach runs a worker for each of the queues while run lasts.
func serveEach(ctx context.Context, r *rig, taps []*tap, run func(context.Context) error) error {
	if len(taps) == 0 {
		return run(ctx)
	}
	return r.serving(ctx, func(ctx context.Context) error {
		defer close(taps[0].gate) // what the worker holds can end, and so can the worker
		return serveEach(ctx, r, taps[1:], run)
	}, adze.Slots(workerSlots), taps[0].task)
}

// flows measures all queues, round by round.
func (b *bench) flows(ctx context.Context, taps []*tap) error {
	for range b.size(11, 3) {
		time.Sleep(b.pause(keysSettle, keysSettle/3))
		for _, t := range taps {
			if err := t.flow(ctx); err != nil {
				return fmt.Errorf("take %d of %d: %w", t.part(), t.queued, err)
			}
		}
		for _, t := range taps {
			if err := t.fill(ctx, t.part()); err != nil {
				return fmt.Errorf("fill queue: %w", err)
			}
		}
	}
	b.reportFlows(taps)
	return nil
}

// reportFlows adds what a task took at each point, and how far apart the points are: by
// the clock, and by the processors' time, which a busy machine does not spoil.
func (b *bench) reportFlows(taps []*tap) {
	var times, costs []float64
	for _, t := range taps {
		us := t.usPerTask()
		engine, postgres := t.cpuPerTask()
		times, costs = append(times, us), append(costs, engine+postgres)
		b.report.at(t.point, "keys")
		b.report.add(t.mode("keys"), "throughput", "tasks/s", 1e6/us)
		b.report.add(t.mode("keys"), "us_per_task", "µs", us)
		b.report.add(t.mode("keys"), "engine_cpu_us_per_task", "µs", engine)
		b.report.add(t.mode("keys"), "pg_cpu_us_per_task", "µs", postgres)
	}
	b.report.add("keys", "slowest_of_fastest", "ratio", slices.Max(times)/slices.Min(times))
	if least := slices.Min(costs); least > 0 { // of so few tasks the clock of the kernel may see nothing
		b.report.add("keys", "dearest_of_cheapest", "ratio", slices.Max(costs)/least)
	}
}
