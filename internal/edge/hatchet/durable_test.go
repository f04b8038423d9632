package hatchet_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/adzehq/adze/internal/edge/hatchettest"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// mind is a worker's stream of durable tasks, as an SDK plays it.
type mind struct {
	t       *testing.T
	program *program
	stream  wire.V1Dispatcher_DurableTaskClient
	got     chan *wire.DurableTaskResponse
	stop    context.CancelFunc
}

// think opens the stream of a worker.
func (p *program) think() *mind {
	p.t.Helper()
	m := p.thinkUnsaid()
	m.send(&wire.DurableTaskRequest{Message: &wire.DurableTaskRequest_RegisterWorker{
		RegisterWorker: &wire.DurableTaskRequestRegisterWorker{WorkerId: p.id},
	}})
	require.Equal(p.t, p.id, m.next().GetRegisterWorker().GetWorkerId())
	return m
}

// thinkUnsaid opens a stream and does not say whose it is.
func (p *program) thinkUnsaid() *mind {
	p.t.Helper()
	ctx, stop := context.WithCancel(p.stage.Ctx)
	p.t.Cleanup(stop)
	stream, err := p.stage.Durable.DurableTask(ctx)
	require.NoError(p.t, err)
	m := &mind{t: p.t, program: p, stream: stream, got: make(chan *wire.DurableTaskResponse, 1_000), stop: stop}
	go func() {
		defer close(m.got)
		for {
			response, err := stream.Recv()
			if err != nil {
				return
			}
			m.got <- response
		}
	}()
	return m
}

func (m *mind) send(request *wire.DurableTaskRequest) {
	m.t.Helper()
	require.NoError(m.t, m.stream.Send(request))
}

func (m *mind) next() *wire.DurableTaskResponse {
	m.t.Helper()
	select {
	case response, open := <-m.got:
		require.True(m.t, open, "the stream ended")
		return response
	case <-time.After(hatchettest.Patience):
		require.Fail(m.t, "nothing was told")
	}
	return nil
}

// code is a durable function that runs: the invocation that an action began.
type code struct {
	*mind
	action *wire.AssignedAction
}

// begin takes the next action, which is of that invocation.
func (m *mind) begin(invocation int32) *code {
	m.t.Helper()
	a := m.program.next()
	require.Equal(m.t, wire.ActionType_ACTION_TYPE_START_STEP_RUN, a.ActionType)
	require.NotNil(m.t, a.DurableTaskInvocationCount)
	require.Equal(m.t, invocation, *a.DurableTaskInvocationCount)
	m.program.started(a)
	return &code{m, a}
}

func (c *code) number() int32 { return *c.action.DurableTaskInvocationCount }

func sleepFor(key, text string) *wire.SleepMatchCondition {
	return &wire.SleepMatchCondition{SleepFor: text, Base: &wire.BaseMatchCondition{ReadableDataKey: key, OrGroupId: "g"}}
}

func eventOf(key, group, name, expression string) *wire.UserEventMatchCondition {
	return &wire.UserEventMatchCondition{UserEventKey: name, Base: &wire.BaseMatchCondition{
		ReadableDataKey: key, OrGroupId: group, Expression: expression,
	}}
}

func (c *code) sendWait(conditions *wire.DurableEventListenerConditions) {
	c.t.Helper()
	c.send(&wire.DurableTaskRequest{Message: &wire.DurableTaskRequest_WaitFor{WaitFor: &wire.DurableTaskWaitForRequest{
		InvocationCount: c.number(), DurableTaskExternalId: c.action.TaskRunExternalId, WaitForConditions: conditions,
	}}})
}

// wait waits for conditions, and returns with the ack.
func (c *code) wait(conditions *wire.DurableEventListenerConditions) *wire.DurableEventLogEntryRef {
	c.t.Helper()
	c.sendWait(conditions)
	return c.ref(c.next().GetWaitForAck().GetRef())
}

// ref is one that names this invocation.
func (c *code) ref(ref *wire.DurableEventLogEntryRef) *wire.DurableEventLogEntryRef {
	c.t.Helper()
	require.Equal(c.t, c.action.TaskRunExternalId, ref.GetDurableTaskExternalId())
	require.Equal(c.t, c.number(), ref.GetInvocationCount(), "Trap 25: the number of the current invocation")
	return ref
}

func sleeping(key, text string) *wire.DurableEventListenerConditions {
	return &wire.DurableEventListenerConditions{SleepConditions: []*wire.SleepMatchCondition{sleepFor(key, text)}}
}

func events(conditions ...*wire.UserEventMatchCondition) *wire.DurableEventListenerConditions {
	return &wire.DurableEventListenerConditions{UserEventConditions: conditions}
}

// completed takes the end of a node.
func (c *code) completed(node int64) *wire.DurableTaskEventLogEntryCompletedResponse {
	c.t.Helper()
	end := c.next().GetEntryCompleted()
	require.NotNil(c.t, end)
	require.Equal(c.t, node, c.ref(end.GetRef()).GetNodeId())
	return end
}

func (c *code) memo(key string) *wire.DurableTaskEventMemoAckResponse {
	c.t.Helper()
	c.send(&wire.DurableTaskRequest{Message: &wire.DurableTaskRequest_Memo{Memo: &wire.DurableTaskMemoRequest{
		InvocationCount: c.number(), DurableTaskExternalId: c.action.TaskRunExternalId, Key: []byte(key),
	}}})
	ack := c.next().GetMemoAck()
	require.NotNil(c.t, ack)
	c.ref(ack.GetRef())
	return ack
}

func (c *code) completeMemo(ack *wire.DurableTaskEventMemoAckResponse, key, value string) {
	c.t.Helper()
	c.send(&wire.DurableTaskRequest{Message: &wire.DurableTaskRequest_CompleteMemo{CompleteMemo: &wire.DurableTaskCompleteMemoRequest{
		Ref: ack.GetRef(), MemoKey: []byte(key), Payload: []byte(value),
	}}})
}

func (c *code) sendRuns(children ...*wire.TriggerWorkflowRequest) {
	c.t.Helper()
	c.send(&wire.DurableTaskRequest{Message: &wire.DurableTaskRequest_TriggerRuns{TriggerRuns: &wire.DurableTaskTriggerRunsRequest{
		InvocationCount: c.number(), DurableTaskExternalId: c.action.TaskRunExternalId, TriggerOpts: children,
	}}})
}

func (c *code) runs(children ...*wire.TriggerWorkflowRequest) []*wire.DurableTaskRunAckEntry {
	c.t.Helper()
	c.sendRuns(children...)
	ack := c.next().GetTriggerRunsAck()
	require.NotNil(c.t, ack)
	require.Equal(c.t, c.number(), ack.InvocationCount)
	require.Len(c.t, ack.RunEntries, len(children))
	return ack.RunEntries
}

// evict gives the task back, and waits until that is done.
func (c *code) evict() {
	c.t.Helper()
	c.send(&wire.DurableTaskRequest{Message: &wire.DurableTaskRequest_EvictInvocation{EvictInvocation: &wire.DurableTaskEvictInvocationRequest{
		InvocationCount: c.number(), DurableTaskExternalId: c.action.TaskRunExternalId,
	}}})
	ack := c.next().GetEvictionAck()
	require.Equal(c.t, c.action.TaskRunExternalId, ack.GetDurableTaskExternalId())
	require.Equal(c.t, c.number(), ack.GetInvocationCount())
}

func (c *code) waitsFor(nodes ...int64) {
	c.t.Helper()
	request := &wire.DurableTaskWorkerStatusRequest{WorkerId: c.program.id}
	for _, n := range nodes {
		request.WaitingEntries = append(request.WaitingEntries, &wire.DurableTaskAwaitedCompletedEntry{
			DurableTaskExternalId: c.action.TaskRunExternalId, InvocationCount: c.number(), BranchId: 1, NodeId: n,
		})
	}
	c.send(&wire.DurableTaskRequest{Message: &wire.DurableTaskRequest_WorkerStatus{WorkerStatus: request}})
}

func (c *code) end(output string) {
	c.t.Helper()
	c.program.completed(c.action, output)
}

// thinker is a stage with a durable task "deep" and a worker for it and for others.
func thinker(t *testing.T, actions ...string) (*hatchettest.Stage, *mind) {
	t.Helper()
	s := hatchettest.Start(t)
	define(t, s, "deep", durable)
	return s, thinking(t, s, actions...)
}

func durable(task *wire.CreateTaskOpts) {
	task.IsDurable, task.Retries = true, 3
	task.SlotRequests = map[string]int32{"durable": 1}
}

func thinking(t *testing.T, s *hatchettest.Stage, actions ...string) *mind {
	t.Helper()
	p := register(t, s, &wire.WorkerRegisterRequest{
		WorkerName: "w", Actions: append(actions, "deep:step"), SlotConfig: map[string]int32{"default": 10, "durable": 10},
	})
	p.listen()
	return p.think()
}

func push(t *testing.T, s *hatchettest.Stage, key, payload string, scope *string) {
	t.Helper()
	_, err := s.Events.Push(s.Ctx, &wire.PushEventRequest{Key: key, Payload: payload, EventTimestamp: timestamppb.Now(), Scope: scope})
	require.NoError(t, err)
}

func TestDurableTaskThatStaysIsToldWhenItsTimeComes(t *testing.T) {
	t.Parallel()
	s, m := thinker(t)
	start(t, s, "deep", `{}`)
	c := m.begin(1)
	began := time.Now()
	c.wait(sleeping("s", "500ms"))
	c.completed(1)
	require.GreaterOrEqual(t, time.Since(began), 499*time.Millisecond)
	c.wait(sleeping("s", "100ms"))
	require.JSONEq(t, `{"CREATE":{"s":[{"sleep_duration":"100ms"}]}}`, string(c.completed(2).Payload))
	c.end(`{}`)
}

func TestDurableTaskIsToldTheEventsThatItWaitsFor(t *testing.T) {
	t.Parallel()
	s, m := thinker(t)
	start(t, s, "deep", `{}`)
	c := m.begin(1)
	scoped := eventOf("scoped", "2", "b", "")
	scoped.EventScope = proto.String("eu")
	c.wait(events(eventOf("a", "1", "a", "input.n > 1"), eventOf("never", "1", "a", "no such("), scoped))
	push(t, s, "a", `{"n":1}`, nil)
	push(t, s, "b", `{"n":7}`, nil)
	push(t, s, "a", `{"n":2}`, proto.String("us"))
	push(t, s, "b", `{"n":8}`, proto.String("eu"))
	require.JSONEq(t, `{"CREATE":{"a":[{"n":2}],"scoped":[{"n":8}]}}`, string(c.completed(1).Payload))
	c.end(`{}`)
}

func TestLookbackFindsTheNewestEventThatCameBefore(t *testing.T) {
	t.Parallel()
	s, m := thinker(t)
	since := time.Now().Add(-time.Minute)
	for _, n := range []string{`{"n":1}`, `{"n":2}`, `{"n":3}`} {
		push(t, s, "early", n, proto.String("x"))
	}
	start(t, s, "deep", `{}`)
	c := m.begin(1)
	back := eventOf("e", "1", "early", "input.n < 3")
	back.EventScope, back.ConsiderEventsSince = proto.String("x"), timestamppb.New(since)
	c.wait(events(back))
	require.JSONEq(t, `{"CREATE":{"e":[{"n":2}]}}`, string(c.completed(1).Payload))
	c.end(`{}`)
}

// The value comes on another stream than what ends the attempt, which may overtake it.
func TestMemoKeepsItsValueAcrossAttempts(t *testing.T) {
	t.Parallel()
	s, m := thinker(t)
	start(t, s, "deep", `{}`)
	c := m.begin(1)
	ack := c.memo("now")
	require.False(t, ack.MemoAlreadyExisted)
	c.completeMemo(ack, "now", `{"ts":1}`)
	require.NoError(t, c.program.say(c.action, wire.StepActionEventType_STEP_EVENT_TYPE_FAILED, "oops"))
	c = m.begin(2)
	require.EqualValues(t, 1, c.action.RetryCount)
	ack = c.memo("now")
	require.True(t, ack.MemoAlreadyExisted)
	require.JSONEq(t, `{"ts":1}`, string(ack.MemoResultPayload))
	c.end(`{}`)
}

func TestDurableTaskRunsChildrenAndIsToldTheirEnds(t *testing.T) {
	t.Parallel()
	s, m := thinker(t, "leaf:step", "pair:a", "pair:b")
	define(t, s, "leaf", nil)
	_, err := s.Admin.PutWorkflow(s.Ctx, &wire.CreateWorkflowVersionRequest{Name: "pair", Tasks: []*wire.CreateTaskOpts{
		{ReadableId: "a", Action: "pair:a"}, {ReadableId: "b", Action: "pair:b", Parents: []string{"a"}},
	}})
	require.NoError(t, err)
	start(t, s, "deep", `{}`)
	c := m.begin(1)
	child := func(name, key string, index int32) *wire.TriggerWorkflowRequest {
		request := &wire.TriggerWorkflowRequest{
			Name: name, Input: `{"k":"` + key + `"}`, ParentTaskRunExternalId: &c.action.TaskRunExternalId,
			ParentId: &c.action.WorkflowRunId, ChildIndex: &index,
		}
		if key != "" {
			request.ChildKey = &key
		}
		return request
	}
	entries := c.runs(child("leaf", "good", 0), child("leaf", "bad", 1), child("pair", "", 2), child("leaf", "good", 3))
	require.Equal(t, entries[0].WorkflowRunExternalId, entries[3].WorkflowRunExternalId, "a key names one child")
	require.Equal(t, entries[0].NodeId, entries[3].NodeId)
	require.EqualValues(t, []int64{1, 2, 3}, []int64{entries[0].NodeId, entries[1].NodeId, entries[2].NodeId})
	for range 4 {
		a := m.program.next()
		m.program.started(a)
		switch {
		case a.WorkflowRunId == entries[1].WorkflowRunExternalId:
			require.NoError(t, m.program.say(a, wire.StepActionEventType_STEP_EVENT_TYPE_FAILED, "bad child"))
		case a.WorkflowRunId == entries[0].WorkflowRunExternalId:
			m.program.completed(a, `{"n":1}`)
		default:
			m.program.completed(a, `{"of":"`+a.TaskName+`"}`)
		}
	}
	ends := map[int64]*wire.DurableTaskEventLogEntryCompletedResponse{}
	for range 3 {
		end := c.next().GetEntryCompleted()
		ends[end.GetRef().GetNodeId()] = end
	}
	require.JSONEq(t, `{"n":1}`, string(ends[1].Payload), "Trap 26: of one task: as it is")
	require.True(t, ends[2].IsFailure)
	require.Equal(t, "bad child", ends[2].GetErrorMessage())
	require.JSONEq(t, `{"a":{"of":"a"},"b":{"of":"b"}}`, string(ends[3].Payload), "Trap 26: of several: by task")

	again := c.runs(child("leaf", "good", 4))
	require.Equal(t, entries[0].NodeId, again[0].NodeId)
	require.JSONEq(t, `{"n":1}`, string(c.completed(1).Payload), "it is told once more")

	stopped := c.runs(child("leaf", "stopped", 5))
	m.program.next()
	_, err = s.Admin.CancelTasks(s.Ctx, &wire.CancelTasksRequest{ExternalIds: []string{stopped[0].WorkflowRunExternalId}})
	if status.Code(err) != codes.Unimplemented {
		require.NoError(t, err)
		end := c.completed(4)
		require.True(t, end.IsFailure)
		require.Equal(t, "task was cancelled", end.GetErrorMessage(), "Trap 39")
	}
	c.sendRuns(child("nobody", "x", 6))
	require.Contains(t, c.next().GetError().GetErrorMessage(), "nobody")
	c.end(`{}`)
}

func TestOtherCodeThanBeforeIsANonDeterminism(t *testing.T) {
	t.Parallel()
	s, m := thinker(t)
	start(t, s, "deep", `{}`)
	c := m.begin(1)
	c.wait(sleeping("s", "1h"))
	require.NoError(t, c.program.say(c.action, wire.StepActionEventType_STEP_EVENT_TYPE_FAILED, "oops"))
	c = m.begin(2)
	c.sendWait(sleeping("s", "2h"))
	refusal := c.next().GetError()
	require.Equal(t, wire.DurableTaskErrorType_DURABLE_TASK_ERROR_TYPE_NONDETERMINISM, refusal.GetErrorType())
	require.Contains(t, refusal.GetErrorMessage(), "non-determinism error in task "+c.action.TaskRunExternalId, "Trap 39")
	require.EqualValues(t, 1, c.ref(refusal.GetRef()).GetNodeId())
	require.NoError(t, c.program.say(c.action, wire.StepActionEventType_STEP_EVENT_TYPE_FAILED, "gone"))
	m.begin(3).end(`{}`)
}

// Trap 28: the notice carries the number of the invocation that is to end.
func TestStaleInvocationIsToldToEnd(t *testing.T) {
	t.Parallel()
	s, m := thinker(t)
	run := start(t, s, "deep", `{}`)
	c := m.begin(1)
	c.wait(events(eventOf("e", "1", "go", "")))
	c.evict()
	for _, ask := range []func(){
		func() { c.sendWait(sleeping("s", "1s")) },
		func() { c.waitsFor(1) },
	} {
		ask()
		notice := c.next().GetServerEvict()
		require.Equal(t, run, notice.GetDurableTaskExternalId())
		require.EqualValues(t, 1, notice.GetInvocationCount())
		require.NotEmpty(t, notice.GetReason())
	}
	restored, err := s.Dispatcher.RestoreEvictedTask(s.Ctx, &wire.RestoreEvictedTaskRequest{TaskRunExternalId: run})
	require.NoError(t, err)
	require.True(t, restored.Requeued)
	c = m.begin(2)
	restored, err = s.Dispatcher.RestoreEvictedTask(s.Ctx, &wire.RestoreEvictedTaskRequest{TaskRunExternalId: run})
	require.NoError(t, err)
	require.False(t, restored.Requeued, "it runs")
	_, err = s.Dispatcher.RestoreEvictedTask(s.Ctx, &wire.RestoreEvictedTaskRequest{TaskRunExternalId: "x"})
	require.Equal(t, codes.InvalidArgument, status.Code(err))
	c.wait(events(eventOf("e", "1", "go", "")))
	push(t, s, "go", `{}`, nil)
	c.completed(1)
	c.end(`{}`)
}

func TestWhatWasLostWithAStreamIsToldAgain(t *testing.T) {
	t.Parallel()
	s, m := thinker(t)
	start(t, s, "deep", `{}`)
	c := m.begin(1)
	c.wait(events(eventOf("e", "1", "go", "")))
	c.wait(sleeping("s", "1h"))
	m.stop()
	for range m.got { // until it is over
	}
	push(t, s, "go", `{"n":1}`, nil)
	*m = *m.program.think()
	c.waitsFor(1, 2)
	require.JSONEq(t, `{"CREATE":{"e":[{"n":1}]}}`, string(c.completed(1).Payload))
	c.end(`{}`)
}

func TestEndsAreToldInTheOrderInWhichTheyCame(t *testing.T) {
	t.Parallel()
	s, m := thinker(t)
	start(t, s, "deep", `{}`)
	c := m.begin(1)
	c.wait(events(eventOf("e", "1", "first", "")))
	c.wait(events(eventOf("e", "1", "second", "")))
	push(t, s, "second", `{}`, nil)
	c.completed(2)
	push(t, s, "first", `{}`, nil)
	c.completed(1)
	require.NoError(t, c.program.say(c.action, wire.StepActionEventType_STEP_EVENT_TYPE_FAILED, "again"))
	c = m.begin(2)
	c.wait(events(eventOf("e", "1", "first", "")))
	c.wait(events(eventOf("e", "1", "second", "")))
	c.completed(2) // Trap 25
	c.completed(1)
	c.end(`{}`)
}

func TestBranchKeepsWhatIsBeforeItAndRunsTheRestAnew(t *testing.T) {
	t.Parallel()
	s, m := thinker(t)
	run := start(t, s, "deep", `{}`)
	c := m.begin(1)
	for _, key := range []string{"a", "b"} {
		c.completeMemo(c.memo(key), key, `"`+key+`"`)
	}
	c.memo("z")
	c.end(`{"n":1}`)
	code, answer := s.REST(t, "POST", "/api/v1/stable/tasks/"+run+"/restore", nil)
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, map[string]any{"requeued": false}, answer, "it has ended")
	branch, err := s.Admin.BranchDurableTask(s.Ctx, &wire.BranchDurableTaskRequest{TaskExternalId: run, NodeId: 2, BranchId: 1})
	require.NoError(t, err)
	require.EqualValues(t, 2, branch.BranchId)
	c = m.begin(2)
	require.Equal(t, run, c.action.TaskRunExternalId, "it goes by the same id")
	require.True(t, c.memo("a").MemoAlreadyExisted)
	ack := c.memo("c")
	require.False(t, ack.MemoAlreadyExisted)
	require.EqualValues(t, 2, ack.GetRef().GetBranchId())
	c.end(`{"n":2}`)
	require.JSONEq(t, `{"n":2}`, string(details(t, s, run).TaskRuns["step"].Output))
	code, answer = s.REST(t, "POST", "/api/v1/stable/tenants/"+s.Tenant+"/durable-tasks/branch",
		map[string]any{"taskExternalId": run, "nodeId": 1, "branchId": 2})
	require.Equal(t, http.StatusOK, code, answer)
	require.InDelta(t, 3, answer.(map[string]any)["branchId"], 0)
	c = m.begin(3)
	require.False(t, c.memo("x").MemoAlreadyExisted)
	c.end(`{}`)
	_, err = s.Admin.BranchDurableTask(s.Ctx, &wire.BranchDurableTaskRequest{TaskExternalId: run, NodeId: 1, BranchId: 9})
	require.Equal(t, codes.InvalidArgument, status.Code(err))
}

func TestSDKWithoutTheStreamWaitsByKeys(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	define(t, s, "deep", durable)
	p := register(t, s, &wire.WorkerRegisterRequest{WorkerName: "w", Actions: []string{"deep:step"}, SlotConfig: map[string]int32{"durable": 1}})
	p.listen()
	start(t, s, "deep", `{}`)
	a := p.next()
	p.started(a)
	for range 2 { // it is asked for again by the next attempt
		_, err := s.Durable.RegisterDurableEvent(s.Ctx, &wire.RegisterDurableEventRequest{
			TaskId: a.TaskRunExternalId, SignalKey: "sleep-0", Conditions: sleeping("s", "1s"),
		})
		require.NoError(t, err)
		stream, err := s.Durable.ListenForDurableEvent(s.Ctx)
		require.NoError(t, err)
		require.NoError(t, stream.Send(&wire.ListenForDurableEventRequest{TaskId: a.TaskRunExternalId, SignalKey: "sleep-0"}))
		event, err := stream.Recv()
		require.NoError(t, err)
		require.Equal(t, "sleep-0", event.SignalKey)
		require.JSONEq(t, `{"CREATE":{"s":[{"sleep_duration":"1s"}]}}`, string(event.Data))
		require.NoError(t, stream.CloseSend())
	}
	p.completed(a, `{}`)
}
