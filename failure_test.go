package adze_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
)

// charges fail until they are mended: multiples of three for a reason of their own.
type charges struct{ mended atomic.Bool }

func (c *charges) charge(_ context.Context, n int) (int, error) {
	switch {
	case c.mended.Load():
		return n, nil
	case n%3 == 0:
		return 0, fmt.Errorf("no account %d", n)
	}
	return 0, fmt.Errorf("dial tcp 10.0.0.%d:443: connection refused", n)
}

// fail runs a task with 1 to n, and returns the runs once they have failed.
func fail(t *testing.T, ctx context.Context, c *adze.Client, task *adze.Task[int, int], n int) []*adze.Run[int] {
	t.Helper()
	inputs := make([]int, n)
	for i := range inputs {
		inputs[i] = i + 1
	}
	runs, err := task.RunMany(ctx, c, inputs)
	require.NoError(t, err)
	for _, run := range runs {
		_, err := run.Result(ctx)
		var ended *adze.RunError
		require.ErrorAs(t, err, &ended)
	}
	return runs
}

func TestFailuresAreGroupedAndReplayedOnce(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		var flaky charges
		charge := adze.NewTask("charge", flaky.charge)
		work(t, c, charge)
		runs := fail(t, ctx, c, charge, 9)

		groups, err := c.Failures(ctx, adze.FailureFilter{Since: time.Now().Add(-time.Hour)})
		require.NoError(t, err)
		require.Len(t, groups, 2)
		refused := groups[0]
		require.Equal(t, 6, refused.Runs)
		require.Equal(t, "charge", refused.Task)
		require.Equal(t, "dial tcp 10.0.0.8:443: connection refused", refused.Error)
		require.Equal(t, runs[7].ID, refused.Sample)
		require.False(t, refused.Last.Before(refused.First))
		require.Equal(t, 3, groups[1].Runs)

		flaky.mended.Store(true)
		what := adze.Redrive{FailureFilter: adze.FailureFilter{Task: "charge", Fingerprint: refused.Fingerprint}}
		what.DryRun = true
		would, err := c.Redrive(ctx, what)
		require.NoError(t, err)
		require.Equal(t, 6, would.Runs)
		require.ElementsMatch(t, []adze.ID{runs[0].ID, runs[1].ID, runs[3].ID, runs[4].ID, runs[6].ID, runs[7].ID}, would.Sample)

		what.DryRun, what.Limit = false, 2
		done, err := c.Redrive(ctx, what)
		require.NoError(t, err)
		require.Equal(t, &adze.Redriven{Runs: 2, Sample: []adze.ID{runs[6].ID, runs[7].ID}}, done, "the newest")
		what.Limit = 0
		done, err = c.Redrive(ctx, what)
		require.NoError(t, err)
		require.Equal(t, 4, done.Runs)
		require.Equal(t, 2, done.Skipped)
		once := map[adze.ID]int{runs[0].ID: 1, runs[1].ID: 1, runs[3].ID: 1, runs[4].ID: 1, runs[6].ID: 1, runs[7].ID: 1}
		require.Equal(t, once, replays(t, ctx, c, "charge", 6))

		done, err = c.Redrive(ctx, what)
		require.NoError(t, err)
		require.Equal(t, &adze.Redriven{Skipped: 6}, done)
		what.Again = true
		done, err = c.Redrive(ctx, what)
		require.NoError(t, err)
		require.Equal(t, 6, done.Runs)
		replays(t, ctx, c, "charge", 12)
	})
}

// replays waits until n replays succeeded, and counts them by what they repeat.
func replays(t *testing.T, ctx context.Context, c *adze.Client, task string, n int) (of map[adze.ID]int) {
	t.Helper()
	require.Eventually(t, func() bool {
		of = map[adze.ID]int{}
		total := 0
		for run, err := range c.List(ctx, adze.Filter{Task: task, Statuses: []adze.Status{adze.Succeeded}}) {
			require.NoError(t, err)
			of[run.ReplayOf]++
			total++
		}
		return total == n
	}, patience, 5*time.Millisecond)
	return of
}

func TestAWorkflowIsRedrivenFromTheTaskThatFailed(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		var mended atomic.Bool
		var packed atomic.Int32
		w := adze.NewWorkflow[int]("parcel")
		pack := adze.AddTask(w, "pack", func(context.Context, int) (int, error) { packed.Add(1); return 1, nil })
		adze.AddTask(w, "ship", func(_ context.Context, n int) (int, error) {
			if mended.Load() {
				return n, nil
			}
			return 0, adze.NonRetryable(errors.New("no truck at 12:00"))
		}, adze.After(pack))
		work(t, c, w)
		run, err := w.Run(ctx, c, 7)
		require.NoError(t, err)
		_, err = run.Result(ctx)
		require.Error(t, err)

		groups, err := c.Failures(ctx, adze.FailureFilter{Task: "parcel", Node: "ship"})
		require.NoError(t, err)
		require.Len(t, groups, 1)
		require.Equal(t, run.ID, groups[0].Sample)
		require.Equal(t, "no truck at 12:00", groups[0].Error)
		none, err := c.Failures(ctx, adze.FailureFilter{Task: "parcel", Node: "pack"})
		require.NoError(t, err)
		require.Empty(t, none)

		mended.Store(true)
		done, err := c.Redrive(ctx, adze.Redrive{
			FailureFilter: adze.FailureFilter{Fingerprint: groups[0].Fingerprint}, FromFailed: true,
		})
		require.NoError(t, err)
		require.Equal(t, []adze.ID{run.ID}, done.Sample)
		require.Equal(t, map[adze.ID]int{run.ID: 1}, replays(t, ctx, c, "parcel", 1))
		require.EqualValues(t, 1, packed.Load(), "what succeeded did not run again")
	})
}

func TestARedriveOfEverythingIsRefused(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		_, err := c.Redrive(ctx, adze.Redrive{DryRun: true})
		require.ErrorIs(t, err, adze.ErrInvalid)
		_, err = c.Failures(ctx, adze.FailureFilter{Task: "a b"})
		require.ErrorIs(t, err, adze.ErrInvalid)
	})
}

func TestAFingerprintIsItsDigits(t *testing.T) {
	t.Parallel()
	f, err := adze.ParseFingerprint("00000000000000ff")
	require.NoError(t, err)
	require.EqualValues(t, 255, f)
	require.Equal(t, "00000000000000ff", f.String())
	for _, text := range []string{"", "ff", "0000000000000000", "-0000000000000ff", "ffffffffffffffff", "00000000000000fg"} {
		_, err := adze.ParseFingerprint(text)
		require.ErrorIs(t, err, adze.ErrInvalid, text)
	}
}
