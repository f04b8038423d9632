package hatchet_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/adzehq/adze/internal/edge/hatchettest"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// Trap 2: the SDKs ask every ten seconds whether the connection lives, also when they call
// nothing. An engine that has enough of that ends the connection at the third time.
func TestConnectionMayBePingedEveryTenSeconds(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes 35 s")
	}
	s := hatchettest.Start(t)
	connection, err := grpc.NewClient(s.GRPCAddr(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: time.Minute, PermitWithoutStream: true}))
	require.NoError(t, err)
	defer connection.Close()
	connection.Connect()
	for state := connection.GetState(); state != connectivity.Ready; state = connection.GetState() {
		require.True(t, connection.WaitForStateChange(s.Ctx, state))
	}
	pinged, done := context.WithTimeout(t.Context(), 35*time.Second)
	defer done()
	require.False(t, connection.WaitForStateChange(pinged, connectivity.Ready), "it lives on")
}

// Trap 4: the SDKs read the token without a key, and insist on what it says.
func TestTokenIsOneThatTheSDKsRead(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	require.True(t, strings.HasPrefix(s.Token, "ey"))
	claims := claimsOf(t, s.Token)
	require.Equal(t, s.Tenant, claims["sub"])
	require.Equal(t, s.HTTPURL(), claims["server_url"])
	require.Equal(t, s.GRPCAddr(), claims["grpc_broadcast_address"])
}

// claimsOf is what a token says, as the SDKs read it.
func claimsOf(t *testing.T, token string) (claims map[string]any) {
	t.Helper()
	parts := strings.Split(token, ".")
	require.Len(t, parts, 3)
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &claims))
	return claims
}

// Trap 6: a program that links the Go SDK and our messages must start.
func TestMessagesTakeNoNamesOfTheSDKs(t *testing.T) {
	t.Parallel()
	for _, name := range []protoreflect.FullName{"AssignedAction", "Event", "v1.TaskConditions", "v1.DurableTaskRequest", "v1.AdminService"} {
		_, err := protoregistry.GlobalFiles.FindDescriptorByName(name)
		require.ErrorIs(t, err, protoregistry.NotFound, name)
	}
}

// Trap 21: what is tried again goes before all that is new, whatever its priority.
func TestRetryGoesBeforeTheHighestPriority(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	define(t, s, "again", func(task *wire.CreateTaskOpts) { task.Retries = 1 })
	p := register(t, s, &wire.WorkerRegisterRequest{WorkerName: "w", Actions: []string{"again:step"}, SlotConfig: map[string]int32{"default": 1}})
	p.listen()
	first := start(t, s, "again", `{}`)
	a := p.next()
	highest := int32(3)
	second, err := s.Workflows.TriggerWorkflow(s.Ctx, &wire.TriggerWorkflowRequest{Name: "again", Input: "{}", Priority: &highest})
	require.NoError(t, err)
	require.NoError(t, p.say(a, wire.StepActionEventType_STEP_EVENT_TYPE_FAILED, "once"))
	a = p.next()
	require.Equal(t, first, a.TaskRunExternalId)
	require.Equal(t, int32(1), a.RetryCount)
	p.completed(a, `{}`)
	a = p.next()
	require.Equal(t, second.WorkflowRunId, a.TaskRunExternalId)
	p.completed(a, `{}`)
}

// Trap 38: a run of which one task has failed runs on while another does.
func TestRunIsRunningWhileOneOfItsTasksIs(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	_, err := s.Admin.PutWorkflow(s.Ctx, &wire.CreateWorkflowVersionRequest{Name: "two", Tasks: []*wire.CreateTaskOpts{
		{ReadableId: "bad", Action: "two:bad"}, {ReadableId: "good", Action: "two:good"},
	}})
	require.NoError(t, err)
	p := work(t, s, "two:bad", "two:good")
	run := start(t, s, "two", `{}`)
	of := map[string]*wire.AssignedAction{}
	for len(of) < 2 {
		a := p.next()
		of[a.TaskName] = a
	}
	require.NoError(t, p.say(of["bad"], wire.StepActionEventType_STEP_EVENT_TYPE_FAILED, "no"))
	details, err := s.Admin.GetRunDetails(s.Ctx, &wire.GetRunDetailsRequest{ExternalId: run})
	require.NoError(t, err)
	require.False(t, details.Done)
	require.Equal(t, wire.RunStatus_RUN_STATUS_RUNNING, details.Status)
	p.completed(of["good"], `{}`)
	details, err = s.Admin.GetRunDetails(s.Ctx, &wire.GetRunDetailsRequest{ExternalId: run})
	require.NoError(t, err)
	require.True(t, details.Done)
	require.Equal(t, wire.RunStatus_RUN_STATUS_FAILED, details.Status)
}

// skipIf has a task be skipped by what a parent gave.
func skipIf(parent, expression string) *wire.TaskConditions {
	return &wire.TaskConditions{ParentOverrideConditions: []*wire.ParentOverrideMatchCondition{{
		ParentReadableId: parent, Base: &wire.BaseMatchCondition{Action: wire.Action_ACTION_SKIP, OrGroupId: "g", Expression: expression},
	}}}
}

// Trap 22: of itself a task is skipped only if all its parents were, and cancelled if one of
// them failed.
func TestTaskGoesWithItsParents(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	_, err := s.Admin.PutWorkflow(s.Ctx, &wire.CreateWorkflowVersionRequest{Name: "w", Tasks: []*wire.CreateTaskOpts{
		{ReadableId: "root", Action: "w:root"},
		{ReadableId: "a", Action: "w:a", Parents: []string{"root"}, Conditions: skipIf("root", "output.a")},
		{ReadableId: "b", Action: "w:b", Parents: []string{"root"}, Conditions: skipIf("root", "output.b")},
		{ReadableId: "both", Action: "w:both", Parents: []string{"a", "b"}},
	}})
	require.NoError(t, err)
	p := work(t, s, "w:root", "w:a", "w:b", "w:both")
	begin := func(output string) (run string) {
		run = start(t, s, "w", `{}`)
		p.completed(p.next(), output)
		return run
	}
	run := begin(`{"a":true,"b":false}`)
	p.completed(p.next(), `{"n":1}`)
	last := p.next()
	require.Equal(t, "both", last.TaskName)
	require.Equal(t, map[string]any{"a": map[string]any{"skipped": true}, "b": map[string]any{"n": 1.0}}, decode(t, last.ActionPayload)["parents"])
	p.completed(last, `{}`)
	require.Equal(t, wire.RunStatus_RUN_STATUS_COMPLETED, awaitRun(t, s, run).Status)

	skipped := awaitRun(t, s, begin(`{"a":true,"b":true}`))
	require.Equal(t, wire.RunStatus_RUN_STATUS_COMPLETED, skipped.Status)
	require.JSONEq(t, `{"skipped":true}`, string(skipped.TaskRuns["both"].Output))

	run = begin(`{"a":false,"b":false}`)
	for range 2 {
		if a := p.next(); a.TaskName == "a" {
			require.NoError(t, p.say(a, failed, "no"))
		} else {
			p.completed(a, `{}`)
		}
	}
	cancelled := awaitRun(t, s, run)
	require.Equal(t, wire.RunStatus_RUN_STATUS_FAILED, cancelled.Status)
	require.Equal(t, wire.RunStatus_RUN_STATUS_CANCELLED, cancelled.TaskRuns["both"].Status)
}

// Trap 23: what a task waits for counts from when its parents have ended, and not before.
func TestEventOfBeforeTheParentsEndedIsNotRemembered(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	_, err := s.Admin.PutWorkflow(s.Ctx, &wire.CreateWorkflowVersionRequest{Name: "w", Tasks: []*wire.CreateTaskOpts{
		{ReadableId: "root", Action: "w:root"},
		{ReadableId: "waits", Action: "w:waits", Parents: []string{"root"}, Conditions: &wire.TaskConditions{
			UserEventConditions: []*wire.UserEventMatchCondition{{UserEventKey: "go", Base: &wire.BaseMatchCondition{
				Action: wire.Action_ACTION_QUEUE, OrGroupId: "g", ReadableDataKey: "came",
			}}},
		}},
	}})
	require.NoError(t, err)
	p := work(t, s, "w:root", "w:waits")
	start(t, s, "w", `{}`)
	root := p.next()
	push(t, s, "go", `{"n":1}`, nil)
	p.completed(root, `{}`)
	push(t, s, "go", `{"n":2}`, nil)
	waits := p.next()
	require.Equal(t, "waits", waits.TaskName)
	require.Equal(t, map[string]any{"n": 2.0}, decode(t, waits.ActionPayload)["triggers"].(map[string]any)["came"])
}

// What started a run is in the metadata that its tasks are given, and in what is told of it.
func TestMetadataSaysWhatStartedTheRun(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	_, err := s.Admin.PutWorkflow(s.Ctx, &wire.CreateWorkflowVersionRequest{
		Name: "w", EventTriggers: []string{"go"}, CronTriggers: []string{"* * * * * *"},
		Tasks: []*wire.CreateTaskOpts{{ReadableId: "step", Action: "w:step"}},
	})
	require.NoError(t, err)
	p := work(t, s, "w:step")
	event, err := s.Events.Push(s.Ctx, &wire.PushEventRequest{Key: "go", Payload: `{}`})
	require.NoError(t, err)
	var ofEvent, ofCron *wire.AssignedAction
	for ofEvent == nil || ofCron == nil {
		a := p.next()
		if a.TriggeringEventKey != nil {
			ofEvent = a
		} else {
			ofCron = a
		}
		p.completed(a, `{}`)
	}
	said := decode(t, ofEvent.GetAdditionalMetadata())
	require.Equal(t, map[string]any{"hatchet__event_id": event.EventId, "hatchet__event_key": "go"}, said)
	require.Equal(t, said, metadataOf(t, s, ofEvent.WorkflowRunId))

	said = decode(t, ofCron.GetAdditionalMetadata())
	require.Equal(t, "* * * * * *", said["hatchet__cron_expression"])
	at, err := time.Parse(time.RFC3339, said["hatchet__cron_scheduled_at"].(string))
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), at, time.Minute)
	require.Equal(t, said, metadataOf(t, s, ofCron.WorkflowRunId))
}

// metadataOf is what gRPC and REST tell of a run's metadata: the same.
func metadataOf(t *testing.T, s *hatchettest.Stage, run string) map[string]any {
	t.Helper()
	details, err := s.Admin.GetRunDetails(s.Ctx, &wire.GetRunDetailsRequest{ExternalId: run})
	require.NoError(t, err)
	told := decode(t, string(details.AdditionalMetadata))
	for _, path := range []string{"/api/v1/stable/workflow-runs/" + run, "/api/v1/stable/tasks/" + run} {
		_, answer := s.REST(t, http.MethodGet, path, nil)
		of := answer.(map[string]any)
		if whole, is := of["run"].(map[string]any); is {
			of = whole
		}
		require.Equal(t, told, of["additionalMetadata"], path)
	}
	return told
}

// Trap 30: two workflows that give the same idempotency key collide.
func TestIdempotencyKeysAreTheTenants(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	for _, name := range []string{"one", "two"} {
		_, err := s.Admin.PutWorkflow(s.Ctx, &wire.CreateWorkflowVersionRequest{
			Name: name, Tasks: []*wire.CreateTaskOpts{{ReadableId: "step", Action: name + ":step"}},
			Idempotency: &wire.IdempotencyConfig{Expression: "input.key", TtlMs: 60_000},
		})
		require.NoError(t, err)
	}
	start(t, s, "one", `{"key":"a"}`)
	_, err := s.Workflows.TriggerWorkflow(s.Ctx, &wire.TriggerWorkflowRequest{Name: "two", Input: `{"key":"a"}`})
	require.Equal(t, codes.AlreadyExists, status.Code(err))
	start(t, s, "two", `{"key":"b"}`)
}

// Trap 35: workflows are found by a part of their name, in upper or lower case.
func TestWorkflowsAreFoundByAPartOfTheirName(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	for _, name := range []string{"ns_Invoice-Send", "ns_invoice.pay", "other"} {
		define(t, s, name, nil)
	}
	for part, want := range map[string]int{"INVOICE": 2, "voice.p": 1, "": 3, "%": 0, "nobody": 0} {
		code, answer := s.REST(t, http.MethodGet, "/api/v1/tenants/"+s.Tenant+"/workflows?name="+url.QueryEscape(part), nil)
		require.Equal(t, http.StatusOK, code)
		require.Len(t, answer.(map[string]any)["rows"], want, part)
	}
}
