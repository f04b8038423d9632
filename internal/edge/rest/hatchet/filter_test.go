package hatchet_test

import (
	"net/http"
	"path"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/edge/hatchettest"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

func TestFilterIsMadeChangedAndDeleted(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	workflow := path.Base(put(t, s, "shop"))
	all := "/api/v1/stable/tenants/" + s.Tenant + "/filters"
	code, answer := s.REST(t, http.MethodPost, all, map[string]any{
		"workflowId": workflow, "scope": "eu", "expression": "input.n > payload.least && event_key == 'x'", "payload": map[string]any{"least": 5},
	})
	require.Equal(t, http.StatusOK, code, answer)
	made := answer.(map[string]any)
	require.Equal(t, workflow, made["workflowId"])
	require.Equal(t, "input.n > payload.least && event_key == 'x'", made["expression"], "in the words of the request")
	one := all + "/" + made["metadata"].(map[string]any)["id"].(string)

	code, answer = s.REST(t, http.MethodPatch, one, map[string]any{"scope": "us"})
	require.Equal(t, http.StatusOK, code, answer)
	require.Equal(t, "us", answer.(map[string]any)["scope"])
	require.Equal(t, map[string]any{"least": 5.0}, answer.(map[string]any)["payload"])
	code, answer = s.REST(t, http.MethodGet, one, nil)
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, "us", answer.(map[string]any)["scope"])

	for query, n := range map[string]int{
		"": 1, "?scopes=us": 1, "?scopes=eu": 0, "?workflowIds=" + workflow: 1,
		"?workflowIds=707d0855-80ab-4e1f-a156-f1c4546cbf52": 0, "?offset=1": 0,
	} {
		code, answer = s.REST(t, http.MethodGet, all+query, nil)
		require.Equal(t, http.StatusOK, code, answer)
		require.Len(t, answer.(map[string]any)["rows"], n, query)
	}
	code, _ = s.REST(t, http.MethodPost, all, map[string]any{"workflowId": workflow, "scope": "eu", "expression": "input."})
	require.Equal(t, http.StatusBadRequest, code)
	code, _ = s.REST(t, http.MethodDelete, one, nil)
	require.Equal(t, http.StatusOK, code)
	code, _ = s.REST(t, http.MethodGet, one, nil)
	require.Equal(t, http.StatusNotFound, code)
}

func TestRateLimitsTellWhatIsLeft(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	for key, limit := range map[string]int32{"b one": 5, "a": 7} {
		_, err := s.Workflows.PutRateLimit(s.Ctx, &wire.PutRateLimitRequest{Key: key, Limit: limit, Duration: wire.RateLimitDuration_RATE_LIMIT_DURATION_MINUTE})
		require.NoError(t, err)
	}
	code, answer := s.REST(t, http.MethodGet, "/api/v1/tenants/"+s.Tenant+"/rate-limits?orderByField=limitValue", nil)
	require.Equal(t, http.StatusOK, code)
	rows := answer.(map[string]any)["rows"].([]any)
	require.Len(t, rows, 2)
	first := rows[0].(map[string]any)
	require.Equal(t, "b one", first["key"])
	require.Equal(t, 5.0, first["value"])
	require.Equal(t, "MINUTE", first["window"])
	code, answer = s.REST(t, http.MethodGet, "/api/v1/tenants/"+s.Tenant+"/rate-limits?search=ONE", nil)
	require.Equal(t, http.StatusOK, code)
	require.Len(t, answer.(map[string]any)["rows"], 1)
}

func TestDeletedWorkflowIsGone(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	one := put(t, s, "shop")
	code, _ := s.REST(t, http.MethodDelete, one, nil)
	require.Equal(t, http.StatusNoContent, code)
	code, _ = s.REST(t, http.MethodGet, one, nil)
	require.Equal(t, http.StatusNotFound, code)
	require.Equal(t, one, put(t, s, "shop"), "it is the same one when it is registered again")
	code, _ = s.REST(t, http.MethodGet, one, nil)
	require.Equal(t, http.StatusOK, code)
}
