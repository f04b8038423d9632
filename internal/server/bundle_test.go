package server_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"github.com/adzehq/adze/internal/pgtest"
	"github.com/adzehq/adze/internal/server"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds each wait; none needs a tenth of it.
const patience = 30 * time.Second

// bundle is a served engine and a client of the native protocol.
type bundle struct {
	*server.Server
	url    string
	client wire.AdzeClient
	pool   *pgxpool.Pool
	ctx    context.Context // of the default tenant
	stop   func() error
}

func setup(t *testing.T) *bundle { return setupOn(t, pgtest.URL(t)) }

func setupOn(t *testing.T, url string) *bundle {
	t.Helper()
	s, err := server.Open(t.Context(), server.Config{
		DatabaseURL: url, GRPCAddr: "127.0.0.1:0", HTTPAddr: "127.0.0.1:0", InputBytesMax: 1_000,
	}, "test", slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	life, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(life) }()
	stop := sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	b := &bundle{Server: s, url: url, pool: s.Engine().Pool(), stop: stop}
	t.Cleanup(func() { require.NoError(t, stop()) })
	ready, done := context.WithTimeout(t.Context(), patience)
	defer done()
	require.NoError(t, s.Ready(ready))

	connection, err := grpc.NewClient(s.GRPCAddr(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, connection.Close()) })
	b.client = wire.NewAdzeClient(connection)
	b.ctx = b.as(t, b.token(t, "default", time.Hour))
	return b
}

func (b *bundle) token(t *testing.T, tenant string, ttl time.Duration) string {
	t.Helper()
	token, err := server.IssueToken(t.Context(), b.pool,
		server.TokenRequest{Tenant: tenant, Name: "test", TTL: ttl}, time.Now())
	require.NoError(t, err)
	return token
}

// as is the context of calls with token.
func (b *bundle) as(t *testing.T, token string) context.Context {
	ctx, done := context.WithTimeout(t.Context(), patience)
	t.Cleanup(done)
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
}

// define registers a workflow of one task.
func (b *bundle) define(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	_, err := b.client.PutWorkflows(ctx, &wire.PutWorkflowsRequest{
		Workflows: []*wire.Workflow{{Name: name, Tasks: []*wire.Task{{}}}},
	})
	require.NoError(t, err)
}

func (b *bundle) submit(t *testing.T, ctx context.Context, runs ...*wire.NewRun) []*wire.Submitted {
	t.Helper()
	response, err := b.client.Submit(ctx, &wire.SubmitRequest{Runs: runs})
	require.NoError(t, err)
	return response.Runs
}

// worker is a worker of the native protocol, as simple as can be.
type worker struct {
	stream grpc.BidiStreamingClient[wire.WorkerMessage, wire.EngineMessage]
	hangUp context.CancelFunc
}

func (b *bundle) work(t *testing.T, ctx context.Context, action string, slots int32) *worker {
	t.Helper()
	ctx, hangUp := context.WithCancel(ctx)
	t.Cleanup(hangUp)
	stream, err := b.client.Work(ctx)
	require.NoError(t, err)
	require.NoError(t, stream.Send(&wire.WorkerMessage{Hello: &wire.Hello{Actions: []string{action}, Slots: slots}}))
	first, err := stream.Recv()
	require.NoError(t, err)
	require.NotZero(t, first.Welcome.WorkerId)
	return &worker{stream, hangUp}
}

// take waits for n assignments.
func (w *worker) take(t *testing.T, n int) (assigned []*wire.Assignment) {
	t.Helper()
	for len(assigned) < n {
		m, err := w.stream.Recv()
		require.NoError(t, err)
		assigned = append(assigned, m.Assignments...)
	}
	return assigned
}

func (w *worker) report(t *testing.T, reports ...*wire.Report) {
	t.Helper()
	require.NoError(t, w.stream.Send(&wire.WorkerMessage{Reports: reports}))
}

func completed(a *wire.Assignment, output string) *wire.Report {
	return &wire.Report{
		TaskId: a.TaskId, Token: a.Token, Attempt: a.Attempt,
		Kind: wire.Report_KIND_COMPLETED, Output: []byte(output),
	}
}

// await waits for the results of runs, by id.
func (b *bundle) await(t *testing.T, ctx context.Context, runs ...uint64) map[uint64]*wire.Outcome {
	t.Helper()
	stream, err := b.client.Await(ctx)
	require.NoError(t, err)
	require.NoError(t, stream.Send(&wire.AwaitRequest{RunIds: runs}))
	require.NoError(t, stream.CloseSend())
	outcomes := map[uint64]*wire.Outcome{}
	for {
		m, err := stream.Recv()
		if err != nil {
			require.ErrorContains(t, err, "EOF")
			return outcomes
		}
		for _, o := range m.Outcomes {
			outcomes[o.RunId] = o
		}
	}
}

// rows counts what tenants have stored.
func (b *bundle) rows(t *testing.T) (counts map[string]int) {
	t.Helper()
	counts = map[string]int{}
	for _, table := range []string{"task", "task_result", "attempt", "open_task", "workflow", "workflow_version", "worker"} {
		var n int
		require.NoError(t, b.pool.QueryRow(t.Context(), "select count(*) from adze."+table).Scan(&n))
		counts[table] = n
	}
	return counts
}
