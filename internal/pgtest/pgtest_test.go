package pgtest_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/adzehq/adze/internal/pgtest"
	"github.com/adzehq/adze/internal/record/migrations"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEachTestHasAMigratedDatabaseOfItsOwn(t *testing.T) {
	t.Parallel()
	for i := range 4 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			db := pgtest.Open(t)
			list, err := migrations.Status(t.Context(), db)
			require.NoError(t, err)
			for _, m := range list {
				require.False(t, m.AppliedAt.IsZero(), m.Name)
			}
			_, err = db.Exec(t.Context(), "create table adze.mine ()")
			require.NoError(t, err)
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	for i := range b.N {
		b.Run(fmt.Sprint(i), func(b *testing.B) { pgtest.Open(b) })
	}
}
