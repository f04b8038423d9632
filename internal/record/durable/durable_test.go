package durable

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

// rows are what a batch of the journal may have of durable tasks.
type rows struct {
	entries []core.Entry
	mets    []core.Met
	replies []core.Reply
	values  []core.Value
	waits   []core.Wait
	closed  []core.WaitKey
}

func write(t *testing.T, pool *pgxpool.Pool, repeat bool, r rows) error {
	t.Helper()
	return rowtest.Send(t, pool, Statements(), func(b *bulk.Batch) {
		var entries EntryColumns
		for i := range r.entries {
			entries.Add(&r.entries[i])
		}
		entries.Queue(b, repeat)
		var mets MetColumns
		for i := range r.mets {
			mets.Add(&r.mets[i])
		}
		mets.Queue(b, repeat)
		var replies ReplyColumns
		for i := range r.replies {
			replies.Add(&r.replies[i])
		}
		replies.Queue(b)
		var values ValueColumns
		for i := range r.values {
			values.Add(&r.values[i])
		}
		values.Queue(b)
		var waits WaitColumns
		for i := range r.waits {
			waits.Add(&r.waits[i])
		}
		waits.Queue(b)
		var closed ClosedWaitColumns
		for _, key := range r.closed {
			closed.Add(key)
		}
		closed.Queue(b)
	})
}

func sleep(due core.Time) []core.Condition {
	return []core.Condition{{Kind: core.OnSleep, Due: due}}
}

func onEvent(key string) []core.Condition {
	return []core.Condition{{Kind: core.OnEvent, Key: key}, {Kind: core.OnSleep, Due: 9}}
}

func TestALogIsReadAsItWasWrittenInItsOrder(t *testing.T) {
	t.Parallel()
	pool := setup(t)
	entries := []core.Entry{
		{Task: seq(1), Tenant: 1, At: 5, Index: 2, Kind: core.EntryWait, Name: "paid", Conditions: onEvent("user.paid")},
		{Task: seq(1), Tenant: 1, At: 4, Index: 1, Kind: core.EntryStep, Name: "charge", Data: core.Payload(`{"a":1}`)},
		{Task: seq(2), Tenant: 1, At: 6, Index: 1, Kind: core.EntryStep, Name: "fails", Error: "no\x00"},
		{Task: seq(3), Tenant: 1, At: 7, Index: 1, Kind: core.EntryAnswer, Data: core.Payload("")},
	}
	require.NoError(t, write(t, pool, false, rows{entries: entries}))
	got, err := Log(t.Context(), pool, seq(1))
	require.NoError(t, err)
	require.Equal(t, []core.Entry{entries[1], entries[0]}, got)
	got, err = Log(t.Context(), pool, seq(2))
	require.NoError(t, err)
	require.Equal(t, "no\uFFFD", got[0].Error)
	got, err = Log(t.Context(), pool, seq(3))
	require.NoError(t, err)
	require.Equal(t, core.Payload(""), got[0].Data)
	got, err = Log(t.Context(), pool, seq(3), seq(4), seq(1))
	require.NoError(t, err)
	require.Equal(t, []core.Entry{entries[3], entries[1], entries[0]}, got)
	got, err = Log(t.Context(), pool, seq(4))
	require.NoError(t, err)
	require.Empty(t, got)

	sizes, err := LogSizes(t.Context(), pool, []id.ID{seq(1), seq(2), seq(4)})
	require.NoError(t, err)
	require.ElementsMatch(t, []core.LogSize{{Task: seq(1), Entries: 2}, {Task: seq(2), Entries: 1}}, sizes)
}

func TestEveryKindOfEntryIsReadBack(t *testing.T) {
	t.Parallel()
	pool := setup(t)
	var entries []core.Entry
	for kind := core.EntryStep; kind <= core.EntryAnswer; kind++ {
		entries = append(entries, core.Entry{Task: seq(1), Index: int32(kind), Kind: kind})
	}
	require.NoError(t, write(t, pool, false, rows{entries: entries}))
	got, err := Log(t.Context(), pool, seq(1))
	require.NoError(t, err)
	require.Equal(t, entries, got)
}

func TestAnEntryAndAMetConditionAreThereOnceForEver(t *testing.T) {
	t.Parallel()
	pool := setup(t)
	first := rows{
		entries: []core.Entry{{Task: seq(1), Index: 1, Kind: core.EntryStep, Name: "first"}},
		mets:    []core.Met{{Task: seq(1), Index: 1, Condition: 0, Order: 1}},
	}
	require.NoError(t, write(t, pool, false, first))
	second := rows{
		entries: []core.Entry{{Task: seq(1), Index: 1, Kind: core.EntryStep, Name: "second"}},
		mets:    []core.Met{{Task: seq(1), Index: 1, Condition: 0, Order: 2}},
	}
	require.ErrorContains(t, write(t, pool, false, rows{entries: second.entries}), "duplicate key")
	require.ErrorContains(t, write(t, pool, false, rows{mets: second.mets}), "duplicate key")
	require.NoError(t, write(t, pool, true, second), "a repetition is passed over")
	entries, err := Log(t.Context(), pool, seq(1))
	require.NoError(t, err)
	require.Equal(t, first.entries, entries)
	mets, err := Mets(t.Context(), pool, seq(1))
	require.NoError(t, err)
	require.Equal(t, first.mets, mets)
}

func TestWhatWasMetIsReadInTheOrderInWhichItCame(t *testing.T) {
	t.Parallel()
	pool := setup(t)
	mets := []core.Met{
		{Task: seq(1), Tenant: 1, Order: 1 << 40, At: 3, Index: 1, Condition: 1},
		{Task: seq(1), Tenant: 1, Order: 7, At: 2, Index: 2, Condition: 0, Event: 5, Data: core.Payload("6")},
		{Task: seq(2), Tenant: 1, Order: 8},
	}
	require.NoError(t, write(t, pool, false, rows{mets: mets}))
	got, err := Mets(t.Context(), pool, seq(1))
	require.NoError(t, err)
	require.Equal(t, []core.Met{mets[1], mets[0]}, got)
}

func TestTheFirstReplyToARequestStandsAndItsTenantReadsIt(t *testing.T) {
	t.Parallel()
	pool := setup(t)
	replies := []core.Reply{
		{Event: seq(1), Tenant: 1, At: 5, Data: core.Payload("6")},
		{Event: seq(2), Tenant: 2, At: 7, Error: "no"},
	}
	_, err := pool.Exec(t.Context(), `insert into adze.event (id, tenant_id, target_id, priority, key, scope, payload)
		values ($1, 1, 9, 0, 'k', '', '1'), ($2, 2, 9, 0, 'k', '', '1'), ($3, 1, null, 0, 'k', '', '1')`, seq(1), seq(2), seq(3))
	require.NoError(t, err)
	require.NoError(t, write(t, pool, false, rows{replies: []core.Reply{
		{Event: seq(1), Tenant: 2}, {Event: seq(3), Tenant: 1}, {Event: seq(4), Tenant: 1}, {Event: -1, Tenant: 1}, {Event: 1 << 62, Tenant: 1},
	}}), "another's request, an event that asks nobody, and ids that are none")
	require.NoError(t, write(t, pool, false, rows{replies: replies}))
	require.NoError(t, write(t, pool, false, rows{replies: []core.Reply{{Event: seq(1), Tenant: 1, Error: "again"}}}))
	for _, want := range replies {
		got, err := Replies(t.Context(), pool, want.Tenant, []id.ID{seq(1), seq(2), seq(3)})
		require.NoError(t, err)
		require.Equal(t, []core.Reply{want}, got)
	}
}

func TestTheLastValueOfANameIsRead(t *testing.T) {
	t.Parallel()
	pool := setup(t)
	none, err := Value(t.Context(), pool, seq(1), "progress")
	require.NoError(t, err)
	require.Zero(t, none.Task)
	put := func(at core.Time, data core.Payload) core.Value {
		v := core.Value{Task: seq(1), Tenant: 1, At: at, Name: "progress", Data: data}
		require.NoError(t, write(t, pool, false, rows{values: []core.Value{v, {Task: seq(1), Tenant: 1, Name: "other"}}}))
		return v
	}
	put(1, core.Payload("10"))
	last := put(2, core.Payload("20"))
	got, err := Value(t.Context(), pool, seq(1), "progress")
	require.NoError(t, err)
	require.Equal(t, last, got)
	got, err = Value(t.Context(), pool, seq(1), "other")
	require.NoError(t, err)
	require.Equal(t, core.Payload("null"), got.Data, "one without data does not hold up the journal")
}

func TestWaitsAreReadWithWhatIsMetUntilTheyAreOver(t *testing.T) {
	t.Parallel()
	pool := setup(t)
	waits := []core.Wait{
		{Task: seq(1), Tenant: 1, Index: 1, Conditions: sleep(5)},
		{Task: seq(1), Tenant: 1, Index: 3, Conditions: onEvent("k")},
		{Task: seq(2), Tenant: 1, Run: seq(2) - 1, Index: 0, Conditions: onEvent("k")},
		{Task: seq(3), Tenant: 1, Index: 2, Conditions: onEvent("l")},
	}
	mets := []core.Met{
		{Task: seq(1), Index: 3, Condition: 1, Order: 1},
		{Task: seq(1), Index: 3, Condition: 0, Order: 2},
		{Task: seq(1), Index: 2, Condition: 0, Order: 3}, // of a wait that is over
	}
	require.NoError(t, write(t, pool, false, rows{waits: waits, mets: mets}))
	want := func(i int, met ...int32) core.Wait {
		w := waits[i]
		w.Met = met
		return w
	}
	got, err := Waits(t.Context(), pool, []id.ID{seq(2), seq(1), seq(9)})
	require.NoError(t, err)
	require.Equal(t, []core.Wait{want(0), want(1, 0, 1), want(2)}, got)

	watched, err := Watched(t.Context(), pool, shard)
	require.NoError(t, err)
	require.Equal(t, []core.Wait{want(1, 0, 1), want(2), want(3)}, watched)
	strangers, err := Watched(t.Context(), pool, shard+1)
	require.NoError(t, err)
	require.Empty(t, strangers)

	require.NoError(t, write(t, pool, true, rows{waits: waits[:1], closed: []core.WaitKey{
		{Task: seq(1), Index: 3}, {Task: seq(3), Index: 2}, {Task: seq(3), Index: 9}, {Task: seq(9), Index: 1},
	}}), "a repetition changes nothing, and what is not there is passed over")
	got, err = Waits(t.Context(), pool, []id.ID{seq(1), seq(2), seq(3)})
	require.NoError(t, err)
	require.Equal(t, []core.Wait{want(0), want(2)}, got)
}

// fill writes a log of three entries, two met conditions and two waits for each of many
// tasks over many days, and says which tasks.
func fill(t *testing.T, pool *pgxpool.Pool) []id.ID {
	t.Helper()
	const days, perDay = 14, 1_000
	from := noon.AddDate(0, 0, -days)
	k := keeper.New(pool, keeper.Config{Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, k.EnsurePartitions(t.Context(), id.First(from), id.First(noon)))
	ids := make([]id.ID, days*perDay)
	step := noon.Sub(from) / time.Duration(len(ids))
	for i := range ids {
		ids[i] = id.First(from.Add(time.Duration(i)*step)) + id.ID(i%10)<<12
	}
	for _, sql := range []string{
		`insert into adze.durable_entry select i, 1, 2, n, 'step', 's', null, '3', null from unnest($1::bigint[]) i, generate_series(1, 3) n`,
		`insert into adze.condition_met select i, 1, null, n, 2, n, 0, null from unnest($1::bigint[]) i, generate_series(1, 2) n`,
		`insert into adze.durable_value select i, 1, 2, 'v' || n, '3' from unnest($1::bigint[]) i, generate_series(1, 2) n`,
		`insert into adze.reply select i, 1, 2, null, '3' from unnest($1::bigint[]) i`,
		`insert into adze.wait select i, 1, null, i >> 12 & 1023, n, n = 1 and i % 100 = 0, '[{"on":"sleep"}]'
			from unnest($1::bigint[]) i, generate_series(1, 2) n`,
	} {
		_, err := pool.Exec(t.Context(), sql, ids)
		require.NoError(t, err)
	}
	return ids
}

func TestLookUpsGoToOnePartitionByIndex(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	ids := fill(t, pool)
	one := int64(ids[5_020])
	two := fmt.Sprintf("'{%d,%d}'", ids[5_020], ids[5_030])
	plans := func(t *testing.T) {
		for name, c := range map[string]struct{ sql, arguments, table string }{
			"log":       {logSQL, two, "durable_entry"},
			"log sizes": {logSizesSQL, two, "durable_entry"},
			"mets":      {metsSQL, two, "condition_met"},
			"value":     {valueSQL, fmt.Sprintf("%d, 'v1'", one), "durable_value"},
			"replies":   {repliesSQL, "1, " + two, "reply"},
			"waits":     {waitsSQL, two, "condition_met"},
			"watched":   {watchedSQL, "7", ""},
		} {
			t.Run(name, func(t *testing.T) {
				rowtest.Plans(t, pool, c.sql, c.arguments, func(t *testing.T, ran []rowtest.Node) {
					for _, table := range []string{"durable", "condition_met", "reply", "wait"} {
						rowtest.NoScan(t, ran, table)
					}
					if c.table != "" {
						require.Len(t, rowtest.Partitions(ran, c.table), 1)
					}
				})
			})
		}
	}
	t.Run("without statistics", plans)
	require.NoError(t, keeper.New(pool, keeper.Config{Log: slog.New(slog.DiscardHandler)}).Analyze(t.Context()))
	_, err := pool.Exec(t.Context(), "analyze adze.wait")
	require.NoError(t, err)
	t.Run("with statistics", plans)
}
