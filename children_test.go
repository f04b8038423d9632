package adze_test

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/adzetest"
)

var square = adze.NewTask("square", func(_ context.Context, n int) (int, error) { return n * n, nil })

func TestADurableTaskCallsChildren(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		slow := adze.NewTask("slow", func(_ context.Context, n int) (int, error) {
			time.Sleep(time.Hour)
			return n, nil
		})
		var calls atomic.Int32
		sum := adze.NewDurable("sum", func(ctx context.Context, n int) (int, error) {
			calls.Add(1)
			a, err := adze.Call(ctx, square, n)
			if err != nil {
				return 0, err
			}
			b, err := adze.Call(ctx, slow, 1)
			return a + b, err
		})
		env.Work(square, slow, sum)
		out, err := sum.Call(t.Context(), env.Client, 5)
		require.NoError(t, err)
		require.Equal(t, 26, out)
		require.EqualValues(t, 2, calls.Load(), "it waits for the quick one in its place")
		runs := 0
		for range env.Client.List(t.Context(), adze.Filter{}) {
			runs++
		}
		require.Equal(t, 3, runs, "each child was submitted once")
	})
}

func TestManyChildrenRunAtTheSameTimeAndAnswerInOrder(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		nap := adze.NewTask("nap", func(_ context.Context, n int) (int, error) {
			time.Sleep(time.Duration(n%7) * time.Minute)
			return n, nil
		})
		all := adze.NewDurable("all", func(ctx context.Context, n int) ([]int, error) {
			inputs := make([]int, n)
			for i := range inputs {
				inputs[i] = i
			}
			return adze.CallMany(ctx, nap, inputs)
		})
		env.Work(nap, all, adze.Slots(5000))
		out, err := all.Call(t.Context(), env.Client, 2_500)
		require.NoError(t, err)
		require.Len(t, out, 2_500)
		for i, n := range out {
			require.Equal(t, i, n)
		}
		require.Less(t, env.Now().Sub(adzetest.Start), 7*time.Minute)
	})
}

func TestTheFailureOfAChildIsARunError(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		fails := adze.NewTask("fails", func(context.Context, int) (int, error) { return 0, errors.New("out of paper") })
		parent := adze.NewDurable("parent", func(ctx context.Context, _ int) (string, error) {
			_, err := adze.Call(ctx, fails, 0)
			var failed *adze.RunError
			if !errors.As(err, &failed) {
				return "", err
			}
			return failed.Text, adze.Sleep(ctx, time.Hour)
		})
		env.Work(fails, parent)
		out, err := parent.Call(t.Context(), env.Client, 0)
		require.NoError(t, err)
		require.Equal(t, "out of paper", out)
	})
}

func TestAWorkflowCanBeAChild(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		flow := adze.NewWorkflow[int]("flow")
		twice := adze.AddTask(flow, "twice", func(_ context.Context, n int) (int, error) { return 2 * n, nil })
		adze.AddTask(flow, "last", func(context.Context, int) (int, error) { time.Sleep(time.Hour); return 0, nil }, adze.After(twice))
		parent := adze.NewDurable("parent", func(ctx context.Context, n int) (int, error) {
			results, err := adze.Call(ctx, flow, n)
			if err != nil {
				return 0, err
			}
			return twice.Of(results)
		})
		env.Work(flow, parent)
		out, err := parent.Call(t.Context(), env.Client, 4)
		require.NoError(t, err)
		require.Equal(t, 8, out)
	})
}

func TestTheFirstOfAChildAndATimerWins(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		nap := adze.NewTask("nap", func(ctx context.Context, d time.Duration) (int, error) {
			select {
			case <-time.After(d):
			case <-ctx.Done():
			}
			return 1, ctx.Err()
		})
		race := adze.NewDurable("race", func(ctx context.Context, d time.Duration) (string, error) {
			child, err := adze.Start(ctx, nap, d, adze.CancelWithParent())
			if err != nil {
				return "", err
			}
			late := adze.OnSleep(time.Hour)
			switch first, err := adze.Any(ctx, child, late); {
			case err != nil:
				return "", err
			case first == late:
				return "late", nil
			}
			n, err := child.Result(ctx)
			return strconv.Itoa(n), err
		})
		env.Work(nap, race)
		out, err := race.Call(t.Context(), env.Client, time.Minute)
		require.NoError(t, err)
		require.Equal(t, "1", out)
		out, err = race.Call(t.Context(), env.Client, 2*time.Hour)
		require.NoError(t, err)
		require.Equal(t, "late", out)
		env.Settle()
		var statuses []adze.Status
		for child, err := range env.Client.List(t.Context(), adze.Filter{Task: "nap"}) {
			require.NoError(t, err)
			statuses = append(statuses, child.Status)
		}
		require.Equal(t, []adze.Status{adze.Cancelled, adze.Succeeded}, statuses, "the late one went with its parent")
	})
}

func TestARetriedTaskFindsItsChildrenAgain(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		parent := adze.NewTask("parent", func(ctx context.Context, n int) ([]adze.ID, error) {
			one, err := square.Run(ctx, env.Client, n)
			if err != nil {
				return nil, err
			}
			many, err := square.RunMany(ctx, env.Client, []int{1, 2})
			if err != nil {
				return nil, err
			}
			keyed, err := square.Run(ctx, env.Client, 3, adze.Key("three"))
			if err != nil {
				return nil, err
			}
			free, err := square.Run(ctx, env.Client, 4, adze.Detached())
			if err != nil {
				return nil, err
			}
			if adze.Attempt(ctx) == 1 {
				return nil, errors.New("once more")
			}
			return []adze.ID{one.ID, many[0].ID, many[1].ID, keyed.ID, free.ID}, nil
		}, adze.Retries(1))
		env.Work(square, parent)
		ids, err := parent.Call(t.Context(), env.Client, 7)
		require.NoError(t, err)
		require.Len(t, ids, 5)
		runs := 0
		for range env.Client.List(t.Context(), adze.Filter{Task: "square"}) {
			runs++
		}
		require.Equal(t, 6, runs, "four children once, and the detached one twice")
	})
}

func TestAStepFindsItsChildrenByKeysOfItsOwn(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		parent := adze.NewDurable("parent", func(ctx context.Context, _ int) (int, error) {
			n, err := adze.Step(ctx, "in a step", func(ctx context.Context) (int, error) {
				return square.Call(ctx, env.Client, 2)
			})
			if err != nil {
				return 0, err
			}
			if err := adze.Sleep(ctx, time.Hour); err != nil {
				return 0, err
			}
			m, err := square.Call(ctx, env.Client, 3)
			return 10*n + m, err
		})
		env.Work(square, parent)
		out, err := parent.Call(t.Context(), env.Client, 0)
		require.NoError(t, err)
		require.Equal(t, 49, out)
	})
}

func TestATreeIsCancelledFromItsRoot(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		leaf := adze.NewDurable("leaf", func(ctx context.Context, _ int) (int, error) { return 0, adze.Sleep(ctx, time.Hour) })
		inner := adze.NewDurable("inner", func(ctx context.Context, _ int) (int, error) { return adze.Call(ctx, leaf, 0) })
		root := adze.NewDurable("root", func(ctx context.Context, _ int) (int, error) { return adze.Call(ctx, inner, 0) })
		env.Work(leaf, inner, root)
		run, err := root.Run(t.Context(), env.Client, 0)
		require.NoError(t, err)
		env.Advance(time.Minute)

		require.NoError(t, env.Client.CancelTree(t.Context(), run.ID, "all of it"))
		env.Settle()

		for info, err := range env.Client.List(t.Context(), adze.Filter{}) {
			require.NoError(t, err)
			require.Equal(t, adze.Cancelled, info.Status, info.Task)
			require.Contains(t, info.Error, "all of it")
		}
	})
}
