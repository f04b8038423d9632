package hatchet_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/edge/hatchettest"
	native "github.com/adzehq/adze/internal/wire/adzev1"
)

// TestMetricsCountWhatWaitsAndRuns has one task of a workflow run, one wait for a worker
// and one for a place in a limit.
func TestMetricsCountWhatWaitsAndRuns(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	_, err := s.Native.PutWorkflows(s.Ctx, &native.PutWorkflowsRequest{Workflows: []*native.Workflow{
		{Name: "shop", Tasks: []*native.Task{{Name: "pay", Action: "shop:pay"}}},
		{Name: "slow", Tasks: []*native.Task{{Name: "wait", Action: "slow:wait", Limits: []*native.Limit{{Max: 1}}}}},
	}})
	require.NoError(t, err)
	work, err := s.Native.Work(s.Ctx)
	require.NoError(t, err)
	require.NoError(t, work.Send(&native.WorkerMessage{Hello: &native.Hello{Actions: []string{"shop:pay"}, Slots: 1}}))
	_, err = work.Recv()
	require.NoError(t, err)
	_, err = s.Native.Submit(s.Ctx, &native.SubmitRequest{Runs: []*native.NewRun{
		{Workflow: "shop"}, {Workflow: "shop"}, {Workflow: "slow"}, {Workflow: "slow"},
	}})
	require.NoError(t, err)
	_, err = work.Recv()
	require.NoError(t, err)

	base := "/api/v1/tenants/" + s.Tenant
	code, answer := s.REST(t, http.MethodGet, base+"/queue-metrics", nil)
	require.Equal(t, http.StatusOK, code)
	metrics := answer.(map[string]any)
	require.Equal(t, map[string]any{"numQueued": 2.0, "numRunning": 1.0, "numPending": 1.0}, metrics["total"])
	require.Equal(t, map[string]any{"numQueued": 1.0, "numRunning": 1.0, "numPending": 0.0}, metrics["workflow"].(map[string]any)["shop"])

	_, answer = s.REST(t, http.MethodGet, base+"/step-run-queue-metrics", nil)
	require.Equal(t, map[string]any{"queues": map[string]any{"shop:pay": 1.0, "slow:wait": 1.0}}, answer)

	_, answer = s.REST(t, http.MethodGet, base+"/task-stats?taskNames=pay", nil)
	stats := answer.(map[string]any)
	require.Len(t, stats, 1)
	pay := stats["pay"].(map[string]any)
	require.InDelta(t, 1, pay["queued"].(map[string]any)["total"], 0)
	require.NotEmpty(t, pay["queued"].(map[string]any)["oldest"])
	require.Equal(t, map[string]any{"total": 1.0, "queues": map[string]any{"shop:pay": 1.0}}, pay["running"])

	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.HTTPURL()+base+"/prometheus-metrics", nil)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+s.Token)
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Contains(t, string(text), `adze_tenant_queue_ready_tasks{queue="shop:pay"} 1`)
	require.Contains(t, string(text), `adze_tenant_queue_running_tasks{queue="shop:pay"} 1`)
}
