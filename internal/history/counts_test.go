package history

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/record/rowtest"
)

func TestTasksAreCountedByHowTheyStand(t *testing.T) {
	t.Parallel()
	pool, ids := setup(t)
	runs := rowtest.Graphs(t, pool, noon, days, 10)
	exec := func(sql string, args ...any) {
		_, err := pool.Exec(t.Context(), sql, args...)
		require.NoError(t, err)
	}
	ended := int64(len(ids) - len(ids)/100)
	graphs := int64(len(runs))
	count := func(f CountFilter) Counts {
		counts, err := Count(t.Context(), pool, 1, f)
		require.NoError(t, err)
		return counts
	}
	all := count(CountFilter{})
	require.Equal(t, int64(len(ids)/100), all.Open)
	require.Equal(t, ids[len(ids)-1], all.OpenIDs[0], "newest first")
	require.Len(t, all.OpenIDs, len(ids)/100)
	require.Equal(t, ended+2*graphs, all.Ended[core.Succeeded])
	require.Equal(t, graphs, all.Ended[core.Skipped])

	require.Equal(t, Counts{Ended: [core.Skipped + 1]int64{core.Succeeded: 2 * graphs, core.Skipped: graphs}},
		count(CountFilter{Workflows: []id.ID{6}}))
	newest := ids[len(ids)-1]
	require.Equal(t, Counts{Open: 1, OpenIDs: []id.ID{newest}}, count(CountFilter{Since: core.Time(newest.UnixMilli())}))
	require.Zero(t, count(CountFilter{Parents: []id.ID{77}}))
	require.Zero(t, count(CountFilter{Metadata: []string{"a:b"}}))

	exec(`update adze.task_result set status = 'failed', error = $2 || '1s for a worker' where id = $1`, ids[0], core.ScheduleTimeoutPrefix)
	exec(`update adze.task_result set status = 'failed', error = 'no' where id = $1`, ids[1])
	late := count(CountFilter{})
	require.Equal(t, int64(2), late.Ended[core.Failed])
	require.Equal(t, int64(1), late.Late)
	require.Equal(t, all.Ended[core.Succeeded]-2, late.Ended[core.Succeeded])
	all = late

	// A run that was replayed is counted once.
	exec(`insert into adze.task select $1, 1, 2, 0, $2, 0, '', '1', '{"a":"b"}'`, newest+1<<12, ids[2])
	require.Equal(t, all.Ended[core.Succeeded]-1, count(CountFilter{}).Ended[core.Succeeded])
	require.Equal(t, int64(1), count(CountFilter{Metadata: []string{"x:y", "a:b"}}).Open)
}

func TestAnotherTenantsTasksAreNotCounted(t *testing.T) {
	t.Parallel()
	pool, _ := setup(t)
	counts, err := Count(t.Context(), pool, 2, CountFilter{})
	require.NoError(t, err)
	require.Zero(t, counts)
}
