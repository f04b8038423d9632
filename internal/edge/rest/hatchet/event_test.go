package hatchet_test

import (
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/edge/hatchettest"
	native "github.com/adzehq/adze/internal/wire/adzev1"
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
	require.Empty(t, list("?workflowIds=00000000-0000-4000-8000-000000000000"), "nor is this")
	require.Empty(t, list("?workflowIds="+made), "nor is this a workflow")

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

// On this wire a run that is replayed is the same run: what an event started stands as it
// stands now.
func TestEventCountsItsRunsByTheirNewestReplays(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	var healthy atomic.Bool
	one, two := hatchettest.One("one", 0), hatchettest.Two("two")
	for _, w := range []*native.Workflow{one, two} {
		w.Triggers = []*native.Trigger{{Event: "go"}}
	}
	s.Work(t, func(*native.Assignment) (string, error) {
		if !healthy.Load() {
			return "", errors.New("no")
		}
		return `{}`, nil
	}, one, two)
	told, err := s.Events.Push(s.Ctx, &wire.PushEventRequest{Key: "go", Payload: `{}`})
	require.NoError(t, err)
	stable := "/api/v1/stable/tenants/" + s.Tenant
	stands := func(status string) (runs []string) {
		event := get(t, s, stable+"/events/"+told.EventId).(object)
		for _, run := range event["triggeredRuns"].([]any) {
			runs = append(runs, run.(object)["workflowRunId"].(string))
		}
		if event["workflowRunSummary"].(object)[status] != 2.0 {
			return nil
		}
		return runs
	}
	var runs []string
	require.Eventually(t, func() bool { runs = stands("failed"); return runs != nil }, hatchettest.Patience, 10*time.Millisecond)
	healthy.Store(true)
	code, answer := s.REST(t, http.MethodPost, stable+"/tasks/replay", object{"externalIds": runs})
	require.Equal(t, http.StatusOK, code, answer)
	require.Eventually(t, func() bool { return stands("succeeded") != nil }, hatchettest.Patience, 10*time.Millisecond)
	require.Equal(t, runs, stands("succeeded"), "under the same ids")
	require.Len(t, get(t, s, stable+"/events?workflowRunStatuses=COMPLETED").(object)["rows"], 1)
	require.Empty(t, get(t, s, stable+"/events?workflowRunStatuses=FAILED").(object)["rows"])
}
