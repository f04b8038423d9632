package hatchet_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/edge/hatchettest"
	native "github.com/adzehq/adze/internal/wire/adzev1"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

func TestTasksAreCountedByStatus(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	_, err := s.Native.PutWorkflows(s.Ctx, &native.PutWorkflowsRequest{Workflows: []*native.Workflow{
		{Name: "counted", Tasks: []*native.Task{{Name: "counted"}}},
	}})
	require.NoError(t, err)
	for range 3 {
		_, err = s.Native.Submit(s.Ctx, &native.SubmitRequest{Runs: []*native.NewRun{{Workflow: "counted", Input: []byte(`{}`)}}})
		require.NoError(t, err)
	}
	stable := "/api/v1/stable/tenants/" + s.Tenant

	code, counts := s.REST(t, http.MethodGet, stable+"/task-metrics?since=2020-01-01T00:00:00Z", nil)
	require.Equal(t, http.StatusOK, code)
	require.Len(t, counts, 5, "one of each status")
	require.Contains(t, counts, map[string]any{"status": "QUEUED", "count": 3.0})
	require.Contains(t, counts, map[string]any{"status": "COMPLETED", "count": 0.0})
	code, _ = s.REST(t, http.MethodGet, stable+"/task-metrics", nil)
	require.Equal(t, http.StatusBadRequest, code, "since is missing")
}

func TestTasksThatWaitedTooLongCountAsCancelled(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	late := hatchettest.One("late", 0)
	late.Tasks[0].ScheduleTimeoutMs = 1
	_, err := s.Native.PutWorkflows(s.Ctx, &native.PutWorkflowsRequest{Workflows: []*native.Workflow{late}})
	require.NoError(t, err)
	ended(t, s, &wire.TriggerWorkflowRequest{Name: "late"})

	counts := get(t, s, "/api/v1/stable/tenants/"+s.Tenant+"/task-metrics?since=2020-01-01T00:00:00Z")
	require.Contains(t, counts, map[string]any{"status": "CANCELLED", "count": 1.0})
	require.Contains(t, counts, map[string]any{"status": "FAILED", "count": 0.0})
}

func TestNothingIsCountedOfWhatThereIsNot(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	s.Work(t, hatchettest.Echo, hatchettest.One("w", 0))
	ended(t, s, &wire.TriggerWorkflowRequest{Name: "w"})
	for _, filter := range []string{"workflow_ids", "parent_task_external_id", "triggering_event_external_id"} {
		counts := get(t, s, "/api/v1/stable/tenants/"+s.Tenant+"/task-metrics?since=2020-01-01T00:00:00Z&"+filter+"="+s.Tenant)
		require.Contains(t, counts, map[string]any{"status": "COMPLETED", "count": 0.0}, filter)
	}
}
