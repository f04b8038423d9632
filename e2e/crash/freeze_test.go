package crash_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/internal/base/id"
)

const (
	// longFreeze is how long Postgres stands still in the long form of its test.
	longFreeze  = 20 * time.Second
	shortFreeze = 5 * time.Second
	// silenceMax is when the engine gives a worker up that says nothing, with room
	// for a busy machine.
	silenceMax = 30 * time.Second
	// heldMS is how long the jobs take that a frozen worker holds: longer than it
	// takes to freeze it, shorter than its silence.
	heldMS   = 3_000
	heldJobs = 20
)

// family is a process and its children. Postgres's are sessions of their own, which
// no signal to a group reaches.
func family(t *testing.T, pid int) []int {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	require.NoError(t, err)
	if len(stats) == 0 {
		t.Skip("needs /proc to find the children of Postgres")
	}
	pids := []int{pid}
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended meanwhile
		}
		// "pid (name) state ppid …", and the name may hold anything.
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if len(fields) < 2 || fields[1] != strconv.Itoa(pid) {
			continue
		}
		own, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		require.NoError(t, err)
		pids = append(pids, own)
	}
	return pids
}

func signalAll(pids []int, sig syscall.Signal) {
	for _, pid := range pids {
		_ = syscall.Kill(pid, sig) // it may have ended
	}
}

func TestNothingIsLostWhenPostgresStandsStill(t *testing.T) {
	t.Parallel()
	s := newStack(t, 2)
	l := s.startLoad()
	s.pass(time.Second)
	s.freezePostgres()
	s.pass(time.Second)
	s.finish(l)
}

// freezePostgres stops all of its processes for a while.
func (s *stack) freezePostgres() {
	s.t.Helper()
	standstill := shortFreeze
	if soaking() {
		standstill = longFreeze
	}
	// The postmaster first: then no child is missed.
	require.NoError(s.t, syscall.Kill(s.postgres.PID(), syscall.SIGSTOP))
	frozen := family(s.t, s.postgres.PID())
	signalAll(frozen, syscall.SIGSTOP)
	s.logf("froze Postgres, %d processes", len(frozen))
	s.pass(standstill)
	signalAll(frozen, syscall.SIGCONT)
}

func TestNothingIsLostWhenTheNetworkSwallowsEverything(t *testing.T) {
	t.Parallel()
	s := newStack(t, 2)
	l := s.startLoad()
	s.pass(time.Second)
	s.wire.Stall()
	s.pass(shortFreeze)
	s.wire.Resume()
	s.pass(time.Second)
	s.finish(l)
}

func TestASilentWorkersTasksRunElsewhereAndItsLateReportsAreRefused(t *testing.T) {
	t.Parallel()
	s := newStack(t, 1)
	silent := s.workers[0]
	var runs []*adze.Run[done]
	var held []int64
	for range heldJobs {
		run, ok := s.submit(job{N: s.book.number(), MS: heldMS})
		require.True(t, ok)
		runs, held = append(runs, run), append(held, int64(run.ID))
	}
	s.becomes("running tasks", heldJobs, func() (float64, error) { return s.scrape(s.engine, `adze_shard_tasks{state="running"}`) })
	silent.Freeze()
	begin := time.Now()
	s.workers = append(s.workers, s.startWorker())
	l := s.startLoad()
	s.becomes("lost attempts", heldJobs, func() (float64, error) {
		return float64(s.count("select count(*) from adze.attempt where outcome = 'lost' and task_id = any($1)", held)), nil
	})
	took := time.Since(begin)
	s.logf("the silent worker's tasks were taken from it after %s", took)
	require.Less(t, took, silenceMax)

	silent.Thaw() // while their second attempts run
	s.becomes("stale reports", heldJobs, func() (float64, error) {
		n, err := s.scrape(s.engine, "adze_grpc_stale_reports_total")
		return min(n, heldJobs), err // it had free slots, too, and was given more
	})
	for _, run := range runs {
		wait(s, run)
		asked, how := s.book.look(run.ID)
		require.Equal(t, ended{Status: adze.Succeeded, Attempt: 2, N: asked.N}, how)
	}
	s.finish(l)
}

func TestAZombieEngineCommitsNothingAndStops(t *testing.T) {
	t.Parallel()
	s := newStack(t, 2)
	l := s.startLoad()
	s.pass(time.Second)
	zombie := s.engine
	loyal, err := adze.Dial(s.ctx, adze.Address(zombie.Line("gRPC")), adze.Token(s.token), adze.Logger(discard))
	require.NoError(t, err)
	t.Cleanup(func() { _ = loyal.Close() })

	zombie.Freeze()
	s.logf("froze the engine")
	late := s.submitTo(loyal) // waits in its sockets
	s.startEngine()
	s.logf("another engine took over")
	s.front.Cut() // clients of the frozen engine would wait for their keepalive
	zombie.Thaw()
	select {
	case <-zombie.Done():
	case <-time.After(waitMax):
		require.FailNow(t, "zombie engine did not stop by itself")
	}
	require.Error(t, zombie.Err(), "the end of a zombie is no success")
	require.Contains(t, zombie.LogTail(), "another")
	s.logf("the zombie stopped")
	for j, err := range late() {
		require.Error(t, err, "a zombie accepted job %d", j.N)
		s.book.refused[j.N] = fmt.Sprintf("given to the zombie: %v", err) // whatever it says, it committed nothing
	}
	s.pass(time.Second)
	s.finish(l)
}

func TestABatchThatArrivesAfterATakeOverIsRefused(t *testing.T) {
	t.Parallel()
	s := newStack(t, 2)
	l := s.startLoad()
	s.pass(time.Second)
	old := s.wire
	<-old.StallCommit(submitMarker)
	s.pass(time.Second)
	s.engine.Kill()
	killed := time.Now()
	s.wire = s.startProxy(s.postgresAddr())
	s.startEngine()
	s.logf("another engine took over")
	old.Resume()
	s.pass(time.Second)
	s.finish(l)
	require.NotEmpty(t, s.book.unknown)
	for run, r := range s.history().runs {
		made := id.ID(run).Time()
		_, unknown := s.book.unknown[jobOf(r).N]
		require.False(t, unknown && made.Before(killed), "run %s of %s was in a batch that came too late", run, made)
	}
}

// submitTo submits jobs by way of client without waiting for the answers, which it
// returns later.
func (s *stack) submitTo(client *adze.Client) (answers func() map[job]error) {
	type answer struct {
		job job
		err error
	}
	came := make(chan answer, heldJobs)
	for range heldJobs {
		j := job{N: s.book.number()}
		go func() {
			_, err := s.job.Run(s.ctx, client, j)
			came <- answer{j, err}
		}()
	}
	return func() map[job]error {
		all := map[job]error{}
		for range heldJobs {
			a := <-came
			all[a.job] = a.err
		}
		return all
	}
}
