package adzetest_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/adzetest"
)

type visit struct {
	User string `json:"user"`
}

type payment struct {
	Cents int `json:"cents"`
}

// gives is a task's function that gives v.
func gives[Out any](v Out) func(context.Context, visit) (Out, error) {
	return func(context.Context, visit) (Out, error) { return v, nil }
}

// ofTasks are the statuses of the tasks of a run.
func ofTasks(t *testing.T, env *adzetest.Env, run adze.ID) map[string]adze.Status {
	t.Helper()
	info, err := env.Client.Get(t.Context(), run)
	require.NoError(t, err)
	all := map[string]adze.Status{}
	for _, task := range info.Tasks {
		all[task.Name] = task.Status
	}
	return all
}

func push(t *testing.T, env *adzetest.Env, key string, payload any, options ...adze.EventOption) {
	t.Helper()
	_, err := env.Client.Push(t.Context(), key, payload, options...)
	require.NoError(t, err)
	env.Settle()
}

func TestTaskWaitsForTimeSinceItsParentEnded(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		w := adze.NewWorkflow[visit]("w")
		first := adze.AddTask(w, "first", func(context.Context, visit) (int, error) {
			time.Sleep(time.Hour)
			return 1, nil
		})
		adze.AddTask(w, "second", gives(2), adze.After(first), adze.WaitFor(adze.Passed(30*24*time.Hour)))
		env.Work(w)
		run, err := w.Run(t.Context(), env.Client, visit{})
		require.NoError(t, err)
		env.Advance(2 * time.Hour)
		info, err := env.Client.Get(t.Context(), run.ID)
		require.NoError(t, err)
		require.Equal(t, adze.Waiting, info.Tasks[1].Status)
		require.Zero(t, info.Tasks[1].Attempt)
		due := adzetest.Start.Add(time.Hour + 30*24*time.Hour)
		require.Len(t, info.Tasks[1].WaitsFor, 1)
		require.True(t, due.Equal(info.Tasks[1].WaitsFor[0].Until))

		_, err = run.Result(t.Context())
		require.NoError(t, err)
		require.Equal(t, due, env.Now())
	})
}

func TestTaskBeginsWithTheEventThatItWaitedFor(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		w := adze.NewWorkflow[visit]("w")
		ship := adze.AddTask(w, "ship", func(ctx context.Context, _ visit) (int, error) {
			_, err := adze.EventFor[int](ctx, "refunded")
			require.ErrorIs(t, err, adze.ErrNoEvent)
			p, err := adze.EventFor[payment](ctx, "paid")
			return p.Cents, err
		}, adze.WaitFor(adze.AnyOf(
			adze.Happened("paid", adze.ScopeFrom("input.user"), adze.If("event.cents > 100")),
			adze.Happened("refunded"),
		)))
		env.Work(w)
		push(t, env, "paid", payment{500}, adze.Scope("ada")) // before: it does not count
		run, err := w.Run(t.Context(), env.Client, visit{"ada"})
		require.NoError(t, err)
		push(t, env, "paid", payment{501}, adze.Scope("bob"))
		push(t, env, "paid", payment{502})
		push(t, env, "paid", payment{100}, adze.Scope("ada"))
		push(t, env, "paid", "no number", adze.Scope("ada"))
		info, err := env.Client.Get(t.Context(), run.ID)
		require.NoError(t, err)
		require.Equal(t, []adze.WaitInfo{
			{Event: "paid", Scope: "ada", If: "event.cents > 100"}, {Event: "refunded"},
		}, info.Tasks[0].WaitsFor)
		push(t, env, "paid", payment{503}, adze.Scope("ada"))
		push(t, env, "paid", payment{504}, adze.Scope("ada"))
		results, err := run.Result(t.Context())
		require.NoError(t, err)
		cents, err := ship.Of(results)
		require.NoError(t, err)
		require.Equal(t, 503, cents)
	})
}

func TestTaskIsSkippedOrCancelledByWhatComesWhileItWaits(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		push []string
		at   time.Duration
		ends map[string]adze.Status
		run  adze.Status
	}{
		"nothing comes":       {nil, 0, map[string]adze.Status{"a": adze.Succeeded, "b": adze.Succeeded, "c": adze.Succeeded}, adze.Succeeded},
		"one of two to skip":  {[]string{"s1"}, 0, map[string]adze.Status{"a": adze.Succeeded, "b": adze.Succeeded, "c": adze.Succeeded}, adze.Succeeded},
		"both to skip":        {[]string{"s1", "s2"}, 0, map[string]adze.Status{"a": adze.Succeeded, "b": adze.Skipped, "c": adze.Skipped}, adze.Succeeded},
		"another to skip":     {[]string{"s3"}, 0, map[string]adze.Status{"a": adze.Succeeded, "b": adze.Skipped, "c": adze.Skipped}, adze.Succeeded},
		"what cancels":        {[]string{"stop"}, 0, map[string]adze.Status{"a": adze.Succeeded, "b": adze.Cancelled, "c": adze.Cancelled}, adze.Cancelled},
		"too late, it begins": {[]string{"stop", "s3"}, time.Hour, map[string]adze.Status{"a": adze.Succeeded, "b": adze.Succeeded, "c": adze.Succeeded}, adze.Succeeded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
				w := adze.NewWorkflow[visit]("w")
				a := adze.AddTask(w, "a", gives(1))
				b := adze.AddTask(w, "b", gives(2), adze.After(a), adze.WaitFor(adze.Passed(time.Hour)),
					adze.SkipWhen(adze.AllOf(adze.Happened("s1"), adze.Happened("s2")), adze.Happened("s3")),
					adze.CancelWhen(adze.Happened("stop")))
				adze.AddTask(w, "c", gives(3), adze.After(b))
				env.Work(w)
				run, err := w.Run(t.Context(), env.Client, visit{})
				require.NoError(t, err)
				env.Settle()
				env.Advance(c.at)
				for _, key := range c.push {
					push(t, env, key, nil)
				}
				_, _ = run.Result(t.Context())
				require.Equal(t, c.ends, ofTasks(t, env, run.ID))
				require.Equal(t, c.run, env.Status(run.ID))
				if c.ends["b"] != adze.Succeeded {
					require.Equal(t, adzetest.Start, env.Now(), "at once")
				}
			})
		})
	}
}

func TestTaskWhoseConditionsCanNeverBeMetEndsClearly(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		w := adze.NewWorkflow[visit]("w")
		a := adze.AddTask(w, "a", gives(1))
		adze.AddTask(w, "b", gives(2), adze.WaitFor(adze.Holds(a, "output > 1"), adze.Passed(time.Hour)))
		adze.AddTask(w, "c", gives(3), adze.WaitFor(adze.Holds(a, "output.x > 1")))
		adze.AddTask(w, "d", gives(4), adze.WaitFor(adze.AnyOf(adze.Holds(a, "output > 1"), adze.Passed(time.Hour))))
		adze.AddTask(w, "e", gives(5), adze.WaitFor(adze.AnyOf(adze.Holds(a, "output == 1"), adze.Happened("never"))))
		env.Work(w)
		run, err := w.Run(t.Context(), env.Client, visit{})
		require.NoError(t, err)
		_, err = run.Result(t.Context())
		require.ErrorContains(t, err, "task b was cancelled")
		require.Equal(t, map[string]adze.Status{
			"a": adze.Succeeded, "b": adze.Cancelled, "c": adze.Cancelled, "d": adze.Succeeded, "e": adze.Succeeded,
		}, ofTasks(t, env, run.ID))
		info, err := env.Client.Get(t.Context(), run.ID)
		require.NoError(t, err)
		require.Equal(t, "its conditions can never be met", info.Tasks[1].Error)
	})
}

func TestSkippingIsStrongerThanCancelling(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		w := adze.NewWorkflow[visit]("w")
		a := adze.AddTask(w, "a", gives(1))
		b := adze.AddTask(w, "b", gives(2))
		both := adze.AllOf(adze.Holds(a, "output == 1"), adze.Holds(b, "output == 2"))
		adze.AddTask(w, "c", gives(3), adze.SkipWhen(both), adze.CancelIf(a, "output == 1"))
		adze.AddTask(w, "d", gives(4), adze.CancelWhen(both))
		adze.AddTask(w, "e", gives(5), adze.SkipWhen(adze.AllOf(adze.Holds(a, "output == 1"), adze.Holds(b, "output == 1"))))
		env.Work(w)
		run, err := w.Run(t.Context(), env.Client, visit{})
		require.NoError(t, err)
		_, err = run.Result(t.Context())
		require.ErrorContains(t, err, "task d was cancelled")
		require.Equal(t, map[string]adze.Status{
			"a": adze.Succeeded, "b": adze.Succeeded, "c": adze.Skipped, "d": adze.Cancelled, "e": adze.Succeeded,
		}, ofTasks(t, env, run.ID))
	})
}

func TestWorkflowOfOneTaskMayWait(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		w := adze.NewWorkflow[visit]("w")
		only := adze.AddTask(w, "only", gives(7), adze.WaitFor(adze.Happened("go")), adze.CancelWhen(adze.Passed(time.Hour)))
		env.Work(w)
		goes, err := w.Run(t.Context(), env.Client, visit{})
		require.NoError(t, err)
		push(t, env, "go", nil)
		results, err := goes.Result(t.Context())
		require.NoError(t, err)
		seven, err := only.Of(results)
		require.NoError(t, err)
		require.Equal(t, 7, seven)

		stays, err := w.Run(t.Context(), env.Client, visit{})
		require.NoError(t, err)
		_, err = stays.Result(t.Context())
		require.ErrorContains(t, err, "task only was cancelled")
		require.Equal(t, adzetest.Start.Add(time.Hour), env.Now())
	})
}

func TestRunIsRefusedWhoseInputGivesNoScope(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		w := adze.NewWorkflow[map[string]any]("w", adze.On("arrived"))
		adze.AddTask(w, "only", func(context.Context, map[string]any) (int, error) { return 1, nil },
			adze.WaitFor(adze.Happened("go", adze.ScopeFrom("input.user"))))
		env.Work(w)
		for _, user := range []any{7, "", "line\nbreak", strings.Repeat("x", 256)} {
			_, err := w.Run(t.Context(), env.Client, map[string]any{"user": user})
			require.ErrorIs(t, err, adze.ErrInvalid)
			require.ErrorContains(t, err, `task "only"`)
		}
		_, err := w.Run(t.Context(), env.Client, map[string]any{})
		require.ErrorContains(t, err, "no such key: user")
		_, err = w.Run(t.Context(), env.Client, map[string]any{"user": strings.Repeat("x", 255)})
		require.NoError(t, err)

		runs, err := w.RunMany(t.Context(), env.Client, []map[string]any{{"user": "ada"}, {}})
		require.ErrorContains(t, err, "no such key: user")
		require.Empty(t, runs)

		pushed, err := env.Client.Push(t.Context(), "arrived", map[string]any{})
		require.NoError(t, err)
		require.Empty(t, pushed.Runs)
		require.Contains(t, pushed.Warning, "no such key: user")
		pushed, err = env.Client.Push(t.Context(), "arrived", map[string]any{"user": "ada"})
		require.NoError(t, err)
		require.Len(t, pushed.Runs, 1)
		push(t, env, "go", nil, adze.Scope("ada"))
		require.Equal(t, adze.Succeeded, env.Status(pushed.Runs[0]))
	})
}

func TestReplayedTaskWaitsAgain(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		w := adze.NewWorkflow[visit]("w")
		a := adze.AddTask(w, "a", gives(1))
		adze.AddTask(w, "b", gives(2), adze.WaitFor(adze.Holds(a, "output == 1"), adze.Happened("go", adze.ScopeFrom("input.user"))),
			adze.CancelWhen(adze.Passed(time.Minute)))
		env.Work(w)
		run, err := w.Run(t.Context(), env.Client, visit{"ada"})
		require.NoError(t, err)
		_, err = run.Result(t.Context())
		require.Error(t, err)
		again, err := env.Client.ReplayFailed(t.Context(), run.ID)
		require.NoError(t, err)
		env.Settle()
		require.Equal(t, map[string]adze.Status{"a": adze.Succeeded, "b": adze.Waiting}, ofTasks(t, env, again))
		push(t, env, "go", nil, adze.Scope("ada"))
		require.Equal(t, adze.Succeeded, env.Status(again))
	})
}

func TestScheduleOfAWorkflowThatWaitsHasTheScopesOfItsInput(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		w := adze.NewWorkflow[visit]("w")
		adze.AddTask(w, "only", gives(1), adze.WaitFor(adze.Happened("go", adze.ScopeFrom("input.user"))))
		env.Work(w)
		_, err := w.Schedule(t.Context(), env.Client, env.Now().Add(time.Hour), visit{})
		require.ErrorContains(t, err, `task "only"`)
		_, err = w.Schedule(t.Context(), env.Client, env.Now().Add(time.Hour), visit{"ada"})
		require.NoError(t, err)
		env.Advance(time.Hour)
		push(t, env, "go", nil, adze.Scope("ada"))
		for run, err := range env.Client.List(t.Context(), adze.Filter{}) {
			require.NoError(t, err)
			require.Equal(t, adze.Succeeded, run.Status)
		}
	})
}

func TestEventThatStartsARunIsNotTheOneThatItWaitsFor(t *testing.T) {
	t.Parallel()
	for _, condition := range []adze.NodeCondition{
		adze.Happened("go"), adze.Happened("go", adze.If("event.user != ''")), adze.Happened("go", adze.ScopeFrom("input.user")),
	} {
		adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
			w := adze.NewWorkflow[visit]("w", adze.On("go", adze.If("event.user == 'ada'")))
			adze.AddTask(w, "only", gives(1), adze.WaitFor(condition))
			env.Work(w)
			pushed, err := env.Client.PushMany(t.Context(),
				adze.NewEvent{Key: "go", Payload: visit{"ada"}, Options: []adze.EventOption{adze.Scope("ada")}},
				adze.NewEvent{Key: "go", Payload: visit{"bob"}, Options: []adze.EventOption{adze.Scope("ada")}},
			)
			require.NoError(t, err)
			env.Settle()
			run := pushed[0].Runs[0]
			require.Equal(t, adze.Waiting, ofTasks(t, env, run)["only"])
			push(t, env, "go", visit{"bob"}, adze.Scope("ada"))
			require.Equal(t, adze.Succeeded, env.Status(run))
		})
	}
}
