package bulk

import (
	"testing"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/stretchr/testify/require"
)

func TestColumnsAreArraysThatPostgresReads(t *testing.T) {
	t.Parallel()
	types := pgtype.NewMap()
	scan := func(oid uint32, c Column, into any) {
		t.Helper()
		require.NoError(t, types.Scan(oid, pgtype.BinaryFormatCode, c.parameter(), into))
	}

	var big Int8
	big.Add(-5)
	big.AddOrNull(0)
	big.AddOrNull(1 << 60)
	var gotBig []*int64
	scan(pgtype.Int8ArrayOID, &big, &gotBig)
	require.Equal(t, int64(-5), *gotBig[0])
	require.Nil(t, gotBig[1])
	require.Equal(t, int64(1<<60), *gotBig[2])

	var small Int4
	small.Add(-1000)
	var gotSmall []int32
	scan(pgtype.Int4ArrayOID, &small, &gotSmall)
	require.Equal(t, []int32{-1000}, gotSmall)

	var text Text
	text.Add("")
	text.AddOrNull("")
	text.AddOrNull("grüße")
	var gotText []*string
	scan(pgtype.TextArrayOID, &text, &gotText)
	require.Equal(t, "", *gotText[0])
	require.Nil(t, gotText[1])
	require.Equal(t, "grüße", *gotText[2])

	var flag Bool
	flag.Add(true)
	flag.Add(false)
	var gotFlags []bool
	scan(pgtype.BoolArrayOID, &flag, &gotFlags)
	require.Equal(t, []bool{true, false}, gotFlags)

	var raw Bytea
	raw.Add(nil)
	raw.Add([]byte{0, 255})
	var gotRaw [][]byte
	scan(pgtype.ByteaArrayOID, &raw, &gotRaw)
	require.Equal(t, [][]byte{nil, {0, 255}}, gotRaw)
}

func TestResetColumnIsEmptyAndTakesNewValues(t *testing.T) {
	t.Parallel()
	var c Int8
	c.AddOrNull(0)
	c.Reset()
	require.Zero(t, c.Rows())
	var none []int64
	require.NoError(t, pgtype.NewMap().Scan(pgtype.Int8ArrayOID, pgtype.BinaryFormatCode, c.parameter(), &none))
	require.Empty(t, none)
	c.Add(7)
	var got []int64
	require.NoError(t, pgtype.NewMap().Scan(pgtype.Int8ArrayOID, pgtype.BinaryFormatCode, c.parameter(), &got))
	require.Equal(t, []int64{7}, got)
}

func TestCleanLeavesOnlyWhatPostgresStores(t *testing.T) {
	t.Parallel()
	require.Equal(t, "plain", Clean("plain"))
	require.Equal(t, "a\uFFFDb", Clean("a\x00b"))
	require.Equal(t, "a\uFFFDb", Clean("a\xffb"))
	require.Equal(t, "\uFFFD\uFFFD", Clean("\x00\xc3"))
}

func TestAddingRowsAllocatesNothing(t *testing.T) {
	var id Int8
	var text Text
	fill := func() {
		id.Reset()
		text.Reset()
		for range 1000 {
			id.Add(1)
			text.Add("some text")
		}
	}
	fill()
	require.Zero(t, testing.AllocsPerRun(10, fill))
}
