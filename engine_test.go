package adze_test

import (
	"context"
	"io"
	"iter"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/internal/pgtest"
	"github.com/adzehq/adze/internal/server"
)

// patience bounds each of these tests; none needs a tenth of it.
const patience = time.Minute

var quiet = slog.New(slog.DiscardHandler)

// transports are the ways to an engine, each with a database of its own.
var transports = map[string]func(*testing.T) *adze.Client{
	"gRPC":     func(t *testing.T) *adze.Client { return dial(t, serve(t, pgtest.URL(t))) },
	"embedded": func(t *testing.T) *adze.Client { return open(t, pgtest.URL(t)) },
}

// engine is a served engine.
type engine struct {
	address string
	token   string
	stop    func()
}

func serve(t *testing.T, databaseURL string) engine {
	t.Helper()
	return serveAt(t, databaseURL, "127.0.0.1:0")
}

func serveAt(t *testing.T, databaseURL, address string) engine {
	t.Helper()
	s, err := server.Open(t.Context(), server.Config{
		DatabaseURL: databaseURL, GRPCAddr: address, HTTPAddr: "127.0.0.1:0",
	}, "test", quiet)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run server: %v", err)
		}
	})
	t.Cleanup(stop)
	require.NoError(t, s.Ready(t.Context()))
	token, err := server.IssueToken(t.Context(), s.Engine().Pool(),
		server.TokenRequest{Tenant: "default", Name: "test", TTL: time.Hour}, time.Now())
	require.NoError(t, err)
	return engine{s.GRPCAddr(), token, stop}
}

func dial(t *testing.T, e engine) *adze.Client {
	t.Helper()
	c, err := adze.Dial(t.Context(), adze.Address(e.address), adze.Token(e.token), adze.Logger(quiet))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

func open(t *testing.T, databaseURL string) *adze.Client {
	t.Helper()
	c, err := adze.Open(t.Context(), databaseURL, adze.Logger(quiet))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

// work runs a worker until the test ends, or until the function it returns is called.
func work(t *testing.T, c *adze.Client, options ...adze.WorkerOption) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Work(ctx, options...) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("work: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// each runs test over every transport.
func each(t *testing.T, test func(t *testing.T, ctx context.Context, c *adze.Client)) {
	t.Parallel()
	for name, connect := range transports {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			test(t, ctx, connect(t))
		})
	}
}

var double = adze.NewTask("double", func(_ context.Context, n int) (int, error) { return 2 * n, nil })

func TestARunReturnsWhatItsFunctionDoes(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		work(t, c, double)
		out, err := double.Call(ctx, c, 21)
		require.NoError(t, err)
		require.Equal(t, 42, out)
	})
}

func TestManyRunsOfManyCallersAllEndOnce(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		var calls atomic.Int64
		counted := adze.NewTask("counted", func(_ context.Context, n int) (int, error) {
			calls.Add(1)
			return n, nil
		})
		work(t, c, counted, adze.Slots(50))
		var callers sync.WaitGroup
		for caller := range 100 {
			callers.Go(func() {
				for i := range 20 {
					out, err := counted.Call(ctx, c, caller*100+i)
					if err != nil || out != caller*100+i {
						t.Errorf("call %d of caller %d: %d, %v", i, caller, out, err)
						return
					}
				}
			})
		}
		callers.Wait()
		require.EqualValues(t, 2_000, calls.Load())
	})
}

func TestAFailedAttemptIsRetriedAndRemembered(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		flaky := adze.NewTask("flaky", func(ctx context.Context, in string) (string, error) {
			if adze.Attempt(ctx) == 1 {
				panic("not in the mood")
			}
			return in, nil
		}, adze.Retries(2), adze.Backoff(time.Millisecond, 1, time.Millisecond))
		work(t, c, flaky)
		run, err := flaky.Run(ctx, c, "ok", adze.Metadata(map[string]string{"order": "7"}))
		require.NoError(t, err)
		out, err := run.Result(ctx)
		require.NoError(t, err)
		require.Equal(t, "ok", out)

		info, err := c.Get(ctx, run.ID)
		require.NoError(t, err)
		require.Equal(t, adze.Succeeded, info.Status)
		require.Equal(t, 2, info.Attempt)
		require.JSONEq(t, `{"order":"7"}`, string(info.Metadata))
		require.Len(t, info.Attempts, 1)
		require.Equal(t, "failed", info.Attempts[0].Outcome)
		require.Contains(t, info.Attempts[0].Error, "panic: not in the mood")
		require.Contains(t, info.Attempts[0].Error, "engine_test.go", "the stack is kept")
	})
}

func TestWaitersOfARunThatEndedLongAgoAreAnsweredAtOnce(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		stop := work(t, c, double)
		run, err := double.Run(ctx, c, 4)
		require.NoError(t, err)
		_, err = run.Result(ctx)
		require.NoError(t, err)
		stop()

		var waiters sync.WaitGroup
		for range 20 {
			waiters.Go(func() {
				out, err := double.Lookup(c, run.ID).Result(ctx)
				if err != nil || out != 8 {
					t.Errorf("%d, %v", out, err)
				}
			})
		}
		waiters.Wait()
		_, err = double.Lookup(c, run.ID+1).Result(ctx)
		require.ErrorIs(t, err, adze.ErrNotFound)
	})
}

func TestARunningTaskStopsWhenItsRunIsCancelled(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		began := make(chan struct{})
		patient := adze.NewTask("patient", func(ctx context.Context, _ int) (int, error) {
			close(began)
			<-ctx.Done()
			return 0, context.Cause(ctx)
		}, adze.Retries(3))
		work(t, c, patient)
		run, err := patient.Run(ctx, c, 0)
		require.NoError(t, err)
		<-began

		require.NoError(t, run.Cancel(ctx, "no longer needed"))

		_, err = run.Result(ctx)
		require.ErrorIs(t, err, adze.ErrCancelled)
		require.ErrorContains(t, err, "no longer needed")
	})
}

func TestATaskThatRunsTooLongIsStopped(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		var cause atomic.Value
		slow := adze.NewTask("slow", func(ctx context.Context, _ int) (int, error) {
			<-ctx.Done()
			cause.Store(context.Cause(ctx))
			return 0, ctx.Err()
		}, adze.Timeout(50*time.Millisecond))
		work(t, c, slow)
		_, err := slow.Call(ctx, c, 0)
		var failed *adze.RunError
		require.ErrorAs(t, err, &failed)
		require.Equal(t, adze.Failed, failed.Status)
		require.Equal(t, adze.ErrTimedOut, cause.Load())
	})
}

func TestAWorkerThatEndsFinishesWhatItRuns(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		began, finish := make(chan struct{}), make(chan struct{})
		steady := adze.NewTask("steady", func(context.Context, int) (int, error) {
			close(began)
			<-finish
			return 1, nil
		})
		stop := work(t, c, steady)
		run, err := steady.Run(ctx, c, 0)
		require.NoError(t, err)
		<-began

		stopped := make(chan struct{})
		go func() { stop(); close(stopped) }()
		close(finish)
		<-stopped

		out, err := run.Result(ctx)
		require.NoError(t, err)
		require.Equal(t, 1, out)
		info, err := c.Get(ctx, run.ID)
		require.NoError(t, err)
		require.Equal(t, 1, info.Attempt)
	})
}

func TestReplayGivesANewRun(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		work(t, c, double)
		run, err := double.Run(ctx, c, 8)
		require.NoError(t, err)
		_, err = run.Result(ctx)
		require.NoError(t, err)

		fresh, err := c.Replay(ctx, run.ID)
		require.NoError(t, err)
		require.NotEqual(t, run.ID, fresh)
		out, err := double.Lookup(c, fresh).Result(ctx)
		require.NoError(t, err)
		require.Equal(t, 16, out)
		_, err = c.Replay(ctx, fresh+1)
		require.ErrorIs(t, err, adze.ErrNotFound)
	})
}

func TestListFindsRunsByStatus(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		stop := work(t, c, double)
		ended, err := double.RunMany(ctx, c, make([]int, 3))
		require.NoError(t, err)
		for _, run := range ended {
			_, err := run.Result(ctx)
			require.NoError(t, err)
		}
		stop()
		_, err = double.Run(ctx, c, 1)
		require.NoError(t, err)
		_, err = double.Run(ctx, c, 1, adze.Delay(time.Hour))
		require.NoError(t, err)

		for status, want := range map[adze.Status]int{adze.Succeeded: 3, adze.Queued: 1, adze.Delayed: 1, adze.Failed: 0} {
			got := 0
			for info, err := range c.List(ctx, adze.Filter{Task: "double", Statuses: []adze.Status{status}}) {
				require.NoError(t, err)
				require.Equal(t, status, info.Status)
				got++
			}
			require.Equal(t, want, got, status)
		}
	})
}

func TestAResultLargerThanTheLimitFailsItsRunForGood(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		wordy := adze.NewTask("wordy", func(context.Context, int) ([]byte, error) {
			return make([]byte, 5<<20), nil
		}, adze.Retries(5))
		work(t, c, wordy)
		_, err := wordy.Call(ctx, c, 0)
		var failed *adze.RunError
		require.ErrorAs(t, err, &failed)
		require.Equal(t, 1, failed.Attempt)
		require.Contains(t, failed.Text, "output")

		_, err = adze.NewTask[[]byte, int]("wordy", nil).Run(ctx, c, make([]byte, 5<<20))
		require.ErrorIs(t, err, adze.ErrInvalid)
	})
}

func TestLargePayloadsGoBothWays(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		mirror := adze.NewTask("mirror", func(_ context.Context, in []byte) ([]byte, error) { return in, nil })
		work(t, c, mirror)
		var callers sync.WaitGroup
		for range 12 {
			callers.Go(func() {
				out, err := mirror.Call(ctx, c, make([]byte, 2<<20))
				if err != nil || len(out) != 2<<20 {
					t.Errorf("%d bytes, %v", len(out), err)
				}
			})
		}
		callers.Wait()
	})
}

// TestDialTakesATokenAsItsFileHasIt: with the end of its line.
func TestDialTakesATokenAsItsFileHasIt(t *testing.T) {
	t.Parallel()
	e := serve(t, pgtest.URL(t))
	c, err := adze.Dial(t.Context(), adze.Address(e.address), adze.Token(" "+e.token+"\r\n"), adze.Logger(quiet))
	require.NoError(t, err)
	require.NoError(t, c.Close())
}

func TestDialSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	e := serve(t, pgtest.URL(t))

	_, err := adze.Dial(t.Context(), adze.Address(e.address), adze.Token("made up"))
	require.ErrorIs(t, err, adze.ErrUnauthenticated)
	_, err = adze.Dial(t.Context(), adze.Address(e.address), adze.Token(""))
	require.ErrorIs(t, err, adze.ErrUnauthenticated)

	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err = adze.Dial(ctx, adze.Address("127.0.0.1:1"), adze.Token(e.token))
	require.ErrorIs(t, err, adze.ErrUnavailable)
	require.ErrorContains(t, err, "127.0.0.1:1")
}

// proxy is a wire that a test can cut.
type proxy struct {
	net.Listener
	to    string
	muted atomic.Bool // what comes from the other side is dropped

	mu    sync.Mutex
	conns []net.Conn
}

func newProxy(t *testing.T, to string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{Listener: l, to: to}
	var accepting sync.WaitGroup
	accepting.Go(p.run)
	t.Cleanup(func() {
		_ = l.Close()
		p.cut()
		accepting.Wait()
	})
	return p
}

func (p *proxy) run() {
	var copies sync.WaitGroup
	defer copies.Wait()
	for {
		in, err := p.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", p.to)
		if err != nil {
			_ = in.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, in, out)
		p.mu.Unlock()
		copies.Go(func() { _, _ = io.Copy(out, in); _ = out.Close() })
		copies.Go(func() { _, _ = io.Copy(p.unlessMuted(in), out); _ = in.Close() })
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func (p *proxy) unlessMuted(w io.Writer) io.Writer {
	return writerFunc(func(b []byte) (int, error) {
		if p.muted.Load() {
			return len(b), nil
		}
		return w.Write(b)
	})
}

// cut closes all connections; new ones are let through.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.conns = nil
}

func TestAWorkerThatLosesItsConnectionGoesOnWithItsTasks(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	e := serve(t, pgtest.URL(t))
	wire := newProxy(t, e.address)
	worker := dial(t, engine{address: wire.Addr().String(), token: e.token})
	client := dial(t, e)
	began, finish := make(chan struct{}, 10), make(chan struct{})
	long := adze.NewTask("long", func(ctx context.Context, _ int) (int, error) {
		began <- struct{}{}
		select {
		case <-finish:
			return adze.Attempt(ctx), nil
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	})
	work(t, worker, long, double)
	run, err := long.Run(ctx, client, 0)
	require.NoError(t, err)
	<-began

	wire.cut()
	out, err := double.Call(ctx, client, 1) // proves that the worker is back
	require.NoError(t, err)
	require.Equal(t, 2, out)
	close(finish)

	attempt, err := run.Result(ctx)
	require.NoError(t, err)
	require.Equal(t, 1, attempt, "its task was not given to anyone else")
	require.Empty(t, began, "nor was it started again")
}

func TestWhatEndsWhileTheEngineIsAwayIsReportedWhenItIsBack(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	e := serve(t, pgtest.URL(t))
	wire := newProxy(t, e.address)
	worker := dial(t, engine{address: wire.Addr().String(), token: e.token})
	client := dial(t, e)
	began := make(chan struct{}, 1)
	short := adze.NewTask("short", func(ctx context.Context, _ int) (int, error) {
		wire.cut()
		began <- struct{}{}
		return adze.Attempt(ctx), nil // while there is no connection
	})
	work(t, worker, short)

	attempt, err := short.Call(ctx, client, 0)
	require.NoError(t, err)
	require.Equal(t, 1, attempt)
	require.Len(t, began, 1)
}

func TestAnEngineThatStartsAgainFindsItsWorkersAndWaiters(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	database := pgtest.URL(t)
	e := serve(t, database)
	client := dial(t, e)
	began, finish := make(chan struct{}, 10), make(chan struct{})
	long := adze.NewTask("long", func(ctx context.Context, _ int) (int, error) {
		began <- struct{}{}
		select {
		case <-finish:
			return adze.Attempt(ctx), nil
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	})
	work(t, client, long, double)
	run, err := long.Run(ctx, client, 0)
	require.NoError(t, err)
	<-began
	later, err := double.Run(ctx, client, 5, adze.Delay(500*time.Millisecond))
	require.NoError(t, err)
	waited := make(chan error, 1)
	go func() {
		_, err := later.Result(ctx)
		waited <- err
	}()

	e.stop()
	serveAt(t, database, e.address)

	require.NoError(t, <-waited, "who waited is answered by the new one")
	close(finish)
	_, err = run.Result(ctx)
	require.NoError(t, err)
	out, err := double.Call(ctx, client, 6)
	require.NoError(t, err)
	require.Equal(t, 12, out)
}

func TestWaitersSurviveABrokenConnection(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	e := serve(t, pgtest.URL(t))
	wire := newProxy(t, e.address)
	client := dial(t, engine{address: wire.Addr().String(), token: e.token})
	worker := dial(t, e)
	run, err := double.Run(ctx, client, 3)
	require.NoError(t, err)
	got := make(chan error, 1)
	go func() {
		_, err := run.Result(ctx)
		got <- err
	}()
	wire.cut()
	work(t, worker, double)
	require.NoError(t, <-got)
}

func TestASubmitWhoseAnswerGotLostSaysSo(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	e := serve(t, pgtest.URL(t))
	wire := newProxy(t, e.address)
	client := dial(t, engine{address: wire.Addr().String(), token: e.token})
	other := dial(t, e)
	work(t, other, double)
	mine := adze.Filter{Task: "double"}
	_, err := double.Call(ctx, client, 1) // the connection is up, the task is known
	require.NoError(t, err)

	wire.muted.Store(true)
	got := make(chan error, 1)
	go func() {
		_, err := double.Run(ctx, client, 2)
		got <- err
	}()
	require.Eventually(t, func() bool { return count(t, other.List(ctx, mine)) == 2 }, patience, 5*time.Millisecond)
	wire.cut()

	require.ErrorIs(t, <-got, adze.ErrUnknown)
	require.Equal(t, 2, count(t, other.List(ctx, mine)), "it was not submitted again")
}

func count(t *testing.T, runs iter.Seq2[adze.RunInfo, error]) (n int) {
	for _, err := range runs {
		require.NoError(t, err)
		n++
	}
	return n
}
