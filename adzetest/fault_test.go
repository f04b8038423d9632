package adzetest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/adzetest"
)

// till counts what was charged, by key: a charge that is repeated is none.
type till struct {
	calls   int
	charged map[string]int
}

func newTill() *till { return &till{charged: map[string]int{}} }

// checkout reserves, charges, waits a month and ships.
func checkout(till *till, options ...adze.TaskOption) *adze.Task[int, string] {
	return adze.NewDurable("checkout", func(ctx context.Context, cents int) (string, error) {
		shelf, err := adze.Step(ctx, "reserve", func(context.Context) (string, error) { return "A7", nil })
		if err != nil {
			return "", err
		}
		receipt, err := adze.Step(ctx, "charge", func(ctx context.Context) (string, error) {
			till.calls++
			till.charged[adze.TaskID(ctx).String()] = cents
			return "R1", nil
		}, adze.StepRetries(2))
		if err != nil {
			return "", err
		}
		if err := adze.Sleep(ctx, 30*24*time.Hour); err != nil {
			return "", err
		}
		tracking, err := adze.Step(ctx, "ship", func(context.Context) (string, error) { return "T1", nil })
		return fmt.Sprint(shelf, receipt, tracking), err
	}, options...)
}

func TestAStepFailsAsOftenAsTheTestSays(t *testing.T) {
	t.Parallel()
	for times, succeeds := range map[int]bool{0: true, 1: true, 2: true, 3: false} {
		t.Run(fmt.Sprint(times), func(t *testing.T) {
			t.Parallel()
			adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
				till := newTill()
				task := checkout(till)
				env.Work(task)
				env.FailStep("charge", errors.New("bank is closed"), times)
				_, err := task.Call(t.Context(), env.Client, 5)
				if succeeds {
					require.NoError(t, err)
					require.Equal(t, 1, till.calls, "a try that fails does not call the function")
					return
				}
				require.ErrorContains(t, err, "bank is closed")
				require.Zero(t, till.calls)
			})
		})
	}
}

func TestACrashBeforeAStepIsRecordedRunsItAgain(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		till := newTill()
		task := checkout(till)
		env.Work(task)
		env.CrashBefore("charge")
		out, err := task.Call(t.Context(), env.Client, 5)
		require.NoError(t, err)
		require.Equal(t, "A7R1T1", out)
		require.Equal(t, 2, till.calls)
		require.Len(t, till.charged, 1)
	})
}

func TestACrashAfterAStepIsRecordedDoesNotRunItAgain(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		till := newTill()
		task := checkout(till)
		env.Work(task)
		env.CrashAfter("charge")
		run, err := task.Run(t.Context(), env.Client, 5)
		require.NoError(t, err)
		_, err = run.Result(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, till.calls)
		info, err := env.Client.Get(t.Context(), run.ID)
		require.NoError(t, err)
		require.Equal(t, 2, info.Attempt)
		require.Equal(t, "lost", info.Attempts[0].Outcome)
	})
}

func TestACrashIsThatOfTheWholeWorker(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		till := newTill()
		task := checkout(till)
		other := adze.NewTask("other", func(ctx context.Context, _ int) (int, error) {
			select {
			case <-time.After(time.Minute):
			case <-ctx.Done():
			}
			return adze.Attempt(ctx), ctx.Err()
		})
		env.Work(task, other)
		run, err := other.Run(t.Context(), env.Client, 0)
		require.NoError(t, err)
		env.Settle()
		env.CrashAfter("charge")
		_, err = task.Call(t.Context(), env.Client, 5)
		require.NoError(t, err)
		attempt, err := run.Result(t.Context())
		require.NoError(t, err)
		require.Equal(t, 2, attempt)
	})
}

func TestDurableFunctionsSurviveACrashAtEachLine(t *testing.T) {
	t.Parallel()
	adzetest.CrashEverywhere(t, func(t *testing.T, env *adzetest.Env) any {
		till := newTill()
		task := checkout(till)
		env.Work(task)
		out, err := task.Call(t.Context(), env.Client, 5)
		return []any{out, err, len(till.charged)}
	})
}

func TestMapsSurviveACrashAtEachLine(t *testing.T) {
	t.Parallel()
	adzetest.CrashEverywhere(t, func(t *testing.T, env *adzetest.Env) any {
		w := adze.NewWorkflow[int]("mapped")
		numbers := adze.AddTask(w, "numbers", func(_ context.Context, n int) ([]int, error) { return make([]int, n), nil })
		adze.AddMap(w, "nap", numbers, func(context.Context, int) (int, error) {
			<-time.After(time.Minute)
			return 7, nil
		}, adze.Concurrency(4))
		env.Work(w)
		results, err := w.Call(t.Context(), env.Client, 9)
		elements := 0
		for range env.Client.List(t.Context(), adze.Filter{Task: "mapped:nap.each"}) {
			elements++
		}
		return []any{results, err, elements}
	})
}

func TestAMonthOfSleepTakesNoTimeOfTheMachine(t *testing.T) {
	t.Parallel()
	began := time.Now() // outside of the bubble: the real clock
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		task := checkout(newTill())
		env.Work(task)
		_, err := task.Call(t.Context(), env.Client, 5)
		require.NoError(t, err)
		require.GreaterOrEqual(t, env.Now().Sub(adzetest.Start), 30*24*time.Hour)
	})
	require.Less(t, time.Since(began), 5*time.Second, "it is milliseconds, on a machine that does nothing else")
}

func TestAMapThatFailsDoesSoWhateverDies(t *testing.T) {
	t.Parallel()
	adzetest.CrashEverywhere(t, func(t *testing.T, env *adzetest.Env) any {
		w := adze.NewWorkflow[int]("broken")
		numbers := adze.AddTask(w, "numbers", func(_ context.Context, n int) ([]int, error) { return []int{1, 2, 3, 4, 5, 6}, nil })
		adze.AddMap(w, "each", numbers, func(_ context.Context, n int) (int, error) {
			if n == 4 {
				return 0, errors.New("out of paper")
			}
			return n, nil
		}, adze.Concurrency(2))
		env.Work(w)
		run, err := w.Run(t.Context(), env.Client, 0)
		require.NoError(t, err)
		_, err = run.Result(t.Context())
		require.Error(t, err)
		info, err := env.Client.Get(t.Context(), run.ID)
		require.NoError(t, err)
		return []any{info.Tasks[1].Status, strings.Contains(info.Tasks[1].Error, "element 3: "), info.Tasks[1].Attempt < 4}
	})
}
