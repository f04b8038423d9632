package bench

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/adzehq/adze"
)

const (
	// sleeperSlots is all that a worker has for thousands of tasks that sleep.
	sleeperSlots = 10
	// farAway is when those wake that are not to be seen awake.
	farAway = 24 * time.Hour
	// countPause is between two counts of rows.
	countPause = 200 * time.Millisecond
	// sleepPatience is how much longer sleepers may take to wake up than they should.
	sleepPatience = time.Minute
)

// dormitory is a durable task that sleeps, and how late it woke up.
type dormitory struct {
	rig   *rig
	task  *adze.Task[int64, int64]
	begun atomic.Int64 // calls of the function
	woken atomic.Int64
	late  latencies
}

func newDormitory(r *rig) *dormitory {
	d := &dormitory{rig: r}
	d.task = adze.NewDurable("bench.sleeper", func(ctx context.Context, until int64) (int64, error) {
		d.begun.Add(1)
		if err := adze.SleepUntil(ctx, time.UnixMilli(until)); err != nil {
			return 0, err
		}
		d.late.add(time.Since(time.UnixMilli(until)))
		d.woken.Add(1)
		return until, nil
	})
	return d
}

// fill submits n tasks that sleep until from on, one after the other over spread, and
// returns once all do.
func (d *dormitory) fill(ctx context.Context, n int, from time.Time, spread time.Duration) error {
	asleep, err := d.asleep(ctx)
	if err != nil {
		return err
	}
	begun := d.begun.Load()
	var next atomic.Int64
	if _, err := many(bulkCallers, func() (stored int, err error) {
		for first := next.Add(bulkSize) - bulkSize; first < int64(n); first = next.Add(bulkSize) - bulkSize {
			inputs := make([]int64, min(bulkSize, int64(n)-first))
			for i := range inputs {
				inputs[i] = from.Add(spread * time.Duration(first+int64(i)) / time.Duration(n)).UnixMilli()
			}
			runs, err := d.task.RunMany(ctx, d.rig.client, inputs)
			stored += len(runs)
			if err != nil {
				return stored, err
			}
		}
		return stored, nil
	}); err != nil {
		return fmt.Errorf("submit: %w", err)
	}
	return d.until(ctx, func() (bool, error) {
		if d.begun.Load()-begun < int64(n) {
			return false, nil
		}
		now, err := d.asleep(ctx)
		return now-asleep >= int64(n), err
	})
}

// asleep counts the tasks whose worker has let go of them.
func (d *dormitory) asleep(ctx context.Context) (n int64, err error) {
	err = d.rig.db.QueryRow(ctx, "select count(*) from adze.open_task where state = 'waiting'").Scan(&n)
	return n, err
}

func (d *dormitory) until(ctx context.Context, so func() (bool, error)) error {
	for {
		done, err := so()
		if done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(countPause):
		}
	}
}

// wake waits until n more have woken up, the last of them at `last`.
func (d *dormitory) wake(ctx context.Context, woken int64, n int, last time.Time) error {
	ctx, cancel := context.WithDeadline(ctx, last.Add(sleepPatience))
	defer cancel()
	if err := d.until(ctx, func() (bool, error) { return d.woken.Load()-woken >= int64(n), nil }); err != nil {
		return fmt.Errorf("%d of %d woke up: %w", d.woken.Load()-woken, n, err)
	}
	return nil
}

// sleepers measures how tasks fall asleep and wake up that are far more than the slots
// of their worker, and then what very many cost while they sleep.
func (b *bench) sleepers(ctx context.Context) error {
	if err := b.rigged(ctx, "sleepers", func(r *rig) error {
		d := newDormitory(r)
		return r.serving(ctx, func(ctx context.Context) error { return b.fewSleepers(ctx, d) }, adze.Slots(sleeperSlots), d.task)
	}); err != nil {
		return err
	}
	return b.rigged(ctx, "million", func(r *rig) error { return b.manySleepers(ctx, newDormitory(r)) })
}

// fewSleepers wake up one after the other, 1,000 a second.
func (b *bench) fewSleepers(ctx context.Context, d *dormitory) error {
	const name = "sleepers"
	n := b.size(10_000, 500)
	spread := time.Duration(n) * time.Millisecond
	begin := time.Now()
	from := begin.Add(b.pause(time.Minute, 2*time.Second)) // time enough for all to fall asleep
	if err := d.fill(ctx, n, from, spread); err != nil {
		return err
	}
	took := time.Since(begin)
	b.report.add(name, "asleep_s", "s", took.Seconds())
	b.report.add(name, "asleep_per_s", "tasks/s", float64(n)/took.Seconds())
	if time.Now().After(from) {
		b.say("the first of the sleepers were to wake up before the last slept: this machine is too slow to tell how late they are")
		return d.wake(ctx, 0, n, from.Add(spread))
	}
	rss, err := currentRSS(d.rig.meter.enginePID)
	if err != nil {
		return err
	}
	b.report.add(name, "engine_rss_mb", "MB", rss)
	if err := d.wake(ctx, 0, n, from.Add(spread)); err != nil {
		return err
	}
	d.late.report(&b.report, name, "wake_late_ms")
	return nil
}

// manySleepers sleep for long, also while their engine starts again, and a thousand
// among them for a moment.
func (b *bench) manySleepers(ctx context.Context, d *dormitory) error {
	const name = "sleepers-many"
	n := b.size(1_000_000, 5_000)
	begin := time.Now()
	if err := d.rig.serving(ctx, func(ctx context.Context) error {
		return d.fill(ctx, n, begin.Add(farAway), time.Hour)
	}, adze.Slots(workerSlots), d.task); err != nil {
		return err
	}
	b.report.add(name, "asleep", "tasks", float64(n))
	b.report.add(name, "asleep_per_s", "tasks/s", float64(n)/time.Since(begin).Seconds())
	peak, err := peakRSS(d.rig.meter.enginePID)
	if err != nil {
		return err
	}
	b.report.add(name, "engine_peak_rss_mb", "MB", peak)
	begin = time.Now()
	if err := d.rig.restart(ctx); err != nil {
		return err
	}
	b.report.add(name, "restart_s", "s", time.Since(begin).Seconds())
	return d.rig.serving(ctx, func(ctx context.Context) error {
		if err := b.watchSleep(ctx, d.rig, name); err != nil {
			return err
		}
		return b.wakeSome(ctx, d, name)
	}, adze.Slots(workerSlots), d.task)
}

// wakeSome measures how late those few wake up of many that are to.
func (b *bench) wakeSome(ctx context.Context, d *dormitory, name string) error {
	few := b.size(1_000, 100)
	spread := time.Duration(few) * 5 * time.Millisecond
	from := time.Now().Add(b.pause(10*time.Second, 500*time.Millisecond))
	if err := d.fill(ctx, few, from, spread); err != nil {
		return err
	}
	if err := d.wake(ctx, 0, few, from.Add(spread)); err != nil {
		return err
	}
	d.late.report(&b.report, name, "wake_late_ms")
	return nil
}

// watchSleep measures what sleepers cost while nothing happens. In a quick run it does
// not wait until the counters of Postgres can tell.
func (b *bench) watchSleep(ctx context.Context, r *rig, name string) error {
	if b.Quick {
		rss, err := currentRSS(r.meter.enginePID)
		b.report.add(name, "engine_rss_mb", "MB", rss)
		return err
	}
	if err := tidy(ctx, r.db); err != nil {
		return err
	}
	time.Sleep(idleSettle)
	return b.resting(ctx, r, name)
}
