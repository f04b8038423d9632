package hatchet_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/edge/hatchettest"
	native "github.com/adzehq/adze/internal/wire/adzev1"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// object is a JSON object as encoding/json decodes it.
type object = map[string]any

func get(t *testing.T, s *hatchettest.Stage, path string) any {
	t.Helper()
	code, answer := s.REST(t, http.MethodGet, path, nil)
	require.Equal(t, http.StatusOK, code, "%s: %v", path, answer)
	return answer
}

// ended triggers a run and waits for its end.
func ended(t *testing.T, s *hatchettest.Stage, req *wire.TriggerWorkflowRequest) string {
	t.Helper()
	response, err := s.Workflows.TriggerWorkflow(s.Ctx, req)
	require.NoError(t, err)
	stream, err := s.Dispatcher.SubscribeToWorkflowRuns(s.Ctx)
	require.NoError(t, err)
	require.NoError(t, stream.Send(&wire.SubscribeToWorkflowRunsRequest{WorkflowRunId: response.WorkflowRunId}))
	_, err = stream.Recv()
	require.NoError(t, err)
	return response.WorkflowRunId
}

func kinds(events any) (counts map[string]int) {
	counts = map[string]int{}
	for _, e := range events.([]any) {
		counts[e.(object)["eventType"].(string)]++
	}
	return counts
}

// Traps 31 to 33: required fields are there, payloads are objects, lists are lists. The
// stage holds each answer against the document besides.
func TestDetailsOfARunOfOneTask(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	s.Work(t, hatchettest.Echo, hatchettest.One("w", 0))
	metadata := `{"team":"a"}`
	run := ended(t, s, &wire.TriggerWorkflowRequest{Name: "w", Input: `{"a":1}`, AdditionalMetadata: &metadata})
	answer := get(t, s, "/api/v1/stable/workflow-runs/"+run).(object)
	r := answer["run"].(object)
	require.Equal(t, object{"a": 1.0}, r["input"])
	require.Equal(t, object{"a": 1.0}, r["output"])
	require.Equal(t, object{"team": "a"}, r["additionalMetadata"])
	require.Equal(t, "COMPLETED", r["status"])
	require.Equal(t, "w", answer["workflowConfig"].(object)["name"])
	require.Equal(t, s.Tenant, r["tenantId"])
	task := answer["tasks"].([]any)[0].(object)
	require.Equal(t, run, task["taskExternalId"])
	require.Contains(t, task["displayName"], "step-")
	require.Equal(t, "w:step", task["actionId"])
	require.Len(t, answer["shape"], 1)
	require.Equal(t, 1, kinds(answer["taskEvents"])["FINISHED"], "trap 37")
	require.Equal(t, "COMPLETED", get(t, s, "/api/v1/stable/workflow-runs/"+run+"/status"))
	require.Equal(t, run, get(t, s, "/api/v1/stable/tasks/"+run).(object)["workflowRunExternalId"])

	for _, path := range []string{"workflow-runs/" + s.Tenant, "workflow-runs/x", "tasks/" + s.Tenant, "workflow-runs/x/status"} {
		code, _ := s.REST(t, http.MethodGet, "/api/v1/stable/"+path, nil)
		require.Equal(t, http.StatusNotFound, code, path)
	}
}

// Trap 37: each failed attempt is an event, and so is each retry.
func TestEventsCountFailuresAndRetries(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	s.Work(t, func(*native.Assignment) (string, error) { return "", errors.New("no") }, hatchettest.One("w", 2))
	run := ended(t, s, &wire.TriggerWorkflowRequest{Name: "w"})
	answer := get(t, s, "/api/v1/stable/workflow-runs/"+run).(object)
	counts := kinds(answer["taskEvents"])
	require.Equal(t, 3, counts["FAILED"])
	require.Equal(t, 2, counts["RETRYING"])
	require.Equal(t, 3, counts["ASSIGNED"])
	require.Zero(t, counts["FINISHED"])
	task := answer["tasks"].([]any)[0].(object)
	require.Equal(t, "no", task["errorMessage"])
	require.InDelta(t, 2, task["retryCount"], 0)
	first := get(t, s, "/api/v1/stable/tasks/"+run+"?attempt=1").(object)
	require.InDelta(t, 0, first["retryCount"], 0)
	require.Equal(t, "no", first["errorMessage"])
}

func TestDetailsOfAGraph(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	s.Work(t, hatchettest.Echo, hatchettest.Two("graph"))
	run := ended(t, s, &wire.TriggerWorkflowRequest{Name: "graph", Input: `{"a":1}`})
	answer := get(t, s, "/api/v1/stable/workflow-runs/"+run).(object)
	require.Equal(t, object{"first": object{"a": 1.0}, "second": object{"a": 1.0}}, answer["run"].(object)["output"])
	shape := answer["shape"].([]any)
	require.Len(t, shape, 2)
	require.Equal(t, []any{shape[1].(object)["stepId"]}, shape[0].(object)["childrenStepIds"])
	task := answer["tasks"].([]any)[1].(object)
	require.Equal(t, run, task["workflowRunExternalId"])
	require.NotEqual(t, run, task["taskExternalId"])
	require.Equal(t, "second", shape[1].(object)["taskName"])
	require.Equal(t, task["taskExternalId"], shape[1].(object)["taskExternalId"])
	require.Equal(t, "COMPLETED", get(t, s, "/api/v1/stable/tasks/"+task["taskExternalId"].(string)).(object)["status"])
}

// Trap 36: one of several keys of metadata suffices, unless all are asked for.
func TestListChoosesRuns(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	s.Work(t, func(a *native.Assignment) (string, error) {
		if a.Workflow == "failing" {
			return "", errors.New("no")
		}
		return hatchettest.Echo(a)
	}, hatchettest.One("w", 0), hatchettest.One("failing", 0), hatchettest.Two("graph"))
	metadata := []string{`{"team":"a","n":1}`, `{"team":"b","n":1}`, `{"team":"c"}`}
	runs := []string{
		ended(t, s, &wire.TriggerWorkflowRequest{Name: "w", AdditionalMetadata: &metadata[0]}),
		ended(t, s, &wire.TriggerWorkflowRequest{Name: "failing", AdditionalMetadata: &metadata[1]}),
		ended(t, s, &wire.TriggerWorkflowRequest{Name: "graph", AdditionalMetadata: &metadata[2], Input: `{"x":2}`}),
	}
	since := "since=" + time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
	list := func(query string) (ids []string) {
		for _, row := range get(t, s, "/api/v1/stable/tenants/"+s.Tenant+"/workflow-runs?only_tasks=false&"+since+query).(object)["rows"].([]any) {
			ids = append(ids, row.(object)["workflowRunExternalId"].(string))
		}
		return ids
	}
	require.Equal(t, []string{runs[2], runs[1], runs[0]}, list(""))
	require.Equal(t, []string{runs[1], runs[0]}, list("&additional_metadata=n:1"))
	require.Equal(t, []string{runs[2], runs[0]}, list("&additional_metadata=team:a&additional_metadata=team:c"))
	require.Equal(t, []string{runs[0]}, list("&additional_metadata=team:a&additional_metadata=n:1&additional_metadata_operator=AND"))
	require.Equal(t, []string{runs[1]}, list("&statuses=FAILED"))
	require.Equal(t, []string{runs[2], runs[0]}, list("&statuses=COMPLETED"))
	require.Empty(t, list("&statuses=RUNNING&statuses=QUEUED"))
	require.Equal(t, []string{runs[1]}, list("&offset=1&limit=1"))
	workflow := get(t, s, "/api/v1/stable/workflow-runs/"+runs[0]).(object)["run"].(object)["workflowId"].(string)
	require.Equal(t, []string{runs[0]}, list("&workflow_ids="+workflow))
	require.Empty(t, list("&workflow_ids="+s.Tenant))
	require.Empty(t, list("&parent_task_external_id="+s.Tenant))

	rows := get(t, s, "/api/v1/stable/tenants/"+s.Tenant+"/workflow-runs?only_tasks=true&include_payloads=true&"+since).(object)["rows"].([]any)
	require.Len(t, rows, 4)
	require.Equal(t, object{"x": 2.0}, rows[0].(object)["input"])
	ids := get(t, s, "/api/v1/stable/tenants/"+s.Tenant+"/workflow-runs/external-ids?"+since)
	require.Len(t, ids, 3)
	code, _ := s.REST(t, http.MethodGet, "/api/v1/stable/tenants/"+s.Tenant+"/workflow-runs?only_tasks=false", nil)
	require.Equal(t, http.StatusBadRequest, code, "since is required")
}

// until is about when runs ended; since about when they were made, replays not counted.
func TestListGoesFromWhenRunsWereMadeToWhenTheyEnded(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	release := make(chan struct{})
	s.Work(t, func(a *native.Assignment) (string, error) {
		if a.Workflow == "held" {
			return "", hatchettest.ErrHeld
		}
		<-release
		return `{}`, nil
	}, hatchettest.One("w", 0), hatchettest.One("held", 0))
	response, err := s.Workflows.TriggerWorkflow(s.Ctx, &wire.TriggerWorkflowRequest{Name: "w"})
	require.NoError(t, err)
	run := response.WorkflowRunId
	made := instantOf(t, get(t, s, "/api/v1/stable/workflow-runs/"+run).(object)["run"].(object)["createdAt"])
	require.Eventually(t, func() bool { return time.Since(made) > 10*time.Millisecond }, hatchettest.Patience, time.Millisecond)
	close(release)
	path := "/api/v1/stable/tenants/" + s.Tenant + "/workflow-runs?only_tasks=false&"
	list := func(since, until time.Time) (ids []string) {
		query := "since=" + since.UTC().Format(time.RFC3339Nano) + "&until=" + until.UTC().Format(time.RFC3339Nano)
		for _, row := range get(t, s, path+query).(object)["rows"].([]any) {
			ids = append(ids, row.(object)["workflowRunExternalId"].(string))
		}
		return ids
	}
	var end time.Time
	require.Eventually(t, func() bool {
		row := get(t, s, "/api/v1/stable/workflow-runs/"+run).(object)["run"].(object)
		if row["status"] != "COMPLETED" {
			return false
		}
		end = instantOf(t, row["finishedAt"])
		return true
	}, hatchettest.Patience, 10*time.Millisecond)

	require.Equal(t, []string{run}, list(made, end), "both ends count")
	require.Empty(t, list(made, end.Add(-time.Millisecond)), "it had not ended")
	require.Empty(t, list(made.Add(time.Millisecond), end), "it was made before")

	open, err := s.Workflows.TriggerWorkflow(s.Ctx, &wire.TriggerWorkflowRequest{Name: "held"})
	require.NoError(t, err)
	begun := instantOf(t, get(t, s, "/api/v1/stable/workflow-runs/"+open.WorkflowRunId).(object)["run"].(object)["createdAt"])
	require.Equal(t, []string{open.WorkflowRunId, run}, list(made, begun), "what has no end yet is told")
	require.Equal(t, []string{run}, list(made, begun.Add(-time.Millisecond)), "but for what was made later")

	_, answer := s.REST(t, http.MethodPost, "/api/v1/stable/tenants/"+s.Tenant+"/tasks/replay", object{"externalIds": []string{run}})
	require.Len(t, answer.(object)["ids"], 1)
	require.Empty(t, list(made.Add(time.Millisecond), begun.Add(-time.Millisecond)))
	require.NotContains(t, list(end.Add(time.Millisecond), time.Now().Add(time.Hour)), run, "a replay is no new run")
	require.Contains(t, list(made, time.Now().Add(time.Hour)), run)
}

// What a task spawns in a replay is its, as what it spawned before is.
func TestChildrenAreListedByAnyReplayOfTheirParent(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	spawned := make(chan struct{})
	s.Work(t, func(*native.Assignment) (string, error) {
		<-spawned
		return `{}`, nil
	}, hatchettest.One("parent", 0))
	s.Work(t, hatchettest.Echo, hatchettest.One("child", 0))
	spawn := func(parent, key string) string {
		return ended(t, s, &wire.TriggerWorkflowRequest{Name: "child", ParentId: &parent, ParentTaskRunExternalId: &parent, ChildKey: &key})
	}
	response, err := s.Workflows.TriggerWorkflow(s.Ctx, &wire.TriggerWorkflowRequest{Name: "parent"})
	require.NoError(t, err)
	parent := response.WorkflowRunId
	first := spawn(parent, "first")
	spawned <- struct{}{}
	status := "/api/v1/stable/workflow-runs/" + parent + "/status"
	require.Eventually(t, func() bool { return get(t, s, status) == "COMPLETED" }, hatchettest.Patience, 10*time.Millisecond)
	tenant := "/api/v1/stable/tenants/" + s.Tenant
	code, _ := s.REST(t, http.MethodPost, tenant+"/tasks/replay", object{"externalIds": []string{parent}})
	require.Equal(t, http.StatusOK, code)
	second := spawn(parent, "second")
	close(spawned)

	query := "since=2020-01-01T00:00:00Z&parent_task_external_id=" + parent
	var children []string
	for _, row := range get(t, s, tenant+"/workflow-runs?only_tasks=false&"+query).(object)["rows"].([]any) {
		children = append(children, row.(object)["workflowRunExternalId"].(string))
	}
	require.Equal(t, []string{second, first}, children)
	require.Contains(t, get(t, s, tenant+"/task-metrics?"+query), map[string]any{"status": "COMPLETED", "count": 2.0})
}

func instantOf(t *testing.T, text any) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, text.(string))
	require.NoError(t, err)
	return at
}

func TestListKnowsIdempotencyKeys(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	w := hatchettest.One("w", 0)
	w.Idempotency = &native.Idempotency{Key: "input.k", TtlMs: 1}
	s.Work(t, hatchettest.Echo, w)
	ended(t, s, &wire.TriggerWorkflowRequest{Name: "w", Input: `{"k":"a"}`})
	ended(t, s, &wire.TriggerWorkflowRequest{Name: "w", Input: `{"k":"b"}`})
	path := "/api/v1/stable/tenants/" + s.Tenant + "/workflow-runs?only_tasks=false&since=2020-01-01T00:00:00Z&idempotency_keys=a"
	rows := get(t, s, path).(object)["rows"].([]any)
	require.Len(t, rows, 1)
	require.Equal(t, "a", rows[0].(object)["idempotencyKey"])
}

func TestTriggerCancelAndReplayOverREST(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	s.Work(t, func(*native.Assignment) (string, error) { return "", hatchettest.ErrHeld }, hatchettest.One("w", 0))
	tenant := "/api/v1/stable/tenants/" + s.Tenant
	code, answer := s.REST(t, http.MethodPost, tenant+"/workflow-runs/trigger", object{"workflowName": "w", "input": object{"a": 1}})
	require.Equal(t, http.StatusOK, code)
	run := answer.(object)["run"].(object)["metadata"].(object)["id"].(string)
	for _, what := range []string{"cancel", "replay", "cancel"} {
		code, answer = s.REST(t, http.MethodPost, tenant+"/tasks/"+what, object{"externalIds": []string{run}})
		require.Equal(t, http.StatusOK, code)
		require.Equal(t, object{"ids": []any{run}}, answer, what)
	}
	code, answer = s.REST(t, http.MethodPost, tenant+"/tasks/cancel", object{"filter": object{
		"since": "2020-01-01T00:00:00Z", "statuses": []string{"RUNNING"}, "additionalMetadata": []string{"a:b"},
	}})
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, object{"ids": []any{}}, answer)
	code, _ = s.REST(t, http.MethodPost, tenant+"/workflow-runs/trigger", object{"workflowName": "other", "input": object{}})
	require.Equal(t, http.StatusBadRequest, code)
}
