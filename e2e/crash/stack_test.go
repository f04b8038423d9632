package crash_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/e2e/child"
	"github.com/adzehq/adze/e2e/crash/proxy"
	"github.com/adzehq/adze/internal/base/localpg"
)

const (
	// waitMax bounds each wait for something that must happen.
	waitMax = time.Minute
	// pollEvery is the pause between looks at the database and at metrics.
	pollEvery = 100 * time.Millisecond
	// slots of each worker.
	slots = 40
)

var discard = slog.New(slog.DiscardHandler)

// stack is all of a small installation: Postgres behind a proxy, an engine behind
// another one, workers, and a client. All but the client are processes.
type stack struct {
	t      *testing.T
	ctx    context.Context
	random *rand.Rand
	dir    string
	begin  time.Time

	postgres *localpg.Server
	wire     *proxy.Proxy // between engine and Postgres
	front    *proxy.Proxy // between the engine and its clients: a stable address
	engine   *child.Process
	workers  []*child.Process
	token    string
	client   *adze.Client
	job      *adze.Task[job, done]
	diamond  *adze.Workflow[job]
	troupe   *troupe
	book     *book
	engines  int                // started so far
	cuts     [proxy.Moments]int // in mid-commit, by moment
}

func newStack(t *testing.T, workers int) *stack {
	t.Helper()
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("repeat this schedule with -run '^%s$' -crash.seed=%d", t.Name(), seed)
	s := &stack{
		t: t, ctx: t.Context(), random: rand.New(rand.NewPCG(seed, 0)), dir: t.TempDir(),
		job: jobTask(nil), diamond: diamond(nil), troupe: newTroupe(nil, nil), book: newBook(), begin: time.Now(),
	}
	s.startPostgres()
	t.Cleanup(func() { _ = s.postgres.Stop(context.Background()) }) // killed or stopped, it is over
	s.wire = s.startProxy(s.postgresAddr())
	s.front = s.startProxy("127.0.0.1:0")
	s.startEngine()
	s.token = s.newToken()
	for range workers {
		s.workers = append(s.workers, s.startWorker())
	}
	client, err := adze.Dial(s.ctx, adze.Address(s.front.Addr()), adze.Token(s.token), adze.Logger(discard))
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() })
	s.client = client
	s.warmUp()
	s.logf("works")
	return s
}

// startPostgres starts a durable server on the same data each time.
func (s *stack) startPostgres() {
	s.t.Helper()
	server, err := localpg.Start(context.WithoutCancel(s.ctx), localpg.Config{
		DataDir:  filepath.Join(s.dir, "postgres"),
		Settings: map[string]string{"shared_buffers": "64MB", "max_connections": "60"},
		Log:      discard,
	})
	require.NoError(s.t, err)
	s.postgres = server
}

func (s *stack) postgresAddr() string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.postgres.Port()))
}

func (s *stack) startProxy(target string) *proxy.Proxy {
	s.t.Helper()
	p, err := proxy.Start(target)
	require.NoError(s.t, err)
	s.t.Cleanup(p.Close)
	return p
}

// startEngine starts an engine and leads the clients to it.
func (s *stack) startEngine() {
	s.t.Helper()
	s.engine = s.newEngine()
	s.front.Point(s.engine.Line("gRPC"))
}

// newEngine starts an engine, as often as it takes: it is allowed to give up while
// there is no Postgres.
func (s *stack) newEngine() *child.Process {
	s.t.Helper()
	binary, err := child.Build()
	require.NoError(s.t, err)
	s.engines++
	spec := child.Spec{
		Name: fmt.Sprintf("engine-%d", s.engines), Path: binary, Args: []string{"server"}, Ready: "adze: ready",
		Env: []string{
			"ADZE_DATABASE_URL=" + s.databaseURL(s.wire.Addr()),
			"ADZE_GRPC_ADDR=127.0.0.1:0", "ADZE_HTTP_ADDR=127.0.0.1:0",
		},
	}
	for deadline := time.Now().Add(waitMax); ; {
		engine, err := child.Start(s.t, spec)
		if err == nil {
			return engine
		}
		require.True(s.t, time.Now().Before(deadline), "engine did not start: %v", err)
	}
}

// databaseURL leads to the database by way of addr.
func (s *stack) databaseURL(addr string) string {
	u, err := url.Parse(s.postgres.TCPURL())
	require.NoError(s.t, err)
	u.Host = addr
	return u.String()
}

func (s *stack) newToken() string {
	s.t.Helper()
	return s.adze("token", "create", "--name", "crash")
}

// adze runs a command of the operator's, and returns what it prints.
func (s *stack) adze(args ...string) string {
	s.t.Helper()
	binary, err := child.Build()
	require.NoError(s.t, err)
	command := exec.CommandContext(s.ctx, binary, args...)
	command.Env = append(os.Environ(), "ADZE_DATABASE_URL="+s.postgres.TCPURL(), "ADZE_ADDRESS="+s.front.Addr())
	var said strings.Builder
	command.Stderr = &said
	out, err := command.Output()
	require.NoError(s.t, err, "%v: %s", args, &said)
	return strings.TrimSpace(string(out))
}

func (s *stack) startWorker() *child.Process {
	s.t.Helper()
	worker, err := child.Start(s.t, child.Spec{
		Name: "worker", Path: os.Args[0],
		Env: []string{
			workerEnv + "=1", "ADZE_ADDRESS=" + s.front.Addr(), "ADZE_TOKEN=" + s.token,
			effectsEnv + "=" + s.effectsFile(), ledgerEnv + "=" + s.ledgerFile(), slotsEnv + "=" + strconv.Itoa(slots),
		},
	})
	require.NoError(s.t, err)
	return worker
}

func (s *stack) effectsFile() string { return filepath.Join(s.dir, "effects") }

func (s *stack) ledgerFile() string { return filepath.Join(s.dir, "ledger") }

// warmUp returns once a run has gone all the way.
func (s *stack) warmUp() {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		run, ok := s.submit(job{N: s.book.number()})
		if !ok {
			return false // the workers are still registering it
		}
		_, err := run.Result(s.ctx)
		return err == nil
	}, waitMax, pollEvery)
}

// logf is t.Logf with the time since the stack was begun.
func (s *stack) logf(format string, args ...any) {
	s.t.Helper()
	s.t.Logf("%6.2fs "+format, append([]any{time.Since(s.begin).Seconds()}, args...)...)
}

// pass lets time go by while the load goes on.
func (s *stack) pass(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.ctx.Done():
	}
}

// database is a connection that no fault touches but the death of Postgres.
func (s *stack) database() *pgx.Conn {
	s.t.Helper()
	conn, err := pgx.Connect(s.ctx, s.postgres.TCPURL())
	require.NoError(s.t, err)
	return conn
}

// count is a query for one number.
func (s *stack) count(sql string, args ...any) (n int64) {
	s.t.Helper()
	conn := s.database()
	defer conn.Close(s.ctx)
	require.NoError(s.t, conn.QueryRow(s.ctx, sql, args...).Scan(&n))
	return n
}

// collect reads all rows of a query.
func collect[T any](s *stack, sql string, args ...any) []T {
	s.t.Helper()
	conn := s.database()
	defer conn.Close(s.ctx)
	rows, err := conn.Query(s.ctx, sql, args...)
	require.NoError(s.t, err)
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[T])
	require.NoError(s.t, err)
	return all
}

// scrape is a metric of an engine, named with its labels.
func (s *stack) scrape(engine *child.Process, metric string) (float64, error) {
	out, err := get(s.ctx, engine.Line("HTTP")+"/metrics")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(out) {
		if value, has := strings.CutPrefix(line, metric+" "); has {
			return strconv.ParseFloat(strings.TrimSpace(value), 64)
		}
	}
	return 0, fmt.Errorf("scrape: no metric %s", metric)
}

func get(ctx context.Context, address string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}
