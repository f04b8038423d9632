package record_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/pgtest"
)

var update = flag.Bool("update", false, "rewrite schema.golden.sql")

const golden = "schema.golden.sql"

// TestTheSchemaIsTheGoldenOne shows in a review, as a diff of one file, what a
// migration does to the whole.
func TestTheSchemaIsTheGoldenOne(t *testing.T) {
	t.Parallel()
	got := dump(t, pgtest.Open(t))
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(got), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs; if it should, run `go test ./internal/record -update` (-want +got):\n%s", golden, diff)
	}
}

const head = `-- The schema after all migrations, read from the catalogs by schema_test.go.
-- It is for reading and for diffs; nothing runs it.
`

// Everything below is read from the catalogs in words that Postgres 14 to 18
// share: pg_dump's differ from one version to the next, and so do the names of
// not-null constraints, which 18 has and older ones do not.
const (
	tablesQuery = `
		select c.oid, c.relname,
			coalesce(' partition by ' || lower(pg_get_partkeydef(c.oid)), ''),
			coalesce(' with (' || array_to_string(c.reloptions, ', ') || ')', '')
		from pg_class c
		where c.relnamespace = 'adze'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
		order by c.relname`
	columnsQuery = `
		select format('%s %s%s%s%s', a.attname, format_type(a.atttypid, a.atttypmod),
			case when a.attnotnull then ' not null' else '' end,
			coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), ''),
			case when a.attidentity <> '' then ' identity' else '' end)
		from pg_attribute a
		left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
		where a.attrelid = $1 and a.attnum > 0 and not a.attisdropped
		order by a.attnum`
	constraintsQuery = `
		select format('constraint %s %s', conname, pg_get_constraintdef(oid))
		from pg_constraint
		where conrelid = $1 and contype <> 'n'
		order by contype = 'p' desc, conname`
	indexesQuery = `
		select pg_get_indexdef(i.indexrelid) || ';'
		from pg_index i
		join pg_class c on c.oid = i.indexrelid
		where i.indrelid = $1 and not exists (select from pg_constraint where conindid = i.indexrelid and conrelid = $1)
		order by c.relname`
	functionsQuery = `
		select pg_get_functiondef(oid) || ';'
		from pg_proc
		where pronamespace = 'adze'::regnamespace
		order by proname, oid`
)

func dump(t *testing.T, db *pgxpool.Pool) string {
	t.Helper()
	ctx := t.Context()
	var out strings.Builder
	out.WriteString(head)
	type table struct {
		OID                   uint32
		Name, Partition, With string
	}
	rows, err := db.Query(ctx, tablesQuery)
	require.NoError(t, err)
	tables, err := pgx.CollectRows(rows, pgx.RowToStructByPos[table])
	require.NoError(t, err)
	for _, table := range tables {
		parts := append(lines(ctx, t, db, columnsQuery, table.OID), lines(ctx, t, db, constraintsQuery, table.OID)...)
		fmt.Fprintf(&out, "\ncreate table adze.%s (\n    %s\n)%s%s;\n",
			table.Name, strings.Join(parts, ",\n    "), table.Partition, table.With)
		for _, index := range lines(ctx, t, db, indexesQuery, table.OID) {
			fmt.Fprintln(&out, index)
		}
	}
	for _, function := range lines(ctx, t, db, functionsQuery) {
		fmt.Fprintf(&out, "\n%s\n", function)
	}
	return out.String()
}

func lines(ctx context.Context, t *testing.T, db *pgxpool.Pool, query string, args ...any) []string {
	t.Helper()
	rows, err := db.Query(ctx, query, args...)
	require.NoError(t, err)
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return list
}
