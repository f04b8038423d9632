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
