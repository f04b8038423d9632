package core

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// logs is a report that adds a step to a log.
func logs(a Assignment, index int32) *Report {
	return &Report{Worker: a.Worker, Items: []ReportItem{{
		Task: a.Task, Attempt: a.Attempt, Token: a.Token, Kind: ReportEntry,
		Entry: &NewEntry{Index: index, Kind: EntryStep, Name: "step"},
	}}}
}

func TestOnlyTheRowOfARunningTaskIsBehindItsLog(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{Durable: true})
	_, out := r.submit(1, nil)
	require.Empty(t, out.Open)
	r.now += CheckpointAgeMS
	out = r.apply(&Tick{})
	require.Equal(t, OpenReady, out.Open[0].State, "it has waited for long")

	a := r.join(worker1, 1).Assigned[0]
	out = r.apply(logs(a, 1))
	require.Len(t, out.Entries, 1)
	require.Len(t, out.Open, 1, "the next owner must not take it for ready with an empty log")
	require.Equal(t, OpenRunning, out.Open[0].State)
	require.EqualValues(t, 1, out.Open[0].Entries)
	require.Empty(t, r.apply(logs(a, 2)).Open, "a step is one row")
}

func TestTheLogOfATaskWithoutARowIsOneRowAStep(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{Durable: true})
	r.join(worker1, 1)
	_, out := r.submit(1, nil)
	a := out.Assigned[0]
	for index := int32(1); index <= 3; index++ {
		require.Equal(t, 1, r.apply(logs(a, index)).Rows())
	}
	require.True(t, r.apply(logs(a, 3)).Settled[0].Stale, "an entry is added once")
	require.True(t, r.apply(logs(a, 5)).Settled[0].Stale, "and none is left out")
}

func TestAForkThatFailsAtOnceWaitsForNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{Durable: true})
	fork := r.ids.Next(int64(r.now))
	out := r.apply(&Fork{
		Task: NewTask{ID: fork, Tenant: tenant, Version: version, Flow: &Flow{Failed: "no key"}},
		Entries: []Entry{{
			Tenant: tenant, Index: 1, Kind: EntryWait, Conditions: []Condition{{Kind: OnEvent, Key: "ping"}},
		}},
	})
	require.Len(t, out.Results, 1)
	require.Len(t, out.Entries, 1)
	require.Empty(t, out.Waits)
	require.Zero(t, r.Stats().Waits)
}

func TestAForkThatDoesNotFitItsLaneGoesOnWaiting(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{Durable: true})
	r.submit(40, nil) // more than the window has room for
	fork := r.ids.Next(int64(r.now))
	out := r.apply(&Fork{
		Task:    NewTask{ID: fork, Tenant: tenant, Version: version},
		Entries: []Entry{{Tenant: tenant, Index: 1, Kind: EntryWait, Conditions: []Condition{{Kind: OnEvent, Key: "ping"}}}},
	})
	require.Zero(t, r.Live(fork).State, "it is in Postgres only")
	require.Len(t, out.Waits, 1)
	require.EqualValues(t, 1, out.Open[len(out.Open)-1].Waits, "its row says so to who loads it")
}

func TestTheSleepOfAForkThatDoesNotFitItsLaneIsInPostgresOnly(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{Durable: true})
	r.submit(40, nil) // more than the window has room for
	out := r.apply(&Fork{
		Task:    NewTask{ID: r.ids.Next(int64(r.now)), Tenant: tenant, Version: version},
		Entries: []Entry{{Tenant: tenant, Index: 1, Kind: EntryWait, Conditions: []Condition{{Kind: OnSleep, Due: r.now + 1_000}}}},
	})
	require.Len(t, out.Waits, 1)
	require.EqualValues(t, 1, out.Open[len(out.Open)-1].Waits)
	require.Zero(t, r.Stats().Waits)
}
