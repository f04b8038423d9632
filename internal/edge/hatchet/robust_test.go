package hatchet_test

import (
	"context"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	collector "go.opentelemetry.io/proto/slim/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/slim/otlp/common/v1"
	trace "go.opentelemetry.io/proto/slim/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/hatchettest"
	native "github.com/adzehq/adze/internal/wire/adzev1"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

var (
	robustSeed   = flag.Uint64("robust.seed", 1, "seed of random requests")
	robustRounds = flag.Int("robust.rounds", 3, "random requests of each method")
)

// streamWait bounds a call of a stream that has nothing to say.
const streamWait = 100 * time.Millisecond

// clear are the codes that tell a caller what to do. Unknown and Internal do not, and a
// request that is fine is not Unimplemented.
var clear = []codes.Code{
	codes.OK, codes.InvalidArgument, codes.NotFound, codes.AlreadyExists, codes.FailedPrecondition,
	codes.Unimplemented, codes.PermissionDenied, codes.ResourceExhausted, codes.DeadlineExceeded, codes.Canceled,
}

// method is a call that is made with anything.
type method struct {
	name string
	base proto.Message // a request that is fine
	call func(ctx context.Context, request proto.Message) error
}

// unary is a method with one answer.
func unary[Q, A any](name string, base *Q, call func(context.Context, *Q, ...grpc.CallOption) (*A, error)) method {
	return method{name, any(base).(proto.Message), func(ctx context.Context, request proto.Message) error {
		_, err := call(ctx, any(request).(*Q))
		return err
	}}
}

// told is a method that answers with a stream.
func told[Q, A any](name string, base *Q, call func(context.Context, *Q, ...grpc.CallOption) (grpc.ServerStreamingClient[A], error)) method {
	return method{name, any(base).(proto.Message), func(ctx context.Context, request proto.Message) error {
		ctx, cancel := context.WithTimeout(ctx, streamWait)
		defer cancel()
		stream, err := call(ctx, any(request).(*Q))
		for err == nil {
			_, err = stream.Recv()
		}
		return ended(err)
	}}
}

// talk is a method of two streams, in which the request is one message.
func talk[Q, A any](name string, base *Q, call func(context.Context, ...grpc.CallOption) (grpc.BidiStreamingClient[Q, A], error)) method {
	return method{name, any(base).(proto.Message), func(ctx context.Context, request proto.Message) error {
		ctx, cancel := context.WithTimeout(ctx, streamWait)
		defer cancel()
		stream, err := call(ctx)
		if err != nil {
			return err
		}
		if err := stream.Send(any(request).(*Q)); err == nil {
			_ = stream.CloseSend() // what it comes to is told by Recv
		}
		for err == nil {
			_, err = stream.Recv()
		}
		return ended(err)
	}}
}

func ended(err error) error {
	if err != nil && err.Error() == "EOF" {
		return nil
	}
	return err
}

// ground is what base requests name: a workflow, a worker, a run.
type ground struct{ workflow, worker, run string }

func prepare(t *testing.T, s *hatchettest.Stage) ground {
	t.Helper()
	_, err := s.Admin.PutWorkflow(s.Ctx, definition("ground"))
	require.NoError(t, err)
	worker, err := s.Dispatcher.Register(s.Ctx, &wire.WorkerRegisterRequest{WorkerName: "w", Actions: []string{"nobody:asks"}})
	require.NoError(t, err)
	run, err := s.Workflows.TriggerWorkflow(s.Ctx, &wire.TriggerWorkflowRequest{Name: "ground", Input: "{}"})
	require.NoError(t, err)
	return ground{"ground", worker.WorkerId, run.WorkflowRunId}
}

func definition(name string) *wire.CreateWorkflowVersionRequest {
	return &wire.CreateWorkflowVersionRequest{
		Name: name, EventTriggers: []string{"some:thing"},
		Tasks: []*wire.CreateTaskOpts{
			{ReadableId: "one", Action: name + ":one", Timeout: "60s"},
			{ReadableId: "two", Action: name + ":two", Timeout: "60s", Parents: []string{"one"}},
		},
	}
}

// methods are all that are served.
func methods(s *hatchettest.Stage, g ground) []method {
	return []method{
		unary("Register", &wire.WorkerRegisterRequest{WorkerName: "w", Actions: []string{"a:b"}}, s.Dispatcher.Register),
		told("ListenV2", &wire.WorkerListenRequest{WorkerId: g.worker}, s.Dispatcher.ListenV2),
		unary("Heartbeat", &wire.HeartbeatRequest{WorkerId: g.worker}, s.Dispatcher.Heartbeat),
		unary("Unsubscribe", &wire.WorkerUnsubscribeRequest{WorkerId: g.worker}, s.Dispatcher.Unsubscribe),
		unary("SendStepActionEvent", &wire.StepActionEvent{
			WorkerId: g.worker, TaskRunExternalId: g.run, EventType: wire.StepActionEventType_STEP_EVENT_TYPE_COMPLETED, EventPayload: "{}",
		}, s.Dispatcher.SendStepActionEvent),
		unary("SendBatchActionEvent", &wire.BatchActionEvent{
			WorkerId: g.worker, EventType: wire.StepActionEventType_STEP_EVENT_TYPE_COMPLETED,
			Items: []*wire.BatchActionEventItem{{TaskRunExternalId: g.run, EventPayload: "{}"}},
		}, s.Dispatcher.SendBatchActionEvent),
		talk("SubscribeToWorkflowRuns", &wire.SubscribeToWorkflowRunsRequest{WorkflowRunId: g.run}, s.Dispatcher.SubscribeToWorkflowRuns),
		told("SubscribeToWorkflowEvents", &wire.SubscribeToWorkflowEventsRequest{WorkflowRunId: &g.run}, s.Dispatcher.SubscribeToWorkflowEvents),
		unary("RefreshTimeout", &wire.RefreshTimeoutRequest{TaskRunExternalId: g.run, IncrementTimeoutBy: "10s"}, s.Dispatcher.RefreshTimeout),
		unary("ReleaseSlot", &wire.ReleaseSlotRequest{TaskRunExternalId: g.run}, s.Dispatcher.ReleaseSlot),
		unary("RestoreEvictedTask", &wire.RestoreEvictedTaskRequest{TaskRunExternalId: g.run}, s.Dispatcher.RestoreEvictedTask),
		unary("UpsertWorkerLabels", &wire.UpsertWorkerLabelsRequest{WorkerId: g.worker}, s.Dispatcher.UpsertWorkerLabels),
		unary("PutOverridesData", &wire.OverridesData{}, s.Dispatcher.PutOverridesData),
		unary("Push", &wire.PushEventRequest{Key: "k", Payload: "{}"}, s.Events.Push),
		unary("BulkPush", &wire.BulkPushEventRequest{Events: []*wire.PushEventRequest{{Key: "k", Payload: "{}"}}}, s.Events.BulkPush),
		unary("PutLog", &wire.PutLogRequest{TaskRunExternalId: g.run, Message: "m"}, s.Events.PutLog),
		unary("PutStreamEvent", &wire.PutStreamEventRequest{TaskRunExternalId: g.run, Message: []byte("m")}, s.Events.PutStreamEvent),
		unary("ScheduleWorkflow", &wire.ScheduleWorkflowRequest{Name: g.workflow, Input: "{}"}, s.Workflows.ScheduleWorkflow),
		unary("TriggerWorkflow", &wire.TriggerWorkflowRequest{Name: g.workflow, Input: "{}"}, s.Workflows.TriggerWorkflow),
		unary("BulkTriggerWorkflow", &wire.BulkTriggerWorkflowRequest{
			Workflows: []*wire.TriggerWorkflowRequest{{Name: g.workflow, Input: "{}"}},
		}, s.Workflows.BulkTriggerWorkflow),
		unary("PutRateLimit", &wire.PutRateLimitRequest{Key: "k", Limit: 1}, s.Workflows.PutRateLimit),
		unary("PauseRateLimit", &wire.PauseRateLimitRequest{Key: "k", PausedUntil: timestamppb.Now()}, s.Workflows.PauseRateLimit),
		unary("PutWorkflow", definition("defined"), s.Admin.PutWorkflow),
		unary("CancelTasks", &wire.CancelTasksRequest{ExternalIds: []string{g.run}}, s.Admin.CancelTasks),
		unary("ReplayTasks", &wire.ReplayTasksRequest{ExternalIds: []string{g.run}}, s.Admin.ReplayTasks),
		unary("TriggerWorkflowRun", &wire.TriggerWorkflowRunRequest{WorkflowName: g.workflow, Input: []byte("{}")}, s.Admin.TriggerWorkflowRun),
		unary("GetRunDetails", &wire.GetRunDetailsRequest{ExternalId: g.run}, s.Admin.GetRunDetails),
		unary("BranchDurableTask", &wire.BranchDurableTaskRequest{TaskExternalId: g.run, NodeId: 1, BranchId: 1}, s.Admin.BranchDurableTask),
		talk("DurableTask", &wire.DurableTaskRequest{Message: &wire.DurableTaskRequest_RegisterWorker{
			RegisterWorker: &wire.DurableTaskRequestRegisterWorker{WorkerId: g.worker},
		}}, s.Durable.DurableTask),
		unary("RegisterDurableEvent", &wire.RegisterDurableEventRequest{TaskId: g.run, SignalKey: "k"}, s.Durable.RegisterDurableEvent),
		talk("ListenForDurableEvent", &wire.ListenForDurableEventRequest{TaskId: g.run, SignalKey: "k"}, s.Durable.ListenForDurableEvent),
		unary("Export", spansOf(g.run), export(s)),
	}
}

// spansOf is one span of a run.
func spansOf(run string) *collector.ExportTraceServiceRequest {
	of := &common.KeyValue{
		Key: "hatchet.workflow_run_id", Value: &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: run}},
	}
	span := &trace.Span{TraceId: make([]byte, 16), SpanId: make([]byte, 8), Attributes: []*common.KeyValue{of}}
	return &collector.ExportTraceServiceRequest{ResourceSpans: []*trace.ResourceSpans{{
		ScopeSpans: []*trace.ScopeSpans{{Spans: []*trace.Span{span}}},
	}}}
}

// export sends spans to the service of OpenTelemetry.
func export(s *hatchettest.Stage) func(context.Context, *collector.ExportTraceServiceRequest, ...grpc.CallOption) (*collector.ExportTraceServiceResponse, error) {
	return func(ctx context.Context, request *collector.ExportTraceServiceRequest, options ...grpc.CallOption) (*collector.ExportTraceServiceResponse, error) {
		answer := &collector.ExportTraceServiceResponse{}
		return answer, s.Conn.Invoke(ctx, "/opentelemetry.proto.collector.trace.v1.TraceService/Export", request, answer, options...)
	}
}

// awkward are texts that somebody will send: no JSON, JSON of the wrong kind, what Postgres
// does not take, ids of nobody, expressions that do not end.
func awkward() []string {
	return []string{
		"", "\x00", " ", "null", "[]", "7", "{", `{"a":"\u0000"}`, `{"\u0000":1}`, `{"a":1e999}`, `{"a":` + strings.Repeat("[", 5_000) + strings.Repeat("]", 5_000) + `}`,
		"{}", "*", "a:b", "a.b", "not a uuid", id.ID(1 << 60).String(), "00000000-0000-0000-0000-000000000000",
		"input.x", "input.", strings.Repeat("(", 300) + "1", "1h", "-1s", "99999999h", "* * * * *", "@never",
		strings.Repeat("x", 300), strings.Repeat("é", 100_000), "{\"a\":\"" + strings.Repeat("x", 1_000_000) + "\"}", "\u202e\U0001F600",
	}
}

// values are what a field is set to, one after the other.
func values(field protoreflect.FieldDescriptor) (all []protoreflect.Value) {
	switch field.Kind() {
	case protoreflect.StringKind:
		for _, text := range awkward() {
			all = append(all, protoreflect.ValueOfString(text))
		}
	case protoreflect.BytesKind:
		for _, text := range append(awkward(), "\xff\xfe") {
			all = append(all, protoreflect.ValueOfBytes([]byte(text)))
		}
	case protoreflect.Int32Kind:
		for _, n := range []int32{-1, 0, 1, math.MinInt32, math.MaxInt32} {
			all = append(all, protoreflect.ValueOfInt32(n))
		}
	case protoreflect.Int64Kind:
		for _, n := range []int64{-1, 0, 1, math.MinInt64, math.MaxInt64} {
			all = append(all, protoreflect.ValueOfInt64(n))
		}
	case protoreflect.FloatKind:
		for _, n := range []float32{-1, 0, 1e38, float32(math.NaN()), float32(math.Inf(1))} {
			all = append(all, protoreflect.ValueOfFloat32(n))
		}
	case protoreflect.BoolKind:
		all = append(all, protoreflect.ValueOfBool(true), protoreflect.ValueOfBool(false))
	case protoreflect.EnumKind:
		for _, n := range []protoreflect.EnumNumber{-1, 0, 1, 2, 3, 4, 5, 99} {
			all = append(all, protoreflect.ValueOfEnum(n))
		}
	}
	return all
}

// spoilt calls try with base once for each field, however deep, and each value of it.
func spoilt(base proto.Message, try func(field string, request proto.Message)) {
	spoil(base.ProtoReflect(), "", 0, func(path string) { try(path, base) })
}

// depthOfMessages is how deep messages are made in messages that the base has not.
const depthOfMessages = 3

func spoil(m protoreflect.Message, path string, depth int, try func(path string)) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		before, had := proto.Clone(m.Interface()), m.Has(field)
		name := path + string(field.Name())
		switch {
		case field.IsMap():
			spoilMap(m, field, name, try)
		case field.IsList():
			spoilList(m, field, name, depth, try)
		case field.Message() != nil:
			if had || depth < depthOfMessages {
				m.Mutable(field)
				try(name)
				spoil(m.Mutable(field).Message(), name+".", depth+1, try)
			}
		default:
			for _, value := range values(field) {
				m.Set(field, value)
				try(name)
			}
		}
		m.Clear(field)
		try(name)
		if had {
			m.Set(field, before.ProtoReflect().Get(field))
		}
	}
}

func spoilMap(m protoreflect.Message, field protoreflect.FieldDescriptor, name string, try func(string)) {
	for _, key := range []string{"", "\x00", "k", strings.Repeat("k", 300)} {
		m.Clear(field)
		entries := m.Mutable(field).Map()
		entries.Set(protoreflect.ValueOfString(key).MapKey(), entries.NewValue())
		try(name)
	}
	entries := m.Mutable(field).Map()
	for i := range 2_000 {
		entries.Set(protoreflect.ValueOfString(fmt.Sprint(i)).MapKey(), entries.NewValue())
	}
	try(name)
	if field.MapValue().Message() == nil {
		for _, value := range values(field.MapValue()) {
			entries.Set(protoreflect.ValueOfString("k").MapKey(), value)
			try(name)
		}
	}
}

func spoilList(m protoreflect.Message, field protoreflect.FieldDescriptor, name string, depth int, try func(string)) {
	if field.Message() == nil {
		for _, value := range values(field) {
			m.Clear(field)
			m.Mutable(field).List().Append(value)
			try(name)
		}
	} else if m.Has(field) || depth < depthOfMessages {
		if list := m.Mutable(field).List(); list.Len() == 0 {
			list.AppendMutable()
		}
		try(name)
		spoil(m.Mutable(field).List().Get(0).Message(), name+"[0].", depth+1, try)
	}
	list := m.Mutable(field).List()
	for list.Len() < 2_000 {
		list.Append(list.NewElement())
	}
	try(name)
}

// TestEveryFieldOfEveryRequestMayBeAnything spoils requests that are fine, one field at a
// time: the answer is always one that says what is wrong, and the engine goes on.
func TestEveryFieldOfEveryRequestMayBeAnything(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes a while")
	}
	s := hatchettest.Start(t)
	for _, m := range methods(s, prepare(t, s)) {
		t.Run(m.name, func(t *testing.T) {
			m.expectClear(t, s, "nothing", m.base)
			require.NotEqual(t, codes.Unimplemented, status.Code(m.call(s.Ctx, m.base)))
			tries := 0
			spoilt(m.base, func(field string, request proto.Message) {
				tries++
				m.expectClear(t, s, field, request)
			})
			t.Logf("%d requests", tries)
		})
	}
	goesOn(t, s)
}

// TestRequestsOfRandomFieldsGetAClearAnswer fills many fields at once.
func TestRequestsOfRandomFieldsGetAClearAnswer(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	random := rand.New(rand.NewPCG(*robustSeed, 0)) //nolint:gosec // to be repeated
	for _, m := range methods(s, prepare(t, s)) {
		t.Run(m.name, func(t *testing.T) {
			for range *robustRounds {
				request := proto.Clone(m.base)
				scramble(random, request.ProtoReflect(), 0)
				m.expectClear(t, s, "random", request)
			}
		})
	}
	goesOn(t, s)
}

func scramble(random *rand.Rand, m protoreflect.Message, depth int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if random.IntN(2) == 0 {
			continue
		}
		switch {
		case field.IsMap():
			entries := m.Mutable(field).Map()
			entries.Set(protoreflect.ValueOfString(awkward()[random.IntN(12)]).MapKey(), entries.NewValue())
		case field.IsList() && field.Message() == nil:
			all := values(field)
			m.Mutable(field).List().Append(all[random.IntN(len(all))])
		case field.IsList():
			if depth < depthOfMessages {
				scramble(random, m.Mutable(field).List().AppendMutable().Message(), depth+1)
			}
		case field.Message() != nil:
			if depth < depthOfMessages {
				scramble(random, m.Mutable(field).Message(), depth+1)
			}
		default:
			all := values(field)
			m.Set(field, all[random.IntN(len(all))])
		}
	}
}

// expectClear makes the call and wants a code that says what to do.
func (m *method) expectClear(t *testing.T, s *hatchettest.Stage, field string, request proto.Message) {
	t.Helper()
	err := m.call(s.Ctx, request)
	if !slices.Contains(clear, status.Code(err)) {
		text := prototext.MarshalOptions{}.Format(request)
		t.Errorf("%s with %s: %v\n%.300s", m.name, field, err, text)
	}
}

// goesOn asserts that the engine still works, and that nothing is half-written.
func goesOn(t *testing.T, s *hatchettest.Stage) {
	t.Helper()
	_, err := s.Native.PutWorkflows(s.Ctx, &native.PutWorkflowsRequest{Workflows: []*native.Workflow{{Name: "after", Tasks: []*native.Task{{}}}}})
	require.NoError(t, err)
	submitted, err := s.Native.Submit(s.Ctx, &native.SubmitRequest{Runs: []*native.NewRun{{Workflow: "after"}}})
	require.NoError(t, err)
	work, err := s.Native.Work(s.Ctx)
	require.NoError(t, err)
	require.NoError(t, work.Send(&native.WorkerMessage{Hello: &native.Hello{Actions: []string{"after"}, Slots: 1}}))
	for assigned := false; !assigned; {
		message, err := work.Recv()
		require.NoError(t, err)
		for _, a := range message.Assignments {
			require.Equal(t, submitted.Runs[0].RunId, a.TaskId)
			assigned = true
		}
	}
	var halves int
	require.NoError(t, s.Pool.QueryRow(t.Context(), `
		select count(*) from adze.task_result as r where not exists (select from adze.task as t where t.id = r.id)
			and not exists (select from adze.run as g where g.id <= r.id and g.id > r.id - 4096)`).Scan(&halves))
	require.Zero(t, halves, "results without their task")
}
