package journal

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/adzehq/adze/internal/base/bulk"
	"github.com/adzehq/adze/internal/base/lease"
	"github.com/adzehq/adze/internal/record/child"
	"github.com/adzehq/adze/internal/record/durable"
	"github.com/adzehq/adze/internal/record/event"
	"github.com/adzehq/adze/internal/record/flow"
	"github.com/adzehq/adze/internal/record/idempotency"
	"github.com/adzehq/adze/internal/record/moment"
	"github.com/adzehq/adze/internal/record/open"
	"github.com/adzehq/adze/internal/record/run"
	"github.com/adzehq/adze/internal/record/schedule"
	"github.com/adzehq/adze/internal/record/stream"
	"github.com/adzehq/adze/internal/record/task"
	"github.com/adzehq/adze/internal/record/worker"
)

// sessionSettings hold for the journal's connection.
//
// Generic plans: each statement is planned once, not once a batch. No sequential
// scans: a plan made while open_task was empty must still be right when it holds
// a million rows. Read committed: adze.fence must see what was committed while it
// waited for its lock.
const sessionSettings = `
set plan_cache_mode = force_generic_plan;
set enable_seqscan = off;
set default_transaction_isolation = 'read committed'`

// endPredecessors ends the journal's earlier connections that Postgres still
// serves: whoever else holds the journal's lock.
const endPredecessors = `
select pg_terminate_backend(pid)
from pg_locks
where
    locktype = 'advisory'
    and database = (select oid from pg_database where datname = current_database())
    and classid = ($1::bigint >> 32 & 4294967295)::text::oid
    and objid = ($1::bigint & 4294967295)::text::oid
    and objsubid = 1
    and pid <> pg_backend_pid()`

// closeTimeout bounds the goodbye to a server that may be gone.
const closeTimeout = time.Second

// session is the journal's own connection, opened when it is needed.
//
// It holds an advisory lock that is this journal's alone. A connection that takes
// over from a lost one gets the lock only when Postgres is through with the lost
// one: a batch that is still under way there can then no longer be overtaken by
// its own repetition and by later ones, and undo them.
type session struct {
	pool    *pgxpool.Pool
	lockKey int64
	conn    *pgx.Conn
}

func newLockKey() int64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return int64(binary.BigEndian.Uint64(b[:]))
}

// open returns the connection, ready for a batch.
func (s *session) open(ctx context.Context) (*pgx.Conn, error) {
	if s.conn != nil {
		return s.conn, nil
	}
	pooled, err := s.pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("acquire journal connection: %w", err)
	}
	s.conn = pooled.Hijack()
	if err := s.prepare(ctx); err != nil {
		s.close()
		return nil, err
	}
	return s.conn, nil
}

func (s *session) prepare(ctx context.Context) error {
	if _, err := s.conn.Exec(ctx, sessionSettings); err != nil {
		return fmt.Errorf("set up journal connection: %w", err)
	}
	if _, err := s.conn.Exec(ctx, endPredecessors, s.lockKey); err != nil {
		return fmt.Errorf("end journal's lost connection: %w", err)
	}
	if _, err := s.conn.Exec(ctx, "select pg_advisory_lock($1)", s.lockKey); err != nil {
		return fmt.Errorf("wait for journal's lost connection: %w", err)
	}
	for _, statements := range [][]bulk.Statement{
		lease.Statements(), task.Statements(), run.Statements(), event.Statements(), moment.Statements(), open.Statements(), stream.Statements(),
		durable.Statements(), child.Statements(), schedule.Statements(), idempotency.Statements(),
		flow.Statements(), worker.Statements(),
	} {
		if err := bulk.Prepare(ctx, s.conn.PgConn(), statements...); err != nil {
			return err
		}
	}
	return nil
}

// close gives the connection up; the next open makes another one.
func (s *session) close() {
	if s.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	_ = s.conn.Close(ctx) // nothing is lost with it
	s.conn = nil
}
