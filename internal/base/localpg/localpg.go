// Package localpg runs a Postgres server of our own as a child process: for
// `adze dev`, for tests and for benchmarks. It owns the data directory it is
// given, from initdb to the leftovers of a crash, and finds the binaries on the
// machine or downloads them. A Server that Start returns answers queries; its
// data survives every way for it, or for us, to die.
package localpg

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

const (
	// User is the superuser of every cluster, Database what URL leads to.
	User     = "adze"
	Database = "adze"

	// startWaitDefault leaves time for the recovery of a few GB of WAL.
	startWaitDefault = 3 * time.Minute
	// stopWaitMax bounds a fast shutdown, which writes a checkpoint. After it the
	// server is told to quit at once, and recovers at its next start.
	stopWaitMax = 30 * time.Second
	// quitWaitMax bounds an immediate shutdown; after it the process is killed.
	quitWaitMax = 5 * time.Second
	// pollEvery is the pause between looks at a server that starts or stops.
	pollEvery = 20 * time.Millisecond
)

// ErrInUse says that another living process runs a server on the data directory.
var ErrInUse = errors.New("data directory is in use")

// Config says where and how to run the server. Only DataDir is required.
type Config struct {
	DataDir   string            // made when missing; its parent must be reachable for the server's user
	Port      int               // TCP port on 127.0.0.1; 0 = the one of last time, else a free one
	Fast      bool              // no durability, not even against a killed server: for tests whose data nobody misses
	Settings  map[string]string // server settings on top of ours, like "work_mem": "64MB"
	StartWait time.Duration     // how long Start waits for the first answer; 0 = 3 min
	Log       *slog.Logger      // nil = slog.Default
}

// Server is a running Postgres that ends with us.
type Server struct {
	config   Config
	binaries Binaries
	account  account
	password string
	log      *slog.Logger

	lock    *os.File // held while the process lives; see lockDir
	process *os.Process
	done    chan struct{} // closed when the process has ended
	err     error         // why it ended; set before done is closed
}

// Start runs a server on c.DataDir and returns once it answers and Database
// exists. Data that is there is kept. A server left running by a process that
// died is stopped first; one whose owner lives is ErrInUse.
func Start(ctx context.Context, c Config) (*Server, error) {
	s, err := start(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("start Postgres: %w", err)
	}
	return s, nil
}

func start(ctx context.Context, c Config) (_ *Server, err error) {
	s := &Server{config: c, log: cmp.Or(c.Log, slog.Default())}
	if s.config.DataDir, err = resolve(c.DataDir); err != nil {
		return nil, err
	}
	if s.lock, err = lockDir(s.config.DataDir); err != nil {
		return nil, err
	}
	if err = s.startLocked(ctx); err != nil {
		// The lock is released by whoever ends last: the process, if there is one.
		if s.process == nil {
			unlockDir(s.lock)
			return nil, err
		}
		return nil, errors.Join(err, s.Kill())
	}
	return s, nil
}

func (s *Server) startLocked(ctx context.Context) (err error) {
	dir := s.config.DataDir
	major, err := dataVersion(dir)
	if err != nil {
		return err
	}
	if s.account, err = accountFor(dir); err != nil {
		return err
	}
	if err = s.account.reach(filepath.Dir(dir)); err != nil {
		return err
	}
	if s.binaries, err = pick(ctx, dir, major, s.log); err != nil {
		return err
	}
	if err = endLeftovers(ctx, dir, s.log); err != nil {
		return err
	}
	if major == 0 {
		if err = s.initialise(ctx); err != nil {
			return err
		}
	}
	if s.password, err = readPassword(dir); err != nil {
		return err
	}
	if s.config.Port, err = choosePort(dir, s.config.Port); err != nil {
		return err
	}
	return s.launch(ctx)
}

// URL leads to Database over the Unix socket, or over TCP where the path of the
// data directory is too long for a socket.
func (s *Server) URL() string {
	if !socketFits(s.config.DataDir) {
		return s.TCPURL()
	}
	return s.socketURL(Database)
}

// TCPURL leads to Database over 127.0.0.1, with the password in it.
func (s *Server) TCPURL() string { return s.tcpURL(Database) }

// Port is the TCP port on 127.0.0.1; it also names the socket.
func (s *Server) Port() int { return s.config.Port }

// PID is the process id of the postmaster.
func (s *Server) PID() int { return s.process.Pid }

// DataDir is the absolute path of the data directory.
func (s *Server) DataDir() string { return s.config.DataDir }

// Binaries are what the server runs on.
func (s *Server) Binaries() Binaries { return s.binaries }

func (s *Server) socketURL(database string) string {
	query := url.Values{"host": {s.config.DataDir}, "port": {strconv.Itoa(s.config.Port)}}
	u := url.URL{Scheme: "postgres", User: url.User(User), Path: database, RawQuery: query.Encode()}
	// An empty host needs its slashes, which url.URL drops.
	return "postgres://" + User + "@/" + u.Path + "?" + u.RawQuery
}

func (s *Server) tcpURL(database string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(User, s.password),
		Host:     "127.0.0.1:" + strconv.Itoa(s.config.Port),
		Path:     database,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// resolve makes dir absolute and free of symbolic links, so that it compares
// with what the system tells about running processes. The parent is made.
func resolve(dir string) (string, error) {
	if dir == "" {
		return "", errors.New("data directory is empty")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("resolve data directory: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", fmt.Errorf("make parent of data directory: %w", err)
	}
	parent, err := filepath.EvalSymlinks(filepath.Dir(dir))
	if err != nil {
		return "", fmt.Errorf("resolve data directory: %w", err)
	}
	return filepath.Join(parent, filepath.Base(dir)), nil
}
