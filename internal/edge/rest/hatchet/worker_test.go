package hatchet_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/adzehq/adze/internal/edge/hatchettest"
	"github.com/adzehq/adze/internal/pgtest"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// register makes a worker known that runs on Python.
func register(t *testing.T, s *hatchettest.Stage, name string) string {
	t.Helper()
	response, err := s.Dispatcher.Register(s.Ctx, &wire.WorkerRegisterRequest{
		WorkerName: name, Actions: []string{"w:a"}, SlotConfig: map[string]int32{"default": 3, "durable": 7},
		Labels: map[string]*wire.WorkerLabels{"zone": {StrValue: proto.String("eu")}, "memory": {IntValue: proto.Int32(16)}},
		RuntimeInfo: &wire.RuntimeInfo{
			SdkVersion: proto.String("1.43.1"), Language: wire.SDKS_SDKS_PYTHON.Enum(),
			LanguageVersion: proto.String("3.11"), Os: proto.String("linux"), Extra: proto.String("more"),
		},
	})
	require.NoError(t, err)
	return response.WorkerId
}

// listen has a worker listen until the test ends, or stop is called.
func listen(t *testing.T, s *hatchettest.Stage, worker string) (stop context.CancelFunc) {
	t.Helper()
	ctx, stop := context.WithCancel(s.Ctx)
	t.Cleanup(stop)
	_, err := s.Dispatcher.ListenV2(ctx, &wire.WorkerListenRequest{WorkerId: worker})
	require.NoError(t, err)
	awaitStatus(t, s, worker, "ACTIVE")
	return stop
}

func awaitStatus(t *testing.T, s *hatchettest.Stage, worker, status string) {
	t.Helper()
	require.Eventually(t, func() bool {
		_, answer := s.REST(t, http.MethodGet, "/api/v1/workers/"+worker, nil)
		return answer.(map[string]any)["status"] == status
	}, hatchettest.Patience, 20*time.Millisecond)
}

func TestWorkerIsShownAsItRegistered(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	worker := register(t, s, "one")
	code, answer := s.REST(t, http.MethodGet, "/api/v1/workers/"+worker, nil)
	require.Equal(t, http.StatusOK, code)
	shown := answer.(map[string]any)
	require.Equal(t, "one", shown["name"])
	require.Equal(t, "SELFHOSTED", shown["type"])
	require.Equal(t, "INACTIVE", shown["status"], "it does not listen yet")
	require.Equal(t, []any{"w:a"}, shown["actions"])
	require.Equal(t, map[string]any{
		"sdkVersion": "1.43.1", "language": "PYTHON", "languageVersion": "3.11", "os": "linux", "runtimeExtra": "more",
	}, shown["runtimeInfo"])
	require.Equal(t, map[string]any{"default": map[string]any{"limit": 3.0, "available": 0.0}, "durable": map[string]any{"limit": 7.0, "available": 0.0}}, shown["slotConfig"])
	labels := shown["labels"].([]any)
	require.Len(t, labels, 2)
	require.Equal(t, "16", labels[0].(map[string]any)["value"])
	require.Equal(t, "zone", labels[1].(map[string]any)["key"])

	listen(t, s, worker)
	_, answer = s.REST(t, http.MethodGet, "/api/v1/workers/"+worker, nil)
	shown = answer.(map[string]any)
	require.Equal(t, map[string]any{"limit": 3.0, "available": 3.0}, shown["slotConfig"].(map[string]any)["default"])
	require.NotEmpty(t, shown["lastHeartbeatAt"])
}

func TestWorkerIsShownWithWhatItServesAndWhatItHas(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	put(t, s, "w")
	worker := register(t, s, "w")
	stream, err := s.Dispatcher.ListenV2(s.Ctx, &wire.WorkerListenRequest{WorkerId: worker})
	require.NoError(t, err)
	run, err := s.Workflows.TriggerWorkflow(s.Ctx, &wire.TriggerWorkflowRequest{Name: "w"})
	require.NoError(t, err)
	a, err := stream.Recv()
	require.NoError(t, err)
	show := func() map[string]any {
		_, answer := s.REST(t, http.MethodGet, "/api/v1/workers/"+worker, nil)
		return answer.(map[string]any)
	}
	shown := show()
	workflows := shown["registeredWorkflows"].([]any)
	require.Len(t, workflows, 1)
	require.Equal(t, map[string]any{"id": a.GetWorkflowId(), "name": "w"}, workflows[0])
	slots := shown["slots"].([]any)
	require.Len(t, slots, 1)
	slot := slots[0].(map[string]any)
	require.Equal(t, []any{a.TaskRunExternalId, run.WorkflowRunId, "w:a", "ASSIGNED"},
		[]any{slot["stepRunId"], slot["workflowRunId"], slot["actionId"], slot["status"]})
	require.NotEmpty(t, slot["timeoutAt"])

	say := func(kind wire.StepActionEventType) {
		_, err = s.Dispatcher.SendStepActionEvent(s.Ctx, &wire.StepActionEvent{
			WorkerId: worker, TaskRunExternalId: a.TaskRunExternalId, EventType: kind, EventPayload: `{}`, RetryCount: &a.RetryCount,
		})
		require.NoError(t, err)
	}
	say(wire.StepActionEventType_STEP_EVENT_TYPE_STARTED)
	require.Eventually(t, func() bool { return show()["slots"].([]any)[0].(map[string]any)["status"] == "RUNNING" },
		hatchettest.Patience, 10*time.Millisecond)
	_, list := s.REST(t, http.MethodGet, "/api/v1/tenants/"+s.Tenant+"/worker", nil)
	require.Equal(t, show()["slots"], list.(map[string]any)["rows"].([]any)[0].(map[string]any)["slots"])
	say(wire.StepActionEventType_STEP_EVENT_TYPE_COMPLETED)
	require.Eventually(t, func() bool { return show()["slots"] == nil }, hatchettest.Patience, 10*time.Millisecond)
}

func TestWorkersAreListedByStatusAndLabel(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	first, second := register(t, s, "first"), register(t, s, "second")
	listen(t, s, second)
	_, err := s.Dispatcher.UpsertWorkerLabels(s.Ctx, &wire.UpsertWorkerLabelsRequest{
		WorkerId: second, Labels: map[string]*wire.WorkerLabels{"zone": {StrValue: proto.String("us")}},
	})
	require.NoError(t, err)
	for query, want := range map[string][]string{
		"":                            {second, first}, // the newest first
		"?statuses=ACTIVE":            {second},
		"?statuses=INACTIVE":          {first},
		"?statuses=PAUSED":            {},
		"?labels=zone:us":             {second},
		"?labels=zone:us&labels=zone": {second},
		"?labels=memory:16":           {second, first}, // labels of other keys stay
		"?limit=1":                    {second},
		"?limit=1&offset=1":           {first},
		"?offset=5":                   {},
	} {
		code, answer := s.REST(t, http.MethodGet, "/api/v1/tenants/"+s.Tenant+"/worker"+query, nil)
		require.Equal(t, http.StatusOK, code, query)
		got := []string{}
		for _, row := range answer.(map[string]any)["rows"].([]any) {
			got = append(got, row.(map[string]any)["metadata"].(map[string]any)["id"].(string))
		}
		require.Equal(t, want, got, query)
	}
	code, _ := s.REST(t, http.MethodGet, "/api/v1/tenants/"+s.Tenant+"/worker?statuses=LAZY", nil)
	require.Equal(t, http.StatusBadRequest, code)
}

// Trap 19: a paused worker is given nothing new, and what it runs counts.
func TestPausedWorkerIsGivenNothingNew(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	worker := register(t, s, "w")
	listen(t, s, worker)
	for _, paused := range []bool{true, false} {
		code, answer := s.REST(t, http.MethodPatch, "/api/v1/workers/"+worker, map[string]any{"isPaused": paused})
		require.Equal(t, http.StatusOK, code)
		require.Equal(t, map[bool]string{true: "PAUSED", false: "ACTIVE"}[paused], answer.(map[string]any)["status"])
		_, err := s.Dispatcher.Heartbeat(s.Ctx, &wire.HeartbeatRequest{WorkerId: worker})
		require.NoError(t, err)
	}
}

// pause pauses a worker, or resumes it, and gives its status then.
func pause(t *testing.T, s *hatchettest.Stage, worker string, paused bool) any {
	t.Helper()
	code, answer := s.REST(t, http.MethodPatch, "/api/v1/workers/"+worker, map[string]any{"isPaused": paused})
	require.Equal(t, http.StatusOK, code, answer)
	return answer.(map[string]any)["status"]
}

func TestWorkerThatIsPausedWhileItIsAwayIsPausedWhenItComes(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	s := hatchettest.StartOn(t, url)
	worker, other := register(t, s, "w"), register(t, s, "other")
	require.Equal(t, "PAUSED", pause(t, s, worker, true))
	require.Equal(t, "INACTIVE", pause(t, s, other, false))
	s.Stop(t)

	s = hatchettest.StartOn(t, url)
	stream, err := s.Dispatcher.ListenV2(s.Ctx, &wire.WorkerListenRequest{WorkerId: worker})
	require.NoError(t, err)
	awaitStatus(t, s, worker, "PAUSED")
	require.Eventually(t, func() bool { // it is there
		_, err := s.Dispatcher.Heartbeat(s.Ctx, &wire.HeartbeatRequest{WorkerId: worker})
		return err == nil
	}, hatchettest.Patience, 20*time.Millisecond)
	put(t, s, "w")
	run, err := s.Workflows.TriggerWorkflow(s.Ctx, &wire.TriggerWorkflowRequest{Name: "w"})
	require.NoError(t, err)
	_, answer := s.REST(t, http.MethodGet, "/api/v1/stable/workflow-runs/"+run.WorkflowRunId+"/status", nil)
	require.Equal(t, "QUEUED", answer)
	require.Equal(t, "ACTIVE", pause(t, s, worker, false))
	action, err := stream.Recv()
	require.NoError(t, err)
	require.Equal(t, run.WorkflowRunId, action.WorkflowRunId)
}

func TestPauseHoldsWhetherTheWorkerComesBeforeOrAfterIt(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	for range 20 {
		worker := register(t, s, "w")
		var both sync.WaitGroup
		both.Go(func() { pause(t, s, worker, true) })
		both.Go(func() {
			_, err := s.Dispatcher.ListenV2(s.Ctx, &wire.WorkerListenRequest{WorkerId: worker})
			require.NoError(t, err)
			_, err = s.Dispatcher.Heartbeat(s.Ctx, &wire.HeartbeatRequest{WorkerId: worker}) // returns once it is attached
			require.NoError(t, err)
		})
		both.Wait()
		_, answer := s.REST(t, http.MethodGet, "/api/v1/workers/"+worker, nil)
		require.Equal(t, "PAUSED", answer.(map[string]any)["status"])
	}
}

func TestWorkerWithoutAHeartbeatIsInactive(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	worker := register(t, s, "w")
	listen(t, s, worker)
	awaitStatus(t, s, worker, "INACTIVE") // it does not beat
	_, err := s.Dispatcher.Heartbeat(s.Ctx, &wire.HeartbeatRequest{WorkerId: worker})
	require.NoError(t, err)
	awaitStatus(t, s, worker, "ACTIVE")
}

func TestWorkerOfAnotherTenantDoesNotExist(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	theirs, err := s.Dispatcher.Register(s.As(t, s.TokenOf(t, "others")), &wire.WorkerRegisterRequest{WorkerName: "w"})
	require.NoError(t, err)
	for _, worker := range []string{theirs.WorkerId, "0190aaaa-0000-7000-8000-000000000000", "nonsense"} {
		code, _ := s.REST(t, http.MethodGet, "/api/v1/workers/"+worker, nil)
		require.Equal(t, http.StatusNotFound, code)
		code, _ = s.REST(t, http.MethodPatch, "/api/v1/workers/"+worker, map[string]any{"isPaused": true})
		require.Equal(t, http.StatusNotFound, code)
	}
}
