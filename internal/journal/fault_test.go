package journal_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// cut is where a wire breaks.
type cut int32

const (
	cutNowhere     cut = iota
	cutBeforeWrite     // the batch never leaves
	cutAfterWrite      // Postgres has the batch; nobody hears what came of it
	cutAtAnswer        // Postgres has committed; the answer is lost
)

var errCut = errors.New("wire is cut")

// wire is a connection that breaks once, at the next write after arm.
type wire struct {
	net.Conn
	next  *atomic.Int32 // a cut
	mu    sync.Mutex
	state cut
}

func (w *wire) Write(b []byte) (int, error) {
	where := cut(w.next.Swap(int32(cutNowhere)))
	w.mu.Lock()
	w.state = max(w.state, where)
	w.mu.Unlock()
	if where == cutBeforeWrite {
		_ = w.Conn.Close()
		return 0, errCut
	}
	n, err := w.Conn.Write(b)
	if where == cutAfterWrite {
		_ = w.Conn.Close()
	}
	return n, err
}

func (w *wire) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.state == cutAtAnswer && n > 0 {
		_ = w.Conn.Close()
		return 0, errCut
	}
	return n, err
}

// setupFaulty is setup with a journal whose wires break when told.
func setupFaulty(t *testing.T) (*bundle, *atomic.Int32) {
	t.Helper()
	b := setup(t)
	next := &atomic.Int32{}
	config := b.pool.Config()
	dial := config.ConnConfig.DialFunc
	config.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &wire{Conn: conn, next: next}, nil
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	b.start(pool)
	return b, next
}

func TestABatchWhoseOutcomeIsUnknownIsWrittenOnce(t *testing.T) {
	t.Parallel()
	for name, where := range map[string]cut{
		"never sent": cutBeforeWrite, "sent": cutAfterWrite, "committed": cutAtAnswer,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, next := setupFaulty(t)
			first := b.task()
			require.NoError(t, await(t, b.submit(first)))
			next.Store(int32(where))
			tasks := b.tasks(10)
			run := b.task()
			b.ids = id.NewSource(shard, run.ID+2)
			nodes := []core.NewTask{{ID: run.ID + 1, Run: run.ID}, {ID: run.ID + 2, Run: run.ID, Node: 1}}
			require.NoError(t, await(t, b.append(shard, epoch, &core.Effects{
				Tasks: append(tasks, nodes...),
				Runs:  []core.NewTask{run},
				Results: []core.Result{
					{Task: first.ID, Status: core.Succeeded, Output: core.Payload("1")},
					{Task: nodes[0].ID, Run: run.ID, Status: core.Succeeded, Output: core.Payload("1"), Verdicts: []core.Verdict{{Node: 1, Skip: true}}},
				},
				RunResults: []core.RunResult{{Run: run.ID, Status: core.Failed}},
				Attempts:   []core.Attempt{{Task: first.ID, Number: 1, Outcome: core.AttemptFailed}},
				Moments:    []core.Moment{{Task: first.ID, Token: 1, Attempt: 1, Kind: core.MomentReleased}},
				Open:       []core.OpenTask{{ID: tasks[0].ID, State: core.OpenReady}},
				OpenRuns:   []core.OpenRun{{ID: run.ID}},
			})))
			require.Zero(t, next.Load(), "the wire was cut")
			require.Equal(t, 13, b.count("select count(*) from adze.task"))
			require.Equal(t, 2, b.count("select count(*) from adze.task_result"))
			require.Equal(t, 1, b.count("select count(*) from adze.run"))
			require.Equal(t, 1, b.count("select count(*) from adze.run_result"))
			require.Equal(t, 1, b.count("select count(*) from adze.open_run"))
			require.Equal(t, 1, b.count("select count(*) from adze.attempt"))
			require.Equal(t, 1, b.count("select count(*) from adze.moment"))
			require.Equal(t, 1, b.count("select count(*) from adze.open_task"))
			require.NoError(t, await(t, b.submit(b.task())))
		})
	}
}

// A batch that Postgres still works on when its connection is lost must not come
// after its own repetition: it would bring back a row that a later batch deleted.
func TestALostConnectionsBatchCannotOvertakeLaterOnes(t *testing.T) {
	t.Parallel()
	b, next := setupFaulty(t)
	require.NoError(t, await(t, b.submit(b.task())))
	i := b.ids.Next(time.Now().UnixMilli())
	release := b.holdFence(shard)
	next.Store(int32(cutAfterWrite))
	opened := b.append(shard, epoch, &core.Effects{Open: []core.OpenTask{{ID: i, State: core.OpenReady}}})
	b.awaitBlocked()
	require.Eventually(t, func() bool { return !b.journal.Healthy() }, waitMax, time.Millisecond)
	closed := b.append(shard, epoch, &core.Effects{Closed: []id.ID{i}})
	b.awaitBlocked() // one, not two: the lost one is ended
	release()
	require.NoError(t, await(t, opened))
	require.NoError(t, await(t, closed))
	require.Zero(t, b.count("select count(*) from adze.open_task"))
}

func TestNothingIsLostOrDoubledWhenPostgresEndsConnectionsUnderLoad(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const rounds, perRound = 5, 200
	var done []<-chan error
	for range rounds {
		for range perRound {
			done = append(done, b.submit(b.task()))
		}
		b.exec(`select pg_terminate_backend(pid) from pg_locks
			where locktype = 'advisory' and mode = 'ExclusiveLock' and granted and objsubid = 1
			and database = (select oid from pg_database where datname = current_database())`)
	}
	for _, d := range done {
		require.NoError(t, await(t, d))
	}
	require.Equal(t, rounds*perRound, b.count("select count(*) from adze.task"))
}

func TestItWaitsForPostgresAndSaysSo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	config := b.pool.Config()
	var up atomic.Bool
	dial := config.ConnConfig.DialFunc
	config.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		if !up.Load() {
			return nil, errCut
		}
		return dial(ctx, network, address)
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	b.start(pool)
	done := b.submit(b.task())
	require.Eventually(t, func() bool { return b.journal.LastError() != nil }, waitMax, time.Millisecond)
	up.Store(true)
	require.NoError(t, await(t, done))
	require.NoError(t, b.journal.LastError())
}
