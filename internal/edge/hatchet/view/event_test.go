package view

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/history"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// told are the kinds of the events of a task in one run.
func told(t *Task, attempts []core.Attempt, moments ...core.Moment) (kinds []string) {
	for _, e := range t.events(&Run{}, attempts, moments) {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

func TestMomentsAreToldWithTheirAttempts(t *testing.T) {
	t.Parallel()
	ended := &Task{
		TaskRun: history.TaskRun{Status: core.Succeeded, Attempt: 2, Assigned: 70, Started: 71, Finished: 90},
		Status:  wire.RunStatus_RUN_STATUS_COMPLETED, Retries: 1,
	}
	attempts := []core.Attempt{{Number: 1, Outcome: core.AttemptFailed, Assigned: 40, Started: 41, Finished: 60}}
	require.Equal(t, []string{
		EventCreated, EventQueued, EventAssigned, EventSent, EventStarted, EventEvicted, EventRestoring, EventAssigned, EventSent, EventStarted, EventReleased,
		EventFailed, EventRetrying, EventAssigned, EventSent, EventStarted, EventRefreshed, EventFinished,
	}, told(ended, attempts,
		core.Moment{Attempt: 1, Token: 1, Kind: core.MomentSuspended, Assigned: 10, Started: 11, At: 20},
		core.Moment{Attempt: 1, Token: 2, Kind: core.MomentReleased, At: 50},
		core.Moment{Attempt: 2, Token: 3, Kind: core.MomentPostponed, At: 80, ByMS: 1_000},
	))
}

// A stint that the engine's death ended has moments only.
func TestStintThatACrashEndedIsToldByItsMoments(t *testing.T) {
	t.Parallel()
	open := &Task{TaskRun: history.TaskRun{Attempt: 1}, Status: wire.RunStatus_RUN_STATUS_RUNNING, Evicted: true}
	require.Equal(t, []string{EventCreated, EventQueued, EventReleased, EventAssigned, EventSent, EventStarted, EventEvicted}, told(open, nil,
		core.Moment{Attempt: 1, Token: 1, Kind: core.MomentReleased, At: 10},
		core.Moment{Attempt: 1, Token: 2, Kind: core.MomentSuspended, Assigned: 20, Started: 21, At: 30},
	))
}

func TestFailureIsATimeoutOnlyIfItIs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]string{
		core.ExecutionTimeoutPrefix + "5s": {EventTimedOut, "Task exceeded timeout of 5s"},
		core.LossesPrefix + "11 times":     {EventFailed, "Task reached its maximum reassignment count"},
		core.LossesPrefix + "of interest":  {EventFailed, core.LossesPrefix + "of interest"},
		"no":                               {EventFailed, "no"},
	} {
		failed := &Task{
			TaskRun: history.TaskRun{Status: core.Failed, Attempt: 1, Assigned: 1, Started: 1, Finished: 9, Error: text},
			Status:  wire.RunStatus_RUN_STATUS_FAILED,
		}
		kinds := told(failed, nil)
		require.Equal(t, want[0], kinds[len(kinds)-1], text)
		require.Equal(t, want[1], ErrorText(text))
	}
}
