package compat_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	startWaitMax = time.Minute
	stopWaitMax  = 30 * time.Second
)

// engine is an `adze dev`, at addresses that outlive it.
type engine struct {
	dir   string
	grpc  string
	http  string
	token string
	db    string // URL of its database

	command *exec.Cmd
	ended   chan struct{}
	log     *os.File
}

// binary is the engine to test: ADZE_BIN, which run.sh sets, or one built here.
var binary = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("ADZE_BIN"); path != "" {
		return path, nil
	}
	path := filepath.Join(os.TempDir(), fmt.Sprintf("adze-compat-%d", os.Getpid()))
	build := exec.Command("go", "build", "-o", path, "./cmd/adze")
	build.Dir = "../../.."
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build adze: %w\n%s", err, out)
	}
	return path, nil
})

// making is held while an engine makes its database cluster: several at once on a busy
// machine would not be ready in time.
var making sync.Mutex

func newEngine() (*engine, error) {
	making.Lock()
	defer making.Unlock()
	dir, err := os.MkdirTemp("", "adze-compat-")
	if err != nil {
		return nil, err
	}
	e := &engine{dir: dir}
	if e.grpc, err = freeAddress(); err != nil {
		return nil, err
	}
	if e.http, err = freeAddress(); err != nil {
		return nil, err
	}
	if e.log, err = os.Create(filepath.Join(dir, "log")); err != nil {
		return nil, err
	}
	return e, e.start()
}

func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}

// start returns when the engine says that it is ready.
func (e *engine) start() error {
	path, err := binary()
	if err != nil {
		return err
	}
	data := filepath.Join(e.dir, "data")
	e.command = exec.Command(path, "dev", "--data-dir", data, "--grpc-addr", e.grpc, "--http-addr", e.http)
	said := &announced{ready: make(chan struct{})}
	e.command.Stdout, e.command.Stderr = said, e.log
	e.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C reaches the scenarios first
	if err := e.command.Start(); err != nil {
		return err
	}
	e.ended = make(chan struct{})
	go func() {
		_ = e.command.Wait() // how it ended is in its log
		close(e.ended)
	}()
	select {
	case <-said.ready:
	case <-e.ended:
		return fmt.Errorf("start engine: it ended:\n%s", e.tail())
	case <-time.After(startWaitMax):
		e.kill()
		return fmt.Errorf("start engine: not ready:\n%s", e.tail())
	}
	e.db = said.line("Database")
	token, err := os.ReadFile(filepath.Join(data, "token"))
	e.token = strings.TrimSpace(string(token))
	return err
}

// operator runs a command on its database, and gives what it prints.
func (e *engine) operator(arguments ...string) (string, error) {
	path, err := binary()
	if err != nil {
		return "", err
	}
	command := exec.Command(path, arguments...)
	command.Env = append(os.Environ(), "ADZE_DATABASE_URL="+e.db, "ADZE_ADDRESS="+e.grpc, "ADZE_HTTP_URL=http://"+e.http)
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("run adze %s: %w", strings.Join(arguments, " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}

// kill ends it as a lost machine would.
func (e *engine) kill() {
	_ = e.command.Process.Kill()
	<-e.ended
}

// crash kills it, and starts another one at the same place.
func (e *engine) crash(t *testing.T) {
	t.Helper()
	e.kill()
	if err := e.start(); err != nil {
		t.Fatal(err)
	}
}

// close ends it, and removes what it kept.
func (e *engine) close() error {
	_ = e.command.Process.Signal(syscall.SIGINT)
	select {
	case <-e.ended:
	case <-time.After(stopWaitMax):
		e.kill()
		return errors.New("stop engine: it did not end when asked")
	}
	return errors.Join(e.log.Close(), os.RemoveAll(e.dir))
}

// tail is the end of its log.
func (e *engine) tail() string {
	text, err := os.ReadFile(e.log.Name())
	if err != nil {
		return err.Error()
	}
	const most = 4 << 10
	return string(text[max(0, len(text)-most):])
}

// announced hears the line that says the engine is ready.
type announced struct {
	ready chan struct{}
	once  sync.Once
	text  bytes.Buffer
}

// line is what it says after a word.
func (a *announced) line(word string) string {
	for line := range strings.Lines(a.text.String()) {
		if rest, is := strings.CutPrefix(line, word); is {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

// Write implements io.Writer.
func (a *announced) Write(b []byte) (int, error) {
	a.text.Write(b)
	if bytes.Contains(a.text.Bytes(), []byte("adze: ready\n")) {
		a.once.Do(func() { close(a.ready) })
	}
	return len(b), nil
}
