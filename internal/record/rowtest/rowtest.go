// Package rowtest is what the tests of the record packages share: it fills
// tables, sends columns as the journal does, and looks at plans. It owns nothing.
// It promises that a plan is judged by what ran, not by what was planned.
package rowtest

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/bulk"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/keeper"
)

// Send sends what queue adds in one transaction, as the journal does.
func Send(t testing.TB, pool *pgxpool.Pool, statements []bulk.Statement, queue func(*bulk.Batch)) error {
	t.Helper()
	conn := Conn(t, pool)
	require.NoError(t, bulk.Prepare(t.Context(), conn.PgConn(), statements...))
	var b bulk.Batch
	queue(&b)
	return b.Exec(t.Context(), conn.PgConn())
}

// Conn is a connection that ends with the test.
func Conn(t testing.TB, pool *pgxpool.Pool) *pgx.Conn {
	t.Helper()
	pooled, err := pool.Acquire(t.Context())
	require.NoError(t, err)
	conn := pooled.Hijack()
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	return conn
}

// History fills days days before now with perDay tasks of tenant 1 each, spread
// over each day and over ten shards; all but the last hundredth have a result,
// each tenth has a failed attempt. It returns the ids, ascending.
func History(t testing.TB, pool *pgxpool.Pool, now time.Time, days, perDay int) []id.ID {
	t.Helper()
	k := keeper.New(pool, keeper.Config{Log: slog.New(slog.DiscardHandler)})
	from := now.AddDate(0, 0, -days)
	require.NoError(t, k.EnsurePartitions(t.Context(), id.First(from), id.First(now)))
	n := days * perDay
	ids := make([]id.ID, n)
	step := now.Sub(from) / time.Duration(n)
	for i := range ids {
		ids[i] = id.First(from.Add(time.Duration(i)*step)) + id.ID(i%10)<<12
	}
	exec(t, pool, `
		insert into adze.tenant values (1, gen_random_uuid(), 7, 'one', now());
		insert into adze.workflow values (3, 1, 2, 'w');
		insert into adze.workflow_version values (2, 3, 1, now(), '', '{"name":"w","tasks":[{"name":"w"}]}')`)
	exec(t, pool, `insert into adze.task select i, 1, 2, 0, null, 0, '', '1', null
		from unnest($1::bigint[]) i`, ids)
	exec(t, pool, `insert into adze.task_result select i, 1, 4, 1, 2, 3, 1, 'succeeded', null, '2'
		from unnest($1::bigint[]) i`, ids[:n-n/100])
	exec(t, pool, `insert into adze.attempt select i, 1, 4, 1, 2, 3, 4, 1, 'failed', 'bad'
		from unnest($1::bigint[]) with ordinality as filled (i, n) where n % 10 = 0`, ids)
	require.NoError(t, k.Analyze(t.Context()))
	return ids
}

// GraphNodes is how many tasks the runs of Graphs have.
const GraphNodes = 3

// Graphs adds runs of a graph to a History of the same days, perDay of tenant 1 each,
// between its tasks; all but the last hundredth have ended, and each of those has two
// tasks that ran and one that was skipped. It returns the ids of the runs, ascending.
func Graphs(t testing.TB, pool *pgxpool.Pool, now time.Time, days, perDay int) []id.ID {
	t.Helper()
	exec(t, pool, `
		insert into adze.workflow values (6, 1, 5, 'g');
		insert into adze.workflow_version values (5, 6, 1, now(), '',
			'{"name":"g","tasks":[{"name":"a"},{"name":"b","parents":["a"]},{"name":"c","parents":["a","b"]}]}')`)
	n := days * perDay
	runs := make([]id.ID, n)
	from := now.AddDate(0, 0, -days)
	step := now.Sub(from) / time.Duration(n)
	for i := range runs {
		runs[i] = id.First(from.Add(time.Duration(i)*step)) + id.ID(i%10)<<12 + 1_000
	}
	ended := runs[:n-n/100]
	exec(t, pool, `insert into adze.run select i, 1, 5, 0, null, 0, '', '1', null from unnest($1::bigint[]) i`, runs)
	exec(t, pool, `insert into adze.run_result select i, 1, 9, 'succeeded', null from unnest($1::bigint[]) i`, ended)
	exec(t, pool, `insert into adze.task select i + 1 + n, 1, 5, 0, null, 0, '', '', null, n
		from unnest($1::bigint[]) i, generate_series(0, 1) n`, runs)
	exec(t, pool, `insert into adze.task_result select i + 1 + n, 1, 4, 1, 2, 3, 1, 'succeeded', null, '2', array[2, 1]
		from unnest($1::bigint[]) i, generate_series(0, 1) n`, ended)
	exec(t, pool, `insert into adze.task_result select i + 3, 1, null, 0, 0, 4, 0, 'skipped', null, null
		from unnest($1::bigint[]) i`, ended)
	require.NoError(t, keeper.New(pool, keeper.Config{Log: slog.New(slog.DiscardHandler)}).Analyze(t.Context()))
	return runs
}

// Events adds events of tenant 1 to a History of the same days, perDay each, of 100 keys
// (key0 to key99); each tenth started the task of the History that came before it. It
// returns their ids, ascending.
func Events(t testing.TB, pool *pgxpool.Pool, now time.Time, days, perDay int) []id.ID {
	t.Helper()
	n := days * perDay
	events := make([]id.ID, n)
	from := now.AddDate(0, 0, -days)
	step := now.Sub(from) / time.Duration(n)
	for i := range events {
		events[i] = id.First(from.Add(time.Duration(i)*step)) + id.ID(i%10)<<12 + 2_000
	}
	exec(t, pool, `insert into adze.event select i, 1, null, null, 0, 'key' || n % 100, '', '1', null, null
		from unnest($1::bigint[]) with ordinality as filled (i, n)`, events)
	exec(t, pool, `insert into adze.event_run select i, i - 2000, null
		from unnest($1::bigint[]) with ordinality as filled (i, n) where n % 10 = 0`, events)
	require.NoError(t, keeper.New(pool, keeper.Config{Log: slog.New(slog.DiscardHandler)}).Analyze(t.Context()))
	return events
}

// FailureKinds is how many fingerprints the Failures of each table have: 1 to 10.
const FailureKinds = 10

// Failures adds failures of tenant 1 to a History with Graphs of the same days, perDay
// runs of one task each and as many of the graph, whose task b failed. It returns the ids
// of the runs, ascending.
func Failures(t testing.TB, pool *pgxpool.Pool, now time.Time, days, perDay int) (singles, graphs []id.ID) {
	t.Helper()
	n := days * perDay
	from := now.AddDate(0, 0, -days)
	step := now.Sub(from) / time.Duration(n)
	for i := range n {
		at := id.First(from.Add(time.Duration(i)*step)) + id.ID(i%10)<<12
		singles, graphs = append(singles, at+3_000), append(graphs, at+3_500)
	}
	const result = `insert into adze.task_result (id, tenant_id, assigned_at, started_at, finished_at, attempt, status, error, fingerprint)
		select i + $2, 1, 0, 0, i >> 22, 1, 'failed', 'bad ' || n, 1 + n % 10 from unnest($1::bigint[]) with ordinality as filled (i, n)`
	exec(t, pool, `insert into adze.task select i, 1, 2, 0, null, 0, '', '1', null from unnest($1::bigint[]) i`, singles)
	exec(t, pool, result, singles, 0)
	exec(t, pool, `insert into adze.run select i, 1, 5, 0, null, 0, '', '1', null from unnest($1::bigint[]) i`, graphs)
	exec(t, pool, `insert into adze.task select i + 1 + n, 1, 5, 0, null, 0, '', '', null, n
		from unnest($1::bigint[]) i, generate_series(0, 1) n`, graphs)
	exec(t, pool, result, graphs, 2)
	exec(t, pool, `insert into adze.run_result select i, 1, i >> 22, 'failed', 'task b failed' from unnest($1::bigint[]) i`, graphs)
	require.NoError(t, keeper.New(pool, keeper.Config{Log: slog.New(slog.DiscardHandler)}).Analyze(t.Context()))
	return singles, graphs
}

func exec(t testing.TB, pool *pgxpool.Pool, sql string, args ...any) {
	t.Helper()
	_, err := pool.Exec(t.Context(), sql, args...)
	require.NoError(t, err)
}

// Node is a part of a plan that ran.
type Node struct {
	Type     string `json:"Node Type"`
	Relation string `json:"Relation Name"`
	Index    string `json:"Index Name"`
	Loops    int    `json:"Actual Loops"`
	Plans    []Node
}

// Plans runs sql with arguments, given as SQL, as a custom and as a generic plan:
// a prepared statement comes to either. It hands the parts of each that ran to
// check.
func Plans(t *testing.T, pool *pgxpool.Pool, sql, arguments string, check func(t *testing.T, ran []Node)) {
	t.Helper()
	for _, mode := range []string{"force_custom_plan", "force_generic_plan"} {
		t.Run(mode, func(t *testing.T) {
			check(t, explain(t, Conn(t, pool), sql, mode, arguments))
		})
	}
}

func explain(t *testing.T, conn *pgx.Conn, sql, mode, arguments string) []Node {
	t.Helper()
	_, err := conn.Exec(t.Context(), "set plan_cache_mode = "+mode+"; prepare p as "+sql)
	require.NoError(t, err)
	var raw []byte
	err = conn.QueryRow(t.Context(), "explain (analyze, format json) execute p ("+arguments+")").Scan(&raw)
	require.NoError(t, err)
	var plans []struct{ Plan Node }
	require.NoError(t, json.Unmarshal(raw, &plans))
	return flatten(plans[0].Plan, nil)
}

func flatten(n Node, into []Node) []Node {
	if n.Loops > 0 {
		into = append(into, n)
	}
	for _, child := range n.Plans {
		into = flatten(child, into)
	}
	return into
}

// NoScan demands that no table whose name begins with prefix was read from end to
// end.
func NoScan(t *testing.T, ran []Node, prefix string) {
	t.Helper()
	for _, n := range ran {
		require.False(t, n.Type == "Seq Scan" && strings.HasPrefix(n.Relation, prefix), "scan of %s", n.Relation)
	}
}

// Partitions are the tables read whose names begin with prefix and a digit: the
// partitions of a parent that were not pruned.
func Partitions(ran []Node, prefix string) map[string]bool {
	read := map[string]bool{}
	for _, n := range ran {
		if rest, ok := strings.CutPrefix(n.Relation, prefix+"_"); ok && rest[0] >= '0' && rest[0] <= '9' {
			read[n.Relation] = true
		}
	}
	return read
}
