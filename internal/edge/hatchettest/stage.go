// Package hatchettest serves an engine to tests that speak as the Hatchet SDKs do.
//
// It owns the names that the services have on the wire, as a client of generated code
// needs them. It promises a real engine on a real database, which ends with its test.
package hatchettest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"

	"github.com/adzehq/adze/internal/pgtest"
	"github.com/adzehq/adze/internal/record/tenant"
	"github.com/adzehq/adze/internal/server"
	native "github.com/adzehq/adze/internal/wire/adzev1"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// Patience bounds each wait of a test; none needs a tenth of it.
const Patience = 30 * time.Second

// lifeMax bounds a test: the longest makes thousands of calls, with the race detector and
// beside others.
const lifeMax = 15 * time.Minute

// Stage is a served engine with clients of all its services.
type Stage struct {
	*server.Server
	Pool   *pgxpool.Pool
	URL    string          // of the database
	Token  string          // of the default tenant
	Tenant string          // its UUID
	Ctx    context.Context // carries the token

	Dispatcher wire.DispatcherClient
	Events     wire.EventsServiceClient
	Workflows  wire.WorkflowServiceClient
	Admin      wire.AdminServiceClient
	Durable    wire.V1DispatcherClient
	Conn       grpc.ClientConnInterface // for services that have no client of their own
	Native     native.AdzeClient

	stop func() error
}

// Start serves an engine on a database of its own.
func Start(t *testing.T) *Stage { return StartOn(t, pgtest.URL(t)) }

// StartOn serves an engine on a database that there is.
func StartOn(t *testing.T, url string) *Stage {
	t.Helper()
	served, err := server.Open(t.Context(), server.Config{
		DatabaseURL: url, GRPCAddr: "127.0.0.1:0", HTTPAddr: "127.0.0.1:0",
	}, "test", slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	life, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- served.Run(life) }()
	s := &Stage{Server: served, URL: url, Pool: served.Engine().Pool(), stop: sync.OnceValue(func() error {
		cancel()
		return <-ended
	})}
	t.Cleanup(func() { require.NoError(t, s.stop()) })
	ready, done := context.WithTimeout(t.Context(), Patience)
	defer done()
	require.NoError(t, served.Ready(ready))
	s.connect(t)
	return s
}

// Stop ends the engine before its test does.
func (s *Stage) Stop(t *testing.T) {
	t.Helper()
	require.NoError(t, s.stop())
}

func (s *Stage) connect(t *testing.T) {
	t.Helper()
	s.Token = s.TokenOf(t, tenant.DefaultName)
	require.NoError(t, s.Pool.QueryRow(t.Context(),
		`select uuid::text from adze.tenant where name = $1`, tenant.DefaultName).Scan(&s.Tenant))
	s.Ctx = s.As(t, s.Token)

	connection, err := grpc.NewClient(s.GRPCAddr(),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.UseCompressor(gzip.Name))) // as these SDKs do
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, connection.Close()) })
	s.Conn = connection
	s.Native = native.NewAdzeClient(connection)
	on := named{connection}
	s.Dispatcher, s.Events = wire.NewDispatcherClient(on), wire.NewEventsServiceClient(on)
	s.Workflows, s.Admin = wire.NewWorkflowServiceClient(on), wire.NewAdminServiceClient(on)
	s.Durable = wire.NewV1DispatcherClient(on)
}

// TokenOf makes a token of a tenant, which is made if there is none of that name.
func (s *Stage) TokenOf(t *testing.T, tenant string) string {
	t.Helper()
	token, err := server.IssueToken(t.Context(), s.Pool, server.TokenRequest{
		Tenant: tenant, Name: "test", TTL: time.Hour, GRPCAddr: s.GRPCAddr(), HTTPURL: s.HTTPURL(),
	}, time.Now())
	require.NoError(t, err)
	return token
}

// As is the context of calls with token.
func (s *Stage) As(t *testing.T, token string) context.Context {
	ctx, done := context.WithTimeout(t.Context(), lifeMax)
	t.Cleanup(done)
	return metadata.AppendToOutgoingContext(ctx, "authorization", "bearer "+token)
}

// REST calls a path with a body, if there is one, and gives the status with the answer,
// as encoding/json decodes it. The answer must be what the document promises.
func (s *Stage) REST(t *testing.T, method, path string, body any) (code int, answer any) {
	t.Helper()
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		require.NoError(t, err)
		sent = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(s.Ctx, method, s.HTTPURL()+path, sent)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+s.Token)
	request.Close = true // nothing stays behind a test
	client := http.Client{Timeout: Patience}
	response, err := client.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	documented(t, request, response, text)
	if len(text) > 0 {
		require.Contains(t, response.Header.Get("Content-Type"), "json")
		require.NoError(t, json.Unmarshal(text, &answer), string(text))
	}
	return response.StatusCode, answer
}

// named calls services by the names that they have on the wire.
type named struct{ grpc.ClientConnInterface }

// Invoke implements grpc.ClientConnInterface.
func (n named) Invoke(ctx context.Context, method string, args, reply any, options ...grpc.CallOption) error {
	return n.ClientConnInterface.Invoke(ctx, onWire(method), args, reply, options...)
}

// NewStream implements grpc.ClientConnInterface.
func (n named) NewStream(
	ctx context.Context, about *grpc.StreamDesc, method string, options ...grpc.CallOption,
) (grpc.ClientStream, error) {
	return n.ClientConnInterface.NewStream(ctx, about, onWire(method), options...)
}

// onWire is the method's path on the wire: the package of the generated code is ours.
func onWire(method string) string {
	service, name, _ := strings.Cut(strings.TrimPrefix(method, "/adze.hatchet.v1."), "/")
	if service == "AdminService" || service == "V1Dispatcher" {
		service = "v1." + service
	}
	return "/" + service + "/" + name
}
