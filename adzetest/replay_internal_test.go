package adzetest

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
)

// forbid is a step that must not run.
func forbid(ctx context.Context, name string) error {
	return adze.Do(ctx, name, func(context.Context) error { panic("a replay runs no step") })
}

// give is a step that gives its name.
func give(ctx context.Context, name string) (string, error) {
	return adze.Step(ctx, name, func(context.Context) (string, error) { return name, nil })
}

var double = adze.NewTask("double", func(_ context.Context, n int) (int, error) { return 2 * n, nil })

// order is the function of a run that is recorded: it gives steps, waits for a payment,
// and has a child.
func order(ctx context.Context, n int) (int, error) {
	if _, err := give(ctx, "reserve"); err != nil {
		return 0, err
	}
	paid, late := adze.OnEvent[int]("paid"), adze.OnSleep(24*time.Hour)
	if _, err := adze.Any(ctx, paid, late); err != nil {
		return 0, err
	}
	if _, err := give(ctx, "charge"); err != nil {
		return 0, err
	}
	twice, err := adze.Call(ctx, double, n)
	if err != nil {
		return 0, err
	}
	if _, err := give(ctx, "ship"); err != nil {
		return 0, err
	}
	return twice + paid.Payload(), nil
}

func newOrder(function func(context.Context, int) (int, error)) *adze.Task[int, int] {
	return adze.NewDurable("order", function)
}

// recorded is the history of a run of order, ended or still waiting for the payment.
func recorded(t *testing.T, ended bool) *adze.History {
	t.Helper()
	var history *adze.History
	Run(t, func(t *testing.T, env *Env) {
		task := newOrder(order)
		env.Work(task, double)
		run, err := task.Run(t.Context(), env.Client, 4)
		require.NoError(t, err)
		env.Advance(time.Minute)
		if ended {
			_, err = env.Client.Push(t.Context(), "paid", 3)
			require.NoError(t, err)
			out, err := run.Result(t.Context())
			require.NoError(t, err)
			require.Equal(t, 11, out)
		}
		history, err = env.Client.History(t.Context(), run.ID)
		require.NoError(t, err)
	})
	text, err := json.MarshalIndent(history, "", "  ")
	require.NoError(t, err)
	var back adze.History
	require.NoError(t, json.Unmarshal(text, &back))
	return &back
}

func TestCodeThatIsTheSameDepartsNowhere(t *testing.T) {
	t.Parallel()
	history := recorded(t, true)
	require.Len(t, history.Log, 6)
	require.Len(t, history.Children, 1)
	require.JSONEq(t, "8", string(history.Children[0].Output))
	Replay(t, newOrder(order), history)
	Run(t, func(t *testing.T, _ *Env) { Replay(t, newOrder(order), history) })
	Replay(t, newOrder(order), recorded(t, false))
}

func TestWhatWasRecordedIsToldAndNothingIsRun(t *testing.T) {
	t.Parallel()
	history := recorded(t, true)
	var seen []any
	require.Empty(t, rehearse(t, newOrder(func(ctx context.Context, n int) (int, error) {
		reserve, err := adze.Step(ctx, "reserve", func(context.Context) (string, error) { panic("a replay runs no step") })
		paid, late := adze.OnEvent[int]("paid"), adze.OnSleep(24*time.Hour)
		first, waited := adze.Any(ctx, paid, late)
		charged := forbid(ctx, "charge")
		twice, called := adze.Call(ctx, double, n)
		shipped := forbid(ctx, "ship")
		seen = []any{n, reserve, first == paid, paid.Payload(), twice, errors.Join(err, waited, charged, called, shipped)}
		return 0, forbid(ctx, "thank")
	}), history))
	require.Equal(t, []any{4, "reserve", true, 3, 8, nil}, seen)
}

func TestADepartureIsShownInItsLog(t *testing.T) {
	t.Parallel()
	history := recorded(t, true)
	text := rehearse(t, newOrder(func(ctx context.Context, _ int) (int, error) {
		if err := forbid(ctx, "reserve"); err != nil {
			return 0, err
		}
		_, err := adze.WaitEvent[int](ctx, "paid")
		return 0, err
	}), history)
	require.Equal(t, `the code of order departs from run `+history.Run.String()+`
entry 2: recorded wait "event paid or sleep", the code now comes to wait "event paid"

       1  step "reserve"
  -    2  wait "event paid or sleep"
  +    2  wait "event paid"
       3  step "charge"
       4  spawn "double"
       5  wait "run double"
`, text)
}

func TestEachWayToDepartIsNamed(t *testing.T) {
	t.Parallel()
	history := recorded(t, true)
	for name, c := range map[string]struct {
		function func(context.Context, int) (int, error)
		says     string
	}{
		"another step": {func(ctx context.Context, _ int) (int, error) {
			return 0, forbid(ctx, "look around")
		}, `entry 1: recorded step "reserve", the code now comes to step "look around"`},
		"a wait instead of a step": {func(ctx context.Context, _ int) (int, error) {
			_, err := adze.WaitEvent[int](ctx, "paid")
			return 0, err
		}, `entry 1: recorded step "reserve", the code now comes to wait "event paid"`},
		"the end": {func(ctx context.Context, _ int) (int, error) {
			return 0, forbid(ctx, "reserve")
		}, `entry 2: recorded wait "event paid or sleep", the code now comes to the end of the function`},
		"an error": {func(ctx context.Context, _ int) (int, error) {
			_ = forbid(ctx, "reserve")
			return 0, errors.New("no shelf")
		}, `the code now comes to the end of the function, with the error: no shelf`},
		"a panic": {func(ctx context.Context, _ int) (int, error) {
			_ = forbid(ctx, "reserve")
			panic("no shelf")
		}, `with the error: panic: no shelf`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, rehearse(t, newOrder(c.function), history), c.says)
		})
	}
}

func TestAPatchIsNoDeparture(t *testing.T) {
	t.Parallel()
	patched := newOrder(func(ctx context.Context, n int) (int, error) {
		if adze.Patched(ctx, "look around") {
			if err := forbid(ctx, "look around"); err != nil {
				return 0, err
			}
		}
		return order(ctx, n)
	})
	require.Empty(t, rehearse(t, patched, recorded(t, true)))
}

func TestAHistoryIsReadFromAFile(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(recorded(t, true))
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "order.json")
	require.NoError(t, os.WriteFile(file, text, 0o600))
	ReplayFile(t, newOrder(order), file)
}

func TestAHistoryOfAnotherTaskIsRefused(t *testing.T) {
	t.Parallel()
	require.Equal(t, "the history is one of order, and not of double",
		rehearse(t, double, recorded(t, false)))
	bad := recorded(t, false)
	bad.Log[0].Kind = "stroll"
	_, err := assignment(bad)
	require.ErrorContains(t, err, `log[0]: is entry 1 of kind "stroll"`)
}

func TestARunWithoutALogHasNoHistory(t *testing.T) {
	t.Parallel()
	Run(t, func(t *testing.T, env *Env) {
		env.Work(double)
		run, err := double.Run(t.Context(), env.Client, 1)
		require.NoError(t, err)
		_, err = run.Result(t.Context())
		require.NoError(t, err)
		_, err = env.Client.History(t.Context(), run.ID)
		require.ErrorIs(t, err, adze.ErrNotFound)
		require.ErrorContains(t, err, "has no log")
	})
}

func TestAMapIsReplayedWithTheListOfItsParent(t *testing.T) {
	t.Parallel()
	album := func(lanes int) *adze.Workflow[int] {
		w := adze.NewWorkflow[int]("album")
		list := adze.AddTask(w, "list", func(_ context.Context, n int) ([]int, error) { return make([]int, n), nil })
		adze.AddMap(w, "shrink", list, func(_ context.Context, n int) (int, error) { return n, nil }, adze.Concurrency(lanes))
		return w
	}
	var history *adze.History
	Run(t, func(t *testing.T, env *Env) {
		w := album(4)
		env.Work(w)
		run, err := w.Run(t.Context(), env.Client, 10)
		require.NoError(t, err)
		_, err = run.Result(t.Context())
		require.NoError(t, err)
		history, err = env.Client.HistoryOf(t.Context(), run.ID, "shrink")
		require.NoError(t, err)
		require.Len(t, history.Children, 10)
		_, err = env.Client.HistoryOf(t.Context(), run.ID, "stretch")
		require.ErrorIs(t, err, adze.ErrNotFound)
		_, err = env.Client.History(t.Context(), run.ID)
		require.ErrorContains(t, err, "name a durable task")
	})
	Replay(t, album(4), history)
	Replay(t, album(5), history) // what has begun goes on as it began
}
