package server_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// waiting registers a workflow "g" whose task b waits for an event of the run's user.
func (b *bundle) waiting(t *testing.T) {
	t.Helper()
	_, err := b.client.PutWorkflows(b.ctx, &wire.PutWorkflowsRequest{Workflows: []*wire.Workflow{{
		Name: "g", Tasks: []*wire.Task{
			{Name: "a", Action: "act"},
			{
				Name: "b", Action: "act", Parents: []string{"a"},
				WaitFor: []*wire.Condition{
					{Any: []*wire.Condition{{Event: "go", Scope: "input.user", Filter: "event > 1"}, {SleepMs: 3_600_000}}},
					{Parent: "a", Expression: "output == 3"},
				},
				SkipIf: []*wire.Condition{{Event: "skip", Scope: "input.user"}},
			},
		},
	}}})
	require.NoError(t, err)
}

// stands waits until the tasks of a run stand as wanted, and gives the second.
func (b *bundle) stands(t *testing.T, run uint64, wanted ...wire.Status) *wire.TaskRun {
	t.Helper()
	for range 200 {
		response, err := b.client.GetRun(b.ctx, &wire.GetRunRequest{RunId: run})
		require.NoError(t, err)
		stand := true
		for i, task := range response.Tasks {
			stand = stand && task.Status == wanted[i]
		}
		if stand {
			return response.Tasks[1]
		}
		<-time.After(20 * time.Millisecond)
	}
	require.Fail(t, "the tasks do not stand as wanted", "%v", wanted)
	return nil
}

func TestTaskWaitsForTheEventsOfItsRunAcrossARestart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.waiting(t)
	input := []byte(`{"user":"ada"}`)
	var runs []uint64
	for range 2 {
		runs = append(runs, b.submit(t, b.ctx, &wire.NewRun{Workflow: "g", Input: input})[0].RunId)
	}
	w := b.work(t, b.ctx, "act", 2)
	for _, a := range w.take(t, 2) {
		w.report(t, completed(a, "3"))
	}
	for _, run := range runs {
		task := b.stands(t, run, wire.Status_STATUS_SUCCEEDED, wire.Status_STATUS_WAITING)
		require.Zero(t, task.Attempt)
		require.Len(t, task.Waits, 2)
		require.Equal(t, "go", task.Waits[0].Event)
		require.Equal(t, "ada", task.Waits[0].Scope)
		require.Greater(t, task.Waits[1].UntilMs, time.Now().UnixMilli())
	}
	require.NoError(t, b.stop())

	b = setupOn(t, b.url)
	w = b.work(t, b.ctx, "act", 2)
	pushed := b.push(t,
		&wire.NewEvent{Key: "go", Scope: "bob", Payload: []byte("5")},
		&wire.NewEvent{Key: "go", Scope: "ada", Payload: []byte("1")},
		&wire.NewEvent{Key: "go", Scope: "ada", Payload: []byte("2")},
		&wire.NewEvent{Key: "skip", Scope: "ada"},
	)
	for _, a := range w.take(t, 2) {
		require.Len(t, a.Came, 1)
		require.Equal(t, pushed[2].EventId, a.Came[0].EventId)
		require.Equal(t, "go", a.Came[0].Key)
		require.Equal(t, "2", string(a.Came[0].Payload))
		w.report(t, completed(a, "4"))
	}
	for _, run := range runs {
		require.Equal(t, wire.Status_STATUS_SUCCEEDED, b.await(t, b.ctx, run)[run].Status)
	}
}

func TestTaskIsSkippedByTheEventOfItsRun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.waiting(t)
	run := b.submit(t, b.ctx, &wire.NewRun{Workflow: "g", Input: []byte(`{"user":"ada"}`)})[0].RunId
	w := b.work(t, b.ctx, "act", 1)
	w.report(t, completed(w.take(t, 1)[0], "3"))
	b.stands(t, run, wire.Status_STATUS_SUCCEEDED, wire.Status_STATUS_WAITING)
	b.push(t, &wire.NewEvent{Key: "skip", Scope: "ada"})
	require.Equal(t, wire.Status_STATUS_SUCCEEDED, b.await(t, b.ctx, run)[run].Status)
	b.stands(t, run, wire.Status_STATUS_SUCCEEDED, wire.Status_STATUS_SKIPPED)
}

func TestOneRunWithoutAScopeLeavesTheOthersStored(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.waiting(t)
	answers := b.submit(t, b.ctx,
		&wire.NewRun{Workflow: "g", Input: []byte(`{"user":"ada"}`)}, &wire.NewRun{Workflow: "g"},
		&wire.NewRun{Workflow: "g", Input: []byte(`{"user":7}`)}, &wire.NewRun{Workflow: "g", Input: []byte(`{"user":"bob"}`)})
	require.NotZero(t, answers[0].RunId)
	require.Equal(t, "input", answers[1].Error.Field)
	require.Contains(t, answers[1].Error.Text, `task "b" waits for`)
	require.Contains(t, answers[2].Error.Text, "type int, not a text")
	require.NotZero(t, answers[3].RunId)
}
