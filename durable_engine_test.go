package adze_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/adzetest"
	"github.com/adzehq/adze/internal/pgtest"
)

func TestADurableTaskDoesEverythingOnPostgres(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		var steps atomic.Int32
		child := adze.NewTask("child", func(_ context.Context, n int) (int, error) { return n * n, nil })
		task := adze.NewDurable("everything", func(ctx context.Context, n int) (string, error) {
			first, err := adze.Step(ctx, "first", func(context.Context) (int, error) { steps.Add(1); return n, nil })
			if err != nil {
				return "", err
			}
			if err := adze.SetValue(ctx, "at", "sleep"); err != nil {
				return "", err
			}
			if err := adze.Sleep(ctx, 300*time.Millisecond); err != nil {
				return "", err
			}
			squares, err := adze.CallMany(ctx, child, []int{1, 2, 3})
			if err != nil {
				return "", err
			}
			paid, err := adze.WaitEvent[payment](ctx, "paid", adze.If(`event.amount > 10`), adze.LookBack(time.Hour))
			if err != nil {
				return "", err
			}
			ask, err := adze.WaitUpdate[int, int](ctx, "double")
			if err != nil {
				return "", err
			}
			if err := ask.Reply(ctx, 2*ask.Input()); err != nil {
				return "", err
			}
			word, err := adze.WaitSignal[string](ctx, "word")
			return fmt.Sprint(first, squares, paid.Amount, word), err
		})
		work(t, c, task, child)
		for _, amount := range []int{5, 20} {
			_, err := c.Push(ctx, "paid", payment{amount})
			require.NoError(t, err)
		}
		run, err := task.Run(ctx, c, 7)
		require.NoError(t, err)

		require.NoError(t, run.Signal(ctx, "word", "done"))
		doubled, err := adze.Update[int, int](ctx, c, run.ID, "double", 21)
		require.NoError(t, err)
		require.Equal(t, 42, doubled)
		out, err := run.Result(ctx)

		require.NoError(t, err)
		require.Equal(t, "7 [1 4 9] 20done", out)
		require.EqualValues(t, 1, steps.Load())
		at, err := adze.GetValue[string](ctx, c, run.ID, "at")
		require.NoError(t, err)
		require.Equal(t, "sleep", at)
		info, err := c.Get(ctx, run.ID)
		require.NoError(t, err)
		kinds := make([]string, len(info.Log))
		for i, e := range info.Log {
			kinds[i] = e.Kind
		}
		require.Equal(t, []string{"step", "value", "wait", "spawn", "wait", "wait", "wait", "answer", "wait"}, kinds)
		require.Len(t, info.Children, 3)
		require.Equal(t, 1, info.Attempt)
	})
}

func TestADurableTaskOutlivesItsEngineAndItsWorker(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	url := pgtest.URL(t)
	var steps atomic.Int32
	entered := make(chan struct{}, 10)
	task := adze.NewDurable("outlives", func(ctx context.Context, _ int) (int32, error) {
		for i := range 5 {
			err := adze.Do(ctx, fmt.Sprint("step ", i), func(context.Context) error { steps.Add(1); return nil })
			if err != nil {
				return 0, err
			}
		}
		entered <- struct{}{}
		if _, err := adze.WaitSignal[bool](ctx, "go on"); err != nil {
			return 0, err
		}
		return steps.Load(), nil
	})
	first := serve(t, url)
	c := dial(t, first)
	stop := work(t, c, task)
	run, err := task.Run(ctx, c, 0)
	require.NoError(t, err)
	<-entered
	stop()
	first.stop()

	second := dial(t, serve(t, url))
	require.NoError(t, second.Signal(ctx, run.ID, "go on", true))
	work(t, second, task)

	out, err := task.Lookup(second, run.ID).Result(ctx)
	require.NoError(t, err)
	require.EqualValues(t, 5, out, "no step ran twice")
}

func TestAStepOutlivesTheEngineThatIsRestarted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	url := pgtest.URL(t)
	var steps atomic.Int32
	entered, hold := make(chan struct{}), make(chan struct{})
	task := adze.NewDurable("holds", func(ctx context.Context, _ int) (int, error) {
		err := adze.Do(ctx, "long", func(context.Context) error {
			if steps.Add(1) > 1 {
				return errors.New("ran twice")
			}
			close(entered)
			<-hold
			return nil
		})
		if err != nil {
			return 0, err
		}
		return adze.Attempt(ctx), adze.Sleep(ctx, time.Second)
	})
	first := serve(t, url)
	c := dial(t, first)
	work(t, c, task)
	run, err := task.Run(ctx, c, 0)
	require.NoError(t, err)
	<-entered
	untilInCheckpoint(t, ctx, url) // what is younger may run twice
	first.stop()
	serveAt(t, url, first.address)
	close(hold)

	out, err := run.Result(ctx)
	require.NoError(t, err)
	require.Equal(t, 1, out, "it is still the first attempt")
}

// untilInCheckpoint waits until the checkpoint has a task that runs.
func untilInCheckpoint(t *testing.T, ctx context.Context, url string) {
	t.Helper()
	connection, err := pgx.Connect(ctx, url)
	require.NoError(t, err)
	defer connection.Close(ctx)
	require.Eventually(t, func() bool {
		var running bool
		err := connection.QueryRow(ctx, `select exists (select from adze.open_task where state = 'running')`).Scan(&running)
		return err == nil && running
	}, patience, 10*time.Millisecond)
}

func TestAMapRunsOnPostgresAndIsReplayedFromItsHistory(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		w, numbers := upTo("album")
		squares := adze.AddMap(w, "square", numbers, func(ctx context.Context, n int) (int, error) {
			if n == 7 && adze.Attempt(ctx) == 1 {
				return 0, errors.New("once more")
			}
			return n * n, nil
		}, adze.Concurrency(5), adze.Retries(1), adze.Backoff(time.Millisecond, 1, time.Millisecond))
		work(t, c, w)
		run, err := w.Run(ctx, c, 40)
		require.NoError(t, err)
		results, err := run.Result(ctx)
		require.NoError(t, err)
		all, err := squares.Of(results)
		require.NoError(t, err)
		require.Len(t, all, 40)
		for i, n := range all {
			require.Equal(t, i*i, n)
		}
		history, err := c.HistoryOf(ctx, run.ID, "square")
		require.NoError(t, err)
		require.Len(t, history.Children, 40)
		require.Less(t, len(history.Log), 50)
		adzetest.Replay(t, w, history)
		_, err = c.HistoryOf(ctx, run.ID, "nobody")
		require.ErrorIs(t, err, adze.ErrNotFound)
	})
}

func TestAMapOutlivesItsEngineAndItsWorker(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	url := pgtest.URL(t)
	var calls atomic.Int32
	entered, hold := make(chan struct{}, 100), make(chan struct{})
	w, numbers := upTo("outlives")
	same := adze.AddMap(w, "same", numbers, func(ctx context.Context, n int) (int, error) {
		calls.Add(1)
		if n == 12 {
			entered <- struct{}{}
			select {
			case <-hold:
			case <-ctx.Done():
			}
		}
		return n, ctx.Err()
	}, adze.Concurrency(4))
	first := serve(t, url)
	c := dial(t, first)
	stop := work(t, c, w, adze.DrainTimeout(0))
	run, err := w.Run(ctx, c, 30)
	require.NoError(t, err)
	<-entered
	stop()
	first.stop()
	close(hold)

	second := dial(t, serve(t, url))
	work(t, second, w)

	results, err := w.Lookup(second, run.ID).Result(ctx)
	require.NoError(t, err)
	all, err := same.Of(results)
	require.NoError(t, err)
	require.Len(t, all, 30)
	require.LessOrEqual(t, calls.Load(), int32(30+4), "what had ended is not run again")
}
