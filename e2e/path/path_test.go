// Package path_test walks the way of the README with the real binary: an engine for
// development in an empty directory, a worker, a run from the command line, and all
// of it still there after a restart. It owns no part of the engine. What it promises
// is that a newcomer's first ten minutes work.
package path_test

import (
	"cmp"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/e2e/child"
)

const (
	commandWaitMax = time.Minute
	endWaitMax     = 30 * time.Second
	pollEvery      = 20 * time.Millisecond
)

func TestMain(m *testing.M) {
	code := m.Run()
	child.Clean()
	os.Exit(code)
}

var greet = adze.NewTask("greet", func(ctx context.Context, name string) (string, error) {
	if name == "" {
		return "", adze.NonRetryable(errors.New("nobody to greet"))
	}
	adze.Log(ctx).Info("greets", "name", name)
	for _, letter := range name {
		if _, err := adze.Stream(ctx).WriteString(string(letter) + "."); err != nil {
			return "", err
		}
	}
	return "Hello, " + name, nil
}, adze.Retries(3), adze.On("user.created"))

func TestTheWayOfTheReadmeWorksAndSurvivesARestart(t *testing.T) {
	t.Parallel()
	binary, err := child.Build()
	require.NoError(t, err)
	s := &shell{t: t, binary: binary, dir: t.TempDir()}

	engine := s.dev()
	stopWorker := s.work()
	s.eventually(`"Hello, Ada"`, "run", "greet", "--input", `"Ada"`, "--wait") // refused until the worker has registered it
	code, out := s.run("run", "greet", "--input", `""`, "--wait")
	require.Equal(t, 3, code, "a run that fails has an exit code of its own")
	require.Contains(t, out, "nobody to greet")
	run := s.ok("run", "greet", "--input", `"Grace"`)
	s.eventually("Hello, Grace", "runs", "get", run)
	require.Contains(t, s.ok("logs", run), `INFO  greet#1 greets {"name":"Grace"}`)
	require.Empty(t, s.ok("logs", run, "--level", "warn"))
	require.Equal(t, "G.r.a.c.e.", s.ok("stream", run))
	list := s.ok("runs", "list", "--status", "succeeded")
	require.Contains(t, list, run)
	require.Len(t, strings.Split(list, "\n"), 3, "a header and two runs:\n%s", list)
	s.pushEvents()
	stopWorker()
	waits := s.ok("run", "greet", "--input", `"Edsger"`)
	s.end(engine)

	engine = s.dev()
	require.Contains(t, s.ok("runs", "get", run), "Hello, Grace", "a result outlives the engine")
	require.Contains(t, s.ok("runs", "get", waits), "queued", "what waited waits again")
	stopWorker = s.work()
	s.eventually("Hello, Edsger", "runs", "get", waits)
	stopWorker()
	s.end(engine)
}

// pushEvents has events start runs of the workflow that the worker registered.
func (s *shell) pushEvents() {
	s.t.Helper()
	pushed := strings.Fields(s.ok("event", "push", "user.created", "--payload", `"Barbara"`))
	event, run := pushed[0], pushed[2] // ID started RUN
	s.eventually("Hello, Barbara", "runs", "get", run)
	require.Contains(s.t, s.ok("event", "get", event), run)
	require.Contains(s.t, s.ok("event", "list", "--key", "user.created"), "1 succeeded")
	filter := s.ok("filter", "add", "greet", "eu", "--if", `event.startsWith("A")`)
	require.Contains(s.t, s.ok("filter", "list"), `event.startsWith("A")`)
	require.NotContains(s.t, s.ok("event", "replay", event), "started", "it has no scope")
	require.Contains(s.t, s.ok("event", "push", "user.created", "--payload", `"Alan"`, "--scope", "eu"), "started")
	s.ok("filter", "delete", filter)
	require.Contains(s.t, s.ok("event", "replay", event), "started")
}

// shell is somebody at a terminal in an empty directory.
type shell struct {
	t        *testing.T
	binary   string
	dir      string
	patience time.Duration // with a command; 0 = commandWaitMax

	address string // of the engine that runs
}

// dev starts `adze dev`, on free ports so that it disturbs nobody.
func (s *shell) dev() *child.Process {
	s.t.Helper()
	engine, err := child.Start(s.t, child.Spec{
		Name: "dev", Path: s.binary, Dir: s.dir, Ready: "adze: ready",
		Args: []string{"dev", "--grpc-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0"},
	})
	require.NoError(s.t, err)
	s.address = engine.Line("gRPC")
	return engine
}

// end is Ctrl-C: the engine ends without a complaint and takes its Postgres along.
func (s *shell) end(engine *child.Process) {
	s.t.Helper()
	pid := s.postmaster()
	require.NoError(s.t, syscall.Kill(pid, 0), "Postgres runs")
	require.NoError(s.t, engine.Stop())
	require.Eventually(s.t, func() bool {
		return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
	}, endWaitMax, pollEvery, "Postgres ends with the engine")
}

// postmaster is the process id of the Postgres in the data directory.
func (s *shell) postmaster() int {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, ".adze", "postgres", "postmaster.pid"))
	require.NoError(s.t, err)
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	require.NoError(s.t, err)
	return pid
}

// work runs a worker of the SDK, with the token that dev wrote, until it is stopped.
func (s *shell) work() (stop func()) {
	s.t.Helper()
	token, err := os.ReadFile(filepath.Join(s.dir, ".adze", "token"))
	require.NoError(s.t, err)
	client, err := adze.Dial(s.t.Context(), adze.Address(s.address), adze.Token(strings.TrimSpace(string(token))))
	require.NoError(s.t, err)
	ctx, cancel := context.WithCancel(s.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- client.Work(ctx, adze.Slots(10), greet) }()
	return func() {
		cancel()
		require.NoError(s.t, <-ended)
		require.NoError(s.t, client.Close())
	}
}

// ok runs a command that must work, and returns what it prints.
func (s *shell) ok(args ...string) string {
	s.t.Helper()
	code, out := s.run(args...)
	require.Zero(s.t, code, "adze %s:\n%s", strings.Join(args, " "), out)
	return out
}

// run runs a command in the directory and returns its exit code and all it prints.
func (s *shell) run(args ...string) (code int, out string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), cmp.Or(s.patience, commandWaitMax))
	defer cancel()
	command := exec.CommandContext(ctx, s.binary, args...)
	command.Dir = s.dir
	text, err := command.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		require.NoError(s.t, err)
	}
	return command.ProcessState.ExitCode(), strings.TrimSpace(string(text))
}

// eventually runs a command until it prints text.
func (s *shell) eventually(text string, args ...string) {
	s.t.Helper()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for deadline := time.Now().Add(commandWaitMax); ; <-tick.C {
		code, out := s.run(args...)
		if code == 0 && strings.Contains(out, text) {
			return
		}
		require.True(s.t, time.Now().Before(deadline), "adze %s exits with %d:\n%s", strings.Join(args, " "), code, out)
	}
}
