package core

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
)

// deep is a rig whose tasks, all of one lane, are in Postgres for the most part.
type deep struct {
	*rig
	rows  map[id.ID]OpenTask
	loads []Load
}

func newDeep(t *testing.T, def Definition) *deep {
	return &deep{rig: newRig(t, def), rows: map[id.ID]OpenTask{}}
}

func (d *deep) note(out *Effects) {
	for _, row := range out.Open {
		d.rows[row.ID] = row
	}
	for _, gone := range out.Closed {
		delete(d.rows, gone)
	}
	d.loads = append(d.loads, out.Loads...)
}

// answer brings in what was asked for first.
func (d *deep) answer() *Effects {
	load := d.loads[0]
	d.loads = d.loads[1:]
	return d.apply(&Loaded{Load: load, Rows: laneRows(d.rows, load)})
}

// ordered is one whose tasks wait for a limit of one place.
type ordered struct {
	*deep
	running Assignment
	waiting []OpenTask
}

func newOrdered(t *testing.T, strategy Strategy) *ordered {
	o := &ordered{deep: newDeep(t, Definition{Limits: []string{"oven"}})}
	o.note(o.limit("", LimitSetting{Max: 1, Strategy: strategy}))
	o.note(o.join(worker1, 1))
	first, out := o.submit(1, nil)
	o.note(out)
	require.Equal(t, first[0], o.running.Task)
	return o
}

func (o *ordered) note(out *Effects) {
	o.deep.note(out)
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
		o.note(o.answer())
	}
	require.Equal(o.t, o.waiting[0].ID, o.running.Task, "%v", strategy)
	o.waiting = o.waiting[1:]
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
