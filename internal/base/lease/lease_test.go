package lease_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/adzehq/adze/internal/base/bulk"
	"github.com/adzehq/adze/internal/base/lease"
	"github.com/adzehq/adze/internal/pgtest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/jackc/pgx/v5/pgxpool.(*Pool).backgroundHealthCheck"))
}

const waitMax = 20 * time.Second

func holder(t *testing.T, pool *pgxpool.Pool, owner int64) *lease.Holder {
	t.Helper()
	h := lease.New(pool, lease.Config{
		Owner:      owner,
		TTL:        500 * time.Millisecond,
		RenewEvery: 20 * time.Millisecond,
		Log:        slog.New(slog.DiscardHandler),
	})
	t.Cleanup(h.Close)
	return h
}

func run(t *testing.T, h *lease.Holder) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = h.Run(ctx) }()
	stop = sync.OnceFunc(func() { cancel(); <-ended })
	t.Cleanup(stop)
	return stop
}

func acquire(t *testing.T, h *lease.Holder, shards ...int32) map[int32]int64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), waitMax)
	defer cancel()
	epochs, err := h.Acquire(ctx, shards)
	require.NoError(t, err)
	return epochs
}

// endSessions ends the sessions that hold liveness locks, as a killed process does.
func endSessions(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	_, err := pool.Exec(t.Context(), `select pg_terminate_backend(pid, 5000) from
		(select distinct pid from pg_locks where locktype = 'advisory' and classid = 1633974886
		and database = (select oid from pg_database where datname = current_database())) s`)
	require.NoError(t, err)
}

// write is a batch under a fence.
func write(t *testing.T, pool *pgxpool.Pool, shard int32, epoch int64) error {
	t.Helper()
	pooled, err := pool.Acquire(t.Context())
	require.NoError(t, err)
	conn := pooled.Hijack() // it keeps prepared statements, and is nobody else's
	defer func() { _ = conn.Close(t.Context()) }()
	require.NoError(t, bulk.Prepare(t.Context(), conn.PgConn(), lease.Statements()...))
	var f lease.Fence
	f.Add(shard, epoch)
	var b bulk.Batch
	f.Queue(&b)
	return b.Exec(t.Context(), conn.PgConn())
}

func TestAnEpochNeverComesTwice(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	var last int64
	for owner := range int64(3) {
		h := holder(t, pool, owner+1)
		epochs := acquire(t, h, 1, 2, 3)
		require.Len(t, epochs, 3)
		require.Greater(t, epochs[2], last)
		require.Equal(t, epochs, acquire(t, h, 1, 2, 3), "what is held keeps its epoch")
		last = epochs[2]
		h.Close()
	}
}

func TestAShardWhoseOwnerLivesIsNotTaken(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	owner, other := holder(t, pool, 1), holder(t, pool, 2)
	acquire(t, owner, 1)
	run(t, owner)
	epochs, err := other.TryAcquire(t.Context(), []int32{1, 2})
	require.NoError(t, err)
	require.Equal(t, map[int32]int64{2: 1}, epochs)
}

func TestADeadOwnersShardIsFreeAtOnce(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	owner := lease.New(pool, lease.Config{Owner: 1, TTL: time.Hour, Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(owner.Close)
	acquire(t, owner, 1)
	endSessions(t, pool)
	epochs, err := holder(t, pool, 2).TryAcquire(t.Context(), []int32{1})
	require.NoError(t, err)
	require.Equal(t, map[int32]int64{1: 2}, epochs)
}

func TestAFrozenOwnersShardIsTakenAfterTTLAndItsBatchesAreRefused(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	frozen, next := holder(t, pool, 1), holder(t, pool, 2)
	old := acquire(t, frozen, 1)[1] // and never renews
	require.NoError(t, write(t, pool, 1, old))
	current := acquire(t, next, 1)[1]
	require.Greater(t, current, old)

	shard, fenced := lease.FencedShard(write(t, pool, 1, old))
	require.True(t, fenced)
	require.Equal(t, int32(1), shard)
	require.NoError(t, write(t, pool, 1, current))

	run(t, frozen) // it wakes up
	select {
	case lost := <-frozen.Lost():
		require.Equal(t, int32(1), lost)
	case <-time.After(waitMax):
		require.FailNow(t, "owner was not told that it lost its shard")
	}
}

func TestALostSessionIsReplacedWhileTheEpochIsItsOwn(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	owner, other := holder(t, pool, 1), holder(t, pool, 2)
	acquire(t, owner, 1)
	endSessions(t, pool)
	run(t, owner)
	require.Eventually(t, func() bool {
		var held int
		err := pool.QueryRow(t.Context(), `select count(*) from pg_locks where locktype = 'advisory' and classid = 1633974886
			and database = (select oid from pg_database where datname = current_database())`).Scan(&held)
		return err == nil && held == 1
	}, waitMax, 5*time.Millisecond)
	epochs, err := other.TryAcquire(t.Context(), []int32{1})
	require.NoError(t, err)
	require.Empty(t, epochs)
	require.Empty(t, owner.Lost())
}

func TestAnOwnerThatStopsLetsGo(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	owner, other := holder(t, pool, 1), holder(t, pool, 2)
	acquire(t, owner, 1)
	run(t, owner)()
	require.Eventually(t, func() bool {
		epochs, err := other.TryAcquire(t.Context(), []int32{1})
		return err == nil && epochs[1] == 2
	}, waitMax, 5*time.Millisecond)
}

func TestATakeOverWaitsForTheBatchInFlight(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	next := holder(t, pool, 2)
	owner := holder(t, pool, 1)
	acquire(t, owner, 1)
	batch, err := pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = batch.Exec(t.Context(), "select adze.fence(1, 1)")
	require.NoError(t, err)
	owner.Close()
	require.Eventually(t, func() bool {
		_, err = next.TryAcquire(t.Context(), []int32{1})
		return err != nil // waited, and gave up for now
	}, waitMax, 5*time.Millisecond)
	require.ErrorContains(t, err, "lock timeout")
	require.NoError(t, batch.Commit(t.Context()))
	require.Equal(t, map[int32]int64{1: 2}, acquire(t, next, 1))
}

func TestAnOwnerIsFoundWhereItListensWhileItLives(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	address := func(shard int32) string {
		found, err := lease.Address(t.Context(), pool, shard)
		require.NoError(t, err)
		return found
	}
	require.Empty(t, address(1), "nobody owns it")
	h := lease.New(pool, lease.Config{Owner: 1, Address: "127.0.0.1:7077", Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(h.Close)
	acquire(t, h, 1)
	require.Equal(t, "127.0.0.1:7077", address(1))
	_, err := pool.Exec(t.Context(), "update adze.shard_lease set renewed_at = renewed_at - make_interval(secs => $1)", lease.TTL.Seconds())
	require.NoError(t, err)
	require.Empty(t, address(1), "it was silent for too long")
}
