package stream

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

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const tenant = 1

func setup(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool := pgtest.Open(t)
	require.NoError(t, keeper.New(pool, keeper.Config{Log: slog.New(slog.DiscardHandler)}).EnsurePartitions(t.Context(), id.First(noon), id.First(noon)))
	return pool
}

// seq is the n-th id of a shard.
func seq(n int) id.ID { return id.First(noon) + 7<<12 + id.ID(n) }

func write(t testing.TB, pool *pgxpool.Pool, lines []core.LogLine, chunks []core.Chunk) {
	t.Helper()
	require.NoError(t, rowtest.Send(t, pool, Statements(), func(b *bulk.Batch) {
		var l LineColumns
		for i := range lines {
			l.Add(&lines[i])
		}
		l.Queue(b)
		var c ChunkColumns
		for i := range chunks {
			c.Add(&chunks[i])
		}
		c.Queue(b)
	}))
}

func chunk(task id.ID, token core.Token, number int32, data string) core.Chunk {
	return core.Chunk{Task: task, Tenant: tenant, Token: token, Attempt: 1, Seq: number, Data: core.Payload(data)}
}

func TestWhatIsWrittenIsReadInOrder(t *testing.T) {
	t.Parallel()
	pool := setup(t)
	lines := []core.LogLine{
		{Task: seq(1), Tenant: tenant, Token: 1, At: 5, Attempt: 1, Seq: 0, Level: -4, Message: "a"},
		{Task: seq(1), Tenant: tenant, Token: 1, At: 4, Attempt: 1, Seq: 1, Level: 8, Message: "ü", Fields: core.Payload(`{"k":1}`)},
		{Task: seq(1), Tenant: tenant, Token: 2, At: 9, Attempt: 2, Seq: 0, Message: ""},
	}
	chunks := []core.Chunk{chunk(seq(1), 1, 0, "\x00\xff"), chunk(seq(1), 1, 1, ""), chunk(seq(1), 2, 0, "c")}
	write(t, pool, lines, chunks)

	gotLines, err := Lines(t.Context(), pool, tenant, seq(1), 0, 0, 10)
	require.NoError(t, err)
	require.Equal(t, lines, gotLines)
	gotChunks, err := Chunks(t.Context(), pool, tenant, seq(1), 0, 0, 10)
	require.NoError(t, err)
	require.Equal(t, chunks, gotChunks)

	gotLines, err = Lines(t.Context(), pool, tenant, seq(1), 1, 0, 1)
	require.NoError(t, err)
	require.Equal(t, lines[1:2], gotLines)
	gotChunks, err = Chunks(t.Context(), pool, tenant, seq(1), 1, 1, 10)
	require.NoError(t, err)
	require.Equal(t, chunks[2:], gotChunks)
}

func TestStrangersReadNothing(t *testing.T) {
	t.Parallel()
	pool := setup(t)
	write(t, pool, []core.LogLine{{Task: seq(1), Tenant: tenant, Token: 1, Attempt: 1}}, []core.Chunk{chunk(seq(1), 1, 0, "x")})
	lines, err := Lines(t.Context(), pool, tenant+1, seq(1), 0, 0, 10)
	require.NoError(t, err)
	require.Empty(t, lines)
	chunks, err := Chunks(t.Context(), pool, tenant+1, seq(1), 0, 0, 10)
	require.NoError(t, err)
	require.Empty(t, chunks)
}

func TestRowThatComesAgainChangesNothing(t *testing.T) {
	t.Parallel()
	pool := setup(t)
	for _, text := range []string{"first", "again"} {
		write(t, pool,
			[]core.LogLine{{Task: seq(1), Tenant: tenant, Token: 1, Attempt: 1, Message: text}},
			[]core.Chunk{chunk(seq(1), 1, 0, text)})
	}
	lines, err := Lines(t.Context(), pool, tenant, seq(1), 0, 0, 10)
	require.NoError(t, err)
	require.Len(t, lines, 1)
	require.Equal(t, "first", lines[0].Message)
	chunks, err := Chunks(t.Context(), pool, tenant, seq(1), 0, 0, 10)
	require.NoError(t, err)
	require.Equal(t, []core.Chunk{chunk(seq(1), 1, 0, "first")}, chunks)
}

func TestPageIsOneRangeOfOneIndex(t *testing.T) {
	t.Parallel()
	pool := setup(t)
	k := keeper.New(pool, keeper.Config{Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, k.EnsurePartitions(t.Context(), id.First(noon.AddDate(0, 0, -3)), id.First(noon)))
	fill := func(sql string) {
		_, err := pool.Exec(t.Context(), sql, int64(seq(0)), int64(id.First(noon.AddDate(0, 0, -2))))
		require.NoError(t, err)
	}
	fill(`insert into adze.log_line select first + n % 50, 1, 1, 0, 1, n, 0, 'text', null
		from unnest(array[$1, $2]::bigint[]) first, generate_series(1, 10000) n`)
	fill(`insert into adze.stream_chunk select first + n % 50, 1, 1, 1, n, 'data'
		from unnest(array[$1, $2]::bigint[]) first, generate_series(1, 10000) n`)
	require.NoError(t, k.Analyze(t.Context()))
	for table, sql := range map[string]string{"log_line": linesSQL, "stream_chunk": chunksSQL} {
		arguments := fmt.Sprintf("1, %d, 1, 100, 64", int64(seq(7)))
		rowtest.Plans(t, pool, sql, arguments, func(t *testing.T, ran []rowtest.Node) {
			rowtest.NoScan(t, ran, table)
			require.Len(t, rowtest.Partitions(ran, table), 1)
			for _, n := range ran {
				require.NotEqual(t, "Sort", n.Type)
			}
		})
	}
}

// BenchmarkChunk says what a chunk costs Postgres to remember.
func BenchmarkChunk(b *testing.B) {
	for _, bytes := range []int{20, 1 << 10, 64 << 10} {
		b.Run(fmt.Sprintf("bytes=%d", bytes), func(b *testing.B) {
			pool := pgtest.Open(b)
			require.NoError(b, keeper.New(pool, keeper.Config{Log: slog.New(slog.DiscardHandler)}).EnsurePartitions(b.Context(), id.First(noon), id.First(noon)))
			conn := rowtest.Conn(b, pool)
			require.NoError(b, bulk.Prepare(b.Context(), conn.PgConn(), Statements()...))
			data := make([]byte, bytes)
			for i := range data {
				data[i] = "the quick brown fox jumps over a lazy dog "[int(id.Mix(uint64(i))%42)]
			}
			before := wal(b, pool)
			size := max(1, min(1_000, 4<<20/bytes))
			b.ResetTimer()
			for n := 0; n < b.N; n += size {
				var c ChunkColumns
				for i := range size {
					c.Add(&core.Chunk{Task: seq(0), Tenant: tenant, Token: 1, Attempt: 1, Seq: int32(n + i), Data: data})
				}
				var batch bulk.Batch
				c.Queue(&batch)
				require.NoError(b, batch.Exec(b.Context(), conn.PgConn()))
			}
			b.ReportMetric(float64(wal(b, pool)-before)/float64(b.N), "WAL-B/op")
		})
	}
}

func wal(b *testing.B, pool *pgxpool.Pool) (bytes int64) {
	b.Helper()
	require.NoError(b, pool.QueryRow(b.Context(), "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint").Scan(&bytes))
	return bytes
}
