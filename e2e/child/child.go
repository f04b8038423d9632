// Package child runs the real programs that end-to-end tests are about. It owns
// the binary, built once for each test process, and the processes made of it: what
// they print, how they end. A child never outlives its test and, on Linux, not even
// a test process that is killed.
package child

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	// readyWaitMax bounds a start, on a machine that is busy with other tests.
	readyWaitMax = time.Minute
	// stopWaitMax is how long a child may take to end when it is asked to.
	stopWaitMax = 30 * time.Second
	// pipeWaitMax is how long a dead child's own children may keep its output open.
	pipeWaitMax = 5 * time.Second
	// linesMax bounds what is kept of standard output.
	linesMax = 1_000
	// logTailBytes of standard error are shown when a test fails.
	logTailBytes = 6 << 10
)

// Spec says what to run.
type Spec struct {
	Name  string // names its log
	Path  string
	Args  []string
	Env   []string // on top of ours
	Dir   string   // working directory; "" = ours
	Ready string   // the line of standard output that says it serves; "" = none is waited for
	Log   string   // file that standard error is appended to; "" = one in the test's directory
}

// Process is a running child.
type Process struct {
	spec    Spec
	command *exec.Cmd
	out     lines
	ended   chan struct{}
	err     error // of Wait; read after ended
}

// Start runs a child and returns when it is ready. It ends with the test at the
// latest; when the test fails, the end of its log is shown.
func Start(t testing.TB, spec Spec) (*Process, error) {
	t.Helper()
	spec.Log = cmp.Or(spec.Log, filepath.Join(t.TempDir(), spec.Name+".log"))
	p := &Process{spec: spec, out: lines{awaited: spec.Ready, ready: make(chan struct{})}, ended: make(chan struct{})}
	if err := p.start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Name, err)
	}
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Logf("%s (%d) ended with %v, its log ends with:\n%s", spec.Name, p.PID(), p.err, p.LogTail())
		}
	})
	if spec.Ready == "" {
		return p, nil
	}
	select {
	case <-p.out.ready:
		return p, nil
	case <-p.ended:
		return nil, fmt.Errorf("start %s: ended before it was ready: %w\n%s", spec.Name, p.err, p.LogTail())
	case <-time.After(readyWaitMax):
		p.Kill()
		return nil, fmt.Errorf("start %s: not ready within %s\n%s", spec.Name, readyWaitMax, p.LogTail())
	}
}

// start leaves a goroutine that waits for the end. It keeps its thread for as long:
// on Linux a child's signal at the death of its parent follows the thread.
func (p *Process) start() error {
	log, err := os.OpenFile(p.spec.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	p.command = exec.Command(p.spec.Path, p.spec.Args...)
	p.command.Env = append(os.Environ(), p.spec.Env...)
	p.command.Dir = p.spec.Dir
	p.command.Stdout, p.command.Stderr = &p.out, log
	p.command.WaitDelay = pipeWaitMax
	p.command.SysProcAttr = &syscall.SysProcAttr{}
	endWithParent(p.command.SysProcAttr)
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer log.Close()
		err := p.command.Start()
		started <- err
		if err != nil {
			return
		}
		p.err = p.command.Wait()
		close(p.ended)
	}()
	return <-started
}

// PID is the child's process id.
func (p *Process) PID() int { return p.command.Process.Pid }

// Done is closed when the child has ended.
func (p *Process) Done() <-chan struct{} { return p.ended }

// Err is how the child ended: nil with exit code 0. Done must be closed.
func (p *Process) Err() error { return p.err }

// Signal sends sig; a child that has ended is no error.
func (p *Process) Signal(sig syscall.Signal) { _ = p.command.Process.Signal(sig) }

// Kill ends the child like a crash, and waits for its end.
func (p *Process) Kill() {
	p.Signal(syscall.SIGKILL)
	<-p.ended
}

// Stop asks the child to end, as Ctrl-C does, and returns how it ended.
func (p *Process) Stop() error {
	p.Signal(syscall.SIGINT)
	select {
	case <-p.ended:
		return p.err
	case <-time.After(stopWaitMax):
		p.Kill()
		return errors.New("stop " + p.spec.Name + ": did not end within " + stopWaitMax.String())
	}
}

// Line is what follows prefix in the first line of standard output that has it.
func (p *Process) Line(prefix string) string { return p.out.after(prefix) }

// LogTail is the end of what the child wrote to standard error.
func (p *Process) LogTail() string {
	log, err := os.Open(p.spec.Log)
	if err != nil {
		return err.Error()
	}
	defer log.Close()
	if size, err := log.Seek(0, io.SeekEnd); err == nil {
		_, _ = log.Seek(max(0, size-logTailBytes), io.SeekStart)
	}
	tail, _ := io.ReadAll(log) // as much as there is
	return string(tail)
}

// lines keeps the lines that a child prints.
type lines struct {
	awaited string
	ready   chan struct{}

	mu      sync.Mutex
	rest    string // begun, not ended
	all     []string
	settled bool // ready is closed
}

// Write implements io.Writer.
func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest += string(b)
	for {
		line, rest, whole := strings.Cut(l.rest, "\n")
		if !whole {
			return len(b), nil
		}
		l.rest = rest
		if len(l.all) < linesMax {
			l.all = append(l.all, line)
		}
		if line == l.awaited && !l.settled {
			l.settled = true
			close(l.ready)
		}
	}
}

func (l *lines) after(prefix string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.all {
		if rest, has := strings.CutPrefix(line, prefix); has {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}
