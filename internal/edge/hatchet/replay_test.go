package hatchet_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/adzehq/adze/internal/edge/hatchettest"
	native "github.com/adzehq/adze/internal/wire/adzev1"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

func replay(t *testing.T, s *hatchettest.Stage, ids ...string) []string {
	t.Helper()
	response, err := s.Admin.ReplayTasks(s.Ctx, &wire.ReplayTasksRequest{ExternalIds: ids})
	require.NoError(t, err)
	return response.ReplayedTasks
}

// Trap 12: after a replay the same id is subscribed to again, and gets the new result.
func TestReplayGoesByTheSameID(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	var tries atomic.Int32
	s.Work(t, func(*native.Assignment) (string, error) {
		if n := tries.Add(1); n < 3 {
			return "", fmt.Errorf("try %d", n)
		}
		return `{"ok":true}`, nil
	}, hatchettest.One("w", 0))
	run := trigger(t, s, &wire.TriggerWorkflowRequest{Name: "w"})
	require.Equal(t, "try 1", results(t, s, run)[run].Results[0].GetError())
	require.Equal(t, []string{run}, replay(t, s, run))
	require.Equal(t, "try 2", results(t, s, run)[run].Results[0].GetError())
	require.Equal(t, []string{run}, replay(t, s, run))
	result := results(t, s, run)[run].Results[0]
	require.Equal(t, run, result.TaskRunExternalId)
	require.JSONEq(t, `{"ok":true}`, result.GetOutput())
	require.Equal(t, run, details(t, s, run).TaskRuns["step"].ExternalId)

	code, answer := s.REST(t, "GET", "/api/v1/stable/tasks/"+run, nil)
	require.Equal(t, 200, code)
	require.InDelta(t, 2, answer.(map[string]any)["retryCount"], 0, "it goes on from replay to replay")
}

func TestReplayOfATaskOfAGraphKeepsWhatWasBefore(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	var first, second atomic.Int32
	s.Work(t, func(a *native.Assignment) (string, error) {
		if a.Task == "first" {
			return fmt.Sprintf(`{"n":%d}`, first.Add(1)), nil
		}
		return fmt.Sprintf(`{"n":%d}`, second.Add(1)), nil
	}, hatchettest.Two("graph"))
	run := trigger(t, s, &wire.TriggerWorkflowRequest{Name: "graph"})
	results(t, s, run)
	tasks := details(t, s, run).TaskRuns
	task := tasks["second"].ExternalId
	require.Equal(t, []string{task}, replay(t, s, task))
	results(t, s, run)
	d := details(t, s, run)
	require.JSONEq(t, `{"n":1}`, string(d.TaskRuns["first"].Output))
	require.JSONEq(t, `{"n":2}`, string(d.TaskRuns["second"].Output))
	require.Equal(t, task, d.TaskRuns["second"].ExternalId)

	require.Len(t, replay(t, s, run), 2)
	results(t, s, run)
	d = details(t, s, run)
	require.JSONEq(t, `{"n":2}`, string(d.TaskRuns["first"].Output))
	require.Equal(t, tasks["first"].ExternalId, d.TaskRuns["first"].ExternalId)
}

func TestRunThatIsOpenIsReplayed(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	var tries atomic.Int32
	begun := make(chan struct{}, 10)
	s.Work(t, func(*native.Assignment) (string, error) {
		begun <- struct{}{}
		if tries.Add(1) == 1 {
			return "", hatchettest.ErrHeld
		}
		return "{}", nil
	}, hatchettest.One("w", 0))
	run := trigger(t, s, &wire.TriggerWorkflowRequest{Name: "w"})
	<-begun
	require.Equal(t, []string{run}, replay(t, s, run))
	require.JSONEq(t, "{}", results(t, s, run)[run].Results[0].GetOutput())
}

func TestCancelledByIDAndByFilter(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	s.Work(t, func(*native.Assignment) (string, error) { return "", hatchettest.ErrHeld }, hatchettest.One("w", 0), hatchettest.Two("graph"))
	one := trigger(t, s, &wire.TriggerWorkflowRequest{Name: "w"})
	graph := trigger(t, s, &wire.TriggerWorkflowRequest{Name: "graph", AdditionalMetadata: ptr(`{"team":"a","n":1}`)})
	other := trigger(t, s, &wire.TriggerWorkflowRequest{Name: "w", AdditionalMetadata: ptr(`{"team":"b"}`)})
	ids := []string{one, "7c6e1b1e-96d4-4f5e-8f2e-0123456789ab"}
	response, err := s.Admin.CancelTasks(s.Ctx, &wire.CancelTasksRequest{ExternalIds: ids})
	require.NoError(t, err)
	require.Equal(t, []string{one}, response.CancelledTasks)
	response, err = s.Admin.CancelTasks(s.Ctx, &wire.CancelTasksRequest{Filter: &wire.TasksFilter{
		Statuses: []string{"RUNNING", "QUEUED"}, AdditionalMetadata: []string{"n:1", "team:c"},
	}})
	require.NoError(t, err)
	require.Len(t, response.CancelledTasks, 1)
	got := results(t, s, one, graph)
	require.Empty(t, got[graph].Results[0].GetError())
	require.Equal(t, wire.RunStatus_RUN_STATUS_CANCELLED, details(t, s, graph).Status)
	require.False(t, details(t, s, other).Done)
	response, err = s.Admin.CancelTasks(s.Ctx, &wire.CancelTasksRequest{ExternalIds: []string{one, graph}})
	require.NoError(t, err)
	require.Empty(t, response.CancelledTasks, "they had ended")
	_, err = s.Admin.CancelTasks(s.Ctx, &wire.CancelTasksRequest{})
	require.Error(t, err)
}

// Trap 15: a replay of the parent finds the children that it had.
func TestReplayedParentFindsItsChildren(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	s.Work(t, func(a *native.Assignment) (string, error) {
		if a.Workflow == "parent" {
			return "", hatchettest.ErrHeld
		}
		return "", errors.New("no")
	}, hatchettest.One("parent", 0), hatchettest.One("w", 0))
	parent := trigger(t, s, &wire.TriggerWorkflowRequest{Name: "parent"})
	spawn := func() string {
		return trigger(t, s, &wire.TriggerWorkflowRequest{Name: "w", ParentTaskRunExternalId: &parent, ChildIndex: ptr(int32(0))})
	}
	child := spawn()
	replay(t, s, parent)
	require.Equal(t, child, spawn())
	_, err := s.Workflows.BulkTriggerWorkflow(s.Ctx, &wire.BulkTriggerWorkflowRequest{Workflows: []*wire.TriggerWorkflowRequest{
		{Name: "w", ParentTaskRunExternalId: &parent, ChildIndex: ptr(int32(0))},
		{Name: "w", ParentTaskRunExternalId: &parent, ChildIndex: ptr(int32(1)), Input: `{"a":"\u0000"}`},
	}})
	require.ErrorContains(t, err, "workflows[1].input", "the one that is refused is named, beside one that is there")
	_, err = s.Admin.CancelTasks(s.Ctx, &wire.CancelTasksRequest{ExternalIds: []string{parent}})
	require.NoError(t, err)
	results(t, s, parent)
	require.Equal(t, child, spawn(), "also when it has ended")
}

// Trap 29: the exact code, message and detail.
func TestCollisionsNameTheRunThatHoldsTheKey(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	w := hatchettest.One("w", 0)
	w.Idempotency = &native.Idempotency{Key: "input.k", TtlMs: 60_000}
	s.Work(t, hatchettest.Echo, w)
	run := trigger(t, s, &wire.TriggerWorkflowRequest{Name: "w", Input: `{"k":"a"}`})
	_, err := s.Workflows.TriggerWorkflow(s.Ctx, &wire.TriggerWorkflowRequest{Name: "w", Input: `{"k":"a"}`})
	var single wire.IdempotencyCollisionError
	collided(t, err, "type.googleapis.com/v1.IdempotencyCollisionError", &single)
	require.Equal(t, run, single.ExistingRunExternalId)

	_, err = s.Workflows.BulkTriggerWorkflow(s.Ctx, &wire.BulkTriggerWorkflowRequest{Workflows: []*wire.TriggerWorkflowRequest{
		{Name: "w", Input: `{"k":"b"}`}, {Name: "w", Input: `{"k":"a"}`}, {Name: "w", Input: `{"k":"b"}`},
	}})
	var bulk wire.BulkTriggerIdempotencyCollisionError
	collided(t, err, "type.googleapis.com/v1.BulkTriggerIdempotencyCollisionError", &bulk)
	require.Len(t, bulk.SuccessfulWorkflowRunExternalIds, 1)
	require.Len(t, bulk.Collisions, 2)
	require.Equal(t, run, bulk.Collisions[0].ExistingRunExternalId)
	require.Equal(t, bulk.SuccessfulWorkflowRunExternalIds[0], bulk.Collisions[1].ExistingRunExternalId)
}

func collided(t *testing.T, err error, kind string, detail proto.Message) {
	t.Helper()
	got := status.Convert(err).Proto()
	require.Equal(t, codes.AlreadyExists, status.Code(err))
	require.Equal(t, "idempotency key collision", got.Message)
	require.Len(t, got.Details, 1)
	require.Equal(t, kind, got.Details[0].TypeUrl)
	require.NoError(t, proto.Unmarshal(got.Details[0].Value, detail))
}
