package journal

import (
	"cmp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/pgtest"
)

func TestABatchEndsAtItsBoundsAndNotPastThem(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		waiting []item
		want    int
	}{
		{"nothing", nil, 0},
		{"rows at the bound", []item{{rows: batchRowsMax - 1}, {rows: 1}}, 2},
		{"rows past it", []item{{rows: batchRowsMax}, {rows: 1}}, 1},
		{"bytes at the bound", []item{{bytes: batchBytesMax - 1}, {bytes: 1}}, 2},
		{"bytes past it", []item{{bytes: batchBytesMax}, {bytes: 1}}, 1},
		{"one that is too large", []item{{rows: 2 * batchRowsMax, bytes: 2 * batchBytesMax}, {rows: 1}}, 1},
		{"what writes nothing", []item{{rows: batchRowsMax}, {}, {}}, 3},
	} {
		require.Equal(t, c.want, batchLength(c.waiting), c.name)
	}
}

// The journal's plans are made once, when open_task may be empty, and are used for
// as long as its connection lasts.
func TestDeletesAndUpdatesGoByIndexHoweverTheTableGrows(t *testing.T) {
	t.Parallel()
	s := session{pool: pgtest.Open(t), lockKey: newLockKey()}
	conn, err := s.open(t.Context())
	require.NoError(t, err)
	defer s.close()
	for statement, index := range map[string]string{
		"open_delete_many ('{1,2}')":              "open_task_pkey",
		"open_move_due ('{1,2}', '{3,4}')":        "open_task_pkey",
		"durable_delete_waits ('{1,2}', '{3,4}')": "wait_pkey",
		"child_delete_closing ('{1,2}')":          "closing_pkey",
	} {
		rows, err := conn.Query(t.Context(), "explain execute "+statement)
		require.NoError(t, err)
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		plan := strings.Join(lines, "\n")
		require.Regexp(t, "(Index|Bitmap).*"+index, plan)
		require.Contains(t, plan, "Index Cond", "not the whole of the index: %s", plan)
		require.NotContains(t, plan, "Seq Scan", statement)
	}
}

func TestTheListOfWaitingEntriesDoesNotGrowWithWhatWasTaken(t *testing.T) {
	t.Parallel()
	j := New(nil, Config{})
	var batch []item
	for n := range 10_000 {
		j.pending = append(j.pending, item{rows: n}, item{rows: batchRowsMax})
		require.True(t, j.take(&batch))
	}
	for j.take(&batch) {
		require.LessOrEqual(t, j.taken, len(j.pending)/2+1)
	}
	require.Empty(t, j.pending)
}

func TestCoalescingKeepsTheLastOfEachRow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var all changes[id.ID, core.OpenTask]
		want := map[id.ID]*core.OpenTask{}
		for range rapid.IntRange(0, 40).Draw(t, "changes") {
			key := id.ID(rapid.IntRange(1, 8).Draw(t, "id"))
			want[key] = nil
			if rapid.Bool().Draw(t, "open") {
				want[key] = &core.OpenTask{ID: key}
				all.put(key, want[key])
			} else {
				all.drop(key)
			}
		}
		got := coalesce(all, cmp.Compare[id.ID])
		if len(got) != len(want) {
			t.Fatalf("%d rows, want %d", len(got), len(want))
		}
		for i, p := range got {
			if p.row != want[p.key] || i > 0 && got[i-1].key >= p.key {
				t.Fatalf("row %d is not the last of %d, or out of order", i, p.key)
			}
		}
	})
}
