package pgtest

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/adzehq/adze/internal/base/localpg"
)

const (
	// hostEnv turns a test binary into the host of the cluster: see init.
	hostEnv = "ADZE_PGTEST_HOST"

	// idleMax is how long the cluster waits for another test process. It spans
	// the gaps within `go test ./...` and between two runs of one who edits.
	idleMax = 60 * time.Second
	// lookEvery is how often the host looks whether it is still needed.
	lookEvery = time.Second
	// readyPoll is how often the first test process looks for the cluster.
	readyPoll = 20 * time.Millisecond
)

// A cluster lives in a directory of these files. Test processes hold usersLock
// shared for as long as they run. Whoever starts or ends the cluster, or joins
// its users, holds doorLock for that moment, so that none joins a cluster that
// is about to end.
const (
	usersLock = "users.lock"
	doorLock  = "door.lock"
	urlFile   = "url"
	hostLog   = "host.log"
)

// init hosts the cluster in a process of its own, made from the test binary that
// needed it first: the cluster must outlive that one, and end with somebody.
func init() {
	if dir := os.Getenv(hostEnv); dir != "" {
		if err := host(context.Background(), dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
}

// serverURL is a server that lives at least as long as this process.
func serverURL(ctx context.Context) (string, error) {
	if url := os.Getenv(URLEnv); url != "" {
		return url, nil
	}
	joined.Lock()
	defer joined.Unlock()
	if joined.url != "" {
		return joined.url, nil
	}
	url, err := join(ctx)
	joined.url = url
	return url, err
}

// joined is the cluster that this process has joined.
var joined struct {
	sync.Mutex
	url  string
	user *os.File // the shared lock, open until the process ends
}

// join takes part in the cluster, starting it when there is none. The caller
// holds joined.
func join(ctx context.Context) (string, error) {
	dir := clusterDir()
	if err := os.MkdirAll(dir, 0o711); err != nil {
		return "", fmt.Errorf("make cluster directory: %w", err)
	}
	if info, err := os.Stat(dir); err != nil || int(info.Sys().(*syscall.Stat_t).Uid) != os.Geteuid() {
		return "", fmt.Errorf("cluster directory %s belongs to another user", dir)
	}
	door, err := flock(filepath.Join(dir, doorLock), syscall.LOCK_EX)
	if err != nil {
		return "", err
	}
	defer door.Close()
	url, alive := clusterURL(ctx, dir)
	if !alive {
		if url, err = startHost(ctx, dir); err != nil {
			return "", err
		}
	}
	joined.user, err = flock(filepath.Join(dir, usersLock), syscall.LOCK_SH)
	return url, err
}

// clusterDir is one per user, and per choice of binaries: who asks for another
// version must not join a cluster of the last one.
func clusterDir() string {
	name := "adze-pgtest-" + strconv.Itoa(os.Geteuid())
	if bin := os.Getenv(localpg.BinEnv); bin != "" {
		// Short: sockets in it have paths of 104 bytes at most.
		name += fmt.Sprintf("-%08x", crc32.ChecksumIEEE([]byte(bin)))
	}
	return filepath.Join(os.TempDir(), name)
}

// clusterURL is the address that the host has left, and whether it answers.
func clusterURL(ctx context.Context, dir string) (string, bool) {
	url, err := os.ReadFile(filepath.Join(dir, urlFile))
	if err != nil {
		return "", false
	}
	conn, err := pgx.Connect(ctx, string(url))
	if err != nil {
		return "", false
	}
	return string(url), conn.Close(ctx) == nil
}

// startHost runs this very binary as the host and waits for the cluster.
func startHost(ctx context.Context, dir string) (string, error) {
	os.Remove(filepath.Join(dir, urlFile))
	log, err := os.Create(filepath.Join(dir, hostLog))
	if err != nil {
		return "", fmt.Errorf("start test cluster: %w", err)
	}
	defer log.Close()
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("start test cluster: %w", err)
	}
	command := exec.Command(self)
	command.Dir = dir
	command.Env = append(os.Environ(), hostEnv+"="+dir)
	// Not our output: `go test` waits until nobody holds it any more.
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := command.Start(); err != nil {
		return "", fmt.Errorf("start test cluster: %w", err)
	}
	return awaitHost(ctx, dir, command.Process)
}

func awaitHost(ctx context.Context, dir string, process *os.Process) (string, error) {
	for {
		if url, alive := clusterURL(ctx, dir); alive {
			return url, process.Release()
		}
		var status syscall.WaitStatus
		ended, _ := syscall.Wait4(process.Pid, &status, syscall.WNOHANG, nil)
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("wait for test cluster: %w", ctx.Err())
		case <-time.After(readyPoll):
		}
		if ended == process.Pid {
			text, _ := os.ReadFile(filepath.Join(dir, hostLog))
			return "", fmt.Errorf("test cluster ended while starting: %s", text)
		}
	}
}

// host runs the cluster until it has had no users for idleMax, and leaves
// nothing of it.
func host(ctx context.Context, dir string) error {
	removeOld(dir)
	data, err := os.MkdirTemp(dir, "data-")
	if err != nil {
		return fmt.Errorf("make data directory: %w", err)
	}
	defer os.RemoveAll(data)
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	server, err := localpg.Start(ctx, localpg.Config{DataDir: filepath.Join(data, "pg"), Fast: true, Log: log})
	if err != nil {
		return err
	}
	if err := announce(dir, server.URL()); err != nil {
		return err
	}
	door, err := awaitIdle(dir, server.Done())
	if err != nil {
		return err
	}
	defer door.Close()
	os.Remove(filepath.Join(dir, urlFile))
	return server.Stop(ctx)
}

// removeOld removes the data of hosts that were killed; their servers ended with
// them, or end when they miss their directory.
func removeOld(dir string) {
	old, _ := filepath.Glob(filepath.Join(dir, "data-*")) // fails on a bad pattern only
	for _, path := range old {
		os.RemoveAll(path)
	}
}

// announce writes the address whole or not at all.
func announce(dir, url string) error {
	draft := filepath.Join(dir, urlFile+".draft")
	if err := os.WriteFile(draft, []byte(url), 0o600); err != nil {
		return fmt.Errorf("announce cluster: %w", err)
	}
	return os.Rename(draft, filepath.Join(dir, urlFile))
}

// awaitIdle returns when nobody has used the cluster for idleMax, with the door
// shut, or when it has ended.
func awaitIdle(dir string, ended <-chan struct{}) (door *os.File, err error) {
	idleSince := time.Now()
	for {
		select {
		case <-ended:
			return nil, errors.New("test cluster ended by itself")
		case <-time.After(lookEvery):
		}
		switch {
		case used(dir):
			idleSince = time.Now()
		case time.Since(idleSince) > idleMax:
			door, err := flock(filepath.Join(dir, doorLock), syscall.LOCK_EX)
			if err != nil || !used(dir) {
				return door, err
			}
			door.Close()
		}
	}
}

// used says whether a test process holds the users' lock.
func used(dir string) bool {
	lock, err := flock(filepath.Join(dir, usersLock), syscall.LOCK_EX|syscall.LOCK_NB)
	if err != nil {
		return true
	}
	lock.Close()
	return false
}

// flock opens path and locks it until the file is closed or the process ends.
func flock(path string, how int) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	for {
		err = syscall.Flock(int(file.Fd()), how)
		if err == nil {
			return file, nil
		}
		if !errors.Is(err, syscall.EINTR) {
			file.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
	}
}
