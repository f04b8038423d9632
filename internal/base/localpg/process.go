package localpg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// logBytesMax is where the server's log is begun anew, at a start.
	logBytesMax = 8 << 20
	// logTailBytes of the log go into the error of a server that did not start.
	logTailBytes = 2 << 10
)

// launch starts the process and waits until it answers.
func (s *Server) launch(ctx context.Context) error {
	wait := s.config.StartWait
	if wait == 0 {
		wait = startWaitDefault
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	log, err := s.openLog()
	if err != nil {
		return err
	}
	defer log.Close()
	begin, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("open server log: %w", err)
	}
	command := s.command(context.WithoutCancel(ctx), "postgres", s.arguments(ctx)...)
	command.Stdout, command.Stderr = log, log
	// A group of its own: Ctrl-C in a terminal is for us, and we stop the server
	// when nobody needs it any more.
	command.SysProcAttr.Setpgid = true
	endWithParent(command.SysProcAttr)
	if err := s.spawn(command); err != nil {
		return err
	}
	if err := s.awaitAnswer(ctx); err != nil {
		return fmt.Errorf("%w\n%s", err, logTail(log, begin))
	}
	s.log.Debug("started postgres", "data_dir", s.config.DataDir, "port", s.config.Port, "pid", s.PID(), "version", s.binaries.Version)
	return nil
}

func (s *Server) openLog() (*os.File, error) {
	path := filepath.Join(s.config.DataDir, logFile)
	if info, err := os.Stat(path); err == nil && info.Size() > logBytesMax {
		os.Remove(path)
	}
	log, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open server log: %w", err)
	}
	if err := s.account.own(path); err != nil {
		log.Close()
		return nil, fmt.Errorf("open server log: %w", err)
	}
	return log, nil
}

// spawn starts the process and leaves a goroutine that waits for its end. The
// goroutine keeps its thread for as long: on Linux the server's signal at the
// death of its parent follows the thread that started it, not the process.
func (s *Server) spawn(command *exec.Cmd) error {
	s.done = make(chan struct{})
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := command.Start()
		s.process = command.Process
		started <- err
		if err != nil {
			return
		}
		s.err = command.Wait()
		unlockDir(s.lock)
		close(s.done)
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("run postgres: %w", err)
	}
	return nil
}

// awaitAnswer returns once the server takes connections and Database exists.
func (s *Server) awaitAnswer(ctx context.Context) error {
	for {
		err := s.ensureDatabase(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-s.done:
			return fmt.Errorf("server ended while starting: %w", s.Err())
		case <-ctx.Done():
			return fmt.Errorf("wait for server: %w", errors.Join(ctx.Err(), err))
		case <-time.After(pollEvery):
		}
	}
}

func (s *Server) ensureDatabase(ctx context.Context) error {
	maintenance := s.tcpURL("postgres")
	if socketFits(s.config.DataDir) {
		maintenance = s.socketURL("postgres")
	}
	conn, err := pgx.Connect(ctx, maintenance)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var exists bool
	const query = "select exists (select from pg_database where datname = $1)"
	if err := conn.QueryRow(ctx, query, Database).Scan(&exists); err != nil {
		return fmt.Errorf("look for database: %w", err)
	}
	if exists {
		return nil
	}
	if _, err := conn.Exec(ctx, "create database "+Database); err != nil {
		return fmt.Errorf("create database: %w", err)
	}
	return nil
}

// Done is closed when the server has ended, for whatever reason.
func (s *Server) Done() <-chan struct{} { return s.done }

// Err is why the server ended by itself: nil while it runs and after a clean
// shutdown.
func (s *Server) Err() error {
	select {
	case <-s.done:
		return s.err
	default:
		return nil
	}
}

// Stop shuts the server down: sessions are cut off, everything is on disk. When
// ctx ends first, or the server takes longer than 30 s, it is told to quit at
// once and recovers at its next start. A server that has ended is no error.
func (s *Server) Stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stopWaitMax)
	defer cancel()
	s.signal(syscall.SIGINT)
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
	}
	s.signal(syscall.SIGQUIT)
	select {
	case <-s.done:
		return nil
	case <-time.After(quitWaitMax):
		return s.Kill()
	}
}

// Kill ends the server like a crash: kill -9 of the postmaster. Its children
// notice by themselves; the next Start ends those that have not.
func (s *Server) Kill() error {
	s.signal(syscall.SIGKILL)
	<-s.done
	return nil
}

// signal cannot fail in a way that matters: the process may have ended already.
func (s *Server) signal(sig os.Signal) { _ = s.process.Signal(sig) }

// logTail is the end of what was logged since begin.
func logTail(log *os.File, begin int64) string {
	end, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return ""
	}
	begin = max(begin, end-logTailBytes)
	tail := make([]byte, end-begin)
	n, _ := log.ReadAt(tail, begin) // as much as there is
	return strings.TrimSpace(string(bytes.ToValidUTF8(tail[:n], nil)))
}
