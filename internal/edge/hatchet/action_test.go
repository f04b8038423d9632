package hatchet_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/adzehq/adze/internal/edge/hatchettest"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

const (
	failed    = wire.StepActionEventType_STEP_EVENT_TYPE_FAILED
	completed = wire.StepActionEventType_STEP_EVENT_TYPE_COMPLETED
)

// awaitRun waits until a run is done, and tells how it stands.
func awaitRun(t *testing.T, s *hatchettest.Stage, run string) *wire.GetRunDetailsResponse {
	t.Helper()
	var details *wire.GetRunDetailsResponse
	require.Eventually(t, func() bool {
		var err error
		details, err = s.Admin.GetRunDetails(s.Ctx, &wire.GetRunDetailsRequest{ExternalId: run}, grpc.MaxCallRecvMsgSize(64<<20))
		return err == nil && details.Done
	}, hatchettest.Patience, 10*time.Millisecond)
	return details
}

func TestCancelledTaskIsCancelledAtOnceAndItsWorkerTold(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	define(t, s, "stop", nil)
	p := work(t, s, "stop:step")
	run := start(t, s, "stop", `{}`)
	begun := p.next()
	p.started(begun)
	_, err := s.Admin.CancelTasks(s.Ctx, &wire.CancelTasksRequest{ExternalIds: []string{run}})
	require.NoError(t, err)
	stop := p.next()
	require.Equal(t, wire.ActionType_ACTION_TYPE_CANCEL_STEP_RUN, stop.ActionType)
	require.Equal(t, begun.TaskRunExternalId, stop.TaskRunExternalId)
	require.Equal(t, begun.WorkflowRunId, stop.WorkflowRunId)
	require.Equal(t, begun.ActionId, stop.ActionId)
	require.Equal(t, begun.RetryCount, stop.RetryCount)
	require.Equal(t, wire.RunStatus_RUN_STATUS_CANCELLED, awaitRun(t, s, run).Status, "its worker said nothing")
	p.completed(begun, `{"late":true}`)
	require.Equal(t, wire.RunStatus_RUN_STATUS_CANCELLED, awaitRun(t, s, run).Status)
}

// Trap 20: what ran too long is tried again; trap 39: and says so in these words.
func TestTaskThatRunsTooLongIsCancelledAndTriedAgain(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	define(t, s, "slow", func(task *wire.CreateTaskOpts) { task.Timeout, task.Retries = "2s", 1 })
	p := work(t, s, "slow:step")
	run := start(t, s, "slow", `{}`)
	for retry := range int32(2) {
		begun := p.next()
		require.Equal(t, wire.ActionType_ACTION_TYPE_START_STEP_RUN, begun.ActionType)
		require.Equal(t, retry, begun.RetryCount)
		p.started(begun)
		stop := p.next()
		require.Equal(t, wire.ActionType_ACTION_TYPE_CANCEL_STEP_RUN, stop.ActionType)
		require.Equal(t, retry, stop.RetryCount)
	}
	details := awaitRun(t, s, run)
	require.Equal(t, wire.RunStatus_RUN_STATUS_FAILED, details.Status)
	require.Contains(t, details.TaskRuns["step"].GetError(), "Task exceeded timeout")
}

func TestDeadlineMovesByTheIncrement(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	define(t, s, "more", func(task *wire.CreateTaskOpts) { task.Timeout = "10s" })
	p := work(t, s, "more:step")
	before := time.Now()
	run := start(t, s, "more", `{}`)
	begun := p.next()
	first, err := s.Dispatcher.RefreshTimeout(s.Ctx, &wire.RefreshTimeoutRequest{TaskRunExternalId: run, IncrementTimeoutBy: "1m"})
	require.NoError(t, err)
	require.WithinRange(t, first.TimeoutAt.AsTime(), before.Add(70*time.Second-time.Millisecond), time.Now().Add(70*time.Second))
	second, err := s.Dispatcher.RefreshTimeout(s.Ctx, &wire.RefreshTimeoutRequest{TaskRunExternalId: run, IncrementTimeoutBy: "30s"})
	require.NoError(t, err)
	require.WithinDuration(t, first.TimeoutAt.AsTime().Add(30*time.Second), second.TimeoutAt.AsTime(), time.Second)

	for _, text := range []string{"", "soon", "-1s", "0s"} {
		_, err = s.Dispatcher.RefreshTimeout(s.Ctx, &wire.RefreshTimeoutRequest{TaskRunExternalId: run, IncrementTimeoutBy: text})
		require.Equal(t, codes.InvalidArgument, status.Code(err), text)
	}
	p.completed(begun, `{}`)
	_, err = s.Dispatcher.RefreshTimeout(s.Ctx, &wire.RefreshTimeoutRequest{TaskRunExternalId: run, IncrementTimeoutBy: "1m"})
	require.Equal(t, codes.NotFound, status.Code(err), "it does not run")
	for text, code := range map[string]codes.Code{s.Tenant: codes.NotFound, "x": codes.InvalidArgument} {
		_, err = s.Dispatcher.RefreshTimeout(s.Ctx, &wire.RefreshTimeoutRequest{TaskRunExternalId: text, IncrementTimeoutBy: "1m"})
		require.Equal(t, code, status.Code(err), text)
		_, err = s.Dispatcher.ReleaseSlot(s.Ctx, &wire.ReleaseSlotRequest{TaskRunExternalId: text})
		require.Equal(t, code, status.Code(err), text)
	}
}

func TestReleasedSlotIsGivenToTheNextTask(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	define(t, s, "one", nil)
	p := register(t, s, &wire.WorkerRegisterRequest{WorkerName: "w", Actions: []string{"one:step"}, Slots: proto.Int32(1)})
	p.listen()
	start(t, s, "one", `{}`)
	first := p.next()
	second := start(t, s, "one", `{}`)
	_, err := s.Dispatcher.ReleaseSlot(s.Ctx, &wire.ReleaseSlotRequest{TaskRunExternalId: first.TaskRunExternalId})
	require.NoError(t, err)
	next := p.next()
	require.Equal(t, second, next.TaskRunExternalId)
	p.completed(first, `{}`)
	p.completed(next, `{}`)
}

func TestReleasedSlotStaysReleasedWhenTheEngineIsStartedAgain(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	define(t, s, "one", nil)
	p := register(t, s, &wire.WorkerRegisterRequest{WorkerName: "w", Actions: []string{"one:step"}, Slots: proto.Int32(1)})
	p.listen()
	run := start(t, s, "one", `{}`)
	first := p.next()
	p.started(first)
	_, err := s.Dispatcher.ReleaseSlot(s.Ctx, &wire.ReleaseSlotRequest{TaskRunExternalId: run})
	require.NoError(t, err)
	s.Stop(t)

	s = hatchettest.StartOn(t, s.URL)
	p.stage = s
	p.listen()
	second := start(t, s, "one", `{}`)
	next := p.next()
	require.Equal(t, second, next.TaskRunExternalId, "the worker has one slot, and the first task has none")
	p.completed(next, `{}`)
	p.completed(first, `{"n":1}`)
	require.JSONEq(t, `{"n":1}`, string(awaitRun(t, s, run).TaskRuns["step"].Output))
	released := 0
	for _, e := range history(t, s, run) {
		if e.kind == "SLOT_RELEASED" {
			released++
		}
	}
	require.Equal(t, 1, released, "it happened once")
}

func TestSlotsOfEachTypeAreCountedApart(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	define(t, s, "gpu", func(task *wire.CreateTaskOpts) { task.SlotRequests = map[string]int32{"gpu": 2} })
	_, err := s.Dispatcher.Register(s.Ctx, &wire.WorkerRegisterRequest{WorkerName: "w", Slots: proto.Int32(1), SlotConfig: map[string]int32{"gpu": 2}})
	require.Equal(t, codes.InvalidArgument, status.Code(err), "one of the two spellings")
	_, err = s.Dispatcher.Register(s.Ctx, &wire.WorkerRegisterRequest{WorkerName: "w", SlotConfig: map[string]int32{"gpu": 100_001}})
	require.Equal(t, codes.InvalidArgument, status.Code(err))
	p := register(t, s, &wire.WorkerRegisterRequest{WorkerName: "w", Actions: []string{"gpu:step"}, SlotConfig: map[string]int32{"gpu": 3}})
	p.listen()
	start(t, s, "gpu", `{}`)
	start(t, s, "gpu", `{}`)
	first := p.next()
	require.Never(t, func() bool { return len(p.got) > 0 }, 200*time.Millisecond, 20*time.Millisecond)
	p.completed(first, `{}`)
	p.completed(p.next(), `{}`)
}

func TestFailureSaysWhenToTryAgain(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	define(t, s, "later", func(task *wire.CreateTaskOpts) { task.Retries = 1 })
	p := work(t, s, "later:step")
	start(t, s, "later", `{}`)
	first, at := p.next(), time.Now()
	_, err := s.Dispatcher.SendStepActionEvent(s.Ctx, &wire.StepActionEvent{
		TaskRunExternalId: first.TaskRunExternalId, EventType: failed, EventPayload: "busy", RetryAfterMs: proto.Int64(700),
	})
	require.NoError(t, err)
	second := p.next()
	require.Equal(t, int32(1), second.RetryCount)
	require.GreaterOrEqual(t, time.Since(at), 699*time.Millisecond)
	_, err = s.Dispatcher.SendStepActionEvent(s.Ctx, &wire.StepActionEvent{
		TaskRunExternalId: first.TaskRunExternalId, EventType: failed, RetryAfterMs: proto.Int64(-1),
	})
	require.Equal(t, codes.InvalidArgument, status.Code(err))
}

// Trap 47: an output that cannot be stored fails its task, and says why.
func TestOutputThatIsNoJSONFailsItsTask(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	define(t, s, "bad", nil)
	p := work(t, s, "bad:step")
	for _, output := range []string{`{"a":"\u0000"}`, `{`, `nonsense`} {
		run := start(t, s, "bad", `{}`)
		p.completed(p.next(), output)
		details := awaitRun(t, s, run)
		require.Equal(t, wire.RunStatus_RUN_STATUS_FAILED, details.Status, output)
		require.NotEmpty(t, details.TaskRuns["step"].GetError())
	}
	run := start(t, s, "bad", `{}`)
	p.completed(p.next(), "") // of a task that gave nothing
	require.Equal(t, wire.RunStatus_RUN_STATUS_COMPLETED, awaitRun(t, s, run).Status)
}

// Trap 40: what no client would take fails its task; sent, it would end the stream.
func TestActionThatIsTooLargeFailsItsTask(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	_, err := s.Admin.PutWorkflow(s.Ctx, &wire.CreateWorkflowVersionRequest{Name: "large", Tasks: []*wire.CreateTaskOpts{
		{ReadableId: "first", Action: "large:first", Timeout: "60s"},
		{ReadableId: "second", Action: "large:second", Timeout: "60s"},
		{ReadableId: "last", Action: "large:last", Timeout: "60s", Parents: []string{"first", "second"}},
	}})
	require.NoError(t, err)
	define(t, s, "small", nil)
	p := work(t, s, "large:first", "large:second", "large:last", "small:step")
	run := start(t, s, "large", `{}`)
	big := fmt.Sprintf(`{"a":%q}`, strings.Repeat("a", 3<<20))
	p.completed(p.next(), big)
	p.completed(p.next(), big)
	require.Eventually(t, func() bool { // its details are too large to be told here
		code, answer := s.REST(t, "GET", "/api/v1/stable/workflow-runs/"+run+"/status", nil)
		return code == http.StatusOK && answer == "FAILED"
	}, hatchettest.Patience, 50*time.Millisecond)
	var text string
	require.NoError(t, s.Pool.QueryRow(s.Ctx, `select error from adze.task_result where status = 'failed'`).Scan(&text))
	require.Contains(t, text, "bytes")
	start(t, s, "small", `{}`)
	p.completed(p.next(), `{}`)
}

// Traps 41 and 42: a batch comes as one action, and its members end each for itself.
func TestBatchComesAsOneActionWhoseMembersEndEachForItself(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	define(t, s, "many", func(task *wire.CreateTaskOpts) {
		task.Batch = &wire.TaskBatchConfig{BatchMaxSize: 3, BatchMaxIntervalMs: proto.Int32(60_000)}
	})
	p := work(t, s, "many:step")
	runs := make([]string, 3)
	for i := range runs {
		runs[i] = start(t, s, "many", fmt.Sprintf(`{"n":%d}`, i))
	}
	a := p.next()
	require.Equal(t, wire.ActionType_ACTION_TYPE_START_BATCH, a.ActionType)
	require.Equal(t, "many:step", a.ActionId)
	require.NotEmpty(t, a.GetBatchId())
	require.Equal(t, int32(3), a.GetBatchSize())
	require.Equal(t, int32(3), a.BatchStartPayload.ExpectedSize)
	require.NotEmpty(t, a.BatchStartPayload.TriggerReason)
	require.Equal(t, "default", a.GetBatchKey(), "they are gathered by nothing")
	members := decode(t, a.ActionPayload)
	require.Len(t, members, 3)
	for i, run := range runs {
		member := members[run].(map[string]any)
		require.Equal(t, run, member["workflow_run_id"])
		require.Equal(t, map[string]any{"n": float64(i)}, member["payload"].(map[string]any)["input"])
	}

	_, err := s.Admin.CancelTasks(s.Ctx, &wire.CancelTasksRequest{ExternalIds: runs[:1]})
	require.NoError(t, err)
	stop := p.next()
	require.Equal(t, wire.ActionType_ACTION_TYPE_CANCEL_STEP_RUN, stop.ActionType)
	require.Equal(t, runs[0], stop.TaskRunExternalId)
	require.Equal(t, []any{a.GetBatchId(), int32(0), int32(3)}, []any{stop.GetBatchId(), stop.GetBatchIndex(), stop.GetBatchSize()})
	report := func(kind wire.StepActionEventType, items ...*wire.BatchActionEventItem) {
		_, err := s.Dispatcher.SendBatchActionEvent(s.Ctx, &wire.BatchActionEvent{WorkerId: p.id, ActionId: a.ActionId, BatchId: a.BatchId, EventType: kind, Items: items})
		require.NoError(t, err)
	}
	report(wire.StepActionEventType_STEP_EVENT_TYPE_STARTED,
		&wire.BatchActionEventItem{TaskRunExternalId: runs[1]}, &wire.BatchActionEventItem{TaskRunExternalId: runs[2]})
	report(completed, &wire.BatchActionEventItem{TaskRunExternalId: runs[1], EventPayload: `{"of":1}`, RetryCount: proto.Int32(0)},
		&wire.BatchActionEventItem{TaskRunExternalId: runs[0], EventPayload: `{"of":0}`})
	report(failed, &wire.BatchActionEventItem{TaskRunExternalId: runs[2], EventPayload: "broke"})
	require.Equal(t, wire.RunStatus_RUN_STATUS_CANCELLED, awaitRun(t, s, runs[0]).Status)
	require.JSONEq(t, `{"of":1}`, string(awaitRun(t, s, runs[1]).TaskRuns["step"].Output))
	require.Equal(t, "broke", awaitRun(t, s, runs[2]).TaskRuns["step"].GetError())
}

func TestBatchIsToldByWhichKeyItWasGathered(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	define(t, s, "many", func(task *wire.CreateTaskOpts) {
		task.Batch = &wire.TaskBatchConfig{
			BatchMaxSize: 2, BatchMaxIntervalMs: proto.Int32(60_000), BatchGroupKey: proto.String("input.color"),
		}
	})
	p := work(t, s, "many:step")
	var red []string
	for _, color := range []string{"red", "blue", "red"} {
		run := start(t, s, "many", fmt.Sprintf(`{"color":%q}`, color))
		if color == "red" {
			red = append(red, run)
		}
	}
	a := p.next()
	require.Equal(t, "red", a.GetBatchKey())
	_, err := s.Admin.CancelTasks(s.Ctx, &wire.CancelTasksRequest{ExternalIds: red[1:]})
	require.NoError(t, err)
	stop := p.next()
	require.Equal(t, []any{"red", a.GetBatchId(), int32(1), int32(2)},
		[]any{stop.GetBatchKey(), stop.GetBatchId(), stop.GetBatchIndex(), stop.GetBatchSize()})
}

func TestStepIsToldOfItsParentsAndOfThoseThatWereSkipped(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	_, err := s.Admin.PutWorkflow(s.Ctx, &wire.CreateWorkflowVersionRequest{Name: "fork", Tasks: []*wire.CreateTaskOpts{
		{ReadableId: "first", Action: "fork:first", Timeout: "60s"},
		{
			ReadableId: "skipped", Action: "fork:skipped", Timeout: "60s", Parents: []string{"first"},
			Conditions: &wire.TaskConditions{ParentOverrideConditions: []*wire.ParentOverrideMatchCondition{{
				Base: &wire.BaseMatchCondition{Action: wire.Action_ACTION_SKIP, OrGroupId: "g", Expression: "true"}, ParentReadableId: "first",
			}}},
		},
		{ReadableId: "last", Action: "fork:last", Timeout: "60s", Parents: []string{"first", "skipped"}},
	}})
	require.NoError(t, err)
	p := work(t, s, "fork:first", "fork:skipped", "fork:last")
	run := start(t, s, "fork", `{"n":1}`)
	first := p.next()
	require.Equal(t, run, first.WorkflowRunId)
	require.NotEqual(t, run, first.TaskRunExternalId, "Trap 14: a task of several has an id of its own")
	p.completed(first, `{"m":2}`)
	last := p.next()
	require.Equal(t, "last", last.TaskName)
	require.Equal(t, map[string]any{"first": map[string]any{"m": 2.0}, "skipped": map[string]any{"skipped": true}}, decode(t, last.ActionPayload)["parents"])
}

func TestChildIsToldByWhomAndHowItWasSpawned(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	define(t, s, "parent", nil)
	define(t, s, "child", nil)
	p := work(t, s, "parent:step", "child:step")
	run := start(t, s, "parent", `{}`)
	p.next()
	for _, spawned := range []*wire.TriggerWorkflowRequest{{ChildIndex: proto.Int32(7)}, {ChildKey: proto.String("k"), ChildIndex: proto.Int32(8)}} {
		spawned.Name, spawned.Input, spawned.ParentId, spawned.ParentTaskRunExternalId = "child", `{}`, &run, &run
		_, err := s.Workflows.TriggerWorkflow(s.Ctx, spawned)
		require.NoError(t, err)
		a := p.next()
		require.Equal(t, run, a.GetParentWorkflowRunId())
		require.Equal(t, spawned.ChildKey, a.ChildWorkflowKey)
		require.Equal(t, spawned.ChildIndex, a.ChildWorkflowIndex)
	}
}

func TestChildIsToldAfterARestartAndOnReplayHowItWasSpawned(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	define(t, s, "parent", nil)
	define(t, s, "child", nil)
	_, err := s.Admin.PutWorkflow(s.Ctx, &wire.CreateWorkflowVersionRequest{Name: "children", Tasks: []*wire.CreateTaskOpts{
		{ReadableId: "one", Action: "children:one", Timeout: "60s", Inputs: "{}"},
		{ReadableId: "two", Action: "children:two", Timeout: "60s", Inputs: "{}", Parents: []string{"one"}},
	}})
	require.NoError(t, err)
	p := work(t, s, "parent:step")
	run := start(t, s, "parent", `{}`)
	p.next()
	var spawned []string
	for _, name := range []string{"child", "children"} {
		spawned = append(spawned, trigger(t, s, &wire.TriggerWorkflowRequest{
			Name: name, Input: `{}`, ParentId: &run, ParentTaskRunExternalId: &run, ChildKey: proto.String(name), ChildIndex: proto.Int32(3),
		}))
	}
	s.Stop(t)

	s = hatchettest.StartOn(t, s.URL)
	p = work(t, s, "child:step", "children:one", "children:two")
	for range 2 {
		for range 3 {
			a := p.next()
			require.Contains(t, a.ActionId, a.GetChildWorkflowKey()+":")
			require.EqualValues(t, 3, a.GetChildWorkflowIndex())
			require.NotNil(t, a.ParentWorkflowRunId)
			p.completed(a, `{}`)
		}
		results(t, s, spawned...)
		replay(t, s, spawned...)
	}
}
