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

// diamond is four tasks: left and right after top, bottom after both.
func diamond(name string) (w *adze.Workflow[int], bottom *adze.Node[string]) {
	w = adze.NewWorkflow[int](name)
	top := adze.AddTask(w, "top", func(_ context.Context, n int) (int, error) { return n + 1, nil })
	left := adze.AddTask(w, "left", func(ctx context.Context, _ int) (int, error) {
		n, err := top.Output(ctx)
		return 10 * n, err
	}, adze.After(top))
	right := adze.AddTask(w, "right", func(ctx context.Context, _ int) (int, error) {
		n, err := top.Output(ctx)
		return 100 * n, err
	}, adze.After(top))
	bottom = adze.AddTask(w, "bottom", func(ctx context.Context, n int) (string, error) {
		l, err := left.Output(ctx)
		if err != nil {
			return "", err
		}
		r, err := right.Output(ctx)
		return fmt.Sprint(n, l, r), err
	}, adze.After(left, right))
	return w, bottom
}

func TestAWorkflowRunsItsTasksInTheirOrder(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		w, bottom := diamond("diamond")
		work(t, c, w)
		for n := range 20 {
			run, err := w.Run(ctx, c, n, adze.Metadata(map[string]int{"n": n}))
			require.NoError(t, err)
			results, err := run.Result(ctx)
			require.NoError(t, err)
			text, err := bottom.Of(results)
			require.NoError(t, err)
			require.Equal(t, fmt.Sprint(n, 10*(n+1), 100*(n+1)), text)

			later, err := w.Lookup(c, run.ID).Result(ctx) // it ended a while ago
			require.NoError(t, err)
			require.Equal(t, results, later)
		}
	})
}

func TestManyRunsOfAWorkflowAllEndOnce(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		w, bottom := diamond("many")
		work(t, c, w, adze.Slots(100))
		inputs := make([]int, 500)
		for i := range inputs {
			inputs[i] = i
		}
		runs, err := w.RunMany(ctx, c, inputs)
		require.NoError(t, err)
		for n, run := range runs {
			results, err := run.Result(ctx)
			require.NoError(t, err)
			text, err := bottom.Of(results)
			require.NoError(t, err)
			require.Equal(t, fmt.Sprint(n, 10*(n+1), 100*(n+1)), text)
		}
	})
}

func TestARunOfAWorkflowIsShownWithItsTasks(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		w := adze.NewWorkflow[int]("shown")
		first := adze.AddTask(w, "first", func(context.Context, int) (int, error) { return 1, nil })
		release := make(chan struct{})
		second := adze.AddTask(w, "second", func(ctx context.Context, _ int) (int, error) {
			<-release
			return 2, nil
		}, adze.After(first))
		third := adze.AddTask(w, "third", func(context.Context, int) (int, error) { return 3, nil },
			adze.SkipIf(second, `output == 2`))
		adze.AddTask(w, "fourth", func(context.Context, int) (int, error) { return 4, nil }, adze.After(third, second))
		work(t, c, w)
		run, err := w.Run(ctx, c, 7)
		require.NoError(t, err)

		shown := func() (info *adze.RunInfo, tasks []string) {
			info, err := c.Get(ctx, run.ID)
			require.NoError(t, err)
			for _, task := range info.Tasks {
				tasks = append(tasks, task.Name+" "+string(task.Status))
			}
			return info, tasks
		}
		require.Eventually(t, func() bool {
			info, tasks := shown()
			return info.Status == adze.Running && len(tasks) == 4 && tasks[1] == "second running"
		}, patience, time.Millisecond)
		_, tasks := shown()
		require.Equal(t, []string{"first succeeded", "second running", "third waiting", "fourth waiting"}, tasks)
		close(release)
		_, err = run.Result(ctx)
		require.NoError(t, err)

		info, tasks := shown()
		require.Equal(t, []string{"first succeeded", "second succeeded", "third skipped", "fourth succeeded"}, tasks)
		require.Equal(t, adze.Succeeded, info.Status)
		require.JSONEq(t, `7`, string(info.Input))
		require.JSONEq(t, `{"first":1,"second":2,"fourth":4}`, string(info.Output))
		require.Equal(t, []string{"third", "second"}, info.Tasks[3].Parents)
		require.JSONEq(t, `4`, string(info.Tasks[3].Output))
		require.Equal(t, 1, info.Tasks[3].Attempt)
		require.False(t, info.Tasks[3].FinishedAt.IsZero())
		for listed, err := range c.List(ctx, adze.Filter{}) {
			require.NoError(t, err)
			require.Equal(t, run.ID, listed.ID, "a run is listed once, without its tasks")
		}
	})
}

func TestAFailedWorkflowRefundsAndIsReplayedFromWhatFailed(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		var broken atomic.Bool
		var reserved, refunded atomic.Int32
		broken.Store(true)
		w := adze.NewWorkflow[int]("payment")
		reserve := adze.AddTask(w, "reserve", func(context.Context, int) (string, error) {
			reserved.Add(1)
			return "shelf 7", nil
		})
		charge := adze.AddTask(w, "charge", func(ctx context.Context, _ int) (string, error) {
			shelf, err := reserve.Output(ctx)
			if err == nil && broken.Load() {
				err = errors.New("card refused")
			}
			return "paid for " + shelf, err
		}, adze.After(reserve))
		w.OnFailure("refund", func(ctx context.Context, _ int) error {
			if why := adze.Failures(ctx); len(why) != 1 || why[0].Error() != "charge: card refused" {
				t.Errorf("told of %v", why)
			}
			if shelf, err := reserve.Output(ctx); err != nil || shelf != "shelf 7" {
				t.Errorf("output of reserve: %q, %v", shelf, err)
			}
			if _, err := charge.Output(ctx); !errors.Is(err, adze.ErrNoOutput) {
				t.Errorf("output of charge: %v", err)
			}
			refunded.Add(1)
			return nil
		})
		work(t, c, w)

		run, err := w.Run(ctx, c, 1)
		require.NoError(t, err)
		results, err := run.Result(ctx)
		var failed *adze.RunError
		require.ErrorAs(t, err, &failed)
		require.Equal(t, adze.Failed, failed.Status)
		require.Contains(t, results, "reserve")
		require.NotContains(t, results, "charge")
		require.EqualValues(t, 1, refunded.Load())

		broken.Store(false)
		again, err := c.ReplayFailed(ctx, run.ID)
		require.NoError(t, err)
		results, err = w.Lookup(c, again).Result(ctx)
		require.NoError(t, err)
		text, err := charge.Of(results)
		require.NoError(t, err)
		require.Equal(t, "paid for shelf 7", text)
		require.EqualValues(t, 1, reserved.Load(), "it was kept")
		info, err := c.Get(ctx, again)
		require.NoError(t, err)
		require.Equal(t, run.ID, info.ReplayOf)

		_, err = c.ReplayFailed(ctx, again+1)
		require.ErrorIs(t, err, adze.ErrNotFound)
	})
}

func TestACancelledWorkflowStops(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		w := adze.NewWorkflow[int]("stopped")
		started := make(chan struct{}, 1)
		first := adze.AddTask(w, "first", func(ctx context.Context, _ int) (int, error) {
			started <- struct{}{}
			<-ctx.Done()
			return 0, ctx.Err()
		})
		adze.AddTask(w, "second", func(context.Context, int) (int, error) {
			t.Error("began after all")
			return 0, nil
		}, adze.After(first))
		work(t, c, w)
		run, err := w.Run(ctx, c, 1)
		require.NoError(t, err)
		<-started
		require.NoError(t, run.Cancel(ctx, "enough"))
		_, err = run.Result(ctx)
		require.ErrorIs(t, err, adze.ErrCancelled)
		require.ErrorContains(t, err, "enough")
	})
}

func TestADefinitionIsExportedAndImported(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		w, bottom := diamond("exported")
		run, err := w.Run(ctx, c, 1) // registers it
		require.NoError(t, err)
		definition, err := c.Export(ctx, "exported")
		require.NoError(t, err)
		name, err := c.Import(ctx, definition)
		require.NoError(t, err)
		require.Equal(t, "exported", name)
		again, err := c.Export(ctx, "exported")
		require.NoError(t, err)
		require.Equal(t, string(definition), string(again))

		work(t, c, w)
		results, err := run.Result(ctx)
		require.NoError(t, err)
		_, err = bottom.Of(results)
		require.NoError(t, err)

		_, err = c.Import(ctx, []byte(`{"name":"loop","tasks":[{"name":"a","parents":["b"]},{"name":"b","parents":["a"]}]}`))
		require.ErrorIs(t, err, adze.ErrInvalid)
		require.ErrorContains(t, err, "tasks[0].parents: close a cycle: a waits for b waits for a")
	})
}
