package schedule

import (
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/bulk"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/pgtest"
	"github.com/adzehq/adze/internal/record/rowtest"
)

const shard = 7

// seq is the n-th id of the shard.
func seq(n int) id.ID { return id.ID(n)<<22 | shard<<12 }

func cron(n int, name string) core.Schedule {
	return core.Schedule{
		ID: seq(n), Tenant: 1, JitterMS: 2, Priority: 3, CatchUpMax: 4, Overlap: core.OverlapQueue, CatchUp: core.CatchUpAll,
		Paused: true, Declared: true, Workflow: "w", Name: name, Expression: "@daily", Zone: "Europe/Berlin",
		Input: []byte("1"), Metadata: []byte("{}"),
	}
}

func once(n int, at core.Time) core.Schedule {
	return core.Schedule{ID: seq(n), Tenant: 1, At: at, Workflow: "v", Input: []byte("2")}
}

func state(s *core.Schedule) core.ScheduleState {
	return core.ScheduleState{
		ID: s.ID, Tenant: s.Tenant, Due: 5, Last: 6, LastRun: 7, Running: 8, Queued: 9, Skipped: 10, Revision: 11,
		Overlap: s.Overlap, Once: s.Once(),
	}
}

func write(t *testing.T, pool *pgxpool.Pool, schedules []core.Schedule, states []core.ScheduleState, closed ...id.ID) {
	t.Helper()
	require.NoError(t, rowtest.Send(t, pool, Statements(), func(b *bulk.Batch) {
		var c Columns
		for i := range schedules {
			c.Add(&schedules[i])
		}
		for i := range states {
			c.AddState(&states[i])
		}
		for _, one := range closed {
			c.Close(one)
		}
		c.Queue(b)
	}))
}

func TestSchedulesAreReadAsTheyWereWrittenLast(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	daily, single := cron(1, "daily"), once(2, 99)
	write(t, pool, []core.Schedule{daily, single}, []core.ScheduleState{state(&daily), state(&single)})

	got, err := ByID(t.Context(), pool, []id.ID{seq(1), seq(2), seq(3)})
	require.NoError(t, err)
	require.ElementsMatch(t, []core.Schedule{daily, single}, got)
	states, err := States(t.Context(), pool, shard)
	require.NoError(t, err)
	require.Equal(t, []core.ScheduleState{state(&daily), state(&single)}, states)

	changed := cron(1, "daily")
	changed.Expression, changed.Overlap, changed.Paused, changed.Input = "@weekly", core.OverlapSkip, false, []byte("3")
	moved := state(&changed)
	moved.Due, moved.Running, moved.LastRun = 50, 0, 0
	write(t, pool, []core.Schedule{changed}, []core.ScheduleState{moved}, seq(2), seq(9))
	listed, err := List(t.Context(), pool, 1, 0, "", "", 9)
	require.NoError(t, err)
	require.Equal(t, []Listed{{changed, moved}}, listed)
	states, err = States(t.Context(), pool, shard)
	require.NoError(t, err)
	require.Equal(t, []core.ScheduleState{moved}, states, "both rows of the other are gone")
}

func TestANameThatIsFreeIsTakenInTheSameBatch(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	old, young := cron(1, "n"), cron(2, "n")
	write(t, pool, []core.Schedule{old}, []core.ScheduleState{state(&old)})
	write(t, pool, []core.Schedule{young}, []core.ScheduleState{state(&young)}, old.ID)
	got, err := ByName(t.Context(), pool, 1, []string{"n", "m"})
	require.NoError(t, err)
	require.Equal(t, []core.Schedule{young}, got)
	strangers, err := ByName(t.Context(), pool, 2, []string{"n"})
	require.NoError(t, err)
	require.Empty(t, strangers, "another tenant's")
}

func TestOneOffsHaveNoNameToClashBy(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	a, b := once(1, 5), once(2, 5)
	write(t, pool, []core.Schedule{a, b}, []core.ScheduleState{state(&a), state(&b)})
	last, err := LastID(t.Context(), pool)
	require.NoError(t, err)
	require.Equal(t, b.ID, last)
}

func TestDeclaredSchedulesAreThoseOfTheWorkflow(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	declared, made, other := cron(1, "a"), cron(2, "b"), cron(3, "c")
	made.Declared, other.Workflow = false, "x"
	write(t, pool, []core.Schedule{declared, made, other}, []core.ScheduleState{state(&declared), state(&made), state(&other)})
	got, err := Declared(t.Context(), pool, 1, []string{"w"})
	require.NoError(t, err)
	require.Equal(t, []core.Schedule{declared}, got)
}

func TestListPagesAndChooses(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	var schedules []core.Schedule
	var states []core.ScheduleState
	for n := range 10 {
		s := cron(n+1, fmt.Sprint("n", n))
		if n%2 == 0 {
			s.Workflow = "even"
		}
		schedules, states = append(schedules, s), append(states, state(&s))
	}
	write(t, pool, schedules, states)
	list := func(after id.ID, workflow, name string, limit int) (ids []id.ID) {
		listed, err := List(t.Context(), pool, 1, after, workflow, name, limit)
		require.NoError(t, err)
		for _, l := range listed {
			ids = append(ids, l.ID)
		}
		return ids
	}
	require.Equal(t, []id.ID{seq(1), seq(2)}, list(0, "", "", 2))
	require.Equal(t, []id.ID{seq(3), seq(4)}, list(seq(2), "", "", 2))
	require.Equal(t, []id.ID{seq(7), seq(9)}, list(seq(5), "even", "", 9))
	require.Equal(t, []id.ID{seq(4)}, list(0, "", "n3", 9))
}

// A page and a look-up stay within their index, however many others have schedules.
func TestReadsStayInTheirIndex(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	_, err := pool.Exec(t.Context(), `
		insert into adze.schedule select i, i % 50, 0, 0, 7, 0, 0, false, false, 'skip', 'last', 'w', 'n' || i, '@daily', '', '1', null from generate_series(1, 20000) i;
		insert into adze.schedule_state select i, i % 50, 5, 6, null, null, 0, 0, 7, 1 from generate_series(1, 20000) i`)
	require.NoError(t, err)
	_, err = pool.Exec(t.Context(), "analyze adze.schedule, adze.schedule_state")
	require.NoError(t, err)
	for sql, arguments := range map[string]string{
		listSQL: "7, 0, '', '', 50", byIDSQL: "array[1, 2, 3]", byNameSQL: "7, array['n7', 'n57']",
		declaredSQL: "7, array['w']",
	} {
		rowtest.Plans(t, pool, sql, arguments, func(t *testing.T, ran []rowtest.Node) {
			for _, n := range ran {
				require.NotEqual(t, "Seq Scan", n.Type, n.Relation)
			}
		})
	}
}
