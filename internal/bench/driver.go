package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// driverSource is the driver's module in the source tree of Adze. It is built there,
// because nothing of the SDK that it is on may get into Adze.
const driverSource = "e2e/compat/go"

// driver is a program on the official Go SDK of Hatchet, a client and a worker in one
// process, which loads an engine when it is told to.
type driver struct {
	command *exec.Cmd
	stdin   io.WriteCloser
	stdout  *bufio.Reader
	stderr  bytes.Buffer
}

// driverResult is what a driver says that it measured.
type driverResult struct {
	Tasks   int             `json:"tasks"`
	Starts  []time.Duration `json:"starts_ns"`  // trigger → start
	Results []time.Duration `json:"results_ns"` // trigger → result
}

// buildDriver builds the driver from the source tree that the bench is started in.
func buildDriver(ctx context.Context, dir string) (path string, err error) {
	if _, err := os.Stat(filepath.Join(driverSource, "go.mod")); err != nil {
		return "", errors.New("build driver: start the bench in the source tree of Adze, or name a driver with --driver")
	}
	path = filepath.Join(dir, "drive")
	build := exec.CommandContext(ctx, "go", "build", "-o", path, "./cmd/drive")
	build.Dir = driverSource
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build driver: %w\n%s", err, out)
	}
	return path, nil
}

// startDriver starts a driver of an engine, and returns when its worker has run a task.
func startDriver(ctx context.Context, path string, e *engine, mode string, span time.Duration) (*driver, error) {
	d := &driver{command: exec.CommandContext(ctx, path, "--mode", mode, "--for", span.String())}
	d.command.Env = append(os.Environ(),
		"HATCHET_CLIENT_TOKEN="+e.token,
		"HATCHET_CLIENT_HOST_PORT="+e.address,
		"HATCHET_CLIENT_TLS_STRATEGY=none",
		"HATCHET_CLIENT_LOG_LEVEL=error")
	d.command.Stderr = &d.stderr
	var err error
	if d.stdin, err = d.command.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start driver: %w", err)
	}
	stdout, err := d.command.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start driver: %w", err)
	}
	d.stdout = bufio.NewReader(stdout)
	if err := d.command.Start(); err != nil {
		return nil, fmt.Errorf("start driver: %w", err)
	}
	if line, err := d.line(); err != nil || strings.TrimSpace(line) != "ready" {
		d.kill()
		return nil, fmt.Errorf("start driver: it said %q: %w\n%s", line, err, d.stderr.String())
	}
	return d, nil
}

// run has the driver load the engine, and returns when all has run.
func (d *driver) run() (result driverResult, err error) {
	if _, err := io.WriteString(d.stdin, "go\n"); err != nil {
		return result, fmt.Errorf("tell driver: %w", err)
	}
	line, err := d.line()
	if err != nil {
		d.kill()
		return result, fmt.Errorf("hear driver: %w\n%s", err, d.stderr.String())
	}
	if err := json.Unmarshal([]byte(line), &result); err != nil {
		return result, fmt.Errorf("hear driver: %w", err)
	}
	return result, nil
}

// line is the next line that the driver prints which is one for us: what begins
// otherwise is the SDK's log.
func (d *driver) line() (string, error) {
	for {
		line, err := d.stdout.ReadString('\n')
		if err != nil || strings.HasPrefix(line, "ready") || strings.HasPrefix(line, `{"tasks":`) {
			return line, err
		}
	}
}

// kill ends the driver, which has no more to say; it is no error if it has ended.
func (d *driver) kill() {
	_ = d.command.Process.Kill()
	_ = d.command.Wait()
}
