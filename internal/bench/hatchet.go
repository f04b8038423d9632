package bench

import (
	"context"
	"time"
)

func (b *bench) hatchetPlain(ctx context.Context) error { return b.driven(ctx, "plain") }

func (b *bench) hatchetBulk(ctx context.Context) error { return b.driven(ctx, "bulk") }

func (b *bench) hatchetLatency(ctx context.Context) error {
	return b.hosting(ctx, "latency", func(_ *rig, d *driver) error {
		result, err := d.run()
		if err != nil {
			return err
		}
		starts, results := latencies{all: result.Starts}, latencies{all: result.Results}
		starts.report(&b.report, "hatchet-latency", "submit_to_start_ms")
		results.report(&b.report, "hatchet-latency", "submit_to_result_ms")
		return nil
	})
}

// driven has the driver load the engine in one of its modes, and reports throughput and
// costs as the mode of that name does.
func (b *bench) driven(ctx context.Context, mode string) error {
	name := "hatchet-" + mode
	return b.hosting(ctx, mode, func(r *rig, d *driver) error {
		before, err := r.meter.read(ctx)
		if err != nil {
			return err
		}
		driverBefore, err := processCPU(d.command.Process.Pid)
		if err != nil {
			return err
		}
		result, err := d.run()
		if err != nil {
			return err
		}
		driverAfter, err := processCPU(d.command.Process.Pid)
		if err != nil {
			return err
		}
		after, err := r.meter.read(ctx)
		if err != nil {
			return err
		}
		b.throughput(name, result.Tasks, after.at.Sub(before.at))
		b.report.costs(name, before, after, result.Tasks)
		b.report.add(name, "client_cpu_us_per_task", "µs", float64((driverAfter-driverBefore).Microseconds())/float64(result.Tasks))
		if err := b.memory(name, r); err != nil {
			return err
		}
		return verify(ctx, r, before.at)
	})
}

// hosting runs a mode with a rig and a driver that is ready.
func (b *bench) hosting(ctx context.Context, mode string, run func(*rig, *driver) error) error {
	return b.rigged(ctx, "hatchet_"+mode, func(r *rig) error {
		span := b.span()
		if mode == "latency" {
			span *= 2
		}
		ctx, cancel := context.WithTimeout(ctx, span+drainPatience)
		defer cancel()
		d, err := startDriver(ctx, b.Driver, r.engine, mode, span)
		if err != nil {
			return err
		}
		defer d.kill()
		return run(r, d)
	})
}

// drainPatience is how long a driver may take to start, and to see its last task run.
const drainPatience = 2 * time.Minute
