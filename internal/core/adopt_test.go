package core

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
)

// ancient is a token of the owner before.
const ancient = Token(5)

func TestRetryIsCheckpointedWithItsAttempt(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{Retries: 1, BackoffMS: 100, BackoffMaxMS: 100, BackoffFactor: 1})
	r.join(worker1, 1)
	_, out := r.submit(1, nil)
	a := out.Assigned[0]
	out = r.apply(&Report{Worker: worker1, Items: []ReportItem{{
		Task: a.Task, Attempt: 1, Token: a.Token, Kind: ReportFailed, Error: "no",
	}}})
	require.Len(t, out.Attempts, 1)
	require.Len(t, out.Open, 1)
	require.Equal(t, OpenDelayed, out.Open[0].State)
	require.EqualValues(t, 2, out.Open[0].Attempt)
	require.EqualValues(t, 1, out.Open[0].Failures)
}

func TestClaimNamedTwiceHoldsOneSlot(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{})
	claim := Claim{Task: 7, Attempt: 1, Token: ancient}
	require.Len(t, r.join(worker1, 2, claim, claim).Stopped, 1)
	require.Equal(t, 1, r.Stats().SlotsUsed)
	r.done(Assignment{Worker: worker1, Task: claim.Task, Attempt: 1, Token: claim.Token})
	require.Zero(t, r.Stats().SlotsUsed)
}

func TestWorkerAdoptsAttemptsOfItsTenantOnly(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{})
	ids, _ := r.submit(1, nil)
	claim := Claim{Task: ids[0], Attempt: 1, Token: ancient}
	stranger := tenant + 1
	out := r.apply(&Join{Worker: worker2, Tenant: stranger, Slots: 1, Running: []Claim{claim}})
	require.Equal(t, StopForeign, out.Stopped[0].Reason)
	out = r.done(Assignment{Worker: worker2, Task: ids[0], Attempt: 1, Token: ancient})
	require.True(t, out.Settled[0].Stale)
	require.Empty(t, out.Results)

	require.Empty(t, r.join(worker1, 1, claim).Stopped)
	require.Equal(t, worker1, r.Live(ids[0]).Worker)
}

func TestAttemptThatWasRefusedIsNotTakenUpByItsReport(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{})
	task := id.ID(7)
	claim := Claim{Task: task, Attempt: 1, Token: ancient}
	require.Len(t, r.join(worker1, 1, claim).Stopped, 1)
	r.submit(1, func(_ int, row *NewTask) { row.ID = task })
	out := r.apply(&Emit{Worker: worker1, Lines: []LogLine{{Task: task, Token: ancient}}})
	require.Empty(t, out.Lines)
	out = r.done(Assignment{Worker: worker1, Task: task, Attempt: 1, Token: ancient})
	require.True(t, out.Settled[0].Stale, "its line is not stored")
	require.Empty(t, out.Results)
	require.Len(t, out.Assigned, 1, "it runs again")
}

func TestAttemptThatIsTakenUpDuringAPauseCountsForItsQueue(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{})
	r.apply(&Set{Settings: []Setting{{Tenant: tenant, Kind: SettingQueue, Name: "act", Queue: QueueSetting{Paused: true}}}})
	ids, _ := r.submit(1, nil)
	require.Equal(t, "queue act", r.Live(ids[0]).Paused)
	r.join(worker1, 1, Claim{Task: ids[0], Attempt: 1, Token: ancient})
	r.now += CheckpointAgeMS
	out := r.apply(&Tick{})
	require.Len(t, out.Open, 1)
	require.Equal(t, OpenRunning, out.Open[0].State)
	require.Equal(t, "act", out.Open[0].Queue)
}
