package event

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

func setup(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool := pgtest.Open(t)
	require.NoError(t, keeper.New(pool, keeper.Config{Log: slog.New(slog.DiscardHandler)}).EnsurePartitions(t.Context(), id.First(noon), id.First(noon)))
	return pool
}

func insert(t *testing.T, pool *pgxpool.Pool, repeat bool, events []core.NewEvent, runs []core.EventRun) error {
	t.Helper()
	return rowtest.Send(t, pool, Statements(), func(b *bulk.Batch) {
		var c Columns
		for i := range events {
			c.Add(&events[i])
		}
		c.Queue(b, repeat)
		var r RunColumns
		for i := range runs {
			r.Add(&runs[i])
		}
		r.Queue(b, repeat)
	})
}

func TestEventsAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	pool := setup(t)
	last, err := LastID(t.Context(), pool)
	require.NoError(t, err)
	require.Zero(t, last)

	first := id.First(noon)
	events := []core.NewEvent{
		{ID: first, Tenant: 1, Key: "k", Payload: core.Payload("null")},
		{
			ID: first + 1, Tenant: 2, Target: 3, ReplayOf: 4, Priority: -5, Key: "user.created", Scope: "eu",
			Warning: "w", Payload: core.Payload(`{"a":1}`), Metadata: core.Payload(`{}`),
		},
	}
	runs := []core.EventRun{{Event: first, Run: first + 2}, {Event: first, Run: first + 3, Filter: 9}}
	require.NoError(t, insert(t, pool, false, events, runs))
	require.ErrorContains(t, insert(t, pool, false, events, nil), "duplicate key")
	require.NoError(t, insert(t, pool, true, events, runs), "a repetition is passed over")

	got, err := ByID(t.Context(), pool, []id.ID{first, first + 1, 99})
	require.NoError(t, err)
	require.ElementsMatch(t, events, got)
	last, err = LastID(t.Context(), pool)
	require.NoError(t, err)
	require.Equal(t, first+1, last)
	var plain, filtered int
	require.NoError(t, pool.QueryRow(t.Context(), "select count(*) filter (where filter_id is null), count(*) filter (where filter_id = 9) from adze.event_run").Scan(&plain, &filtered))
	require.Equal(t, []int{1, 1}, []int{plain, filtered})
}

func TestFiltersAreTheTenantsAndTheShards(t *testing.T) {
	t.Parallel()
	pool := setup(t)
	_, err := pool.Exec(t.Context(), `insert into adze.tenant values
		(10, gen_random_uuid(), 7, 'one', now()), (11, gen_random_uuid(), 7, 'two', now()), (12, gen_random_uuid(), 8, 'far', now())`)
	require.NoError(t, err)
	filter := func(number, tenant id.ID, workflow string) Filter {
		return Filter{ID: number, Tenant: tenant, CreatedAt: noon.Local(), UpdatedAt: noon.Local(), Workflow: workflow, Scope: "s", Expression: "true"}
	}
	all := []Filter{filter(1, 10, "a"), filter(2, 11, "a"), filter(3, 10, "b"), filter(4, 12, "a"), filter(5, 10, "a")}
	all[2].Payload = []byte(`{"n":1}`)
	for _, f := range all {
		require.NoError(t, PutFilter(t.Context(), pool, f))
	}
	read := func(got []Filter, err error) []Filter {
		t.Helper()
		require.NoError(t, err)
		for i := range got {
			got[i].CreatedAt, got[i].UpdatedAt = got[i].CreatedAt.Local(), got[i].UpdatedAt.Local()
		}
		return got
	}
	require.Equal(t, []Filter{all[0], all[1], all[2], all[4]}, read(FiltersOfShard(t.Context(), pool, 7)))
	require.Equal(t, []Filter{all[0], all[2]}, read(Filters(t.Context(), pool, 10, 0, "", 2)))
	require.Equal(t, []Filter{all[4]}, read(Filters(t.Context(), pool, 10, 3, "", 2)))
	require.Equal(t, []Filter{all[0], all[4]}, read(Filters(t.Context(), pool, 10, 0, "a", 9)))

	deleted, err := DeleteFilters(t.Context(), pool, 10, []id.ID{1, 2, 99})
	require.NoError(t, err)
	require.Equal(t, []id.ID{1}, deleted, "another tenant's stays")
}

func TestLookUpsGoToOnePartitionByIndex(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	rowtest.History(t, pool, noon, 14, 1_000)
	events := rowtest.Events(t, pool, noon, 14, 1_000)
	wanted := fmt.Sprintf("'{%d,%d}'", events[5_020], events[5_030])
	rowtest.Plans(t, pool, byIDSQL, wanted, func(t *testing.T, ran []rowtest.Node) {
		rowtest.NoScan(t, ran, "event")
		require.Len(t, rowtest.Partitions(ran, "event"), 1)
	})
}
