package migrations_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/adzehq/adze/internal/base/pg"
	"github.com/adzehq/adze/internal/pgtest"
	"github.com/adzehq/adze/internal/record/migrations"
)

func empty(t *testing.T) *pgxpool.Pool {
	t.Helper()
	db, err := pg.Open(t.Context(), pgtest.EmptyURL(t), pg.Options{})
	require.NoError(t, err)
	t.Cleanup(db.Close)
	return db
}

func TestMigrationsAreNumberedWithoutAGap(t *testing.T) {
	t.Parallel()
	list, err := migrations.Status(t.Context(), empty(t))
	require.NoError(t, err)
	for i, m := range list {
		require.Regexp(t, fmt.Sprintf("^%04d_[a-z_]+$", i+1), m.Name)
	}
}

func TestUpAppliesWhatIsPendingOnce(t *testing.T) {
	t.Parallel()
	db := empty(t)
	before, err := migrations.Status(t.Context(), db)
	require.NoError(t, err)
	require.True(t, before[0].AppliedAt.IsZero())

	applied, err := migrations.Up(t.Context(), db)
	require.NoError(t, err)
	require.Len(t, applied, len(before))

	again, err := migrations.Up(t.Context(), db)
	require.NoError(t, err)
	require.Empty(t, again)
	after, err := migrations.Status(t.Context(), db)
	require.NoError(t, err)
	for i, m := range after {
		require.Equal(t, applied[i], m.Name)
		require.False(t, m.AppliedAt.IsZero(), m.Name)
	}
}

func TestConcurrentStartersMigrateOnce(t *testing.T) {
	t.Parallel()
	db := empty(t)
	all, err := migrations.Status(t.Context(), db)
	require.NoError(t, err)
	counts := make([]int, 4)
	var starters errgroup.Group
	for i := range counts {
		starters.Go(func() error {
			applied, err := migrations.Up(t.Context(), db)
			counts[i] = len(applied)
			return err
		})
	}
	require.NoError(t, starters.Wait())
	require.Equal(t, len(all), counts[0]+counts[1]+counts[2]+counts[3])
}

func TestAStarterThatWaitedSeesWhatWasDone(t *testing.T) {
	t.Parallel()
	url := pgtest.EmptyURL(t)
	first, second := connect(t, url), connect(t, url)
	forgetUp(t, second)
	// The lock of a session does not keep its own migration waiting.
	_, err := first.Exec(t.Context(), "select pg_advisory_lock($1, $2)", pg.LockClass, pg.LockMigrate)
	require.NoError(t, err)
	var applied []string
	var waiting errgroup.Group
	waiting.Go(func() (err error) {
		applied, err = migrations.Up(t.Context(), second)
		return err
	})
	require.Eventually(t, func() bool { return blocked(t, first) }, 10*time.Second, time.Millisecond)
	_, err = migrations.Up(t.Context(), first)
	require.NoError(t, err)
	require.NoError(t, first.Close(t.Context())) // frees the lock
	require.NoError(t, waiting.Wait())
	require.Empty(t, applied)
}

// forgetUp migrates and takes it back: the session has then met all that Up asks
// for, reads no more catalogs for it, and remembers that there is no schema.
func forgetUp(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	tx, err := conn.Begin(t.Context())
	require.NoError(t, err)
	_, err = migrations.Up(t.Context(), tx)
	require.NoError(t, err)
	require.NoError(t, tx.Rollback(t.Context()))
	_, err = migrations.Status(t.Context(), conn)
	require.NoError(t, err)
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// blocked says whether another session of the database waits for a lock.
func blocked(t *testing.T, conn *pgx.Conn) (found bool) {
	const query = `
		select exists (
			select from pg_locks
			where locktype = 'advisory' and not granted
				and database = (select oid from pg_database where datname = current_database())
		)`
	return conn.QueryRow(t.Context(), query).Scan(&found) == nil && found
}

func TestADatabaseNewerThanTheBinaryIsRefused(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	_, err := db.Exec(t.Context(), "insert into adze.migration (name) values ('9999_from_the_future')")
	require.NoError(t, err)
	_, err = migrations.Up(t.Context(), db)
	require.ErrorIs(t, err, migrations.ErrNewer)
	require.ErrorContains(t, err, "9999_from_the_future")
}

// TestRowsThatWaitAreRankedAndNamedAnew: they were written when a limit's strategy and the
// hands of a queue stood in them.
func TestRowsThatWaitAreRankedAndNamedAnew(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	const plain = `"Slots":null,"Labels":null,"Worker":0,"Spread":%d,"Batch":null}`
	rows := []struct {
		queue, want   string
		attempt, rank int
	}{
		{`@limit l`, `@limit l`, 1, -5},
		{`@limit l`, `@limit l`, 2, -1001},
		{`act`, `act`, 1, 7},
		{`act {"Queue":"","Action":"act",` + fmt.Sprintf(plain, 128), `act`, 1, 7},
		{`act {"Queue":"act","Action":"act",` + fmt.Sprintf(plain, 3), `act`, 1, 7},
		{`act {"Queue":"q","Action":"act",` + fmt.Sprintf(plain, 10), `act {"Queue":"q","Action":"act",` + fmt.Sprintf(plain, 0), 1, 7},
		{
			`act {"Queue":"","Action":"act","Slots":null,"Labels":[{"Value":"\"Spread\":9,\"Batch\""}],"Worker":0,"Spread":9,"Batch":null}`,
			`act {"Queue":"","Action":"act","Slots":null,"Labels":[{"Value":"\"Spread\":9,\"Batch\""}],"Worker":0,"Spread":0,"Batch":null}`, 1, 7,
		},
	}
	for i, row := range rows {
		_, err := db.Exec(t.Context(), `
			insert into adze.open_task (id, tenant_id, version_id, worker_id, token, due_at, assigned_at, shard, priority, attempt, failures, state, queue, key, cancel, rank)
			values ($1, 1, 2, 0, 0, 0, 0, 1, 5, $2, 0, 'ready', $3, 'k', '', 7)`, i, row.attempt, row.queue)
		require.NoError(t, err)
	}
	for _, name := range []string{"0023_limit_order.sql", "0024_hands.sql"} {
		statements, err := os.ReadFile(name)
		require.NoError(t, err)
		_, updates, _ := strings.Cut(string(statements), "update ")
		_, err = db.Exec(t.Context(), "update "+updates)
		require.NoError(t, err)
	}
	for i, row := range rows {
		var queue string
		var rank int
		require.NoError(t, db.QueryRow(t.Context(), "select queue, rank from adze.open_task where id = $1", i).Scan(&queue, &rank))
		require.Equal(t, row.want, queue)
		require.Equal(t, row.rank, rank)
	}
}
