package child

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

const shard = 7

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func setup(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool := pgtest.Open(t)
	require.NoError(t, keeper.New(pool, keeper.Config{Log: slog.New(slog.DiscardHandler)}).EnsurePartitions(t.Context(), id.First(noon), id.First(noon)))
	return pool
}

// seq is the n-th id of the shard.
func seq(n int) id.ID { return id.First(noon) + id.ID(n)<<22 | shard<<12 }

func write(t *testing.T, pool *pgxpool.Pool, repeat bool, children []core.Child, closing []core.Closing, closed ...id.ID) error {
	t.Helper()
	return rowtest.Send(t, pool, Statements(), func(b *bulk.Batch) {
		var c Columns
		for i := range children {
			c.Add(&children[i])
		}
		c.Queue(b, repeat)
		var open ClosingColumns
		for i := range closing {
			open.Add(&closing[i])
		}
		open.Queue(b)
		var gone ClosedColumns
		for _, task := range closed {
			gone.Add(task)
		}
		gone.Queue(b)
	})
}

func TestAKeyOfAParentNamesOneRunForEver(t *testing.T) {
	t.Parallel()
	pool := setup(t)
	require.NoError(t, write(t, pool, false, []core.Child{
		{Parent: seq(1), Tenant: 1, Run: seq(3), Key: "b", Cancel: true},
		{Parent: seq(1), Tenant: 1, Run: seq(2), Key: "a"},
		{Parent: seq(9), Tenant: 1, Run: seq(4), Key: "a"},
	}, nil))
	again := []core.Child{{Parent: seq(1), Tenant: 1, Run: seq(5), Key: "a"}}
	require.ErrorContains(t, write(t, pool, false, again, nil), "duplicate key")
	require.NoError(t, write(t, pool, true, again, nil), "a repetition is passed over")
	children, err := OfParent(t.Context(), pool, seq(1))
	require.NoError(t, err)
	require.Equal(t, []core.ChildRun{{Run: seq(2), Key: "a"}, {Run: seq(3), Key: "b", Cancel: true}}, children)
}

func TestChildrenThatHaveEndedAreNotOpen(t *testing.T) {
	t.Parallel()
	pool := setup(t)
	var children []core.Child
	for i := range 4 {
		children = append(children, core.Child{Parent: seq(1), Tenant: 1, Run: seq(10 + i), Key: fmt.Sprint(i)})
	}
	require.NoError(t, write(t, pool, false, children, nil))
	for sql, ended := range map[string]id.ID{
		`insert into adze.task_result values ($1, 1, null, 0, 0, 9, 1, 'succeeded', null, '1')`: seq(10),
		`insert into adze.run_result values ($1, 1, 9, 'failed', 'no')`:                         seq(12),
	} {
		_, err := pool.Exec(t.Context(), sql, ended)
		require.NoError(t, err)
	}
	open, err := OpenOfParent(t.Context(), pool, seq(1))
	require.NoError(t, err)
	require.Equal(t, []core.ChildRun{{Run: seq(11), Key: "1"}, {Run: seq(13), Key: "3"}}, open)
	open, err = OpenOfParent(t.Context(), pool, seq(2))
	require.NoError(t, err)
	require.Empty(t, open)
}

func TestANewOwnerReadsWhoseChildrenAreStillToBeCancelled(t *testing.T) {
	t.Parallel()
	pool := setup(t)
	row := func(n int, whole bool) core.Closing {
		return core.Closing{Task: seq(n), Tenant: 1, Whole: whole, Reason: "over"}
	}
	stranger := row(4, false)
	stranger.Task += 1 << 12
	require.NoError(t, write(t, pool, false, nil, []core.Closing{row(1, false), row(2, false), row(3, false), stranger}))
	require.NoError(t, write(t, pool, false, nil, []core.Closing{row(2, true)}, seq(1), seq(99)))
	closing, err := Closing(t.Context(), pool, shard)
	require.NoError(t, err)
	require.Equal(t, []core.Closing{row(2, true), row(3, false)}, closing)
}

func TestChildrenAreReadFromOnePartitionByIndex(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	ids := rowtest.History(t, pool, noon, 14, 1_000)
	rowtest.Graphs(t, pool, noon, 14, 1_000)
	_, err := pool.Exec(t.Context(), `insert into adze.child select i, 1, i + n, false, n from unnest($1::bigint[]) i, generate_series(0, 3) n`, ids)
	require.NoError(t, err)
	require.NoError(t, keeper.New(pool, keeper.Config{Log: slog.New(slog.DiscardHandler)}).Analyze(t.Context()))
	for name, sql := range map[string]string{"all": ofParentSQL, "open": openOfParentSQL} {
		t.Run(name, func(t *testing.T) {
			rowtest.Plans(t, pool, sql, fmt.Sprint(int64(ids[5_020])), func(t *testing.T, ran []rowtest.Node) {
				for _, table := range []string{"child", "task_result", "run_result"} {
					rowtest.NoScan(t, ran, table)
				}
				require.Len(t, rowtest.Partitions(ran, "child"), 1)
				require.LessOrEqual(t, len(rowtest.Partitions(ran, "task_result")), 1)
			})
		})
	}
}
