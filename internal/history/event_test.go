package history

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/record/rowtest"
)

func TestEventsAreToldNewestFirstWithTheirRuns(t *testing.T) {
	t.Parallel()
	pool, ids := setup(t)
	events := rowtest.Events(t, pool, noon, days, perDay)
	page, err := Events(t.Context(), pool, 1, EventFilter{Limit: 30})
	require.NoError(t, err)
	require.Len(t, page.Events, 30)
	for i, e := range page.Events {
		at := len(events) - 1 - i
		require.Equal(t, events[at], e.ID)
		require.Nil(t, e.Payload)
		if (at+1)%10 != 0 {
			require.Empty(t, e.Runs)
			continue
		}
		require.Equal(t, []EventRun{{ID: ids[at], Workflow: "w"}}, e.Runs, "open")
	}
	require.Equal(t, page.Events[29].ID, page.Next)

	older, err := Events(t.Context(), pool, 1, EventFilter{Before: events[100], Key: "key0", Limit: 2})
	require.NoError(t, err)
	require.Len(t, older.Events, 1)
	require.Equal(t, events[99], older.Events[0].ID)
	require.Equal(t, []EventRun{{ID: ids[99], Workflow: "w", Status: core.Succeeded}}, older.Events[0].Runs)
	require.Zero(t, older.Next)

	between, err := Events(t.Context(), pool, 1, EventFilter{
		Since: core.Time(events[100].UnixMilli()), Until: core.Time(events[110].UnixMilli()),
	})
	require.NoError(t, err)
	require.Len(t, between.Events, 10)
	other, err := Events(t.Context(), pool, 2, EventFilter{})
	require.NoError(t, err)
	require.Empty(t, other.Events)
}

func TestAnEventTellsABoundedNumberOfItsRuns(t *testing.T) {
	t.Parallel()
	pool, ids := setup(t)
	events := rowtest.Events(t, pool, noon, days, perDay)
	event := events[len(events)-1]
	_, err := pool.Exec(t.Context(), `delete from adze.event_run where event_id = $1`, event)
	require.NoError(t, err)
	started := func(runs []id.ID) Event {
		_, err := pool.Exec(t.Context(), `insert into adze.event_run select $1, run, null from unnest($2::bigint[]) run`, event, runs)
		require.NoError(t, err)
		e, err := GetEvent(t.Context(), pool, 1, event, true)
		require.NoError(t, err)
		return e
	}
	e := started(ids[:EventRunsMax])
	require.Equal(t, "1", string(e.Payload))
	require.Len(t, e.Runs, EventRunsMax)
	require.False(t, e.MoreRuns)
	e = started(ids[EventRunsMax : EventRunsMax+1])
	require.Len(t, e.Runs, EventRunsMax)
	require.True(t, e.MoreRuns)
	page, err := Events(t.Context(), pool, 1, EventFilter{Limit: 1})
	require.NoError(t, err)
	require.Len(t, page.Events[0].Runs, EventRunsListMax)
	require.True(t, page.Events[0].MoreRuns)

	_, err = GetEvent(t.Context(), pool, 2, event, false)
	require.ErrorContains(t, err, "no event")
}

func TestReadsOfEventsGoByIndexAndPrune(t *testing.T) {
	t.Parallel()
	pool, _ := setup(t)
	rowtest.Graphs(t, pool, noon, days, perDay/10) // an empty table is read from end to end
	events := rowtest.Events(t, pool, noon, days, perDay)
	last := events[len(events)-1]
	for name, c := range map[string]struct{ sql, arguments, table string }{
		"event":  {eventSQL, fmt.Sprintf("1, %d, true", last), "event"},
		"events": {eventsSQL, fmt.Sprintf("1, %d, %d, 50", last, events[len(events)-60]), "event"},
		"of key": {eventsOfKeySQL, fmt.Sprintf("1, %d, %d, 50, 'key7'", last, events[len(events)-60]), "event"},
		"runs":   {eventRunsSQL, fmt.Sprintf("'{%d}', 20", last), "event_run"},
	} {
		t.Run(name, func(t *testing.T) {
			rowtest.Plans(t, pool, c.sql, c.arguments, func(t *testing.T, ran []rowtest.Node) {
				rowtest.NoScan(t, ran, "event")
				rowtest.NoScan(t, ran, "task")
				rowtest.NoScan(t, ran, "run")
				require.Len(t, rowtest.Partitions(ran, c.table), 1)
			})
		})
	}
}
