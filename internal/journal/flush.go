package journal

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/adzehq/adze/internal/base/lease"
)

// flusher is the one goroutine that writes.
type flusher struct {
	journal *Journal
	session session
	columns columns
	items   []item          // the batch in hand
	fenced  map[int32]int64 // by shard, the highest epoch that was refused

	complained time.Time // when the log was last told of a batch that is not committed; zero = all is well
}

// flush commits the batch in hand and tells its entries, in order. It tries until
// that is done or ctx ends; then they are told that.
func (f *flusher) flush(ctx context.Context) {
	begin := time.Now()
	err := f.write(ctx)
	f.journal.setFailure(nil)
	if err == nil {
		f.observe(begin)
		f.relax(begin)
	}
	for _, it := range f.items {
		f.journal.done(it, err)
	}
	clear(f.items)
}

func (f *flusher) observe(begin time.Time) {
	rows := f.rows()
	if rows == 0 {
		return
	}
	took := time.Since(begin)
	f.journal.metrics.FlushSeconds.Observe(took.Seconds())
	f.journal.metrics.Rows.Observe(float64(rows))
}

func (f *flusher) rows() (n int) {
	for _, it := range f.items {
		n += it.rows
	}
	return n
}

// write tries to commit the batch in hand until it succeeds or ctx ends. On the
// way, entries that turn out to be fenced leave the batch.
func (f *flusher) write(ctx context.Context) error {
	repeat := false
	for wait := retryWaitMin; ; {
		f.dropFenced()
		if f.rows() == 0 {
			return nil // what is only told needs no commit of its own
		}
		err := f.try(ctx, repeat)
		if err == nil {
			return nil
		}
		f.journal.metrics.Retries.Inc()
		if shard, ok := lease.FencedShard(err); ok && f.fence(shard) {
			continue
		}
		if f.session.conn == nil {
			repeat = true // it may be committed: see session
		}
		f.complain(err, repeat)
		if missingPartition(err) {
			f.ensurePartitions(ctx)
		}
		if !pause(ctx, wait) {
			return ctx.Err()
		}
		wait = min(2*wait, retryWaitMax)
	}
}

// try sends the batch once. An error that leaves the outcome unknown closes the
// session.
func (f *flusher) try(ctx context.Context, repeat bool) error {
	ctx, cancel := lingering(ctx)
	defer cancel()
	conn, err := f.session.open(ctx)
	if err != nil {
		return err
	}
	err = f.columns.encode(f.items, repeat).Exec(ctx, conn.PgConn())
	var refused *pgconn.PgError
	if err != nil && (!errors.As(err, &refused) || conn.IsClosed()) {
		f.session.close()
	}
	return err
}

// lingering is a context for one try: it ends after flushTimeout, or stopGrace
// after ctx.
func lingering(ctx context.Context) (context.Context, context.CancelFunc) {
	try, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-try.Done():
		case <-time.After(stopGrace):
			cancel()
		}
	})
	return try, func() { stop(); cancel() }
}

// fence notes that the batch's epoch of a shard is refused. It tells whether that
// drops anything.
func (f *flusher) fence(shard int32) bool {
	refused := int64(-1)
	for _, it := range f.items {
		// Of several epochs the fence meets the lowest first.
		if it.Shard == shard && it.rows > 0 && (refused < 0 || it.Epoch < refused) {
			refused = it.Epoch
		}
	}
	if refused < 0 {
		return false
	}
	f.fenced[shard] = max(f.fenced[shard], refused)
	f.journal.log.Warn("lost shard to another owner", "shard", shard, "epoch", refused)
	return true
}

// dropFenced takes the entries of shards that were lost out of the batch and
// tells them.
func (f *flusher) dropFenced() {
	if len(f.fenced) == 0 {
		return
	}
	f.items = slices.DeleteFunc(f.items, func(it item) bool {
		refused, known := f.fenced[it.Shard]
		lost := known && it.Epoch <= refused
		if lost {
			f.journal.done(it, ErrFenced)
		}
		return lost
	})
}

// missingPartition tells whether a row had no partition to go to. That has the
// code of a failed check, but no constraint's name.
func missingPartition(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && refused.Code == "23514" && refused.ConstraintName == ""
}

// complain tells of a batch that is not committed, with its shape: nothing else is
// written until it is. In a long outage it repeats itself every complainEvery only.
func (f *flusher) complain(err error, repeat bool) {
	f.journal.setFailure(err)
	if now := time.Now(); now.Sub(f.complained) >= complainEvery {
		f.complained = now
		f.journal.log.Error("could not commit batch, trying again",
			"error", err, "outcome_unknown", repeat, "entries", len(f.items), "rows", f.rows())
	}
}

// relax tells that batches are committed again after a complaint.
func (f *flusher) relax(begin time.Time) {
	if !f.complained.IsZero() {
		f.complained = time.Time{}
		f.journal.log.Info("committed batch after trouble", "took_ms", time.Since(begin).Milliseconds())
	}
}

// pause waits for d less up to half of it, so that several engines do not come
// back in step. It tells whether ctx still stands.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d - rand.N(d/2))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
