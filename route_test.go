package adze_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
)

func TestTasksGoToWorkersWithTheirLabels(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		where := adze.NewTask("where", func(ctx context.Context, _ int) (adze.ID, error) { return adze.WorkerID(ctx), nil },
			adze.OnWorkers(adze.Require("memory", ">=", 64), adze.Prefer("zone", "==", "eu")))
		small := worker(t, c, where, adze.Labels(map[string]string{"memory": "16", "zone": "eu"}))
		worker(t, c, where, adze.Labels(map[string]string{"memory": "64", "zone": "us"}))
		worker(t, c, where, adze.Labels(map[string]string{"memory": "128", "zone": "eu"}))
		of := func(memory int) adze.ID { // it is connected, if it answers
			id, err := where.Call(ctx, c, 0, adze.RunOnWorkers(adze.Require("memory", "==", memory)))
			require.NoError(t, err)
			return id
		}
		of(16)
		far, near := of(64), of(128)
		for range 4 {
			id, err := where.Call(ctx, c, 0)
			require.NoError(t, err)
			require.Equal(t, near, id, "the best one is free each time")
		}
		id, err := where.Call(ctx, c, 0, adze.RunOnWorkers(adze.Require("zone", "==", "us")))
		require.NoError(t, err)
		require.Equal(t, far, id)

		waiting, err := where.Run(ctx, c, 0, adze.RunOnWorkers(adze.Require("memory", "==", 17)))
		require.NoError(t, err)
		require.NoError(t, small.SetLabels(ctx, map[string]string{"memory": "17"}))
		_, err = waiting.Result(ctx)
		require.NoError(t, err)
	})
}

// worker runs one until the test ends.
func worker(t *testing.T, c *adze.Client, options ...adze.WorkerOption) *adze.Worker {
	t.Helper()
	w := c.NewWorker(options...)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	return w
}

func TestSlotsOfATypeBoundWhatRunsAtOnce(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		started, release := make(chan struct{}, 10), make(chan struct{})
		render := adze.NewTask("render", func(ctx context.Context, _ int) (int, error) {
			started <- struct{}{}
			select {
			case <-release:
			case <-ctx.Done():
			}
			return 0, ctx.Err()
		}, adze.Uses("gpu", 2))
		work(t, c, render, double, adze.Slots(1), adze.SlotsOf("gpu", 5))
		runs, err := render.RunMany(ctx, c, []int{1, 2, 3})
		require.NoError(t, err)
		<-started
		<-started
		_, err = double.Call(ctx, c, 1)
		require.NoError(t, err, "it takes up no such slot")
		select {
		case <-started:
			t.Fatal("a third one began")
		case <-time.After(50 * time.Millisecond): // nothing tells that a thing does not happen
		}
		close(release)
		for _, r := range runs {
			_, err := r.Result(ctx)
			require.NoError(t, err)
		}
	})
}

func TestReleasedSlotIsGivenToTheNextTask(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		released, goOn := make(chan struct{}), make(chan struct{})
		waits := adze.NewTask("waits", func(ctx context.Context, _ int) (int, error) {
			adze.ReleaseSlots(ctx)
			close(released)
			<-goOn
			return 1, nil
		})
		work(t, c, waits, double, adze.Slots(1))
		first, err := waits.Run(ctx, c, 0)
		require.NoError(t, err)
		<-released
		out, err := double.Call(ctx, c, 2)
		require.NoError(t, err)
		require.Equal(t, 4, out)
		close(goOn)
		_, err = first.Result(ctx)
		require.NoError(t, err)
		info, err := c.Get(ctx, first.ID)
		require.NoError(t, err)
		require.Len(t, info.Moments, 1, "the history tells")
		require.Equal(t, adze.MomentReleased, info.Moments[0].Kind)
		require.Equal(t, 1, info.Moments[0].Attempt)
	})
}

func TestStickyTasksRunWhereTheirParentsDid(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		w := adze.NewWorkflow[int]("sticky", adze.Sticky(adze.StickyOnly))
		where := func(ctx context.Context, _ int) (adze.ID, error) { return adze.WorkerID(ctx), nil }
		first := adze.AddTask(w, "first", where)
		second := adze.AddTask(w, "second", where, adze.After(first))
		child := adze.NewTask("child", func(ctx context.Context, _ int) (adze.ID, error) { return adze.WorkerID(ctx), nil },
			adze.Sticky(adze.StickyPrefer))
		parent := adze.NewTask("parent", func(ctx context.Context, _ int) (bool, error) {
			id, err := child.Call(ctx, c, 0, adze.OnSameWorker())
			return id == adze.WorkerID(ctx), err
		})
		for range 3 {
			work(t, c, w, parent, child, adze.Slots(10))
		}
		for range 5 {
			out, err := w.Call(ctx, c, 0)
			require.NoError(t, err)
			a, err := first.Of(out)
			require.NoError(t, err)
			b, err := second.Of(out)
			require.NoError(t, err)
			require.Equal(t, a, b)
			same, err := parent.Call(ctx, c, 0)
			require.NoError(t, err)
			require.True(t, same)
		}
	})
}

func TestDrainedWorkerEndsWhatItRunsAndIsGivenNothing(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		running, end := make(chan adze.ID), make(chan struct{})
		long := adze.NewTask("long", func(ctx context.Context, _ int) (int, error) {
			running <- adze.WorkerID(ctx)
			<-end
			return 1, nil
		})
		worker(t, c, long)
		first, err := long.Run(ctx, c, 0)
		require.NoError(t, err)
		id := <-running

		impatient, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		err = c.DrainWorker(impatient, id)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		drained := make(chan error, 1)
		go func() { drained <- c.DrainWorker(ctx, id) }()
		second, err := long.Run(ctx, c, 0)
		require.NoError(t, err)
		close(end)
		_, err = first.Result(ctx)
		require.NoError(t, err)
		require.NoError(t, <-drained)

		require.NoError(t, c.ResumeWorker(ctx, id))
		require.Equal(t, id, <-running)
		_, err = second.Result(ctx)
		require.NoError(t, err)
		require.ErrorIs(t, c.DrainWorker(ctx, first.ID), adze.ErrNotFound)
	})
}

func TestPausedWorkersAndWorkflowsWait(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		where := adze.NewTask("where", func(ctx context.Context, _ int) (adze.ID, error) { return adze.WorkerID(ctx), nil })
		worker(t, c, where, adze.SlotsOf("gpu", 2), adze.Labels(map[string]string{"zone": "eu"}))
		id, err := where.Call(ctx, c, 0)
		require.NoError(t, err)
		workers, err := c.Workers(ctx)
		require.NoError(t, err)
		require.Len(t, workers, 1)
		require.Equal(t, id, workers[0].ID)
		require.Equal(t, "eu", workers[0].Labels["zone"])
		require.Equal(t, adze.SlotsInfo{Type: "gpu", Max: 2}, workers[0].Slots[1])

		require.NoError(t, c.PauseWorker(ctx, id))
		held, err := where.Run(ctx, c, 0)
		require.NoError(t, err)
		workers, err = c.Workers(ctx)
		require.NoError(t, err)
		require.True(t, workers[0].Paused)
		require.Zero(t, workers[0].Running)
		require.NoError(t, c.ResumeWorker(ctx, id))
		_, err = held.Result(ctx)
		require.NoError(t, err)
		require.ErrorIs(t, c.PauseWorker(ctx, held.ID), adze.ErrNotFound)

		require.NoError(t, c.PauseWorkflow(ctx, "where", 20*time.Millisecond))
		late, err := where.Run(ctx, c, 0)
		require.NoError(t, err)
		_, err = late.Result(ctx)
		require.ErrorContains(t, err, "was paused for longer than 20ms")
		require.NoError(t, c.PauseWorkflow(ctx, "where", 0))
		held, err = where.Run(ctx, c, 0)
		require.NoError(t, err)
		why, err := c.Why(ctx, held.ID)
		require.NoError(t, err)
		require.Equal(t, adze.CausePaused, why.Reasons[0].Cause)
		require.Equal(t, "The workflow where is paused.", why.Reasons[0].Text)
		require.NoError(t, c.ResumeWorkflow(ctx, "where"))
		_, err = held.Result(ctx)
		require.NoError(t, err)
	})
}
