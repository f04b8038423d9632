package adzetest_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/adzetest"
)

var errNotYet = errors.New("not yet")

// third succeeds at the third attempt.
func third(options ...adze.TaskOption) *adze.Task[string, string] {
	return adze.NewTask("third", func(ctx context.Context, in string) (string, error) {
		if adze.Attempt(ctx) < 3 {
			return "", errNotYet
		}
		return in + "!", nil
	}, options...)
}

func TestAnHourOfBackoffTakesNoTime(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		task := third(adze.Retries(5), adze.Backoff(time.Hour, 2, 24*time.Hour))
		env.Work(task)

		out, err := task.Call(t.Context(), env.Client, "patience")

		require.NoError(t, err)
		require.Equal(t, "patience!", out)
		passed := env.Now().Sub(adzetest.Start)
		require.GreaterOrEqual(t, passed, 90*time.Minute, "half of one hour and of two, at least")
		require.LessOrEqual(t, passed, 3*time.Hour+time.Second)
	})
}

func TestTheClockStopsWhereTheTestSays(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		task := adze.NewTask("later", func(context.Context, int) (int, error) { return 7, nil })
		env.Work(task)
		run, err := task.Run(t.Context(), env.Client, 0, adze.Delay(time.Hour))
		require.NoError(t, err)

		env.Advance(time.Hour - time.Millisecond)
		require.Equal(t, adze.Delayed, env.Status(run.ID))
		env.Advance(time.Millisecond)
		require.Equal(t, adze.Succeeded, env.Status(run.ID))
	})
}

func TestRetriesEndWithTheLastError(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		task := third(adze.Retries(1))
		env.Work(task)

		_, err := task.Call(t.Context(), env.Client, "too few")

		var failed *adze.RunError
		require.ErrorAs(t, err, &failed)
		require.Equal(t, adze.Failed, failed.Status)
		require.Equal(t, 2, failed.Attempt)
		require.Contains(t, failed.Text, "not yet")
		info, err := env.Client.Get(t.Context(), failed.ID)
		require.NoError(t, err)
		require.Len(t, info.Attempts, 1, "the first was followed by another one")
	})
}

func TestATimeoutEndsTheContextAndCountsAsAFailure(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		var cause atomic.Value
		task := adze.NewTask("slow", func(ctx context.Context, _ int) (int, error) {
			<-ctx.Done()
			cause.Store(context.Cause(ctx))
			return 0, ctx.Err()
		}, adze.Timeout(time.Minute))
		env.Work(task)

		_, err := task.Call(t.Context(), env.Client, 0)

		var failed *adze.RunError
		require.ErrorAs(t, err, &failed)
		require.Equal(t, adze.Failed, failed.Status)
		require.Equal(t, adze.ErrTimedOut, cause.Load())
		require.InDelta(t, time.Minute, env.Now().Sub(adzetest.Start), float64(time.Second))
	})
}

func TestARefreshedTimeoutLetsATaskGoOn(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		task := adze.NewTask("steady", func(ctx context.Context, steps int) (int, error) {
			for range steps {
				if _, err := adze.RefreshTimeout(ctx, time.Minute); err != nil {
					return 0, err
				}
				select {
				case <-time.After(50 * time.Second):
				case <-ctx.Done():
					return 0, ctx.Err()
				}
			}
			return steps, nil
		}, adze.Timeout(time.Minute))
		env.Work(task)

		run, err := task.Run(t.Context(), env.Client, 10)
		require.NoError(t, err)
		out, err := run.Result(t.Context())

		require.NoError(t, err)
		require.Equal(t, 10, out)
		info, err := env.Client.Get(t.Context(), run.ID)
		require.NoError(t, err)
		require.Len(t, info.Moments, 9, "the first deadline is where it is already")
		require.Equal(t, adze.MomentPostponed, info.Moments[0].Kind)
		require.Equal(t, 50*time.Second, info.Moments[0].By)
		require.Equal(t, info.Moments[0].At.Add(time.Minute), info.Moments[0].Deadline)
	})
}

func TestARunThatNobodyTakesInTimeFails(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		task := adze.NewTask("lonely", func(context.Context, int) (int, error) { return 0, nil },
			adze.ScheduleTimeout(time.Minute))

		_, err := task.Call(t.Context(), env.Client, 0) // no worker

		var ended *adze.RunError
		require.ErrorAs(t, err, &ended)
		require.Zero(t, ended.Attempt)
		require.InDelta(t, time.Minute, env.Now().Sub(adzetest.Start), float64(time.Second))
	})
}
