package adze_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
)

func TestSchedulesAreMadeChangedAndEndedOverEachTransport(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		task := adze.NewTask("shout", func(_ context.Context, in string) (string, error) { return in + "!", nil },
			adze.Cron("@yearly", adze.Input("x")))
		work(t, c, task)
		soon, err := task.Schedule(ctx, c, time.Now(), "now", adze.Priority(2))
		require.NoError(t, err)
		later, err := task.Schedule(ctx, c, time.Now().Add(time.Hour), "later")
		require.NoError(t, err)
		daily, err := task.Cron(ctx, c, "daily", "0 0 * * *", "day", adze.In("Europe/Berlin"), adze.Jitter(time.Minute),
			adze.QueueWhileRunning(), adze.CatchUpAll(7), adze.Metadata(map[string]int{"n": 1}))
		require.NoError(t, err)
		require.NoError(t, c.PauseSchedules(ctx, daily))

		byID := map[adze.ID]adze.ScheduleInfo{}
		require.Eventually(t, func() bool {
			clear(byID)
			for s, err := range c.Schedules(ctx, adze.ScheduleFilter{Task: "shout"}) {
				require.NoError(t, err)
				byID[s.ID] = s
			}
			return len(byID) == 3 && byID[soon].ID == 0 // it fired
		}, time.Minute, 5*time.Millisecond)
		got := byID[daily]
		require.True(t, got.Paused)
		require.Zero(t, got.Due)
		require.Equal(t, "daily 0 0 * * * Europe/Berlin queue all", got.Name+" "+got.Expression+" "+got.Zone+" "+got.Overlap+" "+got.CatchUp)
		require.Equal(t, time.Minute, got.Jitter)
		require.Equal(t, 7, got.CatchUpMax)
		require.JSONEq(t, `{"n":1}`, string(got.Metadata))
		require.JSONEq(t, `"day"`, string(got.Input))
		for s, err := range c.Schedules(ctx, adze.ScheduleFilter{Name: "shout"}) {
			require.NoError(t, err)
			require.True(t, s.Declared)
		}

		require.NoError(t, c.ResumeSchedules(ctx, daily))
		runs, err := c.RunSchedules(ctx, daily)
		require.NoError(t, err)
		out, err := task.Lookup(c, runs[0]).Result(ctx)
		require.NoError(t, err)
		require.Equal(t, "day!", out)
		require.ErrorIs(t, c.MoveSchedule(ctx, daily, time.Now()), adze.ErrConflict)
		require.NoError(t, c.MoveSchedule(ctx, later, time.Now()))
		deleted, err := c.DeleteSchedules(ctx, daily, soon)
		require.NoError(t, err)
		require.Equal(t, []bool{true, false}, deleted)
		require.Eventually(t, func() bool {
			fired := map[adze.ID]bool{}
			for run, err := range c.List(ctx, adze.Filter{Task: "shout"}) {
				require.NoError(t, err)
				fired[run.Schedule] = true
			}
			return fired[soon] && fired[later]
		}, time.Minute, 5*time.Millisecond)

		_, err = task.Schedule(ctx, c, time.Now(), "x", adze.Delay(time.Hour))
		require.ErrorIs(t, err, adze.ErrInvalid)
		_, err = task.Cron(ctx, c, "bad", "61 * * * *", "x")
		require.ErrorIs(t, err, adze.ErrInvalid)
		require.ErrorContains(t, err, `schedules[0].expression: minute "61"`)
	})
}

func TestABadOptionOfADeclaredCronIsRefusedWhenItIsRegistered(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		task := adze.NewTask("late", func(context.Context, int) (int, error) { return 0, nil }, adze.Cron("@daily", adze.Delay(time.Hour)))
		_, err := task.Run(ctx, c, 0)
		require.ErrorIs(t, err, adze.ErrInvalid)
		require.ErrorContains(t, err, "crons[0].metadata")
	})
}
