package adze_test

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/adzetest"
)

func TestAPanicIsAFailureWithItsStack(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		fragile := adze.NewTask("fragile", func(context.Context, int) (int, error) { return explode() })
		env.Work(fragile)

		_, err := fragile.Call(t.Context(), env.Client, 0)

		var failed *adze.RunError
		require.ErrorAs(t, err, &failed)
		require.Contains(t, failed.Text, "panic: out of paper")
		require.Contains(t, failed.Text, "adze_test.explode", "the stack names who panicked")
	})
}

func explode() (int, error) { panic("out of paper") }

func TestATaskThatEndsItsGoroutineFails(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		task := adze.NewTask("exit", func(context.Context, int) (int, error) { runtime.Goexit(); return 0, nil })
		env.Work(task)
		_, err := task.Call(t.Context(), env.Client, 0)
		require.ErrorContains(t, err, "Goexit")
	})
}

func TestANonRetryableErrorEndsTheRunAtOnce(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		hopeless := adze.NewTask("hopeless", func(context.Context, int) (int, error) {
			return 0, adze.NonRetryable(errors.New("no such account"))
		}, adze.Retries(10))
		env.Work(hopeless)

		_, err := hopeless.Call(t.Context(), env.Client, 0)

		var failed *adze.RunError
		require.ErrorAs(t, err, &failed)
		require.Equal(t, 1, failed.Attempt)
		require.Contains(t, failed.Text, "no such account")
	})
}

func TestAnInputThatDoesNotFitFailsWithoutRetries(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		takesNumbers := adze.NewTask("typed", func(_ context.Context, n int) (int, error) { return n, nil }, adze.Retries(5))
		env.Work(takesNumbers)

		_, err := adze.NewTask[string, int]("typed", nil).Call(t.Context(), env.Client, "four")

		var failed *adze.RunError
		require.ErrorAs(t, err, &failed)
		require.Equal(t, 1, failed.Attempt)
		require.Contains(t, failed.Text, "decode input")
	})
}

func TestAQueuedRunIsCancelledAtOnce(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		task := adze.NewTask("queued", func(context.Context, int) (int, error) { return 0, nil })
		run, err := task.Run(t.Context(), env.Client, 0) // nobody works
		require.NoError(t, err)

		require.NoError(t, run.Cancel(t.Context(), "changed my mind"))

		_, err = run.Result(t.Context())
		require.ErrorIs(t, err, adze.ErrCancelled)
		require.ErrorContains(t, err, "changed my mind")
		require.Equal(t, adzetest.Start, env.Now(), "no time passed")
	})
}

func TestARunningTaskIsCancelledThroughItsContext(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		var cause atomic.Value
		task := adze.NewTask("running", func(ctx context.Context, _ int) (int, error) {
			<-ctx.Done()
			cause.Store(context.Cause(ctx))
			return 0, ctx.Err()
		}, adze.Retries(5))
		env.Work(task)
		run, err := task.Run(t.Context(), env.Client, 0)
		require.NoError(t, err)
		env.Settle()
		require.Equal(t, adze.Running, env.Status(run.ID))

		require.NoError(t, run.Cancel(t.Context(), ""))

		_, err = run.Result(t.Context())
		require.ErrorIs(t, err, adze.ErrCancelled)
		require.Equal(t, adze.ErrCancelled, cause.Load())
	})
}

func TestCancellingWhatEndedChangesNothingAndWhatNeverWasIsNotFound(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		task := adze.NewTask("quick", func(context.Context, int) (int, error) { return 1, nil })
		env.Work(task)
		run, err := task.Run(t.Context(), env.Client, 0)
		require.NoError(t, err)
		_, err = run.Result(t.Context())
		require.NoError(t, err)

		require.NoError(t, run.Cancel(t.Context(), "too late"))
		require.Equal(t, adze.Succeeded, env.Status(run.ID))
		require.ErrorIs(t, env.Client.Cancel(t.Context(), run.ID+1, ""), adze.ErrNotFound)
	})
}

func TestDrainFinishesWhatRunsAndTakesNothingNew(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		task := adze.NewTask("minute", func(context.Context, int) (int, error) {
			time.Sleep(time.Minute)
			return 1, nil
		})
		ctx, stop := context.WithCancel(t.Context())
		worked := make(chan error, 1)
		go func() { worked <- env.Client.Work(ctx, task, adze.Slots(1), adze.DrainTimeout(time.Hour)) }()
		runs, err := task.RunMany(t.Context(), env.Client, make([]int, 2))
		require.NoError(t, err)
		env.Settle()

		stop()
		require.NoError(t, <-worked)

		require.Equal(t, adze.Succeeded, env.Status(runs[0].ID))
		require.Equal(t, adze.Queued, env.Status(runs[1].ID))
		require.Equal(t, time.Minute, env.Now().Sub(adzetest.Start))
	})
}

func TestWhatDoesNotEndInTimeRunsElsewhere(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		task := adze.NewTask("endless", func(ctx context.Context, _ int) (int, error) {
			if adze.Attempt(ctx) == 1 {
				<-ctx.Done()
				return 0, context.Cause(ctx)
			}
			return adze.Attempt(ctx), nil
		})
		ctx, stop := context.WithCancel(t.Context())
		worked := make(chan error, 1)
		go func() { worked <- env.Client.Work(ctx, task, adze.DrainTimeout(time.Second)) }()
		run, err := task.Run(t.Context(), env.Client, 0)
		require.NoError(t, err)
		env.Settle()

		stop()
		require.NoError(t, <-worked, "it saw that its context ended")
		env.Work(task)

		out, err := run.Result(t.Context())
		require.NoError(t, err)
		require.Equal(t, 2, out, "the attempt that was left does not count as a failure, but it was one")
	})
}

func TestAWorkerNeverRunsMoreThanItsSlots(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		var running, most atomic.Int32
		task := adze.NewTask("crowd", func(context.Context, int) (int, error) {
			most.Store(max(most.Load(), running.Add(1)))
			time.Sleep(time.Second)
			running.Add(-1)
			return 0, nil
		})
		env.Work(task, adze.Slots(7))
		runs, err := task.RunMany(t.Context(), env.Client, make([]int, 70))
		require.NoError(t, err)
		for _, run := range runs {
			_, err := run.Result(t.Context())
			require.NoError(t, err)
		}
		require.EqualValues(t, 7, most.Load())
		require.Equal(t, 10*time.Second, env.Now().Sub(adzetest.Start))
	})
}

func TestReplayIsANewRunWithTheSameInput(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		var calls atomic.Int32
		task := adze.NewTask("count", func(_ context.Context, in string) (string, error) {
			if calls.Add(1) == 1 {
				return "", errors.New("first time unlucky")
			}
			return in, nil
		})
		env.Work(task)
		run, err := task.Run(t.Context(), env.Client, "again")
		require.NoError(t, err)
		_, err = env.Client.Replay(t.Context(), run.ID+1)
		require.ErrorIs(t, err, adze.ErrNotFound)
		_, err = run.Result(t.Context())
		require.Error(t, err)

		fresh, err := env.Client.Replay(t.Context(), run.ID)
		require.NoError(t, err)
		out, err := task.Lookup(env.Client, fresh).Result(t.Context())
		require.NoError(t, err)
		require.Equal(t, "again", out)

		info, err := env.Client.Get(t.Context(), fresh)
		require.NoError(t, err)
		require.Equal(t, run.ID, info.ReplayOf)
		require.JSONEq(t, `"again"`, string(info.Input))
		require.Equal(t, adze.Failed, env.Status(run.ID), "the old result stays")
	})
}

func TestListGivesTheNewestFirstAcrossPages(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		task := adze.NewTask("many", func(context.Context, int) (int, error) { return 0, nil })
		other := adze.NewTask("other", func(context.Context, int) (int, error) { return 0, nil })
		env.Work(task)
		_, err := other.Run(t.Context(), env.Client, 0)
		require.NoError(t, err)
		runs, err := task.RunMany(t.Context(), env.Client, make([]int, 450))
		require.NoError(t, err)
		env.Settle()

		var listed []adze.ID
		for info, err := range env.Client.List(t.Context(), adze.Filter{Task: "many", Statuses: []adze.Status{adze.Succeeded}}) {
			require.NoError(t, err)
			listed = append(listed, info.ID)
		}
		require.Len(t, listed, 450)
		require.Equal(t, runs[449].ID, listed[0])
		require.Equal(t, runs[0].ID, listed[449])
	})
}

func TestHigherPrioritiesGoFirst(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		var order []string
		task := adze.NewTask("ordered", func(_ context.Context, in string) (int, error) {
			order = append(order, in)
			return 0, nil
		})
		for in, priority := range map[string]int{"low": -5, "normal": 0, "high": 5} {
			_, err := task.Run(t.Context(), env.Client, in, adze.Priority(priority))
			require.NoError(t, err)
		}
		env.Work(task, adze.Slots(1))
		require.Equal(t, []string{"high", "normal", "low"}, order)
	})
}

func TestBadInputNamesItsField(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		task := adze.NewTask("strict", func(context.Context, string) (int, error) { return 0, nil })
		for field, call := range map[string]func() error{
			"priority": func() error { _, err := task.Run(t.Context(), env.Client, "", adze.Priority(2000)); return err },
			"delay_ms": func() error { _, err := task.Run(t.Context(), env.Client, "", adze.Delay(-time.Second)); return err },
			"input":    func() error { _, err := task.Run(t.Context(), env.Client, "a\x00b"); return err },
			"metadata": func() error { _, err := task.Run(t.Context(), env.Client, "", adze.Metadata("no object")); return err },
			"workflow": func() error {
				_, err := adze.NewTask[int, int]("unknown", nil).Run(t.Context(), env.Client, 1)
				return err
			},
			"workflows[0].tasks[0].retries": func() error {
				bold := adze.NewTask("bold", func(context.Context, int) (int, error) { return 0, nil }, adze.Retries(5000))
				return env.Client.Work(t.Context(), bold)
			},
		} {
			var bad *adze.Error
			require.ErrorAs(t, call(), &bad, field)
			require.Equal(t, field, bad.Field, bad.Text)
		}
		for _, err := range env.Client.List(t.Context(), adze.Filter{}) {
			require.Fail(t, "nothing was stored", "%v", err)
		}
	})
}

func TestATinyTimeoutIsNotNone(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		task := adze.NewTask("tiny", func(ctx context.Context, _ int) (int, error) {
			<-ctx.Done()
			return 0, context.Cause(ctx)
		}, adze.Timeout(time.Microsecond))
		env.Work(task)
		_, err := task.Call(t.Context(), env.Client, 0)
		require.Error(t, err)
		require.Less(t, env.Now().Sub(adzetest.Start), time.Second)
	})
}

func TestAWorkerRefusesWhatItCannotRun(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		require.ErrorIs(t, env.Client.Work(t.Context()), adze.ErrInvalid)
		require.ErrorIs(t, env.Client.Work(t.Context(), adze.NewTask[int, int]("elsewhere", nil)), adze.ErrInvalid)
		one := adze.NewTask("same", func(context.Context, int) (int, error) { return 1, nil })
		two := adze.NewTask("same", func(context.Context, int) (int, error) { return 2, nil })
		require.ErrorIs(t, env.Client.Work(t.Context(), one, two), adze.ErrConflict)
	})
}
