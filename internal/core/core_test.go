package core

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
)

// rig is a shard with one definition and one worker, driven by hand.
type rig struct {
	*Shard
	t   *testing.T
	now Time
	ids *id.Source
}

const (
	tenant  = id.ID(1)
	version = id.ID(2)
	worker1 = id.ID(11)
	worker2 = id.ID(12)
)

func newRig(t *testing.T, def Definition) *rig {
	r := &rig{Shard: newSmall(), t: t, now: Time(id.Epoch) + 1_000_000, ids: id.NewSource(1, 0)}
	def.Version, def.Tenant, def.Action = version, tenant, "act"
	r.apply(&Define{Definition: def})
	r.apply(&Restore{Epoch: 1})
	return r
}

// newSmall is a shard that reaches its bounds with few tasks.
func newSmall() *Shard {
	s := NewSized(1, 4)
	s.LendRoom(0)
	return s
}

func (r *rig) apply(in Input) *Effects {
	var out Effects
	r.Apply(r.now, in, &out)
	if *idle != (running{}) {
		panic("something was noted of a task that does not run")
	}
	return &out
}

func (r *rig) submit(n int, with func(i int, row *NewTask)) ([]id.ID, *Effects) {
	rows := make([]NewTask, n)
	ids := make([]id.ID, n)
	for i := range rows {
		ids[i] = r.ids.Next(int64(r.now))
		rows[i] = NewTask{ID: ids[i], Tenant: tenant, Version: version}
		if with != nil {
			with(i, &rows[i])
		}
	}
	return ids, r.apply(&Submit{Tasks: rows})
}

func (r *rig) join(w id.ID, slots int32, claims ...Claim) *Effects {
	return r.apply(&Join{Worker: w, Tenant: tenant, Actions: []string{"act"}, Slots: slots, Running: claims})
}

func (r *rig) done(a Assignment) *Effects {
	return r.apply(&Report{Worker: a.Worker, Items: []ReportItem{{Task: a.Task, Attempt: a.Attempt, Token: a.Token, Kind: ReportCompleted}}})
}

func TestTaskGoesFromSubmitToResult(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{})
	require.Empty(t, r.join(worker1, 1).Assigned)
	ids, out := r.submit(2, nil)
	require.Len(t, out.Tasks, 2)
	require.Len(t, out.Assigned, 1)
	require.Equal(t, ids[0], out.Assigned[0].Task)
	require.Equal(t, r.Seq(), out.Assigned[0].Seq)

	out = r.done(out.Assigned[0])
	require.Equal(t, Succeeded, out.Results[0].Status)
	require.False(t, out.Settled[0].Stale)
	require.Equal(t, ids[1], out.Assigned[0].Task)
	require.Len(t, r.done(out.Assigned[0]).Results, 1)
	require.Zero(t, r.Stats().Resident)
	require.Zero(t, r.Stats().SlotsUsed)
}

func TestRetryKeepsItsPlaceAheadOfNewWork(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{Retries: 1})
	ids, _ := r.submit(3, nil)
	first := r.join(worker1, 1).Assigned[0]
	out := r.apply(&Report{Worker: worker1, Items: []ReportItem{{Task: first.Task, Attempt: 1, Token: first.Token, Kind: ReportFailed, Error: "no"}}})
	require.Equal(t, AttemptFailed, out.Attempts[0].Outcome)
	require.Equal(t, ids[0], out.Assigned[0].Task)
	require.EqualValues(t, 2, out.Assigned[0].Attempt)
}

func TestLaneKeepsOrderAcrossPostgres(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{})
	rows := map[id.ID]OpenTask{}
	note := func(out *Effects) {
		for _, row := range out.Open {
			rows[row.ID] = row
		}
		for _, gone := range out.Closed {
			delete(rows, gone)
		}
	}
	ids, out := r.submit(40, nil)
	note(out)
	require.LessOrEqual(t, r.Stats().Resident, 8)
	require.EqualValues(t, 40, int64(r.Stats().Resident)+r.Stats().Stored)

	out = r.join(worker1, 1)
	for _, want := range ids {
		for len(out.Assigned) == 0 {
			require.NotEmpty(t, out.Loads, "stuck before %d", want)
			out = r.apply(&Loaded{Load: out.Loads[0], Rows: laneRows(rows, out.Loads[0])})
			note(out)
		}
		require.Equal(t, want, out.Assigned[0].Task)
		loads := out.Loads
		out = r.done(out.Assigned[0])
		note(out)
		out.Loads = append(loads, out.Loads...)
	}
}

func laneRows(rows map[id.ID]OpenTask, load Load) (in []OpenTask) {
	l := line{byID: load.ByID}
	for _, row := range rows {
		if row.State == OpenReady && load.After.Before(l.orderOf(row.Rank, row.ID)) {
			l.add(&task{id: row.ID, rank: row.Rank})
		}
	}
	for l.len() > 0 && len(in) < load.Limit {
		in = append(in, rows[l.first().id])
		l.remove(l.first())
	}
	return in
}

// TestLaneIsShortAgainAfterALoad: what came meanwhile is in memory, for all that it was to
// wait behind has ended.
func TestLaneIsShortAgainAfterALoad(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{})
	r.KeepWindows(1)
	rows := map[id.ID]OpenTask{}
	_, out := r.submit(12, nil)
	for _, row := range out.Open {
		rows[row.ID] = row
	}
	out = r.join(worker1, 1)
	for len(out.Loads) == 0 {
		out = r.done(out.Assigned[0])
	}
	lane, open := out.Loads[0], out.Assigned
	r.submit(40, nil)
	for stored := range rows {
		asked := r.apply(&Cancel{Ref: 1, Tenant: tenant, Tasks: []id.ID{stored}})
		if len(asked.Loads) > 0 {
			r.apply(&Loaded{Load: asked.Loads[0], Rows: []OpenTask{rows[stored]}})
		}
	}
	require.Greater(t, r.Stats().Resident, 40)
	r.apply(&Loaded{Load: lane})
	require.LessOrEqual(t, r.Stats().Resident, 2*1+len(open)+1)
}

// TestLaneIsLentRoomWhileThereIsSome: few long lanes need not be read back.
func TestLaneIsLentRoomWhileThereIsSome(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{})
	r.KeepWindows(20) // of 4 tasks each
	r.LendRoom(4)
	r.submit(16, nil)
	require.EqualValues(t, 0, r.Stats().Stored)
	r.submit(1, nil) // 63 are left, of which a fourth is 15
	require.EqualValues(t, 10, r.Stats().Stored, "but half of what is lent")
	r.LendRoom(0)
	require.EqualValues(t, 7, r.Stats().Resident)
	r.submit(100, nil)
	require.LessOrEqual(t, r.Stats().Resident, 8)
}

// TestLaneThatRanDryAsksForItsNextWindowEarlier: the workers waited for it.
func TestLaneThatRanDryAsksForItsNextWindowEarlier(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{})
	rows, loads, running, left := map[id.ID]OpenTask{}, []Load(nil), Assignment{}, 0
	note := func(out *Effects) {
		for _, row := range out.Open {
			rows[row.ID] = row
		}
		for _, gone := range out.Closed {
			delete(rows, gone)
		}
		loads = append(loads, out.Loads...)
		for _, a := range out.Assigned {
			running = a
			left = r.Stats().Resident - 1
		}
	}
	_, out := r.submit(100, nil)
	note(out)
	note(r.join(worker1, 1))
	// lead is how many tasks are left when the lane asks; so many more end before the window
	// is here.
	lead := func(meanwhile int) int {
		for len(loads) == 0 {
			note(r.done(running))
		}
		asked := left
		for range min(meanwhile, asked+1) {
			note(r.done(running))
		}
		load := loads[0]
		loads = nil
		note(r.apply(&Loaded{Load: load, Rows: laneRows(rows, load)}))
		return asked
	}
	require.Equal(t, 1, lead(100), "a quarter of a window")
	require.Equal(t, 2, lead(100), "half of one")
	require.Equal(t, 3, lead(2), "all of one, of which the first has begun")
	require.Equal(t, 4, lead(2), "which was right")
	require.Equal(t, 4, lead(0))
	require.Equal(t, 2, lead(0), "nothing ended meanwhile")
	require.Equal(t, 1, lead(0))
}
