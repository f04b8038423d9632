// Package path_test walks the way of a newcomer with the real binary: start, run,
// look, cancel, stop, start again.
//
// It owns a build of the binary and a data directory. It promises that what the
// README shows works as shown, exit codes included.
package path_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
)

// patience bounds each step; the longest is the first start of a Postgres.
const patience = 2 * time.Minute

var binary string

func TestMain(m *testing.M) { os.Exit(build(m)) }

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "adze-path-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "adze")
	if out, err := exec.Command("go", "build", "-o", binary, "../../cmd/adze").CombinedOutput(); err != nil {
		panic(fmt.Sprintf("build adze: %v\n%s", err, out))
	}
	return m.Run()
}

// dataDir is one that Postgres can reach under its own user: t.TempDir is private.
func dataDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "adze-data-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755))
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}

// dev is a running `adze dev`.
type dev struct {
	process *exec.Cmd
	ended   chan error
	shown   map[string]string // what it printed before it was ready, by first word
	log     *bytes.Buffer     // read after ended
}

func start(t *testing.T, dir string) *dev {
	t.Helper()
	d := &dev{ended: make(chan error, 1), shown: map[string]string{}, log: new(bytes.Buffer)}
	d.process = exec.Command(binary, "dev", "--data-dir", dir, "--grpc-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0")
	d.process.Stderr = d.log
	out, err := d.process.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, d.process.Start())
	ready := make(chan bool, 1)
	go func() {
		ready <- d.read(out)
		_, _ = io.Copy(io.Discard, out)
		d.ended <- d.process.Wait()
	}()
	t.Cleanup(func() { _ = d.process.Process.Kill() })
	select {
	case ok := <-ready:
		if !ok {
			err := <-d.ended
			t.Fatalf("adze dev ended: %v\n%s", err, d.log)
		}
	case <-time.After(patience):
		t.Fatal("adze dev is not ready")
	}
	return d
}

// read takes the lines up to "adze: ready", and tells whether that came.
func (d *dev) read(out io.Reader) bool {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if lines.Text() == "adze: ready" {
			return true
		}
		name, value, _ := strings.Cut(lines.Text(), " ")
		d.shown[name] = strings.TrimSpace(value)
	}
	return false
}

func (d *dev) stop(t *testing.T) {
	t.Helper()
	require.NoError(t, d.process.Process.Signal(syscall.SIGTERM))
	select {
	case err := <-d.ended:
		require.NoError(t, err, "%s", d.log)
	case <-time.After(patience):
		t.Fatal("adze dev does not stop")
	}
}

// adzeCmd runs a command to its end and gives its output and exit code.
func adzeCmd(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var out, fault bytes.Buffer
	command := exec.CommandContext(ctx, binary, args...)
	command.Stdout, command.Stderr = &out, &fault
	err := command.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), fault.String(), command.ProcessState.ExitCode()
}

type greeting struct {
	Name string `json:"name"`
}

// greet fails for nobody, once and for all.
var greet = adze.NewTask("greet", func(_ context.Context, in greeting) (string, error) {
	if in.Name == "" {
		return "", adze.NonRetryable(errors.New("nobody to greet"))
	}
	return "Hello, " + in.Name, nil
})

// work runs a worker until the test ends.
func work(t *testing.T, d *dev, dir string) {
	t.Helper()
	token, err := os.ReadFile(filepath.Join(dir, "token"))
	require.NoError(t, err)
	client, err := adze.Dial(t.Context(), adze.Address(d.shown["gRPC"]), adze.Token(strings.TrimSpace(string(token))))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- client.Work(ctx, greet) }()
	t.Cleanup(func() {
		cancel()
		<-ended
		require.NoError(t, client.Close())
	})
}

func TestNewcomersPath(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	d := start(t, dir)
	at := func(args ...string) []string { return append(args, "--data-dir", dir) }

	info, err := os.Stat(filepath.Join(dir, "token"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	response, err := http.Get(d.shown["HTTP"] + "/readyz")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode)

	_, fault, code := adzeCmd(t, at("run", "greet")...)
	require.Equal(t, 1, code)
	require.Contains(t, fault, `no workflow "greet"`)

	work(t, d, dir)
	var out string
	require.Eventually(t, func() bool { // until the worker has registered
		out, _, code = adzeCmd(t, at("run", "greet", "--input", `{"name":"Ada"}`, "--wait")...)
		return code == 0
	}, patience, 50*time.Millisecond)
	require.Equal(t, "\"Hello, Ada\"\n", out)

	_, fault, code = adzeCmd(t, at("run", "greet", "--input", `{}`, "--wait")...)
	require.Equal(t, 3, code)
	require.Contains(t, fault, "nobody to greet")

	out, _, code = adzeCmd(t, at("run", "greet", "--input", `{"name":"later"}`, "--delay", "1h")...)
	require.Equal(t, 0, code)
	later := strings.TrimSpace(out)
	out, _, _ = adzeCmd(t, at("runs", "list")...)
	require.Contains(t, out, later)
	require.Contains(t, out, "delayed")
	out, _, code = adzeCmd(t, at("cancel", later)...)
	require.Equal(t, 0, code)
	require.Contains(t, out, later)

	out, _, _ = adzeCmd(t, at("runs", "get", later, "--json")...)
	var got struct{ Status, Run string }
	require.NoError(t, json.Unmarshal([]byte(out), &got))
	require.Equal(t, "cancelled", got.Status)
	require.Equal(t, later, got.Run)
	out, _, code = adzeCmd(t, at("replay", later)...)
	require.Equal(t, 0, code)
	again := strings.TrimSpace(out)

	d.stop(t)
	d = start(t, dir) // what was stored is still there
	work(t, d, dir)
	require.Eventually(t, func() bool {
		out, _, _ = adzeCmd(t, at("runs", "get", again)...)
		return strings.Contains(out, "Hello, later")
	}, patience, 50*time.Millisecond)
	out, _, code = adzeCmd(t, "doctor", "--database-url", d.shown["Database"])
	require.Equal(t, 0, code, out)
	out, _, _ = adzeCmd(t, "migrate", "status", "--database-url", d.shown["Database"])
	require.NotContains(t, out, "pending")
	out, _, code = adzeCmd(t, "token", "create", "--tenant", "other", "--database-url", d.shown["Database"])
	require.Equal(t, 0, code)
	require.Len(t, strings.Split(out, "."), 3)
	out, _, _ = adzeCmd(t, "runs", "list", "--address", d.shown["gRPC"], "--token", strings.TrimSpace(out))
	require.NotContains(t, out, "greet", "another tenant's")
	d.stop(t)
}

func TestWrongUseIsExplained(t *testing.T) {
	t.Parallel()
	nowhere := t.TempDir()
	for name, c := range map[string]struct {
		args []string
		code int
		text string
	}{
		"no command":        {nil, 2, "--help"},
		"unknown command":   {[]string{"fly"}, 2, "fly"},
		"unknown flag":      {[]string{"run", "w", "--fast"}, 2, "--fast"},
		"no database":       {[]string{"server", "--database-url="}, 1, "ADZE_DATABASE_URL"},
		"no token":          {[]string{"run", "w", "--data-dir", nowhere, "--token="}, 1, "adze token create"},
		"input not JSON":    {[]string{"run", "w", "--input", "hello", "--data-dir", nowhere}, 1, "input: is not JSON"},
		"input file absent": {[]string{"run", "w", "--input", "@/nowhere", "--data-dir", nowhere}, 1, "/nowhere"},
		"no id":             {[]string{"runs", "get", "abc", "--data-dir", nowhere}, 1, "abc"},
		"key without cert":  {[]string{"server", "--database-url", "x", "--tls-key", "k"}, 1, "tls-cert"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, fault, code := adzeCmd(t, c.args...)
			require.Equal(t, c.code, code, fault)
			require.Contains(t, fault, c.text)
		})
	}
}
