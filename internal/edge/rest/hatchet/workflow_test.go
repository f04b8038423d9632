package hatchet_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/adzehq/adze/internal/edge/hatchettest"
	native "github.com/adzehq/adze/internal/wire/adzev1"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// put registers a workflow of the steps a and b, and gives its path.
func put(t *testing.T, s *hatchettest.Stage, name string) (path string) {
	t.Helper()
	put, err := s.Admin.PutWorkflow(s.Ctx, &wire.CreateWorkflowVersionRequest{
		Name: name, Description: "about " + name, EventTriggers: []string{name + ":made"},
		Tasks: []*wire.CreateTaskOpts{
			{ReadableId: "a", Action: name + ":a", Timeout: "90s", SlotRequests: map[string]int32{"default": 2}},
			{ReadableId: "b", Action: name + ":b", Parents: []string{"a"}},
		},
	})
	require.NoError(t, err)
	return "/api/v1/workflows/" + put.WorkflowId
}

func TestWorkflowsAreFoundByAPartOfTheirName(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	for _, name := range []string{"shop-order", "shop-refund", "mail"} {
		put(t, s, name)
	}
	names := func(query string) (list []any) {
		code, answer := s.REST(t, http.MethodGet, "/api/v1/tenants/"+s.Tenant+"/workflows"+query, nil)
		require.Equal(t, http.StatusOK, code)
		for _, row := range answer.(map[string]any)["rows"].([]any) {
			list = append(list, row.(map[string]any)["name"])
		}
		return list
	}
	require.Equal(t, []any{"mail", "shop-refund", "shop-order"}, names(""))
	require.Equal(t, []any{"shop-refund", "shop-order"}, names("?name=SHOP"))
	require.Equal(t, []any{"shop-order"}, names("?name=shop&offset=1&limit=1"))
	require.Empty(t, names("?name=nothing"))
}

// Each version has its place, and the name that its authors gave it, wherever it is told.
func TestVersionsOfAWorkflowAreNumberedInTheirOrder(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	path := put(t, s, "shop")
	for _, label := range []string{"v2", "v3"} {
		_, err := s.Admin.PutWorkflow(s.Ctx, &wire.CreateWorkflowVersionRequest{
			Name: "shop", Version: label, Tasks: []*wire.CreateTaskOpts{{ReadableId: "a", Action: "shop:a"}},
		})
		require.NoError(t, err)
	}
	numbered := func(versions any) (list []string) {
		for _, v := range versions.([]any) {
			list = append(list, fmt.Sprint(v.(object)["order"], " ", v.(object)["version"]))
		}
		return list
	}
	all := numbered(get(t, s, path).(object)["versions"])
	require.Equal(t, []string{"3 v3", "2 v2"}, all[:2])
	require.Len(t, all, 3)
	row := get(t, s, "/api/v1/tenants/"+s.Tenant+"/workflows").(object)["rows"].([]any)[0].(object)
	require.Equal(t, all[:1], numbered(row["versions"]))
	require.Equal(t, all[:1], numbered([]any{get(t, s, path+"/versions")}))
	second := get(t, s, path).(object)["versions"].([]any)[1].(object)["metadata"].(object)["id"].(string)
	require.Equal(t, all[1:2], numbered([]any{get(t, s, path+"/versions?version="+second)}))
	scheduled, err := s.Workflows.ScheduleWorkflow(s.Ctx, &wire.ScheduleWorkflowRequest{
		Name: "shop", Schedules: []*timestamppb.Timestamp{timestamppb.New(time.Now().Add(time.Hour))},
	})
	require.NoError(t, err)
	require.Equal(t, "v3", scheduled.Version)
	require.EqualValues(t, 3, scheduled.Order)
}

func TestVersionOfAWorkflowTellsItsSteps(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	path := put(t, s, "shop")
	code, answer := s.REST(t, http.MethodGet, path+"/versions", nil)
	require.Equal(t, http.StatusOK, code)
	version := answer.(map[string]any)
	require.Equal(t, 1.0, version["order"])
	require.Equal(t, "shop:made", version["triggers"].(map[string]any)["events"].([]any)[0].(map[string]any)["event_key"])
	steps := version["jobs"].([]any)[0].(map[string]any)["steps"].([]any)
	require.Len(t, steps, 2)
	a, b := steps[0].(map[string]any), steps[1].(map[string]any)
	require.Equal(t, []any{"a", "shop:a", "1m30s"}, []any{a["readableId"], a["action"], a["timeout"]})
	require.Equal(t, map[string]any{"default": 2.0}, a["slotRequests"])
	require.Equal(t, []any{b["metadata"].(map[string]any)["id"]}, a["children"])
	require.Equal(t, []any{a["metadata"].(map[string]any)["id"]}, b["parents"])
}

func TestVersionOfAWorkflowTellsItsConcurrencyIfItCan(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	version := func(name string, strategy wire.ConcurrencyLimitStrategy) map[string]any {
		put, err := s.Admin.PutWorkflow(s.Ctx, &wire.CreateWorkflowVersionRequest{
			Name: name, Tasks: []*wire.CreateTaskOpts{{ReadableId: "a", Action: name + ":a"}, {ReadableId: "b", Action: name + ":b"}},
			ConcurrencyArr: []*wire.Concurrency{{Expression: "additional_metadata.user", MaxRuns: proto.Int32(3), LimitStrategy: &strategy}},
		})
		require.NoError(t, err)
		_, answer := s.REST(t, http.MethodGet, "/api/v1/workflows/"+put.WorkflowId+"/versions", nil)
		return answer.(map[string]any)
	}
	require.Equal(t, map[string]any{"maxRuns": 3.0, "limitStrategy": "CANCEL_IN_PROGRESS", "getConcurrencyGroup": "additional_metadata.user"},
		version("one", wire.ConcurrencyLimitStrategy_CONCURRENCY_LIMIT_STRATEGY_CANCEL_IN_PROGRESS)["concurrency"])
	require.NotContains(t, version("two", wire.ConcurrencyLimitStrategy_CONCURRENCY_LIMIT_STRATEGY_CANCEL_NEWEST), "concurrency",
		"some SDKs know no such strategy")
}

func TestWorkflowOfAnotherIsNotFound(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	for _, path := range []string{
		"/api/v1/workflows/00000000-0000-4000-8000-000000000000", "/api/v1/workflows/shop",
		put(t, s, "shop") + "/versions?version=00000000-0000-4000-8000-000000000000",
	} {
		code, _ := s.REST(t, http.MethodGet, path, nil)
		require.Equal(t, http.StatusNotFound, code, path)
	}
}

func TestDeletedWorkflowIsGoneUntilItIsRegisteredAgain(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	path := put(t, s, "shop")
	code, _ := s.REST(t, http.MethodDelete, path, nil)
	require.Equal(t, http.StatusNoContent, code)
	for _, method := range []string{http.MethodGet, http.MethodDelete} {
		code, _ = s.REST(t, method, path, nil)
		require.Equal(t, http.StatusNotFound, code)
	}
	code, answer := s.REST(t, http.MethodGet, "/api/v1/tenants/"+s.Tenant+"/workflows", nil)
	require.Equal(t, http.StatusOK, code)
	require.Empty(t, answer.(map[string]any)["rows"])
	code, _ = s.REST(t, http.MethodGet, put(t, s, "shop"), nil)
	require.Equal(t, http.StatusOK, code)
}

func TestPausedWorkflowSaysSoUntilItGoesOn(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	path := put(t, s, "shop")
	pause := map[string]any{"action": "pause", "pausedWorkflowCronRunQueueBehavior": "DROP", "pausedWorkflowQueueTTL": "1h"}
	code, answer := s.REST(t, http.MethodPatch, path, map[string]any{"pause": pause})
	require.Equal(t, http.StatusOK, code)
	for range 2 { // the answer is what can be read afterwards
		paused := answer.(map[string]any)
		require.Equal(t, true, paused["isPaused"])
		require.Equal(t, "DROP", paused["pausedWorkflowCronRunQueueBehavior"])
		require.Equal(t, "QUEUE", paused["pausedWorkflowScheduledRunQueueBehavior"])
		_, answer = s.REST(t, http.MethodGet, path, nil)
	}
	_, answer = s.REST(t, http.MethodPatch, path, map[string]any{"pause": map[string]any{"action": "unpause"}})
	require.Equal(t, false, answer.(map[string]any)["isPaused"])

	for _, bad := range []map[string]any{{"action": "stop"}, {"action": "pause", "pausedWorkflowQueueTTL": "soon"}} {
		code, _ = s.REST(t, http.MethodPatch, path, map[string]any{"pause": bad})
		require.Equal(t, http.StatusBadRequest, code)
	}
}

func TestPausedWorkflowDropsWhatWasScheduled(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	path := put(t, s, "shop")
	pause := map[string]any{"action": "pause", "pausedWorkflowScheduledRunQueueBehavior": "DROP"}
	code, _ := s.REST(t, http.MethodPatch, path, map[string]any{"pause": pause})
	require.Equal(t, http.StatusOK, code)
	_, err := s.Workflows.ScheduleWorkflow(s.Ctx, &wire.ScheduleWorkflowRequest{
		Name: "shop", Input: "{}", Schedules: []*timestamppb.Timestamp{timestamppb.New(time.Now().Add(-time.Minute))},
	})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		left, err := s.Native.ListSchedules(s.Ctx, &native.ListSchedulesRequest{})
		return err == nil && len(left.Schedules) == 0
	}, hatchettest.Patience, 10*time.Millisecond)
	runs, err := s.Native.ListRuns(s.Ctx, &native.ListRunsRequest{})
	require.NoError(t, err)
	require.Empty(t, runs.Runs)
}

func TestExpressionCanBeTried(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	try := func(expression string) map[string]any {
		code, answer := s.REST(t, http.MethodPost, "/api/v1/stable/tenants/"+s.Tenant+"/cel/debug", map[string]any{
			"expression": expression, "input": map[string]any{"n": 5},
			"additionalMetadata": map[string]any{"a": "b"}, "filterPayload": map[string]any{"limit": 3},
		})
		require.Equal(t, http.StatusOK, code)
		return answer.(map[string]any)
	}
	require.Equal(t, map[string]any{"status": "SUCCESS", "output": true},
		try(`input.n > payload.limit && additional_metadata["a"] == "b"`))
	require.Equal(t, map[string]any{"status": "SUCCESS", "output": false}, try("input.n > 7"))
	for _, wrong := range []string{"input.n >", "input.absent == 1", "input.n"} {
		answer := try(wrong)
		require.Equal(t, "ERROR", answer["status"], wrong)
		require.NotEmpty(t, answer["error"], wrong)
	}
}
