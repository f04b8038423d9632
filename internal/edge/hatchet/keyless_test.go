package hatchet_test

import (
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/adzehq/adze/internal/edge/hatchettest"
	native "github.com/adzehq/adze/internal/wire/adzev1"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// keyed is a workflow whose runs hold what their input has in k.
func keyed() *native.Workflow {
	w := hatchettest.One("keyed", 0)
	w.Idempotency = &native.Idempotency{Key: "input.k", TtlMs: 60_000}
	return w
}

func TestRunWithoutAKeyIsLeftOutInSilence(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	s.Work(t, hatchettest.Echo, keyed(), hatchettest.One("w", 0))
	lost, err := s.Workflows.TriggerWorkflow(s.Ctx, &wire.TriggerWorkflowRequest{Name: "keyed", Input: `{}`})
	require.NoError(t, err)
	_, err = uuid.Parse(lost.WorkflowRunId)
	require.NoError(t, err)
	_, err = s.Admin.GetRunDetails(s.Ctx, &wire.GetRunDetailsRequest{ExternalId: lost.WorkflowRunId})
	require.Equal(t, codes.NotFound, status.Code(err), "nothing has its id")

	bulk, err := s.Workflows.BulkTriggerWorkflow(s.Ctx, &wire.BulkTriggerWorkflowRequest{Workflows: []*wire.TriggerWorkflowRequest{
		{Name: "keyed", Input: `{"k":"a"}`}, {Name: "keyed", Input: `{"k":7}`}, {Name: "w", Input: `{"n":1}`},
	}})
	require.NoError(t, err)
	require.Len(t, bulk.WorkflowRunIds, 3)
	got := results(t, s, bulk.WorkflowRunIds[0], bulk.WorkflowRunIds[2])
	require.JSONEq(t, `{"k":"a"}`, got[bulk.WorkflowRunIds[0]].Results[0].GetOutput())
	require.JSONEq(t, `{"n":1}`, got[bulk.WorkflowRunIds[2]].Results[0].GetOutput())

	_, err = s.Workflows.BulkTriggerWorkflow(s.Ctx, &wire.BulkTriggerWorkflowRequest{Workflows: []*wire.TriggerWorkflowRequest{
		{Name: "keyed", Input: `{"k":"a"}`}, {Name: "keyed", Input: `{}`}, {Name: "keyed", Input: `{"k":"b"}`},
	}})
	var detail wire.BulkTriggerIdempotencyCollisionError
	collided(t, err, "type.googleapis.com/v1.BulkTriggerIdempotencyCollisionError", &detail)
	require.Len(t, detail.Collisions, 1)
	require.Len(t, detail.SuccessfulWorkflowRunExternalIds, 1, "of what was left out nothing is said")

	code, answer := s.REST(t, http.MethodPost, "/api/v1/stable/tenants/"+s.Tenant+"/workflow-runs/trigger",
		map[string]any{"workflowName": "keyed", "input": map[string]any{}})
	require.Equal(t, http.StatusBadRequest, code, "a run that is to be told cannot be left out in silence: %v", answer)
}

func TestWhatElseIsWrongWithARunWithoutAKeyIsTold(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	s.Work(t, hatchettest.Echo, keyed())
	_, err := s.Workflows.BulkTriggerWorkflow(s.Ctx, &wire.BulkTriggerWorkflowRequest{Workflows: []*wire.TriggerWorkflowRequest{
		{Name: "keyed", Input: `{}`}, {Name: "keyed", Input: `{`},
	}})
	require.Equal(t, codes.InvalidArgument, status.Code(err))
	require.ErrorContains(t, err, "workflows[1].input")
	_, err = s.Workflows.BulkTriggerWorkflow(s.Ctx, &wire.BulkTriggerWorkflowRequest{Workflows: []*wire.TriggerWorkflowRequest{
		{Name: "keyed", Input: `{}`}, {Name: "keyed", Input: `{"k":"a"}`}, {Name: "other"},
	}})
	require.Equal(t, codes.InvalidArgument, status.Code(err))
	require.ErrorContains(t, err, "workflow names not found: other")
	_, err = s.Workflows.TriggerWorkflow(s.Ctx, &wire.TriggerWorkflowRequest{Name: "keyed", Input: `{"k":"a"}`})
	require.NoError(t, err, "nothing of it was started")
}

func TestChildWithoutAKeyIsLeftOutByWhatItInherits(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	child := keyed()
	child.Name, child.Tasks[0].Action, child.Idempotency.Key = "child", "child:step", "metadata.order"
	s.Work(t, func(a *native.Assignment) (string, error) {
		if a.Workflow == "parent" {
			return "", hatchettest.ErrHeld
		}
		return `{}`, nil
	}, child, hatchettest.One("parent", 0))
	spawn := func(metadata string) string {
		parent := trigger(t, s, &wire.TriggerWorkflowRequest{Name: "parent", AdditionalMetadata: ptr(metadata)})
		return trigger(t, s, &wire.TriggerWorkflowRequest{
			Name: "child", ParentId: ptr(parent), ParentTaskRunExternalId: ptr(parent), ChildIndex: ptr(int32(0)),
		})
	}
	started := spawn(`{"order":"7"}`)
	require.Len(t, results(t, s, started)[started].Results, 1)
	_, err := s.Admin.GetRunDetails(s.Ctx, &wire.GetRunDetailsRequest{ExternalId: spawn(`{}`)})
	require.Equal(t, codes.NotFound, status.Code(err))
}
