package localpg

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Files of ours in the data directory, beside Postgres's own.
const (
	passwordFile = "adze.password"
	portFile     = "adze.port"
	logFile      = "adze.log"
)

// lockDir takes the lock of a data directory, which stands beside it because
// initdb wants the directory itself empty. The system frees it with the process.
func lockDir(dir string) (*os.File, error) {
	file, err := os.OpenFile(dir+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock data directory: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(file.Name())
		file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w: %s, by process %s", ErrInUse, dir, bytes.TrimSpace(holder))
		}
		return nil, fmt.Errorf("lock data directory: %w", err)
	}
	// For the message above; the lock does not hang on it.
	_ = file.Truncate(0)
	_, _ = file.WriteAt(strconv.AppendInt(nil, int64(os.Getpid()), 10), 0)
	return file, nil
}

// unlockDir frees the lock in so many words: closing the file is not enough while
// a child that is being started, by anyone in this process, still has a copy.
func unlockDir(lock *os.File) {
	_ = syscall.Flock(int(lock.Fd()), syscall.LOCK_UN) // fails on a bad descriptor only
	lock.Close()
}

// dataVersion is the major version that wrote dir, or 0 when it is missing or
// empty. A directory of something else is an error: it is not ours to fill.
func dataVersion(dir string) (int, error) {
	text, err := os.ReadFile(filepath.Join(dir, "PG_VERSION"))
	if err == nil {
		return strconv.Atoi(strings.TrimSpace(string(text)))
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("read data directory: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("read data directory: %w", err)
	}
	if len(entries) > 0 {
		return 0, fmt.Errorf("data directory %s is neither empty nor Postgres's", dir)
	}
	return 0, nil
}

// initialise makes a new cluster beside the data directory and moves it there
// whole: an initdb that was cut short leaves nothing that looks like data.
func (s *Server) initialise(ctx context.Context) error {
	dir := s.config.DataDir
	leftovers, _ := filepath.Glob(dir + ".init-*") // fails on a bad pattern only
	for _, path := range leftovers {
		os.RemoveAll(path)
	}
	scratch, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+".init-")
	if err != nil {
		return fmt.Errorf("make data directory: %w", err)
	}
	defer os.RemoveAll(scratch)
	password := filepath.Join(scratch, passwordFile)
	if err := os.WriteFile(password, []byte(rand.Text()+"\n"), 0o600); err != nil {
		return fmt.Errorf("write password: %w", err)
	}
	if err := errors.Join(s.account.own(scratch), s.account.own(password)); err != nil {
		return fmt.Errorf("give data directory to user %s: %w", s.account.name, err)
	}
	data := filepath.Join(scratch, "data")
	if err := s.initdb(ctx, data, password); err != nil {
		return err
	}
	if err := os.Rename(password, filepath.Join(data, passwordFile)); err != nil {
		return fmt.Errorf("keep password: %w", err)
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("replace empty data directory: %w", err)
	}
	if err := os.Rename(data, dir); err != nil {
		return fmt.Errorf("move data directory into place: %w", err)
	}
	s.log.Info("made database cluster", "data_dir", dir, "postgres", s.binaries.Version)
	return nil
}

// initdb trusts the socket, which only the server's user and root can reach, and
// asks for the password on TCP, which every user of the machine can.
func (s *Server) initdb(ctx context.Context, data, password string) error {
	args := []string{
		"--pgdata=" + data, "--username=" + User, "--pwfile=" + password,
		"--auth-local=trust", "--auth-host=scram-sha-256",
		// The C locale compares bytes: fast, and equal on every machine.
		"--encoding=UTF8", "--locale=C",
	}
	if s.config.Fast {
		args = append(args, "--no-sync")
	}
	command := s.command(ctx, "initdb", args...)
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("run initdb: %w\n%s", err, bytes.TrimSpace(out))
	}
	return nil
}

// command runs one of the binaries as the account, in an environment that does
// not depend on the user's.
func (s *Server) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, filepath.Join(s.binaries.Dir, name), args...)
	command.Dir = "/" // ours may be closed to the account
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
	command.SysProcAttr = &syscall.SysProcAttr{Credential: s.account.credential}
	return command
}

func readPassword(dir string) (string, error) {
	text, err := os.ReadFile(filepath.Join(dir, passwordFile))
	if err != nil {
		return "", fmt.Errorf("read password (is the data directory one of Adze's?): %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// choosePort is want, else the port of last time, so that addresses in people's
// shells stay true, else a free one.
func choosePort(dir string, want int) (int, error) {
	if want == 0 {
		text, _ := os.ReadFile(filepath.Join(dir, portFile)) // missing at the first start
		want, _ = strconv.Atoi(string(text))
		if want == 0 || !portFree(want) {
			var err error
			if want, err = freePort(); err != nil {
				return 0, err
			}
		}
	}
	if err := os.WriteFile(filepath.Join(dir, portFile), []byte(strconv.Itoa(want)), 0o600); err != nil {
		return 0, fmt.Errorf("remember port: %w", err)
	}
	return want, nil
}

func portFree(port int) bool {
	l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
	if err != nil {
		return false
	}
	l.Close()
	return true
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// socketFits says whether a socket in dir has a path that the system can bind:
// 104 bytes on the tightest one, with the zero at its end.
func socketFits(dir string) bool { return len(dir)+len("/.s.PGSQL.65535") < 104 }
