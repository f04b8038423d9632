package hatchet_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/adzehq/adze/internal/edge/hatchettest"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// Trap 4: the SDKs read the token without a key, and insist on what it says.
func TestTokenIsOneThatTheSDKsRead(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	require.True(t, strings.HasPrefix(s.Token, "ey"))
	parts := strings.Split(s.Token, ".")
	require.Len(t, parts, 3)
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	require.NoError(t, err)
	var claims map[string]any
	require.NoError(t, json.Unmarshal(text, &claims))
	require.Equal(t, s.Tenant, claims["sub"])
	require.Equal(t, s.HTTPURL(), claims["server_url"])
	require.Equal(t, s.GRPCAddr(), claims["grpc_broadcast_address"])
}

// Trap 6: a program that links the Go SDK and our messages must start.
func TestMessagesTakeNoNamesOfTheSDKs(t *testing.T) {
	t.Parallel()
	for _, name := range []protoreflect.FullName{"AssignedAction", "Event", "v1.TaskConditions", "v1.DurableTaskRequest", "v1.AdminService"} {
		_, err := protoregistry.GlobalFiles.FindDescriptorByName(name)
		require.ErrorIs(t, err, protoregistry.NotFound, name)
	}
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
