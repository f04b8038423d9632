package adze_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
)

// held is a task whose runs go on until the test lets them.
func held(name string) (task *adze.Task[int, int], release chan struct{}) {
	release = make(chan struct{})
	return adze.NewTask(name, func(ctx context.Context, n int) (int, error) {
		select {
		case <-release:
			return n, nil
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}, adze.ScheduleTimeout(time.Hour)), release
}

// whyNow asks until a run waits for a cause.
func whyNow(t *testing.T, ctx context.Context, c *adze.Client, run adze.ID, cause adze.Cause) adze.Reason {
	t.Helper()
	var told *adze.Explanation
	require.Eventually(t, func() bool {
		var err error
		told, err = c.Why(ctx, run)
		require.NoError(t, err)
		return len(told.Reasons) > 0 && told.Reasons[0].Cause == cause
	}, patience/2, 10*time.Millisecond)
	return told.Reasons[0]
}

func TestARunSaysWhatItWaitsForAllTheWay(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		task, release := held("held")
		later, err := task.Run(ctx, c, 1, adze.Delay(time.Hour))
		require.NoError(t, err)
		reason := whyNow(t, ctx, c, later.ID, adze.CauseTime)
		require.WithinDuration(t, time.Now().Add(time.Hour), reason.Until, time.Minute)

		first, err := task.Run(ctx, c, 1)
		require.NoError(t, err)
		reason = whyNow(t, ctx, c, first.ID, adze.CauseNoWorker)
		require.Contains(t, reason.Text, "No worker is connected that runs the action held.")
		require.WithinDuration(t, time.Now().Add(time.Hour), reason.Expires, time.Minute)

		work(t, c, task, adze.Slots(1))
		reason = whyNow(t, ctx, c, first.ID, adze.CauseRunning)
		require.NotZero(t, reason.Worker)

		second, err := task.Run(ctx, c, 2)
		require.NoError(t, err)
		third, err := task.Run(ctx, c, 3)
		require.NoError(t, err)
		reason = whyNow(t, ctx, c, third.ID, adze.CauseBusy)
		require.EqualValues(t, 1, reason.Ahead)
		require.Equal(t, 1, reason.Workers)
		require.Equal(t, 1, reason.Slots)
		require.Contains(t, reason.Text, "1 slot of 1 worker for the queue held. 1 goes before it.")

		overview, err := c.Overview(ctx)
		require.NoError(t, err)
		require.Len(t, overview.Queues, 1)
		queue := overview.Queues[0]
		require.Equal(t, "held", queue.Name)
		require.EqualValues(t, 2, queue.Ready)
		require.Equal(t, second.ID, queue.Oldest)
		require.Equal(t, 1, queue.SlotsUsed)
		require.Positive(t, queue.InPerMinute)
		require.Positive(t, queue.OutPerMinute)

		close(release)
		_, err = third.Result(ctx)
		require.NoError(t, err)
		told, err := c.Why(ctx, third.ID)
		require.NoError(t, err)
		require.True(t, told.Ended)
		require.Empty(t, told.Reasons)
		_, err = c.Why(ctx, third.ID+1)
		require.ErrorIs(t, err, adze.ErrNotFound)
	})
}

func TestARunOfAWorkflowSaysWhatEachOfItsTasksWaitsFor(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		w, _ := diamond("diamond")
		run, err := w.Run(ctx, c, 1)
		require.NoError(t, err)
		told, err := c.Why(ctx, run.ID)
		require.NoError(t, err)
		require.Len(t, told.Reasons, 4)
		causes := map[string]adze.Reason{}
		for _, r := range told.Reasons {
			causes[r.Task] = r
		}
		require.Equal(t, adze.CauseNoWorker, causes["top"].Cause)
		require.Equal(t, []string{"top"}, causes["left"].Parents)
		require.Equal(t, []string{"left", "right"}, causes["bottom"].Parents)
	})
}
