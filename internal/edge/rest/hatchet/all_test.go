package hatchet_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/edge/hatchet/view"
	"github.com/adzehq/adze/internal/edge/hatchettest"
	native "github.com/adzehq/adze/internal/wire/adzev1"
)

func TestFilterMayChooseTenThousandRunsAndNoMore(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	_, err := s.Native.PutWorkflows(s.Ctx, &native.PutWorkflowsRequest{Workflows: []*native.Workflow{hatchettest.One("w", 0)}})
	require.NoError(t, err)
	submit := func(n int) {
		request := &native.SubmitRequest{Runs: make([]*native.NewRun, n)}
		for i := range request.Runs {
			request.Runs[i] = &native.NewRun{Workflow: "w", Input: []byte(`{}`)}
		}
		_, err := s.Native.Submit(s.Ctx, request)
		require.NoError(t, err)
	}
	const part = 1_000
	for range view.AllMax / part {
		submit(part)
	}
	path := "/api/v1/stable/tenants/" + s.Tenant + "/workflow-runs/external-ids?since=2020-01-01T00:00:00Z"
	ids := get(t, s, path)
	require.Len(t, ids, view.AllMax)

	submit(1)
	code, answer := s.REST(t, http.MethodGet, path, nil)
	require.Equal(t, http.StatusTooManyRequests, code)
	require.Contains(t, answer.(object)["errors"].([]any)[0].(object)["description"], "at most 10000")
	filter := object{"filter": object{"since": "2020-01-01T00:00:00Z"}}
	code, _ = s.REST(t, http.MethodPost, "/api/v1/stable/tenants/"+s.Tenant+"/tasks/cancel", filter)
	require.Equal(t, http.StatusTooManyRequests, code, "nothing of it is cancelled")
	require.Equal(t, "QUEUED", get(t, s, "/api/v1/stable/workflow-runs/"+ids.([]any)[0].(string)+"/status"))
}
