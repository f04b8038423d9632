package core

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMovedDeadlineIsWrittenDownWithItsRow(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{ExecutionTimeoutMS: 1_000})
	r.join(worker1, 1)
	ids, out := r.submit(1, nil)
	a := out.Assigned[0]
	out = r.apply(&Refresh{Ref: 1, Tenant: tenant, Task: ids[0], Token: a.Token, ByMS: 4_000})
	require.Equal(t, []Moment{{
		Task: ids[0], Tenant: tenant, Worker: worker1, Token: a.Token, At: r.now, Attempt: 1,
		Kind: MomentPostponed, Deadline: r.now + 4_000, ByMS: 3_000,
	}}, out.Moments)
	require.Len(t, out.Open, 1, "the next owner keeps what was told")
	require.Equal(t, out.Answers[0].Deadline, out.Open[0].Due)

	out = r.apply(&Refresh{Ref: 2, Tenant: tenant, Task: ids[0], Token: a.Token, ByMS: 4_000})
	require.Equal(t, AnswerDone, out.Answers[0].Kind)
	require.Empty(t, out.Moments, "it is there already")
	require.Empty(t, out.Open)

	out = r.apply(&Refresh{Ref: 3, Tenant: tenant, Task: ids[0], Token: a.Token, ByMS: 5, Further: true})
	require.Equal(t, r.now+4_005, out.Answers[0].Deadline)
	require.EqualValues(t, 5, out.Moments[0].ByMS)
}

func TestNothingIsWrittenDownOfWhatDoesNotHappen(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{})
	r.join(worker1, 1)
	ids, out := r.submit(1, nil)
	token := out.Assigned[0].Token
	out = r.apply(&Refresh{Ref: 1, Tenant: tenant, Task: ids[0], Token: token, ByMS: 4_000})
	require.Equal(t, AnswerDone, out.Answers[0].Kind)
	require.Empty(t, out.Moments, "there is no deadline")
	for _, stale := range []Input{
		&Refresh{Ref: 2, Tenant: tenant, Task: ids[0], Token: token - 1, ByMS: 4_000},
		&Release{Ref: 2, Tenant: tenant, Task: ids[0], Token: token - 1},
		&Release{Ref: 2, Tenant: tenant + 1, Task: ids[0], Token: token},
	} {
		out = r.apply(stale)
		require.Equal(t, AnswerStale, out.Answers[0].Kind, "%+v", stale)
		require.Empty(t, out.Moments)
	}
	out = r.apply(&Report{Worker: worker2, Items: []ReportItem{{Task: ids[0], Attempt: 1, Token: token, Kind: ReportReleased}}})
	require.Empty(t, out.Moments, "it is not this worker's")
}

func TestReleasedSlotsAreWrittenDownOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{})
	r.join(worker1, 1)
	ids, out := r.submit(2, nil)
	a := out.Assigned[0]
	release := &Release{Ref: 1, Tenant: tenant, Task: ids[0], Token: a.Token}
	out = r.apply(release)
	require.Equal(t, AnswerDone, out.Answers[0].Kind)
	require.Equal(t, []Moment{{
		Task: ids[0], Tenant: tenant, Worker: worker1, Token: a.Token, At: r.now, Attempt: 1, Kind: MomentReleased,
	}}, out.Moments)
	require.Equal(t, ids[1], out.Assigned[0].Task, "the slot is given to the next one")
	out = r.apply(release)
	require.Equal(t, AnswerDone, out.Answers[0].Kind)
	require.Empty(t, out.Moments)
}

func TestSuspensionIsWrittenDownWithWhatItEnds(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{Durable: true})
	r.join(worker1, 1)
	ids, out := r.submit(1, nil)
	a := out.Assigned[0]
	r.now++
	r.apply(&Report{Worker: worker1, Items: []ReportItem{
		{Task: ids[0], Attempt: 1, Token: a.Token, Kind: ReportStarted},
		{Task: ids[0], Attempt: 1, Token: a.Token, Kind: ReportEntry, Entry: &NewEntry{
			Index: 1, Kind: EntryWait, Conditions: []Condition{{Kind: OnSleep, ForMS: 60_000}},
		}},
	}})
	began := r.now
	r.now++
	out = r.apply(&Report{Worker: worker1, Items: []ReportItem{{Task: ids[0], Attempt: 1, Token: a.Token, Kind: ReportSuspended}}})
	require.Equal(t, []Moment{{
		Task: ids[0], Tenant: tenant, Worker: worker1, Token: a.Token, At: r.now, Attempt: 1,
		Kind: MomentSuspended, Assigned: began - 1, Started: began,
	}}, out.Moments)
}
