// Package server puts an engine together, with a wire around it or embedded in a
// program.
//
// It owns the order in which the parts start and stop, and the settings. It
// promises that each part stops before those that it stands on, that what was
// accepted is committed or reported before the end, and that a lost shard stops the
// process with a reason.
package server

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/lease"
	"github.com/adzehq/adze/internal/base/lifecycle"
	"github.com/adzehq/adze/internal/base/pg"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/edge/grpcapi"
	"github.com/adzehq/adze/internal/journal"
	"github.com/adzehq/adze/internal/keeper"
	"github.com/adzehq/adze/internal/record/tenant"
	"github.com/adzehq/adze/internal/shard"
)

// Shards is how many shards a database has. All belong to this process for now; a
// tenant's shard is written in its row and does not change.
const Shards = 16

// connsApart are connections beside the pool's reads: the journal's and the lease's.
const connsApart = 2

// tellWaitAfter is when the log says that another engine is waited for: a restart's
// predecessor lets go sooner.
const tellWaitAfter = time.Second

// Engine is all of Adze but the wire.
type Engine struct {
	config  EngineConfig
	pool    *pgxpool.Pool
	leases  *lease.Holder
	keeper  *keeper.Keeper
	journal *journal.Journal
	shards  *shard.Set
	tenants *tenants
	auth    *auth.Verifier
	metrics *prometheus.Registry
}

// OpenEngine connects, brings the database up to date and takes the shards. Run
// serves them then; Close is for an engine that is not run.
func OpenEngine(ctx context.Context, config EngineConfig) (*Engine, error) {
	config.fill()
	e := &Engine{config: config}
	if err := e.open(ctx); err != nil {
		e.Close()
		return nil, err
	}
	return e, nil
}

// open is the life of an engine up to Run, in one column.
func (e *Engine) open(ctx context.Context) (err error) {
	c := &e.config
	e.pool, err = pg.Open(ctx, c.DatabaseURL, pg.Options{ConnsMax: c.DatabaseConns + connsApart, Log: c.Log})
	if err != nil {
		return err
	}
	if err := migrate(ctx, e.pool, c.Log); err != nil {
		return err
	}
	e.keeper = keeper.New(e.pool, keeper.Config{Clock: c.Clock, Log: c.Log})
	if err := e.keeper.Pass(ctx); err != nil {
		return err
	}
	if e.tenants, err = openTenants(ctx, e.pool, c.Clock.Now()); err != nil {
		return err
	}
	secret, err := tenant.SigningKey(ctx, e.pool, freshSecret())
	if err != nil {
		return err
	}
	e.auth = auth.NewVerifier(secret, auth.Database{DB: e.pool}, c.Clock, c.Log)
	e.leases = lease.New(e.pool, lease.Config{Owner: newOwner(), Address: c.Address, Log: c.Log})
	epochs, err := e.acquire(ctx)
	if err != nil {
		return err
	}
	e.journal = journal.New(e.pool, journal.Config{EnsurePartitions: e.keeper.EnsurePartitions, Log: c.Log})
	e.shards = shard.NewSet(shard.Config{
		Epochs:        epochs,
		ShardOf:       e.tenants.shardOf,
		TenantName:    e.tenants.nameOf,
		Store:         shard.NewStore(e.pool, c.Clock),
		Journal:       e.journal,
		Submits:       journal.NewGate(journal.GateBytesMax, journal.TenantBytesMax),
		Reports:       journal.NewGate(journal.GateBytesMax, journal.TenantBytesMax),
		Emits:         journal.NewGate(journal.EmitBytesMax, journal.TenantEmitBytesMax),
		Clock:         c.Clock,
		Log:           c.Log,
		CacheBytesMax: c.CacheBytesMax,
	})
	e.metrics = newMetrics(e)
	return nil
}

// acquire takes all shards from an engine that lets go or is dead.
func (e *Engine) acquire(ctx context.Context) (map[int32]int64, error) {
	all := make([]int32, Shards)
	for i := range all {
		all[i] = int32(i)
	}
	patient, stop := context.WithTimeout(ctx, e.config.LeaseWait)
	defer stop()
	told := time.AfterFunc(tellWaitAfter, func() {
		e.config.Log.Info("another engine serves this database, waiting", "wait_ms", e.config.LeaseWait.Milliseconds())
	})
	defer told.Stop()
	epochs, err := e.leases.Acquire(patient, all)
	if err != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		return nil, fault.New(fault.Conflict, "",
			"another engine serves this database and did not let go within %s: stop it first, one process serves a database for now",
			e.config.LeaseWait)
	}
	return epochs, err
}

// Run serves until ctx ends or a part fails: started from top to bottom, stopped
// from bottom to top.
func (e *Engine) Run(ctx context.Context) error {
	defer e.Close()
	return lifecycle.Run(ctx,
		lifecycle.Part{Name: "keeper", Runner: e.keeper},
		lifecycle.Part{Name: "leases", Runner: e.leases},
		lifecycle.Part{Name: "journal", Runner: e.journal},
		lifecycle.Part{Name: "shards", Runner: e.shards},
		lifecycle.Part{Name: "lease watch", Runner: lifecycle.RunnerFunc(e.watchLeases)},
	)
}

// watchLeases fails when a shard is another's: whatever is still decided for it
// here can never be committed.
func (e *Engine) watchLeases(ctx context.Context) error {
	select {
	case lost := <-e.leases.Lost():
		return fmt.Errorf("shard %d has another owner: another engine took over this database", lost)
	case <-ctx.Done():
		return nil
	}
}

// Ready returns once all shards are served, or with why one is not. Run must run.
func (e *Engine) Ready(ctx context.Context) error { return e.shards.Ready(ctx) }

// Close gives back what OpenEngine took. Run does it by itself.
func (e *Engine) Close() {
	if e.leases != nil {
		e.leases.Close()
	}
	if e.pool != nil {
		e.pool.Close()
	}
}

// Client is the way into the engine's mind.
func (e *Engine) Client() shard.Client { return e.shards }

// Reader tells where runs stand.
func (e *Engine) Reader() *grpcapi.Reader { return &grpcapi.Reader{DB: e.pool, Shards: e.shards} }

// Pool is the engine's way to its database.
func (e *Engine) Pool() *pgxpool.Pool { return e.pool }

// newOwner names this process in shard_lease.
func newOwner() int64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return int64(binary.BigEndian.Uint64(b[:])>>1 | 1)
}

// freshSecret is a new signing key, used if there is none yet.
func freshSecret() []byte {
	secret := make([]byte, auth.SecretBytes)
	_, _ = rand.Read(secret) // never fails
	return secret
}
