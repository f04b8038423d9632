package core

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
)

// ordered is a rig whose tasks wait for a limit of one place, most of them in Postgres.
type ordered struct {
	*rig
	rows    map[id.ID]OpenTask
	loads   []Load
	running Assignment
	waiting []OpenTask
}

func newOrdered(t *testing.T, strategy Strategy) *ordered {
	o := &ordered{rig: newRig(t, Definition{Limits: []string{"oven"}}), rows: map[id.ID]OpenTask{}}
	o.note(o.limit("", LimitSetting{Max: 1, Strategy: strategy}))
	o.note(o.join(worker1, 1))
	first, out := o.submit(1, nil)
	o.note(out)
	require.Equal(t, first[0], o.running.Task)
	return o
}

func (o *ordered) note(out *Effects) {
	for _, row := range out.Open {
		o.rows[row.ID] = row
	}
	for _, gone := range out.Closed {
		delete(o.rows, gone)
	}
	o.loads = append(o.loads, out.Loads...)
	for _, a := range out.Assigned {
		o.running = a
	}
}

// come has n tasks of all kinds of priorities wait.
func (o *ordered) come(n int) {
	ids, out := o.submit(n, func(i int, row *NewTask) { row.Priority = int32(i*7%5 - 2) })
	o.note(out)
	for i, task := range ids {
		o.waiting = append(o.waiting, OpenTask{ID: task, Priority: int32(i*7%5 - 2)})
	}
}

// next ends what runs, and requires that the first by a strategy has its place.
func (o *ordered) next(strategy Strategy) {
	o.t.Helper()
	slices.SortFunc(o.waiting, func(a, b OpenTask) int {
		if strategy == LimitFIFO {
			return cmp.Compare(a.ID, b.ID)
		}
		return cmp.Or(cmp.Compare(b.Priority, a.Priority), cmp.Compare(a.ID, b.ID))
	})
	was := o.running
	o.note(o.done(was))
	for o.running == was {
		require.NotEmpty(o.t, o.loads, "stuck, with %d that wait", len(o.waiting))
		o.load()
	}
	require.Equal(o.t, o.waiting[0].ID, o.running.Task, "%v", strategy)
	o.waiting = o.waiting[1:]
}

// load answers what was asked first.
func (o *ordered) load() {
	load := o.loads[0]
	o.loads = o.loads[1:]
	o.note(o.apply(&Loaded{Load: load, Rows: laneRows(o.rows, load)}))
}

// TestLimitGoesByItsStrategyOfNow: whatever it was when those came that wait, here or in
// Postgres.
func TestLimitGoesByItsStrategyOfNow(t *testing.T) {
	t.Parallel()
	for _, depth := range []int{1, 3, 9, 60} {
		t.Run(fmt.Sprint(depth), func(t *testing.T) {
			t.Parallel()
			strategy := LimitFIFO
			o := newOrdered(t, strategy)
			o.come(depth)
			for round := 0; len(o.waiting) > 0; round++ {
				if round%3 == 0 {
					strategy = LimitFIFO - strategy
					o.note(o.limit("", LimitSetting{Max: 1, Strategy: strategy}))
				}
				if round == 7 {
					o.come(5)
				}
				o.next(strategy)
			}
		})
	}
}

// TestWindowOfTheOrderBeforeIsNoBeginningOfALine: it was being read when the strategy
// changed.
func TestWindowOfTheOrderBeforeIsNoBeginningOfALine(t *testing.T) {
	t.Parallel()
	o := newOrdered(t, LimitFIFO)
	o.come(60)
	for len(o.loads) == 0 {
		o.next(LimitFIFO)
	}
	old := o.loads[0]
	require.True(t, old.ByID)
	o.note(o.limit("", LimitSetting{Max: 1}))
	for len(o.waiting) > 0 {
		o.next(LimitQueue)
	}
}

// TestPlaceInTheLineIsThatOfTheStrategyOfNow: why says so too.
func TestPlaceInTheLineIsThatOfTheStrategyOfNow(t *testing.T) {
	t.Parallel()
	o := newOrdered(t, LimitFIFO)
	o.come(3) // -2, 0, 2
	ahead := func(i int) int64 {
		out := o.apply(&Ask{Ref: 1, Tenant: tenant, Tasks: []id.ID{o.waiting[i].ID}})
		return out.Answers[0].Reason.Ahead
	}
	require.EqualValues(t, 2, ahead(2))
	o.note(o.limit("", LimitSetting{Max: 1}))
	require.EqualValues(t, 0, ahead(2))
	require.EqualValues(t, 2, ahead(0))
}
