package adze_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/adzetest"
)

// journal notes what a function did, each time it was called.
type journal struct {
	mu    sync.Mutex
	notes []string
}

func (j *journal) note(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.notes = append(j.notes, fmt.Sprintf(format, args...))
}

func (j *journal) all() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.notes)
}

// give is a step that notes its name and gives it.
func (j *journal) give(ctx context.Context, name string, options ...adze.StepOption) (string, error) {
	return adze.Step(ctx, name, func(context.Context) (string, error) {
		j.note("%s", name)
		return name, nil
	}, options...)
}

func TestAStepIsNotRunAgainAfterASleep(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		var j journal
		task := adze.NewDurable("month", func(ctx context.Context, in string) (string, error) {
			j.note("called")
			a, err := j.give(ctx, "a")
			if err != nil {
				return "", err
			}
			if err := adze.Sleep(ctx, 30*24*time.Hour); err != nil {
				return "", err
			}
			b, err := j.give(ctx, "b")
			return in + a + b, err
		})
		env.Work(task)

		out, err := task.Call(t.Context(), env.Client, "x")

		require.NoError(t, err)
		require.Equal(t, "xab", out)
		require.Equal(t, []string{"called", "a", "called", "b"}, j.all())
		require.Equal(t, 30*24*time.Hour, env.Now().Sub(adzetest.Start))
		info, err := env.Client.Get(t.Context(), runOf(t, env))
		require.NoError(t, err)
		require.Equal(t, 1, info.Attempt, "to be suspended is no new attempt")
	})
}

// runOf is the newest run.
func runOf(t *testing.T, env *adzetest.Env) adze.ID {
	t.Helper()
	for info, err := range env.Client.List(t.Context(), adze.Filter{}) {
		require.NoError(t, err)
		return info.ID
	}
	require.Fail(t, "there is no run")
	return 0
}

func TestSleepingTasksHoldNoSlots(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		task := adze.NewDurable("sleeper", func(ctx context.Context, _ int) (int, error) {
			return 1, adze.Sleep(ctx, time.Hour)
		})
		env.Work(task, adze.Slots(2))
		runs, err := task.RunMany(t.Context(), env.Client, make([]int, 100))
		require.NoError(t, err)
		env.Settle()
		require.Equal(t, adze.Waiting, env.Status(runs[99].ID))
		for _, run := range runs {
			_, err := run.Result(t.Context())
			require.NoError(t, err)
		}
		require.Equal(t, time.Hour, env.Now().Sub(adzetest.Start))
	})
}

func TestDeferredFunctionsRunWhenATaskIsSuspended(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		var j journal
		task := adze.NewDurable("tidy", func(ctx context.Context, _ int) (int, error) {
			defer func() {
				err := adze.Do(ctx, "too late", func(context.Context) error { return nil })
				j.note("cause %v, step %v", context.Cause(ctx), errors.Is(err, adze.ErrSuspended))
			}()
			return 1, adze.Sleep(ctx, time.Hour)
		})
		env.Work(task)
		run, err := task.Run(t.Context(), env.Client, 0)
		require.NoError(t, err)
		env.Settle()
		require.Equal(t, []string{"cause durable task was suspended, step true"}, j.all())
		_, err = run.Result(t.Context())
		require.NoError(t, err)
		require.Equal(t, "cause <nil>, step false", j.all()[1], "the second time it ends")
	})
}

func TestAFailedStepIsTriedAgainInItsPlace(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		var tries atomic.Int32
		task := adze.NewDurable("stubborn", func(ctx context.Context, _ int) (int32, error) {
			return adze.Step(ctx, "try", func(context.Context) (int32, error) {
				if n := tries.Add(1); n < 4 {
					return 0, errors.New("not yet")
				}
				return tries.Load(), nil
			}, adze.StepRetries(3), adze.StepBackoff(time.Minute, 1, time.Minute))
		})
		env.Work(task)
		out, err := task.Call(t.Context(), env.Client, 0)
		require.NoError(t, err)
		require.EqualValues(t, 4, out)
		require.Greater(t, env.Now().Sub(adzetest.Start), 90*time.Second)
	})
}

func TestAFunctionMayGoOnPastAFailedStepAndThatIsRecorded(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		var j journal
		task := adze.NewDurable("shrug", func(ctx context.Context, _ int) (string, error) {
			err := adze.Do(ctx, "fragile", func(context.Context) error {
				j.note("fragile")
				return errors.New("out of paper")
			})
			if slept := adze.Sleep(ctx, time.Hour); slept != nil {
				return "", slept
			}
			var failed *adze.StepError
			if !errors.As(err, &failed) {
				return "", fmt.Errorf("got %w", err)
			}
			return failed.Text, nil
		})
		env.Work(task)
		out, err := task.Call(t.Context(), env.Client, 0)
		require.NoError(t, err)
		require.Equal(t, "out of paper", out)
		require.Equal(t, []string{"fragile"}, j.all())
	})
}

func TestAStepWhoseErrorIsReturnedRunsAgainWithTheNextAttempt(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		var j journal
		var tries atomic.Int32
		task := adze.NewDurable("retried", func(ctx context.Context, _ int) (string, error) {
			if _, err := j.give(ctx, "first"); err != nil {
				return "", err
			}
			return adze.Step(ctx, "second", func(context.Context) (string, error) {
				if tries.Add(1) == 1 {
					return "", errors.New("out of paper")
				}
				return "done", nil
			})
		}, adze.Retries(1))
		env.Work(task)
		out, err := task.Call(t.Context(), env.Client, 0)
		require.NoError(t, err)
		require.Equal(t, "done", out)
		require.Equal(t, []string{"first"}, j.all(), "it was recorded before the attempt failed")
	})
}

func TestADepartureFromTheLogIsNamedAndFinal(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		var calls atomic.Int32
		task := adze.NewDurable("changed", func(ctx context.Context, _ int) (int, error) {
			name := "charge"
			if calls.Add(1) > 1 {
				name = "refund"
			}
			if err := adze.Do(ctx, name, func(context.Context) error { return nil }); err != nil {
				return 0, nil // what it returns does not count
			}
			return 0, adze.Sleep(ctx, time.Hour)
		}, adze.Retries(10))
		env.Work(task)
		_, err := task.Call(t.Context(), env.Client, 0)
		var failed *adze.RunError
		require.ErrorAs(t, err, &failed)
		require.Contains(t, failed.Text, `entry 1 of the log is step "charge", but the function came to step "refund"`)
		require.EqualValues(t, 2, calls.Load())
	})
}

func TestAFunctionThatEndsBeforeItsLogHasDeparted(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		var calls atomic.Int32
		task := adze.NewDurable("short", func(ctx context.Context, _ int) (int, error) {
			if calls.Add(1) > 1 {
				return 0, nil
			}
			return 0, adze.Sleep(ctx, time.Hour)
		})
		env.Work(task)
		_, err := task.Call(t.Context(), env.Client, 0)
		require.ErrorContains(t, err, `is wait "sleep", but the function came to the end`)
	})
}

func TestPatchedIsFalseForRunsFromBeforeAndTrueForNewOnes(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		var patched atomic.Bool
		var j journal
		task := adze.NewDurable("evolving", func(ctx context.Context, in string) (string, error) {
			if _, err := j.give(ctx, "hi"); err != nil {
				return "", err
			}
			took := false
			if patched.Load() {
				if took = adze.Patched(ctx, "insure"); took {
					if _, err := j.give(ctx, "insure"); err != nil {
						return "", err
					}
				}
			}
			if err := adze.Sleep(ctx, time.Hour); err != nil {
				return "", err
			}
			return fmt.Sprint(in, took), nil
		})
		env.Work(task)
		old, err := task.Run(t.Context(), env.Client, "old ")
		require.NoError(t, err)
		env.Settle()
		patched.Store(true)
		young, err := task.Run(t.Context(), env.Client, "young ")
		require.NoError(t, err)

		out, err := old.Result(t.Context())
		require.NoError(t, err)
		require.Equal(t, "old false", out)
		out, err = young.Result(t.Context())
		require.NoError(t, err)
		require.Equal(t, "young true", out)
	})
}

func TestTimeAndChanceAreTheSameEachTime(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		var j journal
		task := adze.NewDurable("dice", func(ctx context.Context, _ int) (int, error) {
			j.note("%v %d", adze.Now(ctx).UTC(), adze.Random(ctx).IntN(1000))
			if err := adze.Sleep(ctx, time.Hour); err != nil {
				return 0, err
			}
			j.note("later %v", adze.Now(ctx).Sub(adzetest.Start))
			return 0, adze.Sleep(ctx, time.Hour)
		})
		env.Work(task)
		_, err := task.Call(t.Context(), env.Client, 0)
		require.NoError(t, err)
		notes := j.all()
		require.Len(t, notes, 5)
		require.Equal(t, notes[0], notes[1])
		require.Equal(t, notes[0], notes[3])
		require.Equal(t, []string{"later 1h0m0s", "later 1h0m0s"}, []string{notes[2], notes[4]})
	})
}

func TestRecordedCallsHaveTheirPlace(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		plain := adze.NewTask("plain", func(ctx context.Context, _ int) (int, error) { return 0, adze.Sleep(ctx, time.Hour) })
		nested := adze.NewDurable("nested", func(ctx context.Context, _ int) (int, error) {
			return 0, adze.Do(ctx, "outer", func(ctx context.Context) error { return adze.Sleep(ctx, time.Hour) })
		})
		crowded := adze.NewDurable("crowded", func(ctx context.Context, _ int) (int, error) {
			entered, hold := make(chan struct{}), make(chan struct{})
			var other error
			var wait sync.WaitGroup
			wait.Go(func() {
				<-entered
				other = adze.Sleep(ctx, time.Hour)
				close(hold)
			})
			err := adze.Do(ctx, "held", func(context.Context) error { close(entered); <-hold; return nil })
			wait.Wait()
			return 0, errors.Join(err, other)
		})
		env.Work(plain, nested, crowded)
		for task, text := range map[*adze.Task[int, int]]string{
			plain: "is not the context of a durable task", nested: "not within a step", crowded: "not from other goroutines",
		} {
			_, err := task.Call(t.Context(), env.Client, 0)
			require.ErrorContains(t, err, text, task.Name())
		}
	})
}

func TestASleepIsAtMostTenYears(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		const year = 365 * 24 * time.Hour
		task := adze.NewDurable("long", func(ctx context.Context, d time.Duration) (int, error) { return 0, adze.Sleep(ctx, d) })
		env.Work(task)
		_, err := task.Call(t.Context(), env.Client, 10*year+time.Millisecond)
		require.ErrorContains(t, err, "10 years")
		_, err = task.Call(t.Context(), env.Client, 10*year)
		require.NoError(t, err)
	})
}

func TestALostWorkerIsNoReasonToRunAStepAgain(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		var j journal
		hold := make(chan struct{})
		task := adze.NewDurable("moving", func(ctx context.Context, _ int) (int, error) {
			if _, err := j.give(ctx, "once"); err != nil {
				return 0, err
			}
			return 1, adze.Do(ctx, "hang", func(ctx context.Context) error {
				select {
				case <-hold:
				case <-ctx.Done():
				}
				return ctx.Err()
			})
		})
		ctx, stop := context.WithCancel(t.Context())
		worked := make(chan error, 1)
		go func() { worked <- env.Client.Work(ctx, task, adze.DrainTimeout(0)) }()
		run, err := task.Run(t.Context(), env.Client, 0)
		require.NoError(t, err)
		env.Settle()
		stop()
		require.NoError(t, <-worked)
		close(hold)
		env.Work(task)
		out, err := run.Result(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, out)
		require.Equal(t, []string{"once"}, j.all())
	})
}

func TestACancelledTaskStopsWaiting(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		task := adze.NewDurable("waits", func(ctx context.Context, _ int) (int, error) { return 0, adze.Sleep(ctx, time.Hour) })
		env.Work(task)
		run, err := task.Run(t.Context(), env.Client, 0)
		require.NoError(t, err)
		env.Settle()
		require.NoError(t, run.Cancel(t.Context(), "enough"))
		_, err = run.Result(t.Context())
		require.ErrorIs(t, err, adze.ErrCancelled)
		require.Equal(t, adzetest.Start, env.Now())
	})
}
