package event

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/keeper"
	"github.com/adzehq/adze/internal/pgtest"
	"github.com/adzehq/adze/internal/record/rowtest"
)

// pushed stores events with ids 1, 2, … after noon, and returns the pool.
func pushed(t *testing.T, events ...core.NewEvent) *pgxpool.Pool {
	t.Helper()
	pool := setup(t)
	for i := range events {
		events[i].ID, events[i].Payload = nth(i+1), core.Payload(fmt.Sprint(i+1))
	}
	require.NoError(t, insert(t, pool, false, events, nil))
	return pool
}

func nth(n int) id.ID { return id.First(noon) + id.ID(n) }

func TestThePastIsTheEventsThatAConditionIsAboutAfterItsID(t *testing.T) {
	t.Parallel()
	pool := pushed(t,
		core.NewEvent{Tenant: 1, Key: "k"},                                          // 1
		core.NewEvent{Tenant: 1, Key: "k", Scope: "eu", Metadata: core.Payload("")}, // 2
		core.NewEvent{Tenant: 1, Key: "k", Target: 50},                              // 3
		core.NewEvent{Tenant: 2, Key: "k"},                                          // 4
		core.NewEvent{Tenant: 1, Key: "l", Target: 50},                              // 5
		core.NewEvent{Tenant: 1, Key: "k", Target: 51},                              // 6
		core.NewEvent{Tenant: 1, Key: "k", Scope: "eu", Target: 50},                 // 7
		core.NewEvent{Tenant: 1, Key: "k", Scope: "us"},                             // 8
		core.NewEvent{Tenant: 2, Key: "k", Target: 50},                              // 9
	)
	for name, c := range map[string]struct {
		condition core.Condition
		target    id.ID
		after     int
		want      []int
	}{
		"of a key":                {core.Condition{Key: "k"}, 0, 0, []int{1, 2, 8}},
		"after an id":             {core.Condition{Key: "k"}, 0, 1, []int{2, 8}},
		"of a scope":              {core.Condition{Key: "k", Scoped: true, Scope: "eu"}, 0, 0, []int{2}},
		"of no scope":             {core.Condition{Key: "k", Scoped: true}, 0, 0, []int{1}},
		"signals":                 {core.Condition{Key: "k", Signal: true}, 50, 0, []int{3, 7}},
		"signals after an id":     {core.Condition{Key: "k", Signal: true}, 50, 3, []int{7}},
		"signals of a scope":      {core.Condition{Key: "k", Signal: true, Scoped: true, Scope: "eu"}, 50, 0, []int{7}},
		"signals to another run":  {core.Condition{Key: "l", Signal: true}, 51, 0, nil},
		"of a key that has none":  {core.Condition{Key: "m"}, 0, 0, nil},
		"after all that happened": {core.Condition{Key: "k"}, 0, 9, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			look := &core.Lookback{Tenant: 1, Target: c.target, Condition: c.condition}
			for _, limit := range []int{1, 2, 100} {
				require.Equal(t, c.want, lookBack(t, pool, look, nth(c.after), limit), "page by page of %d", limit)
			}
		})
	}
}

// lookBack reads the whole past of look, page by page.
func lookBack(t *testing.T, pool *pgxpool.Pool, look *core.Lookback, after id.ID, limit int) (all []int) {
	t.Helper()
	for {
		page, err := Past(t.Context(), pool, look, after, limit)
		require.NoError(t, err)
		for _, e := range page.Events {
			n := int(e.ID - id.First(noon))
			require.Equal(t, core.Payload(fmt.Sprint(n)), e.Payload)
			all = append(all, n)
		}
		if page.Looked < limit {
			return all
		}
		after = page.Last
	}
}

func TestRequestsAreEventsThatAreAddressedToARun(t *testing.T) {
	t.Parallel()
	pool := pushed(t, core.NewEvent{Tenant: 1, Key: "k"}, core.NewEvent{Tenant: 2, Key: "k", Target: 50})
	requests, err := Requests(t.Context(), pool, []id.ID{nth(1), nth(2), nth(3)})
	require.NoError(t, err)
	require.Equal(t, []core.NewTask{{ID: nth(2), Tenant: 2}}, requests)
}

func TestThePastIsReadByIndexFromItsDayOn(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	const days, perDay = 14, 2_000
	k := keeper.New(pool, keeper.Config{Log: slog.New(slog.DiscardHandler)})
	from := noon.AddDate(0, 0, -days)
	require.NoError(t, k.EnsurePartitions(t.Context(), id.First(from), id.First(noon)))
	step := noon.Sub(from) / (days * perDay)
	ids := make([]id.ID, days*perDay)
	for i := range ids {
		ids[i] = id.First(from.Add(time.Duration(i) * step))
	}
	_, err := pool.Exec(t.Context(), `insert into adze.event
		select i, 1, case when n % 50 = 0 then n % 500 end, null, 0, 'k' || n % 20, '', '1', null
		from unnest($1::bigint[]) with ordinality as filled (i, n)`, ids)
	require.NoError(t, err)
	last := int64(ids[len(ids)-600])
	plans := func(t *testing.T) {
		for name, c := range map[string]struct{ sql, arguments string }{
			"events":   {pastSQL, fmt.Sprintf("1, 'k3', %d, 100, null", last)},
			"newest":   {pastNewestSQL, fmt.Sprintf("1, 'k3', %d, 100, null, 9223372036854775807", last)},
			"signals":  {pastSignalsSQL, fmt.Sprintf("1, 'k10', %d, 100, null, 50", last)},
			"requests": {requestsSQL, fmt.Sprintf("'{%d}'", last)},
		} {
			t.Run(name, func(t *testing.T) {
				rowtest.Plans(t, pool, c.sql, c.arguments, func(t *testing.T, ran []rowtest.Node) {
					rowtest.NoScan(t, ran, "event")
					require.Len(t, rowtest.Partitions(ran, "event"), 1)
				})
			})
		}
	}
	t.Run("without statistics", plans)
	require.NoError(t, k.Analyze(t.Context()))
	t.Run("with statistics", plans)
}
