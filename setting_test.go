package adze_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
)

func TestBatchesAreChangedWhileTheyWait(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		task := adze.NewBatchTask("post", func(_ context.Context, items []string) ([]adze.Result[int], error) {
			return adze.Shared(len(items), len(items)), nil
		}, adze.BatchSize(100), adze.BatchInterval(time.Hour), adze.BatchKey("input"))
		work(t, c, task)
		runs, err := task.RunMany(ctx, c, []string{"a", "a", "b"})
		require.NoError(t, err)
		require.NoError(t, c.SetBatch(ctx, "post", adze.BatchSetting{Key: "a", Size: new(2)}))
		n, err := runs[1].Result(ctx)
		require.NoError(t, err)
		require.Equal(t, 2, n)
		require.NoError(t, c.SetBatch(ctx, "post", adze.BatchSetting{Interval: new(time.Millisecond)}))
		n, err = runs[2].Result(ctx)
		require.NoError(t, err)
		require.Equal(t, 1, n)

		var all []adze.BatchSettingInfo
		for b, err := range c.BatchSettings(ctx) {
			require.NoError(t, err)
			all = append(all, b)
		}
		require.Equal(t, []adze.BatchSettingInfo{{Task: "post", Interval: time.Millisecond}, {Task: "post", Key: "a", Size: 2}}, all)
		require.NoError(t, c.DropBatch(ctx, "post", "a"))
		require.ErrorContains(t, c.SetBatch(ctx, "post", adze.BatchSetting{Size: new(-1)}), "batch.size_max")
	})
}

func TestKeysThatAreDeclaredAreChanged(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		echo := func(_ context.Context, s string) (string, error) { return s, nil }
		save := adze.NewTask("save", echo, adze.Debounce("input", time.Hour, 0))
		pay := adze.NewTask("pay", echo, adze.OnceBy("input"))
		work(t, c, save, pay)
		require.NoError(t, c.SetOnce(ctx, "save", adze.OnceSetting{Period: new(time.Millisecond)}))
		_, err := save.Call(ctx, c, "now")
		require.NoError(t, err)

		first, err := pay.Run(ctx, c, "17")
		require.NoError(t, err)
		_, err = pay.Run(ctx, c, "17")
		require.ErrorIs(t, err, adze.ErrConflict)
		require.NoError(t, c.SetOnce(ctx, "pay", adze.OnceSetting{Key: "17", OnCollision: "existing"}))
		again, err := pay.Run(ctx, c, "17")
		require.NoError(t, err)
		require.Equal(t, first.ID, again.ID)

		var all []adze.OnceSettingInfo
		for o, err := range c.OnceSettings(ctx) {
			require.NoError(t, err)
			all = append(all, o)
		}
		require.Equal(t, []adze.OnceSettingInfo{{Workflow: "pay", Key: "17", OnCollision: "existing"}, {Workflow: "save", Held: time.Millisecond}}, all)
		require.NoError(t, c.DropOnce(ctx, "pay", "17"))
		_, err = pay.Run(ctx, c, "17")
		require.ErrorIs(t, err, adze.ErrConflict)
		var refused *adze.Error
		require.ErrorAs(t, c.SetOnce(ctx, "pay", adze.OnceSetting{OnCollision: "shrug"}), &refused)
		require.Equal(t, "on_collision", refused.Field)
	})
}

// TestThrottleByIsOfEachKey: two of each key begin at once, and no more.
func TestThrottleByIsOfEachKey(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		poll := adze.NewTask("poll", func(_ context.Context, s string) (string, error) { return s, nil }, adze.ThrottleBy("input", 2, time.Hour))
		work(t, c, poll)
		runs, err := poll.RunMany(ctx, c, []string{"a", "a", "a", "b", "b"})
		require.NoError(t, err)
		for _, i := range []int{0, 1, 3, 4} {
			_, err := runs[i].Result(ctx)
			require.NoError(t, err)
		}
		why, err := c.Why(ctx, runs[2].ID)
		require.NoError(t, err)
		require.Equal(t, adze.CauseRate, why.Reasons[0].Cause)
		require.NoError(t, c.SetRate(ctx, "poll#1", adze.RateSetting{Key: "a", Limit: new(3)}))
		_, err = runs[2].Result(ctx)
		require.NoError(t, err)
	})
}

func TestQueueSettingsTellAllThatWasSet(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		require.NoError(t, c.SetQueue(ctx, "pages", adze.QueueSetting{
			Spread: new(3), ByCost: new(true), Ageing: new(time.Minute), Paused: new(true), PausedTTL: new(time.Hour),
		}))
		var all []adze.QueueSettingInfo
		for q, err := range c.QueueSettings(ctx) {
			require.NoError(t, err)
			all = append(all, q)
		}
		require.Equal(t, []adze.QueueSettingInfo{
			{Name: "pages", ByCost: true, Ageing: time.Minute, Spread: 3, Paused: true, PausedTTL: time.Hour},
		}, all)
	})
}
