package server_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

func (b *bundle) deleted(t *testing.T, name string) bool {
	t.Helper()
	response, err := b.client.DeleteWorkflow(b.ctx, &wire.DeleteWorkflowRequest{Name: name})
	require.NoError(t, err)
	return response.Deleted
}

func TestADeletedWorkflowStartsNothingAndComesBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := &wire.Workflow{
		Name: "w", Tasks: []*wire.Task{{}}, Triggers: []*wire.Trigger{{Event: "e"}},
		Crons: []*wire.Cron{{Expression: "0 0 1 1 *"}}, Filters: []*wire.DeclaredFilter{{Scope: "s"}},
	}
	define := func() {
		t.Helper()
		_, err := b.client.PutWorkflows(b.ctx, &wire.PutWorkflowsRequest{Workflows: []*wire.Workflow{w}})
		require.NoError(t, err)
	}
	define()
	b.schedule(t, &wire.Schedule{Workflow: "w", AtMs: time.Now().Add(time.Hour).UnixMilli()})
	open, err := b.client.Submit(b.ctx, &wire.SubmitRequest{Runs: []*wire.NewRun{{Workflow: "w"}}})
	require.NoError(t, err)

	require.True(t, b.deleted(t, "w"))
	require.False(t, b.deleted(t, "w"))
	require.False(t, b.deleted(t, "none"))
	require.Empty(t, b.schedules(t))
	refused, err := b.client.Submit(b.ctx, &wire.SubmitRequest{Runs: []*wire.NewRun{{Workflow: "w"}}})
	require.NoError(t, err)
	require.Equal(t, "not_found", refused.Runs[0].Error.GetKind())
	pushed, err := b.client.PushEvents(b.ctx, &wire.PushEventsRequest{Events: []*wire.NewEvent{{Key: "e", Scope: "s"}}})
	require.NoError(t, err)
	require.Empty(t, pushed.Events[0].RunIds)
	run, err := b.client.GetRun(b.ctx, &wire.GetRunRequest{RunId: open.Runs[0].RunId})
	require.NoError(t, err)
	require.Equal(t, wire.Status_STATUS_QUEUED, run.Run.Status, "its runs stay")

	define()
	require.Len(t, b.schedules(t), 1, "what it declares is there again")
	pushed, err = b.client.PushEvents(b.ctx, &wire.PushEventsRequest{Events: []*wire.NewEvent{{Key: "e", Scope: "s"}}})
	require.NoError(t, err)
	require.Len(t, pushed.Events[0].RunIds, 1)
}

func TestAPausedWorkflowDropsWhatItIsToldTo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.define(t, b.ctx, "w")
	pause := func(drops bool) {
		t.Helper()
		_, err := b.client.PutSettings(b.ctx, &wire.PutSettingsRequest{Settings: []*wire.Setting{{Name: "w", Of: &wire.Setting_Workflow{
			Workflow: &wire.QueueSetting{Paused: new(true), DropOnce: &drops, DropCrons: &drops},
		}}}})
		require.NoError(t, err)
	}
	gone := func() {
		t.Helper()
		require.Eventually(t, func() bool { return len(b.schedules(t)) == 0 }, patience, 5*time.Millisecond)
	}
	pause(true)
	b.schedule(t, &wire.Schedule{Workflow: "w", AtMs: 1})
	gone()
	pause(false)
	b.schedule(t, &wire.Schedule{Workflow: "w", AtMs: 1})
	gone()
	require.Len(t, b.runsOf(t, "w", 1), 1, "the first one was dropped, the second one waits")
}
