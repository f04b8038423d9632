package moment

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/bulk"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/keeper"
	"github.com/adzehq/adze/internal/pgtest"
	"github.com/adzehq/adze/internal/record/rowtest"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const tenant = 1

func setup(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool := pgtest.Open(t)
	require.NoError(t, keeper.New(pool, keeper.Config{Log: slog.New(slog.DiscardHandler)}).EnsurePartitions(t.Context(), id.First(noon), id.First(noon)))
	return pool
}

// seq is the n-th id of a shard.
func seq(n int) id.ID { return id.First(noon) + 7<<12 + id.ID(n) }

func write(t *testing.T, pool *pgxpool.Pool, moments ...core.Moment) {
	t.Helper()
	require.NoError(t, rowtest.Send(t, pool, Statements(), func(b *bulk.Batch) {
		var c Columns
		for i := range moments {
			c.Add(&moments[i])
		}
		c.Queue(b)
	}))
}

func TestMomentsAreReadAsTheyHappened(t *testing.T) {
	t.Parallel()
	pool := setup(t)
	moments := []core.Moment{
		{Task: seq(1), Tenant: tenant, Worker: 9, Token: 4, At: 10, Attempt: 1, Kind: core.MomentPostponed, Deadline: 60, ByMS: 20},
		{Task: seq(1), Tenant: tenant, Worker: 9, Token: 4, At: 11, Attempt: 1, Kind: core.MomentPostponed, Deadline: 90, ByMS: 30},
		{Task: seq(1), Tenant: tenant, Worker: 9, Token: 4, At: 12, Attempt: 1, Kind: core.MomentReleased},
		{Task: seq(1), Tenant: tenant, Worker: 9, Token: 5, At: 14, Attempt: 1, Kind: core.MomentSuspended, Assigned: 13, Started: 13},
		{Task: seq(2), Tenant: tenant, Worker: 8, Token: 6, At: 3, Attempt: 2, Kind: core.MomentSuspended, Assigned: 2},
	}
	write(t, pool, moments[3], moments[0], moments[2], moments[4], moments[1])
	got, err := Of(t.Context(), pool, tenant, seq(2), seq(1), seq(3))
	require.NoError(t, err)
	require.Equal(t, moments, got)
}

func TestMomentThatIsToldAgainChangesNothing(t *testing.T) {
	t.Parallel()
	pool := setup(t)
	first := core.Moment{Task: seq(1), Tenant: tenant, Worker: 9, Token: 4, At: 12, Attempt: 1, Kind: core.MomentReleased}
	again := first
	again.At = 99
	write(t, pool, first)
	write(t, pool, again)
	got, err := Of(t.Context(), pool, tenant, seq(1))
	require.NoError(t, err)
	require.Equal(t, []core.Moment{first}, got)
}

func TestStrangersReadNothing(t *testing.T) {
	t.Parallel()
	pool := setup(t)
	write(t, pool, core.Moment{Task: seq(1), Tenant: tenant, Worker: 9, Token: 4, At: 12, Attempt: 1, Kind: core.MomentReleased})
	got, err := Of(t.Context(), pool, tenant+1, seq(1))
	require.NoError(t, err)
	require.Empty(t, got)
}

func TestOfManyMomentsOfATaskTheNewestAreRead(t *testing.T) {
	t.Parallel()
	pool := setup(t)
	var moments []core.Moment
	for i := range ReadMax + 1 {
		moments = append(moments, core.Moment{
			Task: seq(1), Tenant: tenant, Worker: 9, Token: 4, At: core.Time(i + 1), Attempt: 1,
			Kind: core.MomentPostponed, Deadline: core.Time(1_000 + i), ByMS: 1,
		})
	}
	write(t, pool, moments[1:]...)
	got, err := Of(t.Context(), pool, tenant, seq(1))
	require.NoError(t, err)
	require.Equal(t, moments[1:], got, "all there are")
	write(t, pool, moments[0])
	got, err = Of(t.Context(), pool, tenant, seq(1))
	require.NoError(t, err)
	require.Equal(t, moments[1:], got, "the first is one too many")
}

func TestMomentsOfATaskAreOneRangeOfOneIndex(t *testing.T) {
	t.Parallel()
	pool := setup(t)
	k := keeper.New(pool, keeper.Config{Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, k.EnsurePartitions(t.Context(), id.First(noon.AddDate(0, 0, -3)), id.First(noon)))
	_, err := pool.Exec(t.Context(), `insert into adze.moment
		select first + n % 500, 1, n, n, 0, 1, null, null, null, 1, 'released'
		from unnest(array[$1, $2]::bigint[]) first, generate_series(1, 10000) n`,
		int64(seq(0)), int64(id.First(noon.AddDate(0, 0, -2))))
	require.NoError(t, err)
	require.NoError(t, k.Analyze(t.Context()))
	arguments := fmt.Sprintf("1, array[%d]::bigint[], 100", int64(seq(7)))
	rowtest.Plans(t, pool, ofTasksSQL, arguments, func(t *testing.T, ran []rowtest.Node) {
		rowtest.NoScan(t, ran, "moment")
	})
}
