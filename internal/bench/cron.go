package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/adzehq/adze"
)

const (
	cronsMany  = 10_000
	cronsQuick = 200
)

// afterPuts is how long the counters, and vacuum, are left to come up with the rows that
// were written; a quick run has few.
func (b *bench) afterPuts() time.Duration { return b.pause(2*idleSettle, 3*time.Second) }

// cron measures what schedules cost between their ticks, against none, and how late the
// runs of a tick that all of them share are.
func (b *bench) cron(ctx context.Context) error {
	return b.loaded(ctx, "cron", func(r *rig, l *load) error {
		if err := l.warm(ctx); err != nil {
			return err
		}
		time.Sleep(b.pause(idleSettle, 3*time.Second))
		if err := b.resting(ctx, r, "cron-none"); err != nil {
			return err
		}
		return b.crons(ctx, r, l)
	})
}

// crons has schedules of one instant, which lies after all that is measured before.
func (b *bench) crons(ctx context.Context, r *rig, l *load) error {
	n, lead := cronsMany, 15*time.Second
	if b.Quick {
		n, lead = cronsQuick, 3*time.Second
	}
	ran := l.done.Load()
	tick := time.Now().Add(lead + b.afterPuts() + 2*b.span()).UTC().Truncate(time.Second)
	if err := putCrons(ctx, l, n, tick.Format("5 4 15 * * *")); err != nil {
		return err
	}
	time.Sleep(b.afterPuts())
	if err := b.resting(ctx, r, "cron"); err != nil {
		return err
	}
	if time.Now().After(tick) {
		return fmt.Errorf("the tick came before all was measured that lies before it")
	}
	b.report.add("cron", "schedules", "", float64(n))
	time.Sleep(time.Until(tick))
	if err := l.drained(ctx, ran, int64(n)); err != nil {
		return err
	}
	if err := l.warm(ctx); err != nil { // its result is recorded after all before it
		return err
	}
	return b.lateness(ctx, r, tick)
}

// putCrons makes n schedules.
func putCrons(ctx context.Context, l *load, n int, expression string) error {
	for made := 0; made < n; made += bulkSize {
		crons := make([]adze.NewCron[ping], min(bulkSize, n-made))
		for i := range crons {
			crons[i] = adze.NewCron[ping]{
				Name: fmt.Sprint("bench.", made+i), Expression: expression, Options: []adze.CronOption{adze.SkipWhileRunning()},
			}
		}
		if _, err := l.task.CronMany(ctx, l.client, crons); err != nil {
			return err
		}
	}
	return nil
}

// resting measures what a stack costs that has nothing to do.
func (b *bench) resting(ctx context.Context, r *rig, name string) error {
	before, err := r.meter.read(ctx)
	if err != nil {
		return err
	}
	time.Sleep(2 * b.span())
	after, err := r.meter.read(ctx)
	if err != nil {
		return err
	}
	seconds := after.at.Sub(before.at).Seconds()
	b.report.add(name, "queries_per_s", "queries/s", float64(after.commits-before.commits-1)/seconds) // less our own
	b.report.add(name, "pg_cpu_percent", "% of a core", 100*(after.pgCPU-before.pgCPU).Seconds()/seconds)
	b.report.add(name, "engine_cpu_percent", "% of a core", 100*(after.engineCPU-before.engineCPU).Seconds()/seconds)
	rss, err := currentRSS(r.meter.enginePID)
	b.report.add(name, "engine_rss_mb", "MB", rss)
	return err
}

// lateness reads how long after the tick its runs were given to a worker.
func (b *bench) lateness(ctx context.Context, r *rig, tick time.Time) error {
	var n int
	var p50, p99, last float64
	err := r.db.QueryRow(ctx, `
select
    count(*),
    percentile_disc(0.5) within group (order by r.assigned_at - t.run_at),
    percentile_disc(0.99) within group (order by r.assigned_at - t.run_at),
    max(r.finished_at - t.run_at)
from adze.task as t
inner join adze.task_result as r on r.id = t.id
where
    t.schedule_id is not null
    and t.run_at = $1`, tick.UnixMilli()).Scan(&n, &p50, &p99, &last)
	if err != nil {
		return fmt.Errorf("read lateness: %w", err)
	}
	if n == 0 {
		return errors.New("the tick started nothing")
	}
	b.report.add("cron", "tick_to_start_ms_p50", "ms", p50)
	b.report.add("cron", "tick_to_start_ms_p99", "ms", p99)
	b.report.add("cron", "tick_to_last_result_ms", "ms", last)
	return nil
}
