package hatchet_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/adzehq/adze/internal/edge/hatchettest"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// program is a worker as an SDK plays it.
type program struct {
	t     *testing.T
	stage *hatchettest.Stage
	id    string

	got  chan *wire.AssignedAction // of the stream that is open
	stop context.CancelFunc        // ends that stream
	over chan error                // why it ended
}

// work registers a worker for actions, and has it listen.
func work(t *testing.T, s *hatchettest.Stage, actions ...string) *program {
	t.Helper()
	p := register(t, s, &wire.WorkerRegisterRequest{WorkerName: "w", Actions: actions})
	p.listen()
	return p
}

func register(t *testing.T, s *hatchettest.Stage, request *wire.WorkerRegisterRequest) *program {
	t.Helper()
	registered, err := s.Dispatcher.Register(s.Ctx, request)
	require.NoError(t, err)
	require.Equal(t, s.Tenant, registered.TenantId)
	require.Equal(t, request.WorkerName, registered.WorkerName)
	return &program{t: t, stage: s, id: registered.WorkerId}
}

// listen opens a stream. It beats once that is there, so that the worker is known to listen.
func (p *program) listen() {
	p.t.Helper()
	ctx, stop := context.WithCancel(p.stage.Ctx)
	p.t.Cleanup(stop)
	stream, err := p.stage.Dispatcher.ListenV2(ctx, &wire.WorkerListenRequest{WorkerId: p.id})
	require.NoError(p.t, err)
	p.got, p.stop, p.over = make(chan *wire.AssignedAction, 1_000), stop, make(chan error, 1)
	go func(got chan *wire.AssignedAction, over chan error) {
		for {
			action, err := stream.Recv()
			if err != nil {
				over <- err
				return
			}
			got <- action
		}
	}(p.got, p.over)
}

// next waits for an action.
func (p *program) next() *wire.AssignedAction {
	p.t.Helper()
	select {
	case action := <-p.got:
		return action
	case err := <-p.over:
		require.NoError(p.t, err)
	case <-time.After(hatchettest.Patience):
		require.Fail(p.t, "no action came")
	}
	return nil
}

// say sends an event of an action's attempt.
func (p *program) say(a *wire.AssignedAction, kind wire.StepActionEventType, payload string) error {
	_, err := p.stage.Dispatcher.SendStepActionEvent(p.stage.Ctx, &wire.StepActionEvent{
		WorkerId: p.id, JobId: a.JobId, JobRunId: a.JobRunId, TaskId: a.TaskId, ActionId: a.ActionId,
		TaskRunExternalId: a.TaskRunExternalId, EventType: kind, EventPayload: payload, RetryCount: proto.Int32(a.RetryCount),
	})
	return err
}

func (p *program) started(a *wire.AssignedAction) {
	p.t.Helper()
	require.NoError(p.t, p.say(a, wire.StepActionEventType_STEP_EVENT_TYPE_STARTED, ""))
}

func (p *program) completed(a *wire.AssignedAction, output string) {
	p.t.Helper()
	require.NoError(p.t, p.say(a, wire.StepActionEventType_STEP_EVENT_TYPE_COMPLETED, output))
}

func (p *program) beat() error {
	_, err := p.stage.Dispatcher.Heartbeat(p.stage.Ctx, &wire.HeartbeatRequest{WorkerId: p.id})
	return err
}

// define registers a workflow of one task.
func define(t *testing.T, s *hatchettest.Stage, name string, change func(*wire.CreateTaskOpts)) {
	t.Helper()
	task := &wire.CreateTaskOpts{ReadableId: "step", Action: name + ":step", Timeout: "60s", Inputs: "{}"}
	if change != nil {
		change(task)
	}
	_, err := s.Admin.PutWorkflow(s.Ctx, &wire.CreateWorkflowVersionRequest{Name: name, Tasks: []*wire.CreateTaskOpts{task}})
	require.NoError(t, err)
}

func start(t *testing.T, s *hatchettest.Stage, name, input string) string {
	t.Helper()
	response, err := s.Workflows.TriggerWorkflow(s.Ctx, &wire.TriggerWorkflowRequest{Name: name, Input: input})
	require.NoError(t, err)
	return response.WorkflowRunId
}

func TestWorkerIsGivenWhatItSaysItCanDoAndItsResultCounts(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	define(t, s, "simple", nil)
	p := work(t, s, "Simple:Step")
	run := start(t, s, "simple", `{"n":1.50}`)

	a := p.next()
	require.Equal(t, s.Tenant, a.TenantId)
	require.Equal(t, run, a.WorkflowRunId, "Trap 14: a standalone run is its task")
	require.Equal(t, run, a.TaskRunExternalId)
	require.Equal(t, run, a.JobRunId)
	require.Equal(t, "simple:step", a.ActionId)
	require.Equal(t, wire.ActionType_ACTION_TYPE_START_STEP_RUN, a.ActionType)
	require.Equal(t, "step", a.TaskName)
	require.Equal(t, "step", a.JobName)
	require.Zero(t, a.RetryCount)
	require.JSONEq(t, `{}`, a.GetAdditionalMetadata(), "Trap 10: an object always")
	require.Equal(t, int32(1), a.Priority)
	require.Nil(t, a.DurableTaskInvocationCount)
	require.JSONEq(t, `{"input":{"n":1.50},"parents":{},"triggered_by":"manual",
		"triggers":{"filter_payload":null},"user_data":null,"overrides":null}`, a.ActionPayload, "Trap 9: triggers is an object")
	require.Contains(t, a.ActionPayload, "1.50", "numbers stay as they were written")

	p.started(a)
	p.started(a) // Trap 8: it comes twice
	p.completed(a, `{"m":2}`)
	p.started(a) // Trap 8: or late
	details, err := s.Admin.GetRunDetails(s.Ctx, &wire.GetRunDetailsRequest{ExternalId: run})
	require.NoError(t, err)
	require.Equal(t, wire.RunStatus_RUN_STATUS_COMPLETED, details.Status, "what is answered is committed")
	require.JSONEq(t, `{"m":2}`, string(details.TaskRuns["step"].Output))
}

// Trap 8: what comes of an attempt before, or twice, is ignored quietly.
func TestReportsOfOldAttemptsAreIgnoredQuietly(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	define(t, s, "again", func(task *wire.CreateTaskOpts) { task.Retries = 1 })
	p := work(t, s, "again:step")
	run := start(t, s, "again", `{}`)
	first := p.next()
	require.NoError(t, p.say(first, wire.StepActionEventType_STEP_EVENT_TYPE_FAILED, "once"))
	second := p.next()
	require.Equal(t, int32(1), second.RetryCount)
	require.Equal(t, run, second.TaskRunExternalId)
	p.completed(first, `{"of":"first"}`)
	p.completed(second, `{"of":"second"}`)
	p.completed(second, `{"of":"again"}`)
	details, err := s.Admin.GetRunDetails(s.Ctx, &wire.GetRunDetailsRequest{ExternalId: run})
	require.NoError(t, err)
	require.JSONEq(t, `{"of":"second"}`, string(details.TaskRuns["step"].Output))
}

// Trap 7: who sends an event may say its name for its id.
func TestReportIsTakenWhateverItsWorkerIsCalled(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	define(t, s, "named", nil)
	p := work(t, s, "named:step")
	start(t, s, "named", `{}`)
	a := p.next()
	p.id = "a name"
	p.completed(a, `{}`)
}

func TestReportOfAnUnknownTaskIsInvalid(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	for _, task := range []string{"", "nonsense", "0190aaaa-0000-7000-8000-000000000000"} {
		_, err := s.Dispatcher.SendStepActionEvent(s.Ctx, &wire.StepActionEvent{
			TaskRunExternalId: task, EventType: wire.StepActionEventType_STEP_EVENT_TYPE_COMPLETED,
		})
		require.Equal(t, codes.InvalidArgument, status.Code(err), task)
	}
}

// What a stream did not bring before it was cut comes on the next one.
func TestStreamThatIsCutLosesNothing(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	define(t, s, "cut", nil)
	p := work(t, s, "cut:step")
	const runs = 50
	for range runs {
		start(t, s, "cut", `{}`)
	}
	done := map[string]bool{}
	for received := 0; len(done) < runs; received++ {
		a := p.next()
		if received%10 == 9 { // it is lost with its stream, and what is on its way
			p.stop()
			p.listen()
			continue
		}
		p.completed(a, `{}`)
		done[a.TaskRunExternalId] = true
	}
}

// Trap 17: the end of an older stream says nothing of the newer one.
func TestOlderStreamThatEndsDoesNotDisturbTheNewer(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	define(t, s, "two", nil)
	p := work(t, s, "two:step")
	older := *p
	start(t, s, "two", `{}`)
	older.completed(older.next(), `{}`)
	p.listen()
	start(t, s, "two", `{}`)
	p.completed(p.next(), `{}`)
	older.stop()
	<-older.over
	start(t, s, "two", `{}`)
	p.completed(p.next(), `{}`)
	require.NoError(t, p.beat())
}

// Trap 18: a heartbeat is refused only when the stream is gone for good.
func TestHeartbeatIsRefusedOnlyWithoutAStream(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	p := register(t, s, &wire.WorkerRegisterRequest{WorkerName: "w"})
	require.NoError(t, p.beat(), "it has not listened yet")
	p.listen()
	require.NoError(t, p.beat())
	_, err := s.Dispatcher.Unsubscribe(s.Ctx, &wire.WorkerUnsubscribeRequest{WorkerId: p.id})
	require.NoError(t, err)
	<-p.over
	require.Eventually(t, func() bool { return status.Code(p.beat()) == codes.FailedPrecondition }, hatchettest.Patience, 50*time.Millisecond)
	require.ErrorContains(t, p.beat(), "Heartbeat rejected: worker stream is not active")
	p.listen()
	require.Eventually(t, func() bool { return p.beat() == nil }, hatchettest.Patience, 10*time.Millisecond)
}

func TestUnknownWorkersAreRefused(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	mine := register(t, s, &wire.WorkerRegisterRequest{WorkerName: "w"})
	theirs := s.As(t, s.TokenOf(t, "others"))
	for _, asked := range []struct {
		ctx    context.Context
		worker string
		code   codes.Code
	}{
		{s.Ctx, "nonsense", codes.InvalidArgument},
		{s.Ctx, "0190aaaa-0000-7000-8000-000000000000", codes.NotFound},
		{theirs, mine.id, codes.NotFound},
	} {
		_, err := s.Dispatcher.Heartbeat(asked.ctx, &wire.HeartbeatRequest{WorkerId: asked.worker})
		require.Equal(t, asked.code, status.Code(err), asked.worker)
		_, err = s.Dispatcher.Unsubscribe(asked.ctx, &wire.WorkerUnsubscribeRequest{WorkerId: asked.worker})
		require.Equal(t, asked.code, status.Code(err), asked.worker)
		_, err = s.Dispatcher.UpsertWorkerLabels(asked.ctx, &wire.UpsertWorkerLabelsRequest{WorkerId: asked.worker})
		require.Equal(t, asked.code, status.Code(err), asked.worker)
		stream, err := s.Dispatcher.ListenV2(asked.ctx, &wire.WorkerListenRequest{WorkerId: asked.worker})
		require.NoError(t, err)
		_, err = stream.Recv()
		require.Equal(t, asked.code, status.Code(err), asked.worker)
	}
}

// A worker whose engine was started again goes on: what it ran counts.
func TestWorkerGoesOnWhenItsEngineIsStartedAgain(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	define(t, s, "long", nil)
	p := work(t, s, "long:step")
	run := start(t, s, "long", `{}`)
	a := p.next()
	p.started(a)
	awaitSaved(t, s, run)
	s.Stop(t)

	p.stage = hatchettest.StartOn(t, s.URL)
	p.completed(a, `{"went":"on"}`)
	details, err := p.stage.Admin.GetRunDetails(p.stage.Ctx, &wire.GetRunDetailsRequest{ExternalId: run})
	require.NoError(t, err)
	require.JSONEq(t, `{"went":"on"}`, string(details.TaskRuns["step"].Output))
	p.listen()
	start(t, p.stage, "long", `{}`)
	p.completed(p.next(), `{}`)
}

// awaitSaved waits until a new owner would know that a task runs.
func awaitSaved(t *testing.T, s *hatchettest.Stage, task string) {
	t.Helper()
	require.Eventually(t, func() bool {
		var running bool
		err := s.Pool.QueryRow(s.Ctx, `select exists (select from adze.open_task where state = 'running')`).Scan(&running)
		return err == nil && running
	}, hatchettest.Patience, 50*time.Millisecond, task)
}

func decode(t *testing.T, text string) (value map[string]any) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(text), &value))
	return value
}

func TestChildIsToldItsPlaceAmongItsSiblings(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	define(t, s, "parent", nil)
	define(t, s, "child", nil)
	p := work(t, s, "parent:step", "child:step")
	parent := start(t, s, "parent", "{}")
	require.Equal(t, parent, p.next().WorkflowRunId)
	spawn := func(index *int32, key *string) *wire.AssignedAction {
		trigger(t, s, &wire.TriggerWorkflowRequest{
			Name: "child", ParentId: &parent, ParentTaskRunExternalId: &parent, ChildIndex: index, ChildKey: key,
		})
		a := p.next()
		require.Equal(t, parent, a.GetParentWorkflowRunId())
		return a
	}
	a := spawn(ptr(int32(7)), nil)
	require.Equal(t, int32(7), a.GetChildWorkflowIndex())
	require.Nil(t, a.ChildWorkflowKey)
	require.Equal(t, "only", spawn(ptr(int32(8)), ptr("only")).GetChildWorkflowKey())
	require.Nil(t, spawn(nil, nil).ChildWorkflowIndex)
}
