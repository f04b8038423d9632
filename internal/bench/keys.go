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

const (
	// keysSettle is longer than a task stays out of the checkpoint: what was queued is
	// written there before a part is measured.
	keysSettle = 3 * time.Second

	// Then it is waited until Postgres rests, for what it does for one queue (the rows of
	// the checkpoint, a vacuum) would be counted for another.
	restingShare    = 0.05 // of a processor
	restingWindow   = 300 * time.Millisecond
	restingPatience = 15 * time.Second
)

// keys measures what a task takes by the depth of its queue and the number of keys in
// it, of Adze and then of a queue in SQL.
//
// Each queue has an engine and a database to itself. All are filled first, and then
// measured in turn, a part at a time: what else the machine does meanwhile falls on all
// of them alike.
func (b *bench) keys(ctx context.Context) error {
	var points []point
	for _, queued := range b.depths() {
		for _, keys := range keyCounts {
			points = append(points, point{keys, queued})
		}
	}
	if err := b.flowing(ctx, points, nil); err != nil {
		return err
	}
	return b.classics(ctx, func(db *pgxpool.Pool) error {
		for _, p := range points {
			if err := b.classicPoint(ctx, db, p, "keys-classic", classicFair); err != nil {
				return err
			}
		}
		return nil
	})
}

// flowing fills a queue for each of the points, with a worker, and measures all.
func (b *bench) flowing(ctx context.Context, points []point, taps []*tap) error {
	if len(points) == 0 {
		return b.flows(ctx, taps)
	}
	p := points[0]
	return b.rigged(ctx, p.mode("keys"), func(r *rig) error {
		t := newTap(r, "bench.keys", p)
		if err := t.fill(ctx, t.filled()); err != nil {
			return fmt.Errorf("fill queue: %w", err)
		}
		return r.serving(ctx, func(ctx context.Context) error {
			defer close(t.gate) // what the worker holds can end, and so can the worker
			return b.flowing(ctx, points[1:], append(taps, t))
		}, adze.Slots(workerSlots), t.task)
	})
}

// flows measures all queues, round by round, each time another one first.
func (b *bench) flows(ctx context.Context, taps []*tap) error {
	for round := range b.size(33, 3) {
		time.Sleep(b.pause(keysSettle, keysSettle/3))
		if err := taps[0].rig.meter.resting(ctx, b.pause(restingPatience, 0)); err != nil {
			return err
		}
		first := round % len(taps)
		for _, t := range slices.Concat(taps[first:], taps[:first]) {
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
	return b.reportFlows(taps)
}

// reportFlows adds what a task took at each point, and how far apart the points are: by
// the clock, and by the processors' time, which a busy machine does not spoil.
func (b *bench) reportFlows(taps []*tap) error {
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
		if err := b.memory(t.mode("keys"), t.rig); err != nil {
			return err
		}
	}
	b.report.add("keys", "slowest_of_fastest", "ratio", slices.Max(times)/slices.Min(times))
	if least := slices.Min(costs); least > 0 { // of so few tasks the clock of the kernel may see nothing
		b.report.add("keys", "dearest_of_cheapest", "ratio", slices.Max(costs)/least)
	}
	return nil
}
