package idempotency

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

func write(t *testing.T, pool *pgxpool.Pool, keys []core.OnceKey, closed ...id.ID) {
	t.Helper()
	require.NoError(t, rowtest.Send(t, pool, Statements(), func(b *bulk.Batch) {
		var c Columns
		for i := range keys {
			c.Add(&keys[i])
		}
		for _, run := range closed {
			c.Close(run)
		}
		c.Queue(b)
	}))
}

func held(n int, key string, hold core.OnceHold, until core.Time) core.OnceKey {
	return core.OnceKey{Run: seq(n), Tenant: 1, Key: key, Hold: hold, Until: until}
}

func TestAKeyIsReadAsItIsHeld(t *testing.T) {
	t.Parallel()
	pool := setup(t)
	quiet := held(3, "c", core.OnceQuiet, 50)
	quiet.First = 40
	stranger := held(4, "a", core.OnceTTL, 60)
	stranger.Tenant = 2
	write(t, pool, []core.OnceKey{held(1, "a", core.OnceTTL, 99), held(2, "b", core.OnceRun, 0), quiet, stranger})
	keys, err := ByKey(t.Context(), pool, 1, []string{"a", "c", "z"})
	require.NoError(t, err)
	require.ElementsMatch(t, []core.OnceKey{held(1, "a", core.OnceTTL, 99), quiet}, keys)

	write(t, pool, []core.OnceKey{{Run: seq(3), Tenant: 1, Hold: core.OnceQuiet, By: seq(5)}}, seq(1), seq(77))
	keys, err = ByKey(t.Context(), pool, 1, []string{"a", "b", "c", ""})
	require.NoError(t, err)
	require.Equal(t, []core.OnceKey{held(2, "b", core.OnceRun, 0)}, keys, "what is replaced holds nothing")
	replaced, err := Replaced(t.Context(), pool, shard)
	require.NoError(t, err)
	require.Equal(t, []core.OnceKey{{Run: seq(3), Tenant: 1, Hold: core.OnceQuiet, By: seq(5)}}, replaced)
}

func TestANewOwnerReadsFirstWhatIsFreeFirst(t *testing.T) {
	t.Parallel()
	pool := setup(t)
	_, more, err := Held(t.Context(), pool, shard, 9)
	require.NoError(t, err)
	require.Zero(t, more)
	write(t, pool, []core.OnceKey{held(1, "a", core.OnceRun, 0), held(2, "b", core.OnceTTL, 30), held(3, "c", core.OnceTTL, 20)})
	keys, more, err := Held(t.Context(), pool, shard, 2)
	require.NoError(t, err)
	require.Equal(t, []core.OnceKey{held(3, "c", core.OnceTTL, 20), held(2, "b", core.OnceTTL, 30)}, keys)
	require.EqualValues(t, 1, more)
	keys, _, err = Held(t.Context(), pool, shard+1, 2)
	require.NoError(t, err)
	require.Empty(t, keys)
}

func TestKeysAreFreeByTheirTime(t *testing.T) {
	t.Parallel()
	pool := setup(t)
	write(t, pool, []core.OnceKey{held(1, "a", core.OnceRun, 0), held(2, "b", core.OnceTTL, 30), held(3, "c", core.OnceTTL, 20), held(4, "d", core.OnceTTL, 31)})
	keys, next, err := Due(t.Context(), pool, shard, 30, 9)
	require.NoError(t, err)
	require.Equal(t, []core.OnceKey{held(3, "c", core.OnceTTL, 20), held(2, "b", core.OnceTTL, 30)}, keys)
	require.EqualValues(t, 31, next)
	keys, _, err = Due(t.Context(), pool, shard, 30, 1)
	require.NoError(t, err)
	require.Len(t, keys, 1)
	_, next, err = Due(t.Context(), pool, shard, 31, 1)
	require.NoError(t, err)
	require.Zero(t, next)
}

func TestAKeySaysHowFarItsRunHasCome(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sql          string
		begun, ended bool
	}{
		"queued":          {`select $1::bigint`, false, false},
		"stored":          {openTask("0", "ready", 1, 0), false, false},
		"runs":            {openTask("0", "running", 1, 0), true, false},
		"is tried again":  {openTask("0", "delayed", 2, 0), true, false},
		"is suspended":    {openTask("0", "waiting", 1, 1), true, false},
		"ended":           {`insert into adze.task_result values ($1, 1, 2, 0, 0, 9, 1, 'succeeded', null, '1')`, true, true},
		"was cancelled":   {`insert into adze.task_result values ($1, 1, null, 0, 0, 9, 0, 'cancelled', 'no')`, false, true},
		"graph waits":     {openTask("2", "ready", 1, 0), false, false},
		"graph has begun": {openTask("2", "running", 1, 0), true, false},
		"graph got a part": {`with begun as (insert into adze.task select $1::bigint + 3, 1, 2, 0, null, 0, '', '1', null, 2)
			insert into adze.task_result values ($1::bigint + 3, 1, 2, 0, 0, 9, 1, 'succeeded', null, '1')`, true, false},
		"graph ended": {`insert into adze.run_result values ($1, 1, 9, 'failed', 'no')`, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := setup(t)
			run := seq(5)
			_, err := pool.Exec(t.Context(), c.sql, run)
			require.NoError(t, err)
			want := held(5, "k", core.OnceRun, 0)
			write(t, pool, []core.OnceKey{want})
			want.Begun, want.Ended = c.begun, c.ended
			keys, err := ByKey(t.Context(), pool, 1, []string{"k"})
			require.NoError(t, err)
			require.Equal(t, []core.OnceKey{want}, keys)
			ended, err := Ended(t.Context(), pool, []id.ID{run, seq(9)})
			require.NoError(t, err)
			require.Equal(t, c.ended, len(ended) == 1)
		})
	}
}

// openTask is a checkpoint row of the run $1, or of its second task.
func openTask(task, state string, attempt, entries int) string {
	return fmt.Sprintf(`insert into adze.open_task
		select $1::bigint + %s, 1, 1, 0, 0, 0, 0, 7, 0, %d, 0, '%s', 'q', '', '', nullif(%s - 1, -1), %d`, task, attempt, state, task, entries)
}

func TestKeysAreFoundByIndexAndTheirRunsInOnePartition(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	ids := rowtest.History(t, pool, noon, 14, 1_000)
	rowtest.Graphs(t, pool, noon, 14, 1_000)
	_, err := pool.Exec(t.Context(), `insert into adze.idempotency select i, 1, null, i, null, 7, 'ttl', 'key ' || i from unnest($1::bigint[]) i`, ids)
	require.NoError(t, err)
	require.NoError(t, keeper.New(pool, keeper.Config{Log: slog.New(slog.DiscardHandler)}).Analyze(t.Context()))
	run := fmt.Sprint(int64(ids[5_020]))
	for name, c := range map[string]struct{ sql, args string }{
		"by key":   {byKeySQL, "1, '{key " + run + "}'"},
		"by run":   {byRunSQL, "'{" + run + "}'"},
		"due":      {dueSQL, "7, " + fmt.Sprint(int64(ids[20])) + ", 10"},
		"next":     {nextDueSQL, "7, " + run},
		"replaced": {replacedSQL, "7"},
		"progress": {progressSQL, "'{" + run + "}', 1000"},
	} {
		t.Run(name, func(t *testing.T) {
			rowtest.Plans(t, pool, c.sql, c.args, func(t *testing.T, ran []rowtest.Node) {
				for _, table := range []string{"idempotency", "task_result", "run_result", "open_task"} {
					rowtest.NoScan(t, ran, table)
				}
			})
		})
	}
}
