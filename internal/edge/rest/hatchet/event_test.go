package hatchet_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/edge/hatchettest"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

func TestEventsAreListedWithTheRunsThatTheyStarted(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	put(t, s, "shop")
	push := func(key, color, scope string) string {
		told, err := s.Events.Push(s.Ctx, &wire.PushEventRequest{
			Key: key, Payload: `{"n":1}`, AdditionalMetadata: new(`{"color":"` + color + `"}`), Scope: &scope,
		})
		require.NoError(t, err)
		return told.EventId
	}
	made, other := push("shop:made", "red", "eu"), push("shop:left", "blue", "us")
	all := "/api/v1/stable/tenants/" + s.Tenant + "/events"
	list := func(query string) []string {
		code, answer := s.REST(t, http.MethodGet, all+query, nil)
		require.Equal(t, http.StatusOK, code)
		return numbers(answer.(map[string]any))
	}
	require.Equal(t, []string{other, made}, list(""))
	require.Equal(t, []string{made}, list("?offset=1"))
	require.Equal(t, []string{made}, list("?keys=shop:made&keys=shop:none"))
	require.Equal(t, []string{made}, list("?additionalMetadata=color:red"))
	require.Equal(t, []string{other}, list("?scopes=us"))
	require.Equal(t, []string{other}, list("?eventIds="+other))
	require.Equal(t, []string{made}, list("?workflowRunStatuses=RUNNING"))
	require.Empty(t, list("?workflowRunStatuses=FAILED"))
	require.Empty(t, list("?until=2020-01-01T00:00:00Z&since=2019-01-01T00:00:00Z"))
	require.Empty(t, list("?eventIds=00000000-0000-4000-8000-000000000000"), "it is none of ours")

	code, answer := s.REST(t, http.MethodGet, all+"/"+made, nil)
	require.Equal(t, http.StatusOK, code)
	event := answer.(map[string]any)
	require.Equal(t, map[string]any{"n": 1.0}, event["payload"])
	require.Equal(t, map[string]any{"color": "red"}, event["additionalMetadata"])
	require.Len(t, event["triggeredRuns"], 1)
	require.Equal(t, 1.0, event["workflowRunSummary"].(map[string]any)["running"].(float64)+event["workflowRunSummary"].(map[string]any)["queued"].(float64))

	code, _ = s.REST(t, http.MethodGet, all+"/00000000-0000-4000-8000-000000000000", nil)
	require.Equal(t, http.StatusNotFound, code)
	code, _ = s.REST(t, http.MethodGet, all+"?since=yesterday", nil)
	require.Equal(t, http.StatusBadRequest, code)
}
