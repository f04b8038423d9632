package localpg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// endLeftovers stops what a dead owner left running on dir. The caller holds the
// lock of dir, so whatever still runs there has no owner. A stale pid file needs
// no help: Postgres judges it itself.
func endLeftovers(ctx context.Context, dir string, log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, stopWaitMax)
	defer cancel()
	if pid := orphan(dir); pid != 0 {
		log.Info("stopping orphaned postgres", "data_dir", dir, "pid", pid)
		_ = syscall.Kill(pid, syscall.SIGINT)
		err := await(ctx, func() bool { return orphan(dir) == 0 })
		if err != nil {
			return fmt.Errorf("stop Postgres left running on %s (pid %d): %w", dir, pid, err)
		}
	}
	// Children of a killed postmaster end by themselves, but not before their
	// statement does, and until then the shared memory counts as in use.
	for _, pid := range serversIn(dir) {
		log.Info("killing orphaned backend", "data_dir", dir, "pid", pid)
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	if err := await(ctx, func() bool { return len(serversIn(dir)) == 0 }); err != nil {
		return fmt.Errorf("kill backends left running on %s: %w", dir, err)
	}
	return nil
}

func await(ctx context.Context, happened func() bool) error {
	for !happened() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pollEvery):
		}
	}
	return nil
}

// orphan is the postmaster that the pid file in dir names, or 0 when it is gone
// or its number belongs to another program by now.
func orphan(dir string) int {
	text, err := os.ReadFile(filepath.Join(dir, "postmaster.pid"))
	if err != nil {
		return 0
	}
	// pid, data directory, start time, port, socket directory, …
	lines := strings.Split(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil || pid <= 1 || errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return 0
	}
	if cwd, err := os.Readlink(procPath(pid, "cwd")); err == nil {
		if cwd == dir {
			return pid
		}
		return 0
	}
	if len(lines) > 4 && answers(lines[4], lines[3]) {
		return pid
	}
	return 0
}

// answers is how a system without /proc tells that a postmaster lives.
func answers(socketDir, port string) bool {
	conn, err := net.Dial("unix", filepath.Join(socketDir, ".s.PGSQL."+port))
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// serversIn lists the Postgres processes that work in dir; none where the system
// has no /proc. A zombie has no directory any more, and is not listed.
func serversIn(dir string) []int {
	entries, err := os.ReadDir("/proc")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var pids []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		cwd, err := os.Readlink(procPath(pid, "cwd"))
		if err != nil || cwd != dir {
			continue
		}
		if exe, err := os.Readlink(procPath(pid, "exe")); err == nil && strings.HasPrefix(filepath.Base(exe), "postgres") {
			pids = append(pids, pid)
		}
	}
	return pids
}

func procPath(pid int, name string) string {
	return filepath.Join("/proc", strconv.Itoa(pid), name)
}
