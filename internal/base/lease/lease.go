// Package lease decides which process owns a shard.
//
// It owns the table shard_lease and two advisory locks per shard: one that every
// batch of the owner shares and a take-over takes alone, so that the epoch never
// changes under a batch; and one that the owner's session holds while it lives. It
// promises that of two processes which believe to own a shard only the one with
// the higher epoch can write, that a dead owner's shards are free at once, and
// those of a frozen one after TTL.
package lease

import (
	"context"
	_ "embed"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/base/pg"
)

var (
	//go:embed take_over.sql
	takeOverSQL string
	//go:embed renew.sql
	renewSQL string
	//go:embed end_silent.sql
	endSilentSQL string
)

const (
	// TTL is how long an owner may be silent before its shards are taken from it,
	// by the database's clock. A few missed renewals are no death.
	TTL = 6 * time.Second

	// renewEvery is the one query that an idle process costs: half a query a second.
	renewEvery = 2 * time.Second

	// acquireEvery is how often Acquire looks again at a shard that is taken.
	acquireEvery = 250 * time.Millisecond

	// statementTimeout is how long the session may leave a statement unanswered
	// before it counts as lost.
	statementTimeout = 5 * time.Second

	// closeTimeout bounds the goodbye to a server that may be gone.
	closeTimeout = time.Second

	// livenessClass is the first key of the locks that owners' sessions hold; the
	// second is the shard. The fence's locks have pg.LockClass.
	livenessClass = pg.LockClass + 1
)

// Config is what a holder needs besides its pool.
type Config struct {
	Owner      int64         // tells processes apart in shard_lease, for people; not 0
	Address    string        // where it listens, see Address; "" = nowhere
	TTL        time.Duration // 0 = TTL
	RenewEvery time.Duration // 0 = every two seconds
	Log        *slog.Logger  // nil = slog.Default
}

// Holder takes shards for this process and keeps them. Its session is a connection
// of its own, taken from the pool at the first Acquire and kept until Close.
type Holder struct {
	pool   *pgxpool.Pool
	config Config
	lost   chan int32

	mu      sync.Mutex // guards what follows, and whole conversations on conn
	conn    *pgx.Conn
	lastPID uint32           // of conn or, if it is lost, of the one before
	held    map[int32]*grant // by shard
	closed  bool
}

// grant is a shard that is held.
type grant struct {
	epoch int64
	alive bool // the session holds its liveness lock
}

// New makes a holder of no shards.
func New(pool *pgxpool.Pool, config Config) *Holder {
	if config.TTL == 0 {
		config.TTL = TTL
	}
	if config.RenewEvery == 0 {
		config.RenewEvery = renewEvery
	}
	if config.Log == nil {
		config.Log = slog.Default()
	}
	return &Holder{
		pool:   pool,
		config: config,
		lost:   make(chan int32, id.ShardsMax), // a shard is lost once at most until it is acquired again
		held:   map[int32]*grant{},
	}
}

// Lost tells the shards that went to another owner: stop what runs for them.
// What is in flight is refused by the fence.
func (h *Holder) Lost() <-chan int32 { return h.lost }

// Acquire takes all of the shards, waits for those that are another's, and
// returns their epochs. It gives up with ctx; what it has by then stays held.
func (h *Holder) Acquire(ctx context.Context, shards []int32) (map[int32]int64, error) {
	tick := time.NewTicker(acquireEvery)
	defer tick.Stop()
	for {
		epochs, err := h.TryAcquire(ctx, shards)
		if err == nil && len(epochs) == len(shards) {
			return epochs, nil
		}
		if err != nil && ctx.Err() == nil {
			h.config.Log.Warn("could not acquire shards, trying again", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("acquire %d shards, have %d: %w", len(shards), len(epochs), ctx.Err())
		case <-tick.C:
		}
	}
}

// TryAcquire takes those of the shards that are free, or whose owner is silent for
// longer than TTL, and returns the epochs of all that are held. A shard that is
// held already keeps its epoch.
func (h *Holder) TryAcquire(ctx context.Context, shards []int32) (map[int32]int64, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.connect(ctx); err != nil {
		return nil, err
	}
	before := len(h.held)
	defer func() {
		if taken := len(h.held) - before; taken > 0 {
			h.config.Log.Info("acquired shards", "shards", taken)
		}
	}()
	epochs := make(map[int32]int64, len(shards))
	for _, shard := range shards {
		if _, ok := h.held[shard]; !ok {
			if err := h.acquire(ctx, shard); err != nil {
				h.dropBroken()
				return epochs, err
			}
		}
		if g, ok := h.held[shard]; ok {
			epochs[shard] = g.epoch
		}
	}
	return epochs, nil
}

// acquire takes a shard unless another's session is alive.
func (h *Holder) acquire(ctx context.Context, shard int32) error {
	alive, err := h.lockLiveness(ctx, shard)
	if err != nil || !alive {
		return err
	}
	epoch, err := h.takeOver(ctx, shard)
	if err != nil {
		h.unlockLiveness(ctx, shard)
		return err
	}
	h.held[shard] = &grant{epoch: epoch, alive: true}
	h.config.Log.Debug("acquired shard", "shard", shard, "epoch", epoch)
	return nil
}

// lockLiveness takes the lock that says "its owner's session lives". If another
// session has it without right, that is ended, and the next call gets it.
func (h *Holder) lockLiveness(ctx context.Context, shard int32) (locked bool, err error) {
	err = h.conn.QueryRow(ctx, "select pg_try_advisory_lock($1, $2)", livenessClass, shard).Scan(&locked)
	if err != nil {
		return false, fmt.Errorf("lock shard %d: %w", shard, err)
	}
	if locked {
		return true, nil
	}
	_, err = h.conn.Exec(ctx, endSilentSQL, int64(livenessClass), int64(shard), h.config.TTL.Seconds(), int64(h.lastPID))
	if err != nil {
		return false, fmt.Errorf("end silent owner of shard %d: %w", shard, err)
	}
	return false, nil
}

// unlockLiveness gives the lock back. An error means that the session is gone,
// and the lock with it.
func (h *Holder) unlockLiveness(ctx context.Context, shard int32) {
	_, _ = h.conn.Exec(ctx, "select pg_advisory_unlock($1, $2)", livenessClass, shard)
}

// takeOverSettings bound the wait for the batch of an owner that was lost in the
// middle of it: the leases that are held must be renewed meanwhile.
const takeOverSettings = "set local lock_timeout = '1s'"

// takeOver raises the epoch while no batch for the shard is under way.
func (h *Holder) takeOver(ctx context.Context, shard int32) (epoch int64, err error) {
	err = pgx.BeginFunc(ctx, h.conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, takeOverSettings); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock($1, $2)", pg.LockClass, shard); err != nil {
			return err
		}
		return tx.QueryRow(ctx, takeOverSQL, shard, h.config.Owner, h.config.Address).Scan(&epoch)
	})
	if err != nil {
		return 0, fmt.Errorf("take over shard %d: %w", shard, err)
	}
	return epoch, nil
}

// shards are those held, ascending: the order of all locks.
func (h *Holder) shards() []int32 { return slices.Sorted(maps.Keys(h.held)) }
