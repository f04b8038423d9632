package localpg_test

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/adzehq/adze/internal/base/localpg"
)

// childEnv makes the test binary run a server on the directory it names, as a
// parent to be killed.
const childEnv = "ADZE_LOCALPG_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		runChild(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

func runChild(dir string) {
	if _, err := localpg.Start(context.Background(), localpg.Config{DataDir: dir, Fast: true}); err != nil {
		slog.Error("could not start", "error", err)
		os.Exit(1)
	}
	os.Stdout.WriteString("ready\n")
	select {}
}

// start runs a durable server: Fast may lose the last commits of a killed one.
func start(t *testing.T, dir string) *localpg.Server {
	t.Helper()
	s, err := localpg.Start(t.Context(), localpg.Config{DataDir: dir, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop(context.Background())) })
	return s
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func write(t *testing.T, s *localpg.Server, note string) {
	t.Helper()
	_, err := connect(t, s.URL()).Exec(t.Context(), "create table if not exists note (text text)")
	require.NoError(t, err)
	_, err = connect(t, s.URL()).Exec(t.Context(), "insert into note values ($1)", note)
	require.NoError(t, err)
}

func notes(t *testing.T, s *localpg.Server) (list []string) {
	t.Helper()
	rows, err := connect(t, s.URL()).Query(t.Context(), "select text from note order by text")
	require.NoError(t, err)
	list, err = pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return list
}

func TestDataAndPortSurviveAStop(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	first := start(t, dir)
	write(t, first, "kept")
	require.NoError(t, first.Stop(t.Context()))

	second := start(t, dir)
	require.Equal(t, []string{"kept"}, notes(t, second))
	require.Equal(t, first.Port(), second.Port())
}

func TestBothAddressesLeadToTheDatabase(t *testing.T) {
	t.Parallel()
	s := start(t, filepath.Join(t.TempDir(), "data"))
	for _, url := range []string{s.URL(), s.TCPURL()} {
		var name string
		require.NoError(t, connect(t, url).QueryRow(t.Context(), "select current_database()").Scan(&name))
		require.Equal(t, localpg.Database, name)
	}
	stranger := strings.Replace(s.TCPURL(), localpg.User+":", localpg.User+":x", 1)
	_, err := pgx.Connect(t.Context(), stranger)
	require.ErrorContains(t, err, "password authentication failed")
}

func TestAKilledServerStartsAgain(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	first := start(t, dir)
	write(t, first, "kept")
	// A backend in the middle of a statement outlives its postmaster.
	busy := connect(t, first.URL())
	_, err := busy.Exec(t.Context(), "create function spin() returns void language plpgsql as 'begin loop end loop; end'")
	require.NoError(t, err)
	busy.PgConn().Frontend().SendQuery(&pgproto3.Query{String: "select spin()"})
	require.NoError(t, busy.PgConn().Frontend().Flush())
	require.NoError(t, first.Kill())
	require.Error(t, first.Err())

	require.Equal(t, []string{"kept"}, notes(t, start(t, dir)))
}

func TestAnOrphanIsReplaced(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	first := start(t, dir)
	write(t, first, "kept")
	require.NoError(t, first.Stop(t.Context()))
	pid := startOrphan(t, first)

	second := start(t, dir)
	require.NotEqual(t, pid, second.PID())
	require.ErrorIs(t, syscall.Kill(pid, 0), syscall.ESRCH)
	require.Equal(t, []string{"kept"}, notes(t, second))
}

// startOrphan runs a postmaster on the data of s that no Server owns.
func startOrphan(t *testing.T, s *localpg.Server) int {
	t.Helper()
	info, err := os.Stat(filepath.Join(s.DataDir(), "PG_VERSION"))
	require.NoError(t, err)
	owner := info.Sys().(*syscall.Stat_t)
	command := exec.Command(filepath.Join(s.Binaries().Dir, "postgres"), "-D", s.DataDir(),
		"-c", "unix_socket_directories="+s.DataDir(), "-c", "listen_addresses=", "-p", strconv.Itoa(s.Port()))
	command.Dir = "/"
	if os.Geteuid() == 0 {
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: owner.Uid, Gid: owner.Gid}}
	}
	require.NoError(t, command.Start())
	ended := make(chan struct{})
	go func() { _ = command.Wait(); close(ended) }()
	t.Cleanup(func() { _ = command.Process.Kill(); <-ended })
	require.Eventually(t, func() bool {
		conn, err := pgx.Connect(t.Context(), s.URL())
		if err != nil {
			return false
		}
		return conn.Close(t.Context()) == nil
	}, time.Minute, 10*time.Millisecond)
	return command.Process.Pid
}

func TestAServerEndsWithItsParent(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childEnv+"="+dir)
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	ready := make([]byte, len("ready\n"))
	_, err = out.Read(ready)
	require.NoError(t, err)

	_, err = localpg.Start(t.Context(), localpg.Config{DataDir: dir, Fast: true})
	require.ErrorIs(t, err, localpg.ErrInUse)
	require.ErrorContains(t, err, strconv.Itoa(child.Process.Pid))

	require.NoError(t, child.Process.Kill())
	_ = child.Wait() // killed, as asked
	start(t, dir)
}

func TestDataOfAnotherVersionIsRefusedByBothNames(t *testing.T) {
	t.Parallel()
	found, err := localpg.Find(t.Context())
	require.NoError(t, err)
	if len(found) == 0 {
		t.Skip("needs Postgres on this machine: without it, the version of the data is downloaded")
	}
	dir := filepath.Join(t.TempDir(), "data")
	require.NoError(t, os.MkdirAll(dir, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "PG_VERSION"), []byte("9\n"), 0o600))
	_, err = localpg.Start(t.Context(), localpg.Config{DataDir: dir})
	require.ErrorContains(t, err, "written by Postgres 9, the binaries here are "+found[0].Version)
}

func TestADirectoryOfSomethingElseIsLeftAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "thesis.txt"), nil, 0o600))
	_, err := localpg.Start(t.Context(), localpg.Config{DataDir: dir})
	require.ErrorContains(t, err, "neither empty nor Postgres's")
}

func TestAServerThatCannotStartTellsWhy(t *testing.T) {
	t.Parallel()
	_, err := localpg.Start(t.Context(), localpg.Config{
		DataDir:  filepath.Join(t.TempDir(), "data"),
		Settings: map[string]string{"shared_buffers": "a lot"},
		Log:      slog.New(slog.DiscardHandler),
	})
	require.ErrorContains(t, err, "shared_buffers")
}
