package bench

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	classicKeys    = 1_000
	classicWorkers = 4
	classicBatch   = 100 // tasks a dequeue
)

// classicQueue is a queue as it is commonly built on Postgres: a row a task, with its
// state, which workers ask for what is next. Its indexes have the order of both
// dequeues, and only the rows that wait.
var classicQueue = []string{
	"drop schema if exists classic cascade",
	"create schema classic",
	`create table classic.queue (
    id bigint primary key,
    priority int not null,
    key text not null,
    state text not null default 'queued',
    payload bytea not null
)`,
	"create index queue_order_idx on classic.queue (priority desc, id) where state = 'queued'",
	"create index queue_key_idx on classic.queue (key, priority desc, id) where state = 'queued'",
}

const classicFill = `
insert into classic.queue (id, priority, key, payload)
select i, 0, 'key-' || i % $2::bigint, '{"sent":1700000000000000000}'
from generate_series(1, $1::bigint) as i`

// classicFair takes turns between the keys: the first of each, then the second of each.
// Several workers see the same first ones, hence it ranks a batch for each of them.
const classicFair = `
with ranked as (
    select id, row_number() over (partition by key order by priority desc, id) as turn
    from classic.queue
    where state = 'queued'
),
candidate as materialized (
    select id, turn
    from ranked
    order by turn, id
    limit $1::bigint * $2::bigint
),
chosen as (
    select q.id
    from classic.queue as q
    inner join candidate as c on c.id = q.id
    where q.state = 'queued'
    order by c.turn, c.id
    limit $1
    for update of q skip locked
)
update classic.queue as q
set state = 'running'
from chosen as c
where q.id = c.id
returning q.id, q.payload`

// classicPlain takes what is first, whoever's it is. The second parameter is the other
// dequeue's.
const classicPlain = `
with chosen as (
    select id
    from classic.queue
    where state = 'queued' and $2::bigint > 0
    order by priority desc, id
    limit $1
    for update skip locked
)
update classic.queue as q
set state = 'running'
from chosen as c
where q.id = c.id
returning q.id, q.payload`

// The least such a queue does when a task ends; many update the row, or move it.
const classicComplete = "delete from classic.queue where id = any($1::bigint[])"

// classicSpan bounds how long a point is measured, but for the dequeues on their way.
func (b *bench) classicSpan() time.Duration { return b.pause(5*time.Second, 500*time.Millisecond) }

// classic measures queues in SQL, with turns between keys and without.
func (b *bench) classic(ctx context.Context) error {
	return b.classics(ctx, func(db *pgxpool.Pool) error {
		for _, queued := range b.depths() {
			p := point{classicKeys, queued}
			if err := b.classicPoint(ctx, db, p, "classic-fair", classicFair); err != nil {
				return err
			}
			if err := b.classicPoint(ctx, db, p, "classic-plain", classicPlain); err != nil {
				return err
			}
		}
		return nil
	})
}

// classics has a database for queues in SQL.
func (b *bench) classics(ctx context.Context, run func(*pgxpool.Pool) error) error {
	r := &rig{}
	if err := b.openDatabase(ctx, r, "classic"); err != nil {
		return errors.Join(err, r.end())
	}
	return errors.Join(run(r.db), r.end())
}

// classicPoint measures a dequeue of a batch, and what a task takes with its completion
// while several workers are at it.
func (b *bench) classicPoint(ctx context.Context, db *pgxpool.Pool, p point, series, dequeue string) error {
	if err := fillClassic(ctx, db, p); err != nil {
		return err
	}
	var dequeues latencies
	var asked atomic.Int64
	begin := time.Now()
	until := begin.Add(b.classicSpan())
	n, err := many(classicWorkers, func() (taken int, err error) {
		for asked.Add(classicBatch) <= int64(p.part()) && time.Now().Before(until) {
			n, err := classicRound(ctx, db, dequeue, &dequeues)
			taken += n
			if err != nil {
				return taken, err
			}
		}
		return taken, nil
	})
	if err != nil {
		return err
	}
	if n == 0 {
		return errors.New("no dequeue of the queue in SQL got anything")
	}
	took := time.Since(begin)
	b.report.at(p, series)
	b.report.add(p.mode(series), "throughput", "tasks/s", float64(n)/took.Seconds())
	b.report.add(p.mode(series), "us_per_task", "µs", float64(took.Microseconds())/float64(n))
	dequeues.report(&b.report, p.mode(series), "dequeue_ms")
	return nil
}

// classicRound takes a batch and completes it.
func classicRound(ctx context.Context, db *pgxpool.Pool, dequeue string, times *latencies) (int, error) {
	begin := time.Now()
	rows, err := db.Query(ctx, dequeue, classicBatch, classicWorkers)
	if err != nil {
		return 0, fmt.Errorf("dequeue: %w", err)
	}
	var id int64
	var payload []byte
	ids := make([]int64, 0, classicBatch)
	if _, err = pgx.ForEachRow(rows, []any{&id, &payload}, func() error {
		ids = append(ids, id)
		return nil
	}); err != nil {
		return 0, fmt.Errorf("dequeue: %w", err)
	}
	times.add(time.Since(begin))
	if _, err := db.Exec(ctx, classicComplete, ids); err != nil {
		return 0, fmt.Errorf("complete: %w", err)
	}
	return len(ids), nil
}

// fillClassic makes a queue, as if autovacuum and the checkpointer had been there.
func fillClassic(ctx context.Context, db *pgxpool.Pool, p point) error {
	for _, statement := range classicQueue {
		if _, err := db.Exec(ctx, statement); err != nil {
			return fmt.Errorf("make queue: %w", err)
		}
	}
	if _, err := db.Exec(ctx, classicFill, p.filled(), p.keys); err != nil {
		return fmt.Errorf("fill queue: %w", err)
	}
	for _, statement := range []string{"vacuum (analyze) classic.queue", "checkpoint"} {
		if _, err := db.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}
