package id

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestUUIDGivesTheIDBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		i := ID(rapid.Int64Range(1, 1<<63-1).Draw(t, "id"))
		u := i.UUID()
		require.Equal(t, uuid.Version(8), u.Version())
		require.Equal(t, uuid.RFC4122, u.Variant())
		back, err := Parse(i.String())
		require.NoError(t, err)
		require.Equal(t, i, back)
	})
}

func TestStrangersUUIDIsRefused(t *testing.T) {
	t.Parallel()
	for range 1_000 {
		_, err := FromUUID(uuid.New())
		require.ErrorIs(t, err, ErrNotOurs)
	}
	for _, text := range []string{"", "x", "00000000-0000-0000-0000-000000000000", ID(0).String()} {
		_, err := Parse(text)
		require.ErrorIs(t, err, ErrNotOurs, text)
	}
}

func TestIDsGrowWhateverTheClockDoes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		shard := rapid.Int32Range(0, ShardsMax-1).Draw(t, "shard")
		source := NewSource(shard, First(time.UnixMilli(Epoch+5_000)))
		last := ID(0)
		for _, offset := range rapid.SliceOfN(rapid.Int64Range(0, 10_000), 1, 100).Draw(t, "clock") {
			next := source.Next(Epoch + offset)
			require.Greater(t, next, last)
			require.Greater(t, next, First(time.UnixMilli(Epoch+5_000)))
			require.Equal(t, shard, next.Shard())
			last = next
		}
	})
}

func TestBurstRunsAheadOfTheClock(t *testing.T) {
	t.Parallel()
	const now = Epoch + 1_000
	source := NewSource(7, 0)
	for i := range 10_000 {
		next := source.Next(now)
		require.Equal(t, now+int64(i/4_096), next.UnixMilli())
		require.Equal(t, int32(7), next.Shard())
	}
}

func TestFirstIsTheBoundOfAnInstant(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(Epoch + 86_400_000)
	require.LessOrEqual(t, First(at), NewSource(0, 0).Next(at.UnixMilli()))
	require.Greater(t, First(at), NewSource(ShardsMax-1, 0).Next(at.UnixMilli()-1))
	require.Equal(t, at.UnixMilli(), First(at).UnixMilli())
	require.Zero(t, First(time.UnixMilli(0)))
}

func FuzzParse(f *testing.F) {
	f.Add(ID(1).String())
	f.Add("not one")
	f.Fuzz(func(t *testing.T, s string) {
		if i, err := Parse(s); err == nil {
			require.Positive(t, i)
			again, err := Parse(i.String())
			require.NoError(t, err)
			require.Equal(t, i, again)
		}
	})
}

func TestBlockIsInOneRow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		source := NewSource(5, 0)
		last := ID(0)
		for _, n := range rapid.SliceOfN(rapid.IntRange(1, 4_096), 1, 50).Draw(t, "blocks") {
			first := source.Block(Epoch+1_000, n)
			end := first + ID(n) - 1
			require.Greater(t, first, last)
			require.Equal(t, first.UnixMilli(), end.UnixMilli())
			require.Equal(t, int32(5), end.Shard())
			last = end
			if rapid.Bool().Draw(t, "single") {
				last = source.Next(Epoch + 1_000)
				require.Greater(t, last, end)
			}
		}
	})
}
