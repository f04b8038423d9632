package journal

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

const (
	// batchRowsMax keeps a flush under some 20 ms; beyond it throughput no longer
	// rises, only latency does. An entry is never split: one that is larger is a
	// batch of its own.
	batchRowsMax = 2_000

	// batchBytesMax bounds the memory that a batch takes a second time, encoded.
	batchBytesMax = 8 << 20

	// flushTimeout is how long a try may take before its connection is given up
	// and its outcome counts as unknown.
	flushTimeout = 30 * time.Second

	// stopGrace is how long the batch in flight may still take when the journal
	// is told to stop: better an end that is known.
	stopGrace = 2 * time.Second

	// Waits between tries double from the first to the last, less up to a half.
	retryWaitMin = 20 * time.Millisecond
	retryWaitMax = 2 * time.Second

	// complainEvery is how often an outage that lasts is logged.
	complainEvery = 10 * time.Second
)

// Config is what a journal needs besides its pool.
type Config struct {
	// EnsurePartitions makes the partitions for ids from first to last. It is
	// called when one was missing, as at midnight with nobody to make it ahead.
	EnsurePartitions func(ctx context.Context, first, last id.ID) error
	Log              *slog.Logger // nil = slog.Default
}

// Journal writes entries. Run must run for anything to be written.
type Journal struct {
	pool    *pgxpool.Pool
	config  Config
	log     *slog.Logger
	metrics *Metrics
	lockKey int64         // see session
	wake    chan struct{} // holds one: there is something to take

	mu      sync.Mutex
	pending []item // pending[taken:] are appended and not taken
	taken   int
	stopped error // set when Run has ended: nothing is written any more
	failure error // why the batch in hand is not committed yet; nil = healthy
}

// item is an entry with its size.
type item struct {
	Entry
	rows  int
	bytes int64 // Cost
}

// New makes a journal on a connection of pool, which it takes when it runs.
func New(pool *pgxpool.Pool, config Config) *Journal {
	if config.Log == nil {
		config.Log = slog.Default()
	}
	return &Journal{
		pool:    pool,
		config:  config,
		log:     config.Log,
		metrics: newMetrics(),
		lockKey: newLockKey(),
		wake:    make(chan struct{}, 1),
	}
}

// Metrics are the journal's own, to be registered once.
func (j *Journal) Metrics() *Metrics { return j.metrics }

// Append hands over an entry, and never blocks: what may come is bounded before,
// by Gate. Once Run has ended, Done is called before Append returns.
func (j *Journal) Append(e Entry) {
	it := item{Entry: e, rows: e.Effects.Rows()}
	it.bytes = Cost(it.rows, payloadBytes(e))
	j.mu.Lock()
	stopped := j.stopped
	if stopped == nil {
		j.pending = append(j.pending, it)
	}
	j.mu.Unlock()
	if stopped != nil {
		e.Done(stopped)
		return
	}
	j.metrics.PendingBytes.Add(float64(it.bytes))
	select {
	case j.wake <- struct{}{}:
	default: // it is awake already
	}
}

func payloadBytes(e Entry) (n int64) {
	for i := range e.Effects.Tasks {
		n += int64(len(e.Effects.Tasks[i].Input) + len(e.Effects.Tasks[i].Metadata))
	}
	for i := range e.Effects.Runs {
		n += int64(len(e.Effects.Runs[i].Input) + len(e.Effects.Runs[i].Metadata))
	}
	for i := range e.Effects.Schedules {
		n += int64(len(e.Effects.Schedules[i].Input) + len(e.Effects.Schedules[i].Metadata))
	}
	for i := range e.Effects.Results {
		n += int64(len(e.Effects.Results[i].Output) + len(e.Effects.Results[i].Error))
	}
	for i := range e.Effects.Events {
		n += int64(len(e.Effects.Events[i].Payload) + len(e.Effects.Events[i].Metadata))
	}
	for i := range e.Effects.Lines {
		n += int64(len(e.Effects.Lines[i].Message) + len(e.Effects.Lines[i].Fields))
	}
	for i := range e.Effects.Chunks {
		n += int64(len(e.Effects.Chunks[i].Data))
	}
	return n + durableBytes(e.Effects)
}

func durableBytes(e *core.Effects) (n int64) {
	for i := range e.Entries {
		n += int64(len(e.Entries[i].Data) + len(e.Entries[i].Error))
		n += conditionBytes(e.Entries[i].Conditions)
	}
	for i := range e.Waits {
		n += conditionBytes(e.Waits[i].Conditions)
	}
	for i := range e.Mets {
		n += int64(len(e.Mets[i].Data))
	}
	for i := range e.Replies {
		n += int64(len(e.Replies[i].Data) + len(e.Replies[i].Error))
	}
	for i := range e.Values {
		n += int64(len(e.Values[i].Data))
	}
	return n
}

// conditionBytes counts what can be large.
func conditionBytes(conditions []core.Condition) (n int64) {
	for i := range conditions {
		n += int64(len(conditions[i].Filter) + 8*len(conditions[i].Runs))
	}
	return n
}

// LastError is why the batch in hand is not committed yet, for readiness; nil
// while the journal is healthy.
func (j *Journal) LastError() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.failure
}

// Healthy tells whether the last try to write succeeded.
func (j *Journal) Healthy() bool { return j.LastError() == nil }

func (j *Journal) setFailure(err error) {
	j.mu.Lock()
	j.failure = err
	j.mu.Unlock()
}

// Run writes what is appended until ctx ends. The batch in flight may then still
// be committed; all other entries are done with the context's error.
func (j *Journal) Run(ctx context.Context) error {
	f := flusher{journal: j, session: session{pool: j.pool, lockKey: j.lockKey}, fenced: map[int32]int64{}}
	defer f.session.close()
	for {
		select {
		case <-ctx.Done():
			j.stop(ctx.Err())
			return nil
		case <-j.wake:
		}
		for ctx.Err() == nil && j.take(&f.items) {
			f.flush(ctx)
		}
	}
}

// take moves the next batch into batch: whole entries, at most batchRowsMax rows
// and batchBytesMax, but at least one entry. It tells whether there was any.
func (j *Journal) take(batch *[]item) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	waiting := j.pending[j.taken:]
	n := batchLength(waiting)
	*batch = append((*batch)[:0], waiting[:n]...)
	clear(waiting[:n])
	j.taken += n
	if j.taken == len(j.pending) {
		j.pending, j.taken = j.pending[:0], 0
	} else if j.taken > len(j.pending)/2 {
		// Half is room that was taken: moving the rest costs as much as was moved
		// in, and the list stays as short as what waits.
		rest := copy(j.pending, j.pending[j.taken:])
		clear(j.pending[rest:])
		j.pending, j.taken = j.pending[:rest], 0
	}
	return n > 0
}

func batchLength(waiting []item) int {
	var rows int
	var bytes int64
	for i := range waiting {
		rows += waiting[i].rows
		bytes += waiting[i].bytes
		if i > 0 && (rows > batchRowsMax || bytes > batchBytesMax) {
			return i
		}
	}
	return len(waiting)
}

// stop ends all that waits, and all that comes later, with err.
func (j *Journal) stop(err error) {
	j.mu.Lock()
	waiting := j.pending[j.taken:]
	j.pending, j.taken, j.stopped = nil, 0, err
	j.mu.Unlock()
	for _, it := range waiting {
		j.done(it, err)
	}
}

func (j *Journal) done(it item, err error) {
	j.metrics.PendingBytes.Sub(float64(it.bytes))
	it.Done(err)
}
