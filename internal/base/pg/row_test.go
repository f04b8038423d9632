package pg_test

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/pg"
	"github.com/adzehq/adze/internal/pgtest"
)

func TestARowIsReadFromLeftToRight(t *testing.T) {
	t.Parallel()
	rows, err := pgtest.Open(t).Query(t.Context(), `
		select n * 4294967296, n::integer, n > 0, 'é' || n, convert_to('b' || n, 'UTF8'), 5,
			null::bigint, null::integer, null::boolean, null::text, null::bytea, ''::bytea
		from unnest(array[-1, 0, 2]::bigint[]) with ordinality as t (n, place)
		order by place`)
	require.NoError(t, err)
	var read []int64
	err = pg.Each(rows, func(r *pg.Row) error {
		n := r.Int64() / (1 << 32)
		read = append(read, n)
		require.EqualValues(t, n, r.Int32())
		require.Equal(t, n > 0, r.Bool())
		text := r.Text()
		require.Contains(t, text, "é")
		require.Equal(t, "b"+text[len("é"):], string(r.Bytes()))
		five, there := r.Int32OrNull()
		require.True(t, there)
		require.EqualValues(t, 5, five)

		require.Zero(t, r.Int64())
		_, there = r.Int32OrNull()
		require.False(t, there)
		require.False(t, r.Bool())
		require.Empty(t, r.Text())
		require.Nil(t, r.Bytes())
		require.Equal(t, []byte{}, r.Bytes(), "is not null")
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, []int64{-1, 0, 2}, read)
}

func TestReadingEndsWithTheFirstError(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	mine := errors.New("enough")
	rows, err := pool.Query(t.Context(), "select n::bigint from generate_series(1, 3) as t (n)")
	require.NoError(t, err)
	count := 0
	require.ErrorIs(t, pg.Each(rows, func(r *pg.Row) error {
		count++
		r.Int64()
		return mine
	}), mine)
	require.Equal(t, 1, count)

	rows, err = pool.Query(t.Context(), "select 10 / (3 - n) from generate_series(1, 3) as t (n)")
	require.NoError(t, err)
	require.ErrorContains(t, pg.Each(rows, func(r *pg.Row) error {
		r.Int32()
		return nil
	}), "division by zero")
	require.Zero(t, pool.Stat().AcquiredConns(), "the rows are closed")
}

func TestNumbersThatComeAsTextAreRefused(t *testing.T) {
	t.Parallel()
	rows, err := pgtest.Open(t).Query(t.Context(), "select 'a', 12345678::bigint as n", pgx.QueryExecModeSimpleProtocol)
	require.NoError(t, err)
	require.ErrorContains(t, pg.Each(rows, func(*pg.Row) error { return nil }), "column n came as text")
}

func TestAColumnReadAsAnotherTypePanics(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	for name, read := range map[string]func(r *pg.Row){
		"another size": func(r *pg.Row) { r.Int64(); r.Int64() },
		"one too few":  func(r *pg.Row) { r.Int32() },
		"one too many": func(r *pg.Row) { r.Int32(); r.Int64(); r.Text() },
	} {
		rows, err := pool.Query(t.Context(), "select 1::integer, 2::bigint")
		require.NoError(t, err)
		require.Panics(t, func() { _ = pg.Each(rows, func(r *pg.Row) error { read(r); return nil }) }, name)
	}
}
