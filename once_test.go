package adze_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/internal/pgtest"
)

// holderOf is the run that err names; it must be the refusal of another one.
func holderOf(t *testing.T, err error) adze.ID {
	t.Helper()
	var refused *adze.Error
	require.ErrorAs(t, err, &refused)
	require.ErrorIs(t, err, adze.ErrConflict)
	require.Equal(t, "idempotency.key", refused.Field)
	return refused.Run
}

func TestOfRunsWithOneKeyOneStarts(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		pay := adze.NewTask("pay", func(_ context.Context, in int) (int, error) { return in, nil })
		refund := adze.NewTask("refund", func(_ context.Context, in int) (int, error) { return -in, nil })
		work(t, c, pay, refund)
		var callers sync.WaitGroup
		runs, errs := make([]*adze.Run[int], 50), make([]error, 50)
		for i := range runs {
			callers.Go(func() { runs[i], errs[i] = pay.Run(ctx, c, i, adze.Once("order-17")) })
		}
		callers.Wait()
		var started []*adze.Run[int]
		for i, run := range runs {
			if errs[i] == nil {
				started = append(started, run)
			}
		}
		require.Len(t, started, 1)
		for _, err := range errs {
			if err != nil {
				require.Equal(t, started[0].ID, holderOf(t, err))
			}
		}
		_, err := started[0].Result(ctx)
		require.NoError(t, err)
		_, err = refund.Run(ctx, c, 1, adze.Once("order-17"))
		require.Equal(t, started[0].ID, holderOf(t, err), "a key is of all tasks, and outlives its run")
		existing, err := pay.Run(ctx, c, 7, adze.Once("order-17", adze.OrExisting()))
		require.NoError(t, err)
		require.True(t, existing.Existed)
		require.Equal(t, started[0].ID, existing.ID)
		_, err = pay.Call(ctx, c, 3, adze.Once("order-18"))
		require.NoError(t, err)
	})
}

func TestOfOneCallThoseRunAreStoredWhoseKeyIsFree(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		pay := adze.NewTask("pay", func(_ context.Context, in int) (int, error) { return in, nil },
			adze.OnceBy(`input == 0 ? "" : string(input)`))
		work(t, c, pay)
		runs, err := pay.RunMany(ctx, c, []int{1, 2, 1, 0, 0})
		require.ErrorContains(t, err, "input 2: ")
		require.Equal(t, runs[0].ID, holderOf(t, err))
		require.Nil(t, runs[2])
		for _, at := range []int{0, 1, 3, 4} {
			_, err := runs[at].Result(ctx)
			require.NoError(t, err)
		}
		_, err = pay.Run(ctx, c, 2, adze.Once("another"))
		require.NoError(t, err, "what is given goes before what is declared")
		replayed, err := c.Replay(ctx, runs[0].ID)
		require.NoError(t, err, "who asks for a run again wants it")
		_, err = pay.Lookup(c, replayed).Result(ctx)
		require.NoError(t, err)
	})
}

func TestASingletonHasOneOpenRun(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		begun, end := make(chan struct{}, 9), make(chan struct{})
		sync := adze.NewTask("sync", func(ctx context.Context, _ int) (int, error) {
			begun <- struct{}{}
			select {
			case <-end:
			case <-ctx.Done():
			}
			return 0, nil
		}, adze.Singleton(), adze.On("go"))
		work(t, c, sync)
		first, err := sync.Run(ctx, c, 1)
		require.NoError(t, err)
		<-begun
		_, err = sync.Run(ctx, c, 2)
		require.Equal(t, first.ID, holderOf(t, err))
		pushed, err := c.Push(ctx, "go", 3)
		require.NoError(t, err)
		require.Empty(t, pushed.Runs)
		require.Contains(t, pushed.Warning, first.ID.String())
		event, err := c.GetEvent(ctx, pushed.ID)
		require.NoError(t, err)
		require.Equal(t, pushed.Warning, event.Warning)
		close(end)
		_, err = first.Result(ctx)
		require.NoError(t, err)
		_, err = sync.Call(ctx, c, 4)
		require.NoError(t, err, "the key is free with the end of the run")
	})
}

func TestAQueuedRunIsReplaced(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		index := adze.NewTask("index", func(_ context.Context, in int) (int, error) { return in, nil },
			adze.OnceBy(`"index"`, adze.HeldUntilEnd(), adze.OrReplace()))
		stop := work(t, c, index)
		_, err := index.Call(ctx, c, 0)
		require.NoError(t, err)
		stop()
		old, err := index.Run(ctx, c, 1)
		require.NoError(t, err)
		fresh, err := index.Run(ctx, c, 2)
		require.NoError(t, err)
		_, err = old.Result(ctx)
		require.ErrorIs(t, err, adze.ErrCancelled)
		require.ErrorContains(t, err, "replaced by "+fresh.ID.String())
		work(t, c, index)
		out, err := fresh.Result(ctx)
		require.NoError(t, err)
		require.Equal(t, 2, out)
	})
}

func TestTheLastOfABurstRuns(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		save := adze.NewTask("save", func(_ context.Context, in int) (int, error) { return in, nil },
			adze.Debounce("", 300*time.Millisecond, time.Minute))
		work(t, c, save)
		runs := make([]*adze.Run[int], 5)
		for i := range runs {
			var err error
			runs[i], err = save.Run(ctx, c, i)
			require.NoError(t, err)
		}
		for i, run := range runs[:4] {
			_, err := run.Result(ctx)
			require.ErrorContains(t, err, "superseded by "+runs[i+1].ID.String())
		}
		out, err := runs[4].Result(ctx)
		require.NoError(t, err)
		require.Equal(t, 4, out)
		_, err = save.Run(ctx, c, 9, adze.Delay(time.Second))
		require.ErrorIs(t, err, adze.ErrInvalid)
		_, err = save.Run(ctx, c, 9, adze.Once("x"))
		require.ErrorIs(t, err, adze.ErrInvalid)
	})
}

func TestABurstDoesNotPutARunOffForEver(t *testing.T) {
	t.Parallel()
	c := open(t, pgtest.URL(t))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	save := adze.NewTask("save", func(_ context.Context, in int) (int, error) { return in, nil },
		adze.Debounce("", 20*time.Second, 20*time.Second))
	work(t, c, save)
	first, err := save.Run(ctx, c, 1)
	require.NoError(t, err)
	second, err := save.Run(ctx, c, 2)
	require.NoError(t, err)
	one, err := c.Get(ctx, first.ID)
	require.NoError(t, err)
	two, err := c.Get(ctx, second.ID)
	require.NoError(t, err)
	require.Equal(t, one.RunAt, two.RunAt)
}

func TestChildrenHonourTheKeysOfTheirTasks(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		fetch := adze.NewTask("fetch", func(_ context.Context, in string) (string, error) { return in, nil },
			adze.OnceBy("input", adze.OrExisting()))
		parent := adze.NewTask("parent", func(ctx context.Context, _ int) (string, error) {
			run, err := fetch.Run(ctx, c, "a")
			if err != nil {
				return "", err
			}
			out, err := run.Result(ctx)
			return fmt.Sprint(out, run.Existed), err
		})
		durable := adze.NewDurable("durable", func(ctx context.Context, _ int) (string, error) {
			return adze.Call(ctx, fetch, "a")
		})
		strict := adze.NewDurable("strict", func(ctx context.Context, _ int) (string, error) {
			_, err := adze.Call(ctx, fetch, "a", adze.Once("a"))
			return fmt.Sprint(err), nil
		})
		work(t, c, fetch, parent, durable, strict)
		first, err := fetch.Run(ctx, c, "a")
		require.NoError(t, err)
		out, err := parent.Call(ctx, c, 0)
		require.NoError(t, err)
		require.Equal(t, "atrue", out)
		out, err = durable.Call(ctx, c, 0)
		require.NoError(t, err)
		require.Equal(t, "a", out)
		out, err = strict.Call(ctx, c, 0)
		require.NoError(t, err)
		require.Contains(t, out, first.ID.String())
	})
}

func TestKeysSurviveTheEngine(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	database := pgtest.URL(t)
	e := serve(t, database)
	task := adze.NewTask("task", func(_ context.Context, in int) (int, error) { return in, nil })
	c := dial(t, e)
	stop := work(t, c, task)
	done, err := task.Run(ctx, c, 1, adze.Once("done"))
	require.NoError(t, err)
	_, err = done.Result(ctx)
	require.NoError(t, err)
	ended, err := task.Run(ctx, c, 1, adze.Once("ended", adze.HeldUntilEnd()))
	require.NoError(t, err)
	_, err = ended.Result(ctx)
	require.NoError(t, err)
	stop()
	waits, err := task.Run(ctx, c, 1, adze.Once("waits", adze.HeldUntilEnd()))
	require.NoError(t, err)
	e.stop()

	c = dial(t, serve(t, database))
	_, err = task.Run(ctx, c, 2, adze.Once("done"))
	require.Equal(t, done.ID, holderOf(t, err))
	_, err = task.Run(ctx, c, 2, adze.Once("waits"))
	require.Equal(t, waits.ID, holderOf(t, err))
	_, err = task.Run(ctx, c, 2, adze.Once("ended"))
	require.NoError(t, err)
	_, err = task.Run(ctx, c, 2, adze.Once("waits", adze.OrReplace()))
	require.NoError(t, err)
}

func TestABadKeyIsRefusedWithItsField(t *testing.T) {
	t.Parallel()
	c := open(t, pgtest.URL(t))
	task := adze.NewTask("task", func(_ context.Context, in int) (int, error) { return in, nil })
	work(t, c, task)
	_, err := task.Call(t.Context(), c, 0)
	require.NoError(t, err)
	for field, option := range map[string]adze.RunOption{
		"idempotency.key":    adze.Once(""),
		"idempotency.ttl_ms": adze.Once("k", adze.HeldFor(-time.Second)),
	} {
		_, err := task.Run(t.Context(), c, 1, option)
		var refused *adze.Error
		require.ErrorAs(t, err, &refused)
		require.Equal(t, field, refused.Field)
	}
}

func TestARunTellsWhichKeyItHolds(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		pay := adze.NewTask("pay", func(_ context.Context, in int) (int, error) { return in, nil })
		work(t, c, pay)
		held, err := pay.Run(ctx, c, 1, adze.Once("order-17", adze.HeldFor(time.Hour)))
		require.NoError(t, err)
		_, err = held.Result(ctx)
		require.NoError(t, err)
		info, err := c.Get(ctx, held.ID)
		require.NoError(t, err)
		require.Equal(t, "order-17", info.Once)
		require.WithinDuration(t, info.SubmittedAt.Add(time.Hour), info.OnceHeld, time.Second)
		ended, err := pay.Run(ctx, c, 1, adze.Once("order-18", adze.HeldUntilEnd()))
		require.NoError(t, err)
		_, err = ended.Result(ctx)
		require.NoError(t, err)
		info, err = c.Get(ctx, ended.ID)
		require.NoError(t, err)
		require.Empty(t, info.Once, "it holds it no more")
	})
}
