package adzetest_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/adzetest"
)

// diary notes when a task ran, and with what.
type diary struct {
	mu    sync.Mutex
	when  []time.Duration // since Start
	what  []string
	lasts time.Duration // how long a run takes
}

func (d *diary) write(ctx context.Context, in string) (int, error) {
	d.mu.Lock()
	d.when, d.what = append(d.when, time.Since(adzetest.Start)), append(d.what, in)
	d.mu.Unlock()
	select {
	case <-time.After(d.lasts):
		return 0, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func (d *diary) read() ([]time.Duration, []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	when, what := d.when, d.what
	d.when, d.what = nil, nil
	return when, what
}

func schedules(t *testing.T, env *adzetest.Env) (all []adze.ScheduleInfo) {
	t.Helper()
	for s, err := range env.Client.Schedules(t.Context(), adze.ScheduleFilter{}) {
		require.NoError(t, err)
		all = append(all, s)
	}
	return all
}

func TestACronRunsAtItsTimesWhoeverPausesIt(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		var d diary
		task := adze.NewTask("report", d.write)
		env.Work(task)
		daily, err := task.Cron(t.Context(), env.Client, "daily", "0 9 * * *", "in")
		require.NoError(t, err)
		env.Advance(48 * time.Hour)
		when, what := d.read()
		require.Equal(t, []time.Duration{9 * time.Hour, 33 * time.Hour}, when)
		require.Equal(t, []string{"in", "in"}, what)

		require.NoError(t, env.Client.PauseSchedules(t.Context(), daily))
		env.Advance(48 * time.Hour)
		when, _ = d.read()
		require.Empty(t, when)
		require.NoError(t, env.Client.ResumeSchedules(t.Context(), daily))
		env.Advance(24 * time.Hour)
		when, _ = d.read()
		require.Equal(t, []time.Duration{105 * time.Hour}, when, "what passed meanwhile is not made up for")

		again, err := task.Cron(t.Context(), env.Client, "daily", "0 10 * * *", "other")
		require.NoError(t, err)
		require.Equal(t, daily, again, "it is the same by its name")
		env.Advance(24 * time.Hour)
		when, what = d.read()
		require.Equal(t, []time.Duration{130 * time.Hour}, when)
		require.Equal(t, []string{"other"}, what)

		deleted, err := env.Client.DeleteSchedules(t.Context(), daily, daily+1)
		require.NoError(t, err)
		require.Equal(t, []bool{true, false}, deleted)
		env.Advance(24 * time.Hour)
		when, _ = d.read()
		require.Empty(t, when)
	})
}

func TestADeclaredCronComesAndGoesWithItsTask(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		var d diary
		first := adze.NewTask("report", d.write,
			adze.Cron("@hourly", adze.In("Europe/Berlin"), adze.Input("a"), adze.Priority(3)), adze.Cron("@daily", adze.Named("nightly")))
		env.Work(first)
		_, err := first.Cron(t.Context(), env.Client, "made", "@weekly", "b")
		require.NoError(t, err)
		names := map[string]adze.ID{}
		for _, s := range schedules(t, env) {
			names[s.Name] = s.ID
			require.Equal(t, s.Name != "made", s.Declared)
		}
		require.Len(t, names, 3)
		env.Advance(time.Hour)
		when, what := d.read()
		require.Equal(t, []time.Duration{time.Hour}, when)
		require.Equal(t, []string{"a"}, what)
		require.NoError(t, env.Client.PauseSchedules(t.Context(), names["report"]))

		env.Work(adze.NewTask("report", d.write, adze.Cron("@hourly", adze.Input("c"))))
		all := schedules(t, env)
		require.Len(t, all, 2, "nightly is gone, made is not")
		require.Equal(t, names["report"], all[0].ID)
		require.True(t, all[0].Paused, "who paused it did so at run time")
		require.Equal(t, names["made"], all[1].ID)

		_, err = first.Cron(t.Context(), env.Client, "report", "@daily", "d")
		require.ErrorIs(t, err, adze.ErrConflict)
		require.ErrorContains(t, err, "declared in the code")
	})
}

func TestAOneOffRunsOnceWhereverItIsMoved(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		var d diary
		task := adze.NewTask("remind", d.write)
		env.Work(task)
		in := func(hours int) time.Time { return env.Now().Add(time.Duration(hours) * time.Hour) }
		ids, err := task.ScheduleMany(t.Context(), env.Client, []adze.At[string]{
			{Time: in(1), Input: "a"}, {Time: in(2), Input: "b"}, {Time: in(3), Input: "c"}, {Time: in(-5), Input: "late"},
		}, adze.Priority(2))
		require.NoError(t, err)
		require.Len(t, ids, 4)
		require.NoError(t, env.Client.MoveSchedule(t.Context(), ids[0], in(4)))
		env.Advance(time.Minute)
		runs, err := env.Client.RunSchedules(t.Context(), ids[2])
		require.NoError(t, err)
		env.Advance(24 * time.Hour)
		when, what := d.read()
		require.Equal(t, []string{"late", "c", "b", "a"}, what)
		require.Equal(t, []time.Duration{0, time.Minute, 2 * time.Hour, 4 * time.Hour}, when)
		require.Empty(t, schedules(t, env), "each is gone once it ran")
		info, err := env.Client.Get(t.Context(), runs[0])
		require.NoError(t, err)
		require.Equal(t, ids[2], info.Schedule)
		require.Equal(t, 2, info.Priority)
		require.ErrorIs(t, env.Client.MoveSchedule(t.Context(), ids[0], in(4)), adze.ErrNotFound)
		_, err = env.Client.RunSchedules(t.Context(), ids[0])
		require.ErrorIs(t, err, adze.ErrNotFound)
	})
}

func TestOverlapIsWhatTheCronSays(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		option adze.CronOption
		want   []time.Duration // in minutes, of runs of 150 s by the minute
	}{
		"allow":  {adze.Priority(0), []time.Duration{1, 2, 3, 4, 5, 6}},
		"skip":   {adze.SkipWhileRunning(), []time.Duration{1, 4}},
		"cancel": {adze.CancelRunning(), []time.Duration{1, 2, 3, 4, 5, 6}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
				d := diary{lasts: 150 * time.Second}
				task := adze.NewTask("slow", d.write)
				env.Work(task)
				_, err := task.Cron(t.Context(), env.Client, "minutely", "* * * * *", "", c.option)
				require.NoError(t, err)
				env.Advance(6*time.Minute + time.Second)
				when, _ := d.read()
				for i := range when {
					when[i] /= time.Minute
				}
				require.Equal(t, c.want, when)
			})
		})
	}
}

func TestAQueuedRunBeginsWhenTheOneBeforeEnds(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		d := diary{lasts: 150 * time.Second}
		task := adze.NewTask("slow", d.write)
		env.Work(task)
		_, err := task.Cron(t.Context(), env.Client, "minutely", "* * * * *", "", adze.QueueWhileRunning())
		require.NoError(t, err)
		env.Advance(6 * time.Minute)
		when, _ := d.read()
		require.Equal(t, []time.Duration{60 * time.Second, 210 * time.Second, 360 * time.Second}, when)
		one := schedules(t, env)[0]
		require.NotZero(t, one.Skipped)
		require.NotZero(t, one.Running)
	})
}

func TestAWorkflowRunsByItsCron(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		var d diary
		w := adze.NewWorkflow[string]("chain", adze.Cron("@every 10m", adze.Input("x"), adze.SkipWhileRunning()))
		first := adze.AddTask(w, "first", d.write)
		adze.AddTask(w, "second", d.write, adze.After(first))
		env.Work(w)
		env.Advance(25 * time.Minute)
		when, what := d.read()
		require.Len(t, when, 4)
		require.Equal(t, []string{"x", "x", "x", "x"}, what)
	})
}

func TestJitterDelaysWithinItsBound(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		var d diary
		task := adze.NewTask("jitter", d.write)
		env.Work(task)
		_, err := task.Cron(t.Context(), env.Client, "hourly", "@hourly", "", adze.Jitter(time.Minute))
		require.NoError(t, err)
		env.Advance(10*time.Hour + time.Minute)
		when, _ := d.read()
		require.Len(t, when, 10)
		late := time.Duration(0)
		for i, at := range when {
			at -= time.Duration(i+1) * time.Hour
			require.GreaterOrEqual(t, at, time.Duration(0))
			require.LessOrEqual(t, at, time.Minute)
			late += at
		}
		require.NotZero(t, late)
	})
}
