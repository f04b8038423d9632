package migrations_test

import (
	"testing"

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

func TestADatabaseNewerThanTheBinaryIsRefused(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	_, err := db.Exec(t.Context(), "insert into adze.migration (name) values ('9999_from_the_future')")
	require.NoError(t, err)
	_, err = migrations.Up(t.Context(), db)
	require.ErrorIs(t, err, migrations.ErrNewer)
	require.ErrorContains(t, err, "9999_from_the_future")
}
