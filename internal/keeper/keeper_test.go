package keeper_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/sync/errgroup"

	"github.com/adzehq/adze/internal/base/clock"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/keeper"
	"github.com/adzehq/adze/internal/pgtest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/jackc/pgx/v5/pgxpool.(*Pool).backgroundHealthCheck"))
}

// noon is a clock that stands still; its timers fire when the test says.
type noon struct{ ticks chan time.Time }

func (noon) Now() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

func (n noon) NewTimer(time.Duration) clock.Timer { return n }

func (n noon) C() <-chan time.Time { return n.ticks }

func (noon) Reset(time.Duration) {}

func (noon) Stop() {}

func setup(t *testing.T) (*pgxpool.Pool, *keeper.Keeper, noon) {
	t.Helper()
	pool := pgtest.Open(t)
	n := noon{make(chan time.Time)}
	return pool, keeper.New(pool, keeper.Config{Clock: n, Log: slog.New(slog.DiscardHandler)}), n
}

func partitions(t *testing.T, pool *pgxpool.Pool, parent string) (names []string) {
	t.Helper()
	err := pool.QueryRow(t.Context(), `select coalesce(array_agg(c.relname::text order by c.relname), '{}')
		from pg_inherits inner join pg_class as c on c.oid = inhrelid where inhparent = $1::text::regclass`, "adze."+parent).Scan(&names)
	require.NoError(t, err)
	return names
}

func TestPartitionsAreMadeFromYesterdayToAWeekAhead(t *testing.T) {
	t.Parallel()
	pool, k, _ := setup(t)
	require.NoError(t, k.Pass(t.Context()))
	require.NoError(t, k.Pass(t.Context()), "and once only")
	for _, parent := range []string{"task", "task_result", "attempt", "run", "run_result"} {
		names := partitions(t, pool, parent)
		require.Len(t, names, 9)
		require.Equal(t, parent+"_20261121", names[0])
		require.Equal(t, parent+"_20261129", names[8])
	}
}

func TestADaysFirstAndLastIDGoToItsPartition(t *testing.T) {
	t.Parallel()
	pool, k, n := setup(t)
	require.NoError(t, k.Pass(t.Context()))
	midnight := n.Now().Truncate(24 * time.Hour)
	for task, want := range map[id.ID]string{
		id.First(midnight) - 1:                   "task_20261121",
		id.First(midnight):                       "task_20261122",
		id.First(midnight.Add(24*time.Hour)) - 1: "task_20261122",
		id.First(midnight.Add(24 * time.Hour)):   "task_20261123",
	} {
		var got string
		require.NoError(t, pool.QueryRow(t.Context(), `insert into adze.task values ($1, 1, 1, 0, null, 0, '', '1', null)
			returning (select relname from pg_class where oid = task.tableoid)`, task).Scan(&got))
		require.Equal(t, want, got)
	}
}

func TestPartitionsAreIndexedLikeTheirParent(t *testing.T) {
	t.Parallel()
	pool, k, _ := setup(t)
	require.NoError(t, k.Pass(t.Context()))
	var attached int
	require.NoError(t, pool.QueryRow(t.Context(), `select count(*) from pg_inherits
		where inhparent in ('adze.task_pkey'::regclass, 'adze.task_tenant_idx'::regclass, 'adze.task_replay_idx'::regclass,
		'adze.task_schedule_idx'::regclass)`).Scan(&attached))
	require.Equal(t, 36, attached)
	var indexes int
	require.NoError(t, pool.QueryRow(t.Context(), `select count(*) from pg_index
		where indrelid = 'adze.task_20261122'::regclass`).Scan(&indexes))
	require.Equal(t, 4, indexes)
}

func TestPartitionsOfOtherDaysAreMadeWhenAskedFor(t *testing.T) {
	t.Parallel()
	pool, k, n := setup(t)
	first, last := n.Now().AddDate(0, 0, -14), n.Now().AddDate(0, 0, -1)
	require.NoError(t, k.EnsurePartitions(t.Context(), id.First(first), id.First(last)))
	require.Len(t, partitions(t, pool, "task"), 14)
	require.ErrorContains(t, k.EnsurePartitions(t.Context(), 0, id.First(last)), "at most 400")
}

func TestSeveralEnginesMakePartitionsOnce(t *testing.T) {
	t.Parallel()
	pool, _, n := setup(t)
	var engines sync.WaitGroup
	for range 5 {
		engines.Go(func() {
			k := keeper.New(pool, keeper.Config{Clock: n, Log: slog.New(slog.DiscardHandler)})
			require.NoError(t, k.Pass(context.Background()))
		})
	}
	engines.Wait()
	require.Len(t, partitions(t, pool, "task"), 9)
}

func TestEnginesThatHaveLookedBeforeMakeANewDayOnce(t *testing.T) {
	t.Parallel()
	pool, k, _ := setup(t)
	const rounds = 5
	for range rounds {
		// A session remembers that a table is missing; each round asks them again.
		var engines errgroup.Group
		for range 4 {
			engines.Go(func() error { return k.Pass(t.Context()) })
		}
		require.NoError(t, engines.Wait())
		_, err := pool.Exec(t.Context(), "drop table adze.task_20261129")
		require.NoError(t, err)
	}
}

func TestMakingPartitionsWaitsForNoReader(t *testing.T) {
	t.Parallel()
	pool, k, _ := setup(t)
	reader, err := pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = reader.Exec(t.Context(), "select from adze.task")
	require.NoError(t, err)
	require.NoError(t, k.Pass(t.Context()))
	require.NoError(t, reader.Rollback(t.Context()))
}

func TestPartitionedTablesAreAnalyzed(t *testing.T) {
	t.Parallel()
	pool, k, _ := setup(t)
	require.NoError(t, k.Pass(t.Context()))
	_, err := pool.Exec(t.Context(), `insert into adze.task select $1::bigint + n, 1, 1, 0, null, 0, '', '1', null
		from generate_series(1, 1000) n`, id.First(time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)))
	require.NoError(t, err)
	require.NoError(t, k.Analyze(t.Context()))
	var rows int
	require.NoError(t, pool.QueryRow(t.Context(), "select reltuples from pg_class where oid = 'adze.task'::regclass").Scan(&rows))
	require.Equal(t, 1000, rows)
}

func TestRunMakesAPassAtOnceAndAtEachTick(t *testing.T) {
	t.Parallel()
	pool, k, n := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- k.Run(ctx) }()
	n.ticks <- time.Time{} // taken after the first pass
	require.Len(t, partitions(t, pool, "task"), 9)
	_, err := pool.Exec(t.Context(), "drop table adze.task_20261129")
	require.NoError(t, err)
	n.ticks <- time.Time{}
	n.ticks <- time.Time{}
	require.Len(t, partitions(t, pool, "task"), 9)
	cancel()
	require.NoError(t, <-ended)
}
