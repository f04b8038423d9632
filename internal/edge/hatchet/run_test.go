package hatchet_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/hatchettest"
	native "github.com/adzehq/adze/internal/wire/adzev1"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

func trigger(t *testing.T, s *hatchettest.Stage, req *wire.TriggerWorkflowRequest) string {
	t.Helper()
	response, err := s.Workflows.TriggerWorkflow(s.Ctx, req)
	require.NoError(t, err)
	return response.WorkflowRunId
}

// results subscribes to runs on one stream and gives what comes of each, by its id.
func results(t *testing.T, s *hatchettest.Stage, runs ...string) map[string]*wire.WorkflowRunEvent {
	t.Helper()
	stream, err := s.Dispatcher.SubscribeToWorkflowRuns(s.Ctx)
	require.NoError(t, err)
	for _, run := range runs {
		require.NoError(t, stream.Send(&wire.SubscribeToWorkflowRunsRequest{WorkflowRunId: run}))
	}
	got := map[string]*wire.WorkflowRunEvent{}
	for range runs {
		event, err := stream.Recv()
		require.NoError(t, err)
		require.NotContains(t, got, event.WorkflowRunId)
		got[event.WorkflowRunId] = event
	}
	require.NoError(t, stream.CloseSend())
	return got
}

func details(t *testing.T, s *hatchettest.Stage, run string) *wire.GetRunDetailsResponse {
	t.Helper()
	response, err := s.Admin.GetRunDetails(s.Ctx, &wire.GetRunDetailsRequest{ExternalId: run})
	require.NoError(t, err)
	return response
}

// Trap 14: a run of one task is its task.
func TestTriggeredRunIsAnsweredOnceItHasEnded(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	s.Work(t, hatchettest.Echo, hatchettest.One("ns_3.10-a", 0))
	run := trigger(t, s, &wire.TriggerWorkflowRequest{Name: "ns_3.10-a", Input: `{"a":1}`})
	event := results(t, s, run)[run]
	require.Len(t, event.Results, 1)
	result := event.Results[0]
	require.Equal(t, run, result.TaskRunExternalId)
	require.Equal(t, run, result.JobRunId)
	require.Equal(t, "step", result.TaskName)
	require.JSONEq(t, `{"a":1}`, result.GetOutput())
	require.Nil(t, result.Error)

	d := details(t, s, run)
	require.True(t, d.Done)
	require.Equal(t, wire.RunStatus_RUN_STATUS_COMPLETED, d.Status)
	require.JSONEq(t, `{"a":1}`, string(d.Input))
	require.Equal(t, run, d.TaskRuns["step"].ExternalId)
	require.JSONEq(t, `{"a":1}`, string(d.TaskRuns["step"].Output))
}

// Trap 50: a run is there once its trigger is answered.
func TestDetailsAreThereRightAfterTheTrigger(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	s.Work(t, func(*native.Assignment) (string, error) { return "", hatchettest.ErrHeld }, hatchettest.One("held", 0), hatchettest.Two("graph"))
	for _, workflow := range []string{"held", "graph"} {
		run := trigger(t, s, &wire.TriggerWorkflowRequest{Name: workflow, Input: "{}"})
		d := details(t, s, run)
		require.False(t, d.Done)
		require.Contains(t, []wire.RunStatus{wire.RunStatus_RUN_STATUS_QUEUED, wire.RunStatus_RUN_STATUS_RUNNING}, d.Status)
		require.Len(t, d.TaskRuns, 1, "what waits for its parents is not there yet")
		require.JSONEq(t, "{}", string(d.AdditionalMetadata))
	}
}

// Trap 12: who subscribes late is answered, and may subscribe again.
func TestSubscriptionToAnEndedRunIsAnsweredAgainAndAgain(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	s.Work(t, hatchettest.Echo, hatchettest.One("w", 0), hatchettest.Two("graph"))
	runs := []string{
		trigger(t, s, &wire.TriggerWorkflowRequest{Name: "w"}),
		trigger(t, s, &wire.TriggerWorkflowRequest{Name: "graph", Input: `{"b":2}`}),
	}
	for range 3 {
		got := results(t, s, runs...)
		require.Len(t, got[runs[0]].Results, 1)
		require.Equal(t, "step", got[runs[0]].Results[0].TaskName)
		require.Len(t, got[runs[1]].Results, 2)
		require.NotEqual(t, runs[1], got[runs[1]].Results[0].TaskRunExternalId, "trap 14: of several tasks, none is its run")
	}
}

// Trap 13: what is no run does not end the stream of those who wait for others.
func TestSubscriptionsToWhatIsNoRunAreKept(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	s.Work(t, hatchettest.Echo, hatchettest.One("w", 0))
	run := trigger(t, s, &wire.TriggerWorkflowRequest{Name: "w"})
	stream, err := s.Dispatcher.SubscribeToWorkflowRuns(s.Ctx)
	require.NoError(t, err)
	for _, text := range []string{"", "nonsense", "7c6e1b1e-96d4-4f5e-8f2e-0123456789ab", id.ID(12345).String(), run} {
		require.NoError(t, stream.Send(&wire.SubscribeToWorkflowRunsRequest{WorkflowRunId: text}))
	}
	event, err := stream.Recv()
	require.NoError(t, err)
	require.Equal(t, run, event.WorkflowRunId)
}

// Trap 11: what was cancelled has an error, and it is empty; what failed has its text.
func TestResultsTellFailedFromCancelled(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	s.Work(t, func(a *native.Assignment) (string, error) {
		if a.Workflow == "held" {
			return "", hatchettest.ErrHeld
		}
		return "", fmt.Errorf("no luck in attempt %d", a.Attempt)
	}, hatchettest.One("failing", 2), hatchettest.One("held", 0))
	failed := trigger(t, s, &wire.TriggerWorkflowRequest{Name: "failing"})
	held := trigger(t, s, &wire.TriggerWorkflowRequest{Name: "held"})
	native64, err := id.Parse(held)
	require.NoError(t, err)
	_, err = s.Native.Cancel(s.Ctx, &native.CancelRequest{RunIds: []uint64{uint64(native64)}})
	require.NoError(t, err)
	got := results(t, s, failed, held)
	require.Equal(t, "no luck in attempt 3", got[failed].Results[0].GetError())
	require.NotNil(t, got[held].Results[0].Error)
	require.Empty(t, got[held].Results[0].GetError())
	require.Nil(t, got[held].Results[0].Output)
	require.Equal(t, wire.RunStatus_RUN_STATUS_CANCELLED, details(t, s, held).Status)
	require.Equal(t, wire.RunStatus_RUN_STATUS_FAILED, details(t, s, failed).Status)
}

func TestBulkTriggerAnswersInOrder(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	s.Work(t, hatchettest.Echo, hatchettest.One("w", 0), hatchettest.Two("graph"))
	req := &wire.BulkTriggerWorkflowRequest{}
	for i := range 20 {
		req.Workflows = append(req.Workflows, &wire.TriggerWorkflowRequest{
			Name: []string{"w", "graph"}[i%2], Input: fmt.Sprintf(`{"i":%d}`, i),
		})
	}
	response, err := s.Workflows.BulkTriggerWorkflow(s.Ctx, req)
	require.NoError(t, err)
	require.Len(t, response.WorkflowRunIds, 20)
	got := results(t, s, response.WorkflowRunIds...)
	for i, run := range response.WorkflowRunIds {
		require.JSONEq(t, fmt.Sprintf(`{"i":%d}`, i), got[run].Results[0].GetOutput())
	}
}

func TestTriggersThatCannotBeAreInvalid(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	s.Work(t, hatchettest.Echo, hatchettest.One("w", 0))
	four, zero, bad := int32(4), int32(0), "[]"
	for name, req := range map[string]*wire.TriggerWorkflowRequest{
		"workflow names not found: other":                 {Name: "other"},
		"priority must be between 1 and 3, got 4":         {Name: "w", Priority: &four},
		"priority must be between 1 and 3, got 0":         {Name: "w", Priority: &zero},
		"input: is not a JSON object":                     {Name: "w", Input: "7"},
		"additional_metadata: is not a JSON object":       {Name: "w", AdditionalMetadata: &bad},
		`input: contains \u0000`:                          {Name: "w", Input: `{"a":"\u0000"}`}, // Trap 47
		"name: is empty":                                  {},
		"parent_task_run_external_id: is \"x\", which is": {Name: "w", ParentTaskRunExternalId: ptr("x")},
	} {
		_, err := s.Workflows.TriggerWorkflow(s.Ctx, req)
		require.Equal(t, codes.InvalidArgument, status.Code(err), name)
		require.ErrorContains(t, err, name)
	}
	_, err := s.Workflows.BulkTriggerWorkflow(s.Ctx, &wire.BulkTriggerWorkflowRequest{})
	require.Equal(t, codes.InvalidArgument, status.Code(err))
}

func ptr[T any](v T) *T { return &v }

func TestUnknownDetailsAreNotFound(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	for text, code := range map[string]codes.Code{
		"nonsense":                             codes.InvalidArgument,
		"7c6e1b1e-96d4-4f5e-8f2e-0123456789ab": codes.NotFound,
		id.ID(12345).String():                  codes.NotFound,
	} {
		_, err := s.Admin.GetRunDetails(s.Ctx, &wire.GetRunDetailsRequest{ExternalId: text})
		require.Equal(t, code, status.Code(err), text)
	}
}

// Trap 15: a child is spawned once, however often its parent asks.
func TestChildrenAreFoundByTheirKeyOrIndex(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	s.Work(t, func(a *native.Assignment) (string, error) {
		if a.Workflow == "parent" {
			return "", hatchettest.ErrHeld
		}
		return string(a.Input), nil
	}, hatchettest.One("parent", 0), hatchettest.One("w", 0))
	parent := trigger(t, s, &wire.TriggerWorkflowRequest{Name: "parent", AdditionalMetadata: ptr(`{"team":"a","mine":1,"hatchet__x":2}`)})
	child := func(index int32, key *string) string {
		return trigger(t, s, &wire.TriggerWorkflowRequest{
			Name: "w", ParentId: &parent, ParentTaskRunExternalId: &parent, ChildIndex: &index, ChildKey: key,
			AdditionalMetadata: ptr(`{"mine":3}`),
		})
	}
	first := child(0, nil)
	require.Equal(t, first, child(0, nil))
	require.NotEqual(t, first, child(1, nil))
	keyed := child(2, ptr("k"))
	require.Equal(t, keyed, child(7, ptr("k")))
	require.NotEqual(t, first, keyed)

	var metadata map[string]any
	require.NoError(t, json.Unmarshal(details(t, s, first).AdditionalMetadata, &metadata))
	require.Equal(t, map[string]any{
		"team": "a", "mine": 3.0,
		"hatchet__parent_workflow_run_id": parent, "hatchet__parent_step_run_id": parent,
	}, metadata)
}
