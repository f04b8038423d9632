package core

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
)

func (r *rig) pauses(kind SettingKind, name string, paused bool, ttl int64) *Effects {
	return r.apply(&Set{Ref: 1, Settings: []Setting{{Tenant: tenant, Kind: kind, Name: name, Queue: QueueSetting{Paused: paused, PausedTTLMS: ttl}}}})
}

func TestPausedThingsWaitAndGoOnInOrder(t *testing.T) {
	t.Parallel()
	for kind, name := range map[SettingKind]string{SettingQueue: "act", SettingWorkflow: "w"} {
		r := newRig(t, Definition{Workflow: "w"})
		rows := map[id.ID]OpenTask{}
		note := func(out *Effects) *Effects {
			for _, row := range out.Open {
				rows[row.ID] = row
			}
			for _, gone := range out.Closed {
				delete(rows, gone)
			}
			return out
		}
		before, out := r.submit(3, nil)
		note(out)
		note(r.pauses(kind, name, true, 0))
		require.Empty(t, r.join(worker1, 1).Assigned)
		during, out := r.submit(20, nil)
		note(out)
		require.Empty(t, out.Assigned)
		out = r.apply(&Ask{Ref: 1, Tenant: tenant, Tasks: during[:1]})
		require.Equal(t, CausePaused, out.Answers[0].Reason.Cause)
		require.LessOrEqual(t, r.Stats().Resident, 12, "the rest is in Postgres")

		out = note(r.pauses(kind, name, false, 0))
		loads := out.Loads
		for _, want := range append(before, during...) {
			for len(out.Assigned) == 0 {
				require.NotEmpty(t, loads, "stuck before %d", want)
				load := loads[0]
				in := &Loaded{Load: load}
				for _, row := range laneRows(rows, load) {
					if row.Queue == load.Queue && row.Key == load.Key {
						in.Rows = append(in.Rows, row)
					}
				}
				out = note(r.apply(in))
				loads = append(loads[1:], out.Loads...)
			}
			require.Equal(t, want, out.Assigned[0].Task)
			out = note(r.done(out.Assigned[0]))
			loads = append(loads, out.Loads...)
		}
		require.Zero(t, r.Stats().Resident)
	}
}

func TestWhatWaitsTooLongForAPauseToEndIsCancelled(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{Workflow: "w"})
	ids, _ := r.submit(2, nil)
	r.pauses(SettingWorkflow, "w", true, 1_000)
	r.now += 400
	later, _ := r.submit(1, nil)
	r.now += 599
	require.Empty(t, r.apply(&Tick{}).Results)
	require.LessOrEqual(t, r.NextDue(), r.now+1)
	r.now++
	out := r.apply(&Tick{})
	require.Len(t, out.Results, 2)
	require.Equal(t, "the workflow w was paused for longer than 1s", out.Results[0].Error)
	require.Equal(t, ids[0], out.Results[0].Task)
	r.now += 400
	out = r.apply(&Tick{})
	require.Equal(t, later[0], out.Results[0].Task)
	require.Zero(t, r.Stats().Resident)
}

func TestPausedWorkflowHoldsNoPlacesThatOthersWaitFor(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{Workflow: "w", Limits: []string{"l"}})
	r.also(3, Definition{Workflow: "other", Limits: []string{"l"}})
	r.apply(&Set{Settings: []Setting{{Tenant: tenant, Kind: SettingLimit, Name: "l", Limit: LimitSetting{Max: 1}}}})
	r.submit(2, nil)
	require.Equal(t, 1, r.Stats().Held)
	r.pauses(SettingWorkflow, "w", true, 0)
	require.Equal(t, 0, r.Stats().Held, "none of w has one")
	r.join(worker1, 5)
	free, out := r.submitOne(3, nil)
	require.Equal(t, free, out.Assigned[0].Task)
	out = r.done(out.Assigned[0])
	require.Empty(t, out.Assigned)
	out = r.pauses(SettingWorkflow, "w", false, 0)
	require.Len(t, out.Assigned, 1)
	out = r.done(out.Assigned[0])
	require.Len(t, out.Assigned, 1)
	r.done(out.Assigned[0])
	require.Zero(t, r.Stats().Resident)
	require.Zero(t, r.Stats().Held)
	require.Empty(t, r.Shard.pauses)
}

func TestPauseOfOneWorkflowLeavesOthersOfItsAction(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{Workflow: "w"})
	r.also(3, Definition{Workflow: "other"})
	r.submit(3, nil)
	r.pauses(SettingWorkflow, "w", true, 0)
	free, _ := r.submitOne(3, nil)
	require.Equal(t, free, r.join(worker1, 1).Assigned[0].Task)
}

func TestPauseLeavesTasksTheirKeys(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{})
	r.pauses(SettingQueue, "act", true, 0)
	_, out := r.submit(20, func(i int, row *NewTask) { row.Key = []string{"a", "b"}[i%2] })
	keys := map[string]int{}
	for _, row := range out.Open {
		keys[row.share()]++
	}
	require.Len(t, keys, 2)
	require.Equal(t, keys["a"], keys["b"], "what is in Postgres knows whose share it counts for")
}

func TestWhatEndsBehindAPauseLeavesNoKeyOfItsLimit(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{Limits: []string{"l"}})
	r.pauses(SettingQueue, "act", true, 1_000)
	_, out := r.submit(20, nil)
	stored := out.Open
	require.NotEmpty(t, stored)
	r.now += 1_000
	loads := r.apply(&Tick{}).Loads
	for len(stored) > 0 {
		load := loads[0]
		n := min(len(stored), load.Limit)
		out = r.apply(&Loaded{Load: load, Rows: stored[:n]})
		loads, stored = append(loads[1:], out.Loads...), stored[n:]
		out = r.apply(&Tick{})
		require.Len(t, out.Results, n)
		loads = append(loads, out.Loads...)
	}
	require.Zero(t, r.Stats().Stored)
	require.Zero(t, r.Stats().Groups)
}

func TestWhatIsPausedIsNotTheOneThatALimitKeepsWaiting(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{Workflow: "w", Limits: []string{"l"}})
	r.also(3, Definition{Workflow: "other", Limits: []string{"l"}})
	r.apply(&Set{Settings: []Setting{{Tenant: tenant, Kind: SettingLimit, Name: "l", Limit: LimitSetting{Max: 1, Strategy: LimitKeepNewest}}}})
	r.submitOne(3, nil)
	r.submit(1, nil)
	r.pauses(SettingWorkflow, "w", true, 0)
	newest, out := r.submitOne(3, nil)
	require.Empty(t, out.Results)
	require.Equal(t, OpenReady, r.Live(newest).State)
}

func TestTaskOfAPausedWorkflowIsToldSoWhileOthersOfItsClassGoOn(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{Workflow: "w"})
	r.also(3, Definition{Workflow: "other"})
	r.join(worker1, 1)
	r.submitOne(3, nil)
	ids, _ := r.submit(1, nil)
	why := func() *Reason {
		return r.apply(&Ask{Ref: 1, Tenant: tenant, Tasks: ids}).Answers[0].Reason
	}
	require.Equal(t, CauseBusy, why().Cause)
	r.pauses(SettingWorkflow, "w", true, 0)
	require.Equal(t, CausePaused, why().Cause)
	require.Equal(t, "workflow w", why().Name)
	r.pauses(SettingWorkflow, "w", false, 0)
	require.Equal(t, CauseBusy, why().Cause)
}

// TestWhatIsTriedAgainDuringAPauseGivesItsPlacesBack: nobody looks at it as long as that
// lasts, and others have the same limit.
func TestWhatIsTriedAgainDuringAPauseGivesItsPlacesBack(t *testing.T) {
	t.Parallel()
	r := newRig(t, Definition{Queue: "slow", Limits: []string{"l"}, Retries: 1})
	r.also(3, Definition{Queue: "fast", Limits: []string{"l"}})
	r.apply(&Set{Settings: []Setting{{Tenant: tenant, Kind: SettingLimit, Name: "l", Limit: LimitSetting{Max: 1, Strategy: LimitFIFO}}}})
	r.join(worker1, 1)
	_, out := r.submit(1, nil)
	running := out.Assigned[0]
	next, _ := r.submitOne(3, nil)
	r.pauses(SettingQueue, "slow", true, 0)
	out = r.failed(running)
	require.Equal(t, []Assignment{{Worker: worker1, Task: next, Version: 3, Token: running.Token + 1, Attempt: 1, Seq: out.Assigned[0].Seq}}, out.Assigned)
	require.Empty(t, r.done(out.Assigned[0]).Assigned)
	out = r.pauses(SettingQueue, "slow", false, 0)
	require.Equal(t, running.Task, out.Assigned[0].Task)
	require.EqualValues(t, 2, out.Assigned[0].Attempt)
}
