package compat_test

import (
	"errors"
	"testing"
	"time"

	"github.com/hatchet-dev/hatchet/pkg/client/rest"
	hatchet "github.com/hatchet-dev/hatchet/sdks/go"
	"github.com/stretchr/testify/require"
)

// gives is a task with a fixed output.
func gives(n int) func(hatchet.Context, object) (number, error) {
	return func(hatchet.Context, object) (number, error) { return number{n}, nil }
}

// breaks is a task that always fails.
func breaks(reason string) func(hatchet.Context, object) (object, error) {
	return func(hatchet.Context, object) (object, error) { return nil, errors.New(reason) }
}

// sum is a task that adds the outputs of its parents.
func sum(parents ...*hatchet.Task) func(hatchet.Context, object) (number, error) {
	return func(ctx hatchet.Context, _ object) (total number, err error) {
		for _, parent := range parents {
			var out number
			if err := ctx.ParentOutput(parent, &out); err != nil {
				return total, err
			}
			total.N += out.N
		}
		return total, nil
	}
}

func TestADiamondHandsOutputsDown(t *testing.T) {
	s := begin(t)
	flow := s.sdk.NewWorkflow(s.name("diamond"))
	top := flow.NewTask("top", gives(1))
	left := flow.NewTask("left", sum(top), hatchet.WithParents(top))
	right := flow.NewTask("right", sum(top), hatchet.WithParents(top))
	flow.NewTask("bottom", sum(left, right), hatchet.WithParents(left, right))
	s.work(flow)
	ref := s.start(s.name("diamond"), object{})
	var out number
	s.output(ref, "bottom", &out)
	require.Equal(t, 2, out.N)
	details := s.details(ref.RunId)
	require.Len(t, details.Tasks, 4)
	require.Len(t, details.Shape, 4)
	for _, task := range details.Tasks {
		require.NotEqual(t, ref.RunId, task.TaskExternalId.String(), "a graph's run has an id of its own")
	}
}

func TestAFailureCancelsWhatComesAfter(t *testing.T) {
	s := begin(t)
	flow := s.sdk.NewWorkflow(s.name("broken"))
	top := flow.NewTask("top", breaks("no luck"))
	flow.NewTask("after", echo, hatchet.WithParents(top))
	s.work(flow)
	ref := s.start(s.name("broken"), object{})
	s.fails(ref)
	details := s.details(ref.RunId)
	require.Equal(t, rest.V1TaskStatusFAILED, details.Run.Status)
	for _, task := range details.Tasks {
		if task.Status == rest.V1TaskStatusFAILED {
			require.Contains(t, *task.ErrorMessage, "no luck")
		} else {
			require.Equal(t, rest.V1TaskStatusCANCELLED, task.Status)
		}
	}
}

func TestATaskIsSkippedByItsParentsOutput(t *testing.T) {
	s := begin(t)
	flow := s.sdk.NewWorkflow(s.name("skip"))
	top := flow.NewTask("top", gives(7))
	skipped := flow.NewTask("skipped", echo, hatchet.WithParents(top), hatchet.WithSkipIf(hatchet.ParentCondition(top, "output.n > 5")))
	kept := flow.NewTask("kept", sum(top), hatchet.WithParents(top), hatchet.WithSkipIf(hatchet.ParentCondition(top, "output.n <= 5")))
	flow.NewTask("seen", func(ctx hatchet.Context, _ object) (object, error) {
		return object{"skipped": ctx.WasSkipped(skipped), "kept": ctx.WasSkipped(kept)}, nil
	}, hatchet.WithParents(skipped, kept))
	s.work(flow)
	ref := s.start(s.name("skip"), object{})
	var out object
	s.output(ref, "seen", &out)
	require.Equal(t, object{"skipped": true, "kept": false}, out)
	require.Equal(t, 1, count(s.details(ref.RunId), rest.V1TaskEventTypeSKIPPED))
}

func TestATaskIsSkippedWhenAllItsParentsWere(t *testing.T) {
	s := begin(t)
	flow := s.sdk.NewWorkflow(s.name("chain"))
	top := flow.NewTask("top", gives(7))
	skipped := flow.NewTask("skipped", echo, hatchet.WithParents(top), hatchet.WithSkipIf(hatchet.ParentCondition(top, "true")))
	flow.NewTask("after", echo, hatchet.WithParents(skipped))
	s.work(flow)
	var out object
	s.output(s.start(s.name("chain"), object{}), "after", &out)
	require.Equal(t, object{"skipped": true}, out)
}

func TestATaskWaitsForTimeAfterItsParents(t *testing.T) {
	s := begin(t)
	flow := s.sdk.NewWorkflow(s.name("sleep"))
	top := flow.NewTask("top", gives(1))
	flow.NewTask("after", func(ctx hatchet.Context, _ object) (object, error) {
		for _, key := range ctx.TriggerDataKeys() {
			var slept object
			if err := ctx.TriggerData(key, &slept); err == nil && slept["sleep_duration"] != nil {
				return slept, nil
			}
		}
		return object{}, nil
	}, hatchet.WithParents(top), hatchet.WithWaitFor(hatchet.SleepCondition(time.Second)))
	s.work(flow)
	began := time.Now()
	var out object
	s.output(s.start(s.name("sleep"), object{}), "after", &out)
	require.GreaterOrEqual(t, time.Since(began), time.Second)
	require.Contains(t, []any{"1000ms", "1s"}, out["sleep_duration"], "the text as the newest and as the older SDK send it")
}

func TestATaskWaitsForAnEventOrTime(t *testing.T) {
	s := begin(t)
	key := s.name("go")
	heard := make(chan number, 1)
	flow := s.sdk.NewWorkflow(s.name("either"))
	top := flow.NewTask("top", gives(1))
	flow.NewTask("after", func(ctx hatchet.Context, _ object) (object, error) {
		var event number
		for _, name := range ctx.TriggerDataKeys() {
			if err := ctx.TriggerData(name, &event); err != nil {
				return nil, err
			}
		}
		heard <- event
		return object{}, nil
	}, hatchet.WithParents(top),
		hatchet.WithWaitFor(hatchet.OrCondition(hatchet.SleepCondition(time.Hour), hatchet.UserEventCondition(key, "input.n > 1"))))
	s.work(flow)
	ref := s.start(s.name("either"), object{})
	s.eventually("it has heard", func() bool { // only events after its parents count
		require.NoError(t, s.sdk.Events().Push(s.ctx, key, number{1}))
		require.NoError(t, s.sdk.Events().Push(s.ctx, key, number{2}))
		return len(heard) > 0
	})
	require.Equal(t, 2, took(s, heard).N)
	_, err := s.ended(ref)
	require.NoError(t, err)
}

func TestConditionsAreJoined(t *testing.T) {
	s := begin(t)
	flow := s.sdk.NewWorkflow(s.name("and"))
	top := flow.NewTask("top", gives(7))
	flow.NewTask("after", echo, hatchet.WithParents(top), hatchet.WithWaitFor(hatchet.AndCondition(
		hatchet.SleepCondition(500*time.Millisecond), hatchet.SleepCondition(time.Second))))
	s.work(flow)
	began := time.Now()
	_, err := s.ended(s.start(s.name("and"), object{}))
	require.NoError(t, err)
	require.GreaterOrEqual(t, time.Since(began), time.Second)
}

func TestARootTaskWaits(t *testing.T) {
	s := begin(t)
	flow := s.sdk.NewWorkflow(s.name("root"))
	root := flow.NewTask("top", gives(1), hatchet.WithWaitFor(hatchet.SleepCondition(time.Second)))
	flow.NewTask("after", sum(root), hatchet.WithParents(root))
	s.work(flow)
	began := time.Now()
	var out number
	s.output(s.start(s.name("root"), object{}), "after", &out)
	require.Equal(t, 1, out.N)
	require.GreaterOrEqual(t, time.Since(began), time.Second)
}

func TestTheTaskForFailuresKnowsWhatFailed(t *testing.T) {
	s := begin(t)
	heard := make(chan map[string]string, 1)
	flow := s.sdk.NewWorkflow(s.name("saved"))
	flow.NewTask("bad", breaks("no luck"))
	flow.OnFailure(func(ctx hatchet.Context, _ object) (object, error) {
		heard <- ctx.StepRunErrors()
		return object{}, nil
	})
	s.work(flow)
	ref := s.start(s.name("saved"), object{})
	require.Contains(t, s.fails(ref), "no luck")
	require.Contains(t, took(s, heard)["bad"], "no luck")
	require.Equal(t, "FAILED", s.status(ref.RunId))
}

func TestTheTaskForFailuresIsSkippedWhenNoneFailed(t *testing.T) {
	s := begin(t)
	flow := s.sdk.NewWorkflow(s.name("fine"))
	flow.NewTask("good", gives(1))
	flow.OnFailure(breaks("not needed"))
	s.work(flow)
	var out number
	s.output(s.start(s.name("fine"), object{}), "good", &out)
	require.Equal(t, 1, out.N)
}

func TestARunGoesOnWhileOneOfItsTasksHasFailed(t *testing.T) {
	s := begin(t)
	started, letGo := make(chan string, 1), make(chan struct{})
	flow := s.sdk.NewWorkflow(s.name("half"))
	flow.NewTask("bad", breaks("no luck"))
	flow.NewTask("long", holding(started, letGo))
	s.work(flow)
	ref := s.start(s.name("half"), object{})
	took(s, started)
	s.eventually("the other has failed", func() bool {
		return count(s.details(ref.RunId), rest.V1TaskEventTypeFAILED) == 1
	})
	run, err := s.sdk.Runs().GetDetails(s.ctx, (*ids(s, ref.RunId))[0])
	require.NoError(t, err)
	require.False(t, run.Done)
	require.Equal(t, rest.V1TaskStatusRUNNING, run.Status)
	close(letGo)
	s.fails(ref)
}
