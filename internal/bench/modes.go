package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/keeper"
)

// measured runs a load and reports its throughput and costs under name. The load
// returns how many tasks it stored; the time runs until all have run and the last
// are recorded.
func (b *bench) measured(ctx context.Context, r *rig, l *load, name string, submit func() (int, error)) error {
	before, err := r.meter.read(ctx)
	if err != nil {
		return err
	}
	ran := l.done.Load()
	n, err := submit()
	if err != nil {
		return fmt.Errorf("submit: %w", err)
	}
	if err := l.drained(ctx, ran, int64(n)); err != nil {
		return err
	}
	if err := l.warm(ctx); err != nil { // its result is recorded after all before it
		return err
	}
	after, err := r.meter.read(ctx)
	if err != nil {
		return err
	}
	b.throughput(name, n, after.at.Sub(before.at))
	b.report.costs(name, before, after, n)
	return errors.Join(b.memory(name, r), verify(ctx, r, before.at))
}

// memory reports the most that the engine has had.
func (b *bench) memory(name string, r *rig) error {
	rss, err := peakRSS(r.meter.enginePID)
	if err != nil {
		return err
	}
	b.report.add(name, "engine_rss_mb", "MB", rss)
	return nil
}

// verify counts: every task submitted since has a result, or is in the checkpoint,
// or above the low-water mark.
func verify(ctx context.Context, r *rig, since time.Time) error {
	var open int64
	err := r.db.QueryRow(ctx, `
select count(*)
from adze.task as t
where
    t.id >= $1
    and not exists (select from adze.task_result as r where r.id = t.id)
    and not exists (select from adze.open_task as o where o.id = t.id)
    and t.id < (select coalesce(min(id), 0) from adze.low_water)`, id.First(since)).Scan(&open)
	if err != nil {
		return fmt.Errorf("count open tasks: %w", err)
	}
	if open > 0 {
		return fmt.Errorf("%d tasks are lost: neither result nor checkpoint row", open)
	}
	return nil
}

// loaded runs a mode with a rig of its own, a load named after it and a worker.
func (b *bench) loaded(ctx context.Context, name string, run func(*rig, *load) error) error {
	return b.rigged(ctx, name, func(r *rig) error { return r.loaded(ctx, name, run) })
}

func (r *rig) loaded(ctx context.Context, name string, run func(*rig, *load) error, options ...adze.TaskOption) error {
	l := newLoad(r.client, "bench."+name, options...)
	stop, err := l.work(ctx)
	if err != nil {
		return err
	}
	return errors.Join(run(r, l), stop())
}

func (b *bench) plain(ctx context.Context) error {
	return b.loaded(ctx, "plain", b.single(ctx, "plain"))
}

// single measures single submits.
func (b *bench) single(ctx context.Context, name string) func(*rig, *load) error {
	return func(r *rig, l *load) error {
		return b.measured(ctx, r, l, name, func() (int, error) { return l.singles(ctx, time.Now().Add(b.span())) })
	}
}

func (b *bench) embedded(ctx context.Context) error {
	r, err := b.newEmbeddedRig(ctx, "embedded")
	if err != nil {
		return err
	}
	return errors.Join(r.loaded(ctx, "embedded", b.single(ctx, "embedded")), r.end())
}

func (b *bench) bulk(ctx context.Context) error {
	return b.loaded(ctx, "bulk", func(r *rig, l *load) error {
		return b.measured(ctx, r, l, "bulk", func() (int, error) {
			return l.bulks(ctx, time.Now().Add(b.span()), math.MaxInt)
		})
	})
}

// drain fills a queue before its worker starts, and measures from then on.
func (b *bench) drain(ctx context.Context) error {
	return b.rigged(ctx, "drain", func(r *rig) error { return b.drainLoad(ctx, r, newLoad(r.client, "bench.drain")) })
}

func (b *bench) drainLoad(ctx context.Context, r *rig, l *load) error {
	if err := register(ctx, r.client, l.task); err != nil {
		return err
	}
	n, err := l.bulks(ctx, time.Now().Add(time.Hour), b.size(100_000, 20_000))
	if err != nil {
		return err
	}
	before, err := r.meter.read(ctx)
	if err != nil {
		return err
	}
	stop, err := l.work(ctx) // returns when a task behind all others is done
	if err != nil {
		return err
	}
	if err := l.drained(ctx, 0, int64(n)); err != nil {
		return errors.Join(err, stop())
	}
	after, err := r.meter.read(ctx)
	if err != nil {
		return errors.Join(err, stop())
	}
	b.throughput("drain", n, after.at.Sub(before.at))
	b.report.costs("drain", before, after, n)
	return errors.Join(b.memory("drain", r), stop(), verify(ctx, r, before.at))
}

// register makes a task known without a worker that stays: one starts and drains.
func register(ctx context.Context, client *adze.Client, task *adze.Task[ping, ping]) error {
	l := &load{client: client, task: task}
	stop, err := l.work(ctx)
	if err != nil {
		return err
	}
	return stop()
}

func (b *bench) latency(ctx context.Context) error {
	return b.loaded(ctx, "latency", func(_ *rig, l *load) error { return b.latencies(ctx, l, "latency") })
}

const pacedPerSecond = 20

func (b *bench) latencies(ctx context.Context, l *load, name string) error {
	results, err := l.paced(ctx, pacedPerSecond, 2*b.span())
	if err != nil {
		return err
	}
	l.starts.report(&b.report, name, "submit_to_start_ms")
	results.report(&b.report, name, "submit_to_result_ms")
	return nil
}

// backlog measures latency and throughput beside a deep backlog that nobody works
// on, and the throughput without it in the same run.
func (b *bench) backlog(ctx context.Context) error {
	return b.loaded(ctx, "backlog", func(r *rig, l *load) error {
		if err := b.baseline(ctx, r, l, "backlog"); err != nil {
			return err
		}
		other := newLoad(r.client, "bench.other")
		if err := register(ctx, r.client, other.task); err != nil {
			return err
		}
		depth, err := other.bulks(ctx, time.Now().Add(time.Hour), b.size(1_000_000, 50_000))
		if err != nil {
			return err
		}
		b.report.add("backlog", "queued", "tasks", float64(depth))
		if err := b.latencies(ctx, l, "backlog"); err != nil {
			return err
		}
		return b.compared(ctx, r, l, "backlog")
	})
}

// snapshot measures throughput while a session holds a snapshot open, and without
// it in the same run.
func (b *bench) snapshot(ctx context.Context) error {
	return b.loaded(ctx, "snapshot", func(r *rig, l *load) error {
		if err := b.baseline(ctx, r, l, "snapshot"); err != nil {
			return err
		}
		return pgx.BeginTxFunc(ctx, r.db, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
			var seen int64
			if err := tx.QueryRow(ctx, "select count(*) from adze.open_task").Scan(&seen); err != nil {
				return fmt.Errorf("hold snapshot: %w", err)
			}
			return b.compared(ctx, r, l, "snapshot")
		})
	})
}

// history measures throughput with days of ended tasks in the tables, and without
// them in the same run.
func (b *bench) history(ctx context.Context) error {
	return b.loaded(ctx, "history", func(r *rig, l *load) error {
		if err := b.baseline(ctx, r, l, "history"); err != nil {
			return err
		}
		perDay := b.size(1_000_000, 20_000)
		for day := 1; day <= historyDays; day++ {
			if err := fillDay(ctx, r.db, time.Now().AddDate(0, 0, -day), perDay); err != nil {
				return err
			}
		}
		b.report.add("history", "rows", "tasks", float64(historyDays*perDay))
		if err := tidy(ctx, r.db); err != nil { // days that are over have been vacuumed long ago
			return err
		}
		time.Sleep(b.span()) // and written to disk
		return b.compared(ctx, r, l, "history")
	})
}

// tidy does what autovacuum and the checkpointer would do soon, so that they do not
// do it while something is measured. Its connection ends, and reports what it did.
func tidy(ctx context.Context, db *pgxpool.Pool) error {
	pooled, err := db.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	conn := pooled.Hijack()
	defer func() {
		_ = conn.Close(ctx)
		time.Sleep(reapWait)
	}()
	for _, statement := range []string{"vacuum (analyze)", "checkpoint"} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// reapWait is how long Postgres may take to end a session: until its time is added to
// the server's own, a reading in between would miss it.
const reapWait = time.Second

const historyDays = 14

// fillDay writes n ended tasks, spread over a day.
func fillDay(ctx context.Context, db *pgxpool.Pool, day time.Time, n int) error {
	from, to := id.First(day), id.First(day.Add(24*time.Hour))
	if err := ensurePartitions(ctx, db, from, to-1); err != nil {
		return fmt.Errorf("make partitions of %s: %w", day.Format(time.DateOnly), err)
	}
	step := int64(to-from) / int64(n)
	for _, statement := range []string{
		`insert into adze.task (id, tenant_id, version_id, run_at, priority, key, input)
		select $1 + $2 * i, 1, 1, 0, 0, '', '\x7b7d' from generate_series(0, $3::bigint - 1) as i`,
		`insert into adze.task_result (id, tenant_id, worker_id, assigned_at, started_at, finished_at, attempt, status, output)
		select $1 + $2 * i, 1, 1, 1, 1, 1, 1, 'succeeded', '\x7b7d' from generate_series(0, $3::bigint - 1) as i`,
	} {
		if _, err := db.Exec(ctx, statement, int64(from), step, n); err != nil {
			return fmt.Errorf("fill %s: %w", day.Format(time.DateOnly), err)
		}
	}
	return nil
}

// baseline measures the throughput before the condition of a mode holds.
func (b *bench) baseline(ctx context.Context, r *rig, l *load, name string) error {
	return b.measured(ctx, r, l, name+"-without", func() (int, error) {
		return l.singles(ctx, time.Now().Add(b.span()/2))
	})
}

// compared measures the throughput under the condition, and what that is of the
// baseline.
func (b *bench) compared(ctx context.Context, r *rig, l *load, name string) error {
	err := b.single(ctx, name)(r, l)
	with, _ := b.report.find(name, "throughput")
	without, _ := b.report.find(name+"-without", "throughput")
	b.report.add(name, "without_ratio", "ratio", with/without)
	return err
}

// idler is an engine with a connected worker that has nothing to do. It is started
// before all other modes and measured in its turn: by then what it did to start is
// in the counters, to which sessions of Postgres report with a delay when they idle.
type idler struct {
	rig   *rig
	stop  func() error
	since time.Time
}

// idleSettle is longer than a session of Postgres keeps its counters to itself.
const idleSettle = 12 * time.Second

func (b *bench) startIdler(ctx context.Context) error {
	r, err := b.newRig(ctx, "idle")
	if err != nil {
		return err
	}
	stop, err := newLoad(r.client, "bench.idle").work(ctx)
	if err != nil {
		return errors.Join(err, r.end())
	}
	// Autovacuum's transactions on the new catalogs would count as the engine's.
	if err := tidy(ctx, r.db); err != nil {
		return errors.Join(err, stop(), r.end())
	}
	b.idler = &idler{r, stop, time.Now()}
	return nil
}

func (b *bench) stopIdler() error {
	if b.idler == nil {
		return nil
	}
	return errors.Join(b.idler.stop(), b.idler.rig.end())
}

// idle measures what the idler costs.
func (b *bench) idle(ctx context.Context) error {
	time.Sleep(time.Until(b.idler.since.Add(idleSettle)))
	return b.resting(ctx, b.idler.rig, "idle")
}

func ensurePartitions(ctx context.Context, db *pgxpool.Pool, first, last id.ID) error {
	return keeper.New(db, keeper.Config{Log: quiet}).EnsurePartitions(ctx, first, last)
}
