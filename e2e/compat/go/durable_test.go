package compat_test

import (
	"testing"
	"time"

	hatchet "github.com/hatchet-dev/hatchet/sdks/go"
	"github.com/stretchr/testify/require"
)

func TestADurableSleepEnds(t *testing.T) {
	s := begin(t)
	s.work(s.sdk.NewStandaloneDurableTask(s.name("sleep"), func(ctx hatchet.DurableContext, _ object) (object, error) {
		_, err := ctx.SleepFor(time.Second)
		return object{"slept": true}, err
	}))
	began := time.Now()
	var out object
	s.output(s.start(s.name("sleep"), object{}), s.name("sleep"), &out)
	require.Equal(t, object{"slept": true}, out)
	require.GreaterOrEqual(t, time.Since(began), time.Second)
}

func TestADurableTaskWaitsForAnEvent(t *testing.T) {
	s := begin(t)
	key := s.name("go")
	s.work(s.sdk.NewStandaloneDurableTask(s.name("event"), func(ctx hatchet.DurableContext, _ object) (out number, err error) {
		event, err := ctx.WaitForEvent(key, "input.n > 1")
		if err != nil {
			return out, err
		}
		return out, hatchet.EventInto(event, &out)
	}))
	ref := s.start(s.name("event"), object{})
	s.eventually("it has heard", func() bool {
		s.push(key, number{1})
		s.push(key, number{2})
		return s.status(ref.RunId) == "COMPLETED"
	})
	var out number
	s.output(ref, s.name("event"), &out)
	require.Equal(t, 2, out.N)
}

func TestADurableTaskWaitsForAnEventOrTime(t *testing.T) {
	s := begin(t)
	s.work(s.sdk.NewStandaloneDurableTask(s.name("either"), func(ctx hatchet.DurableContext, _ object) (object, error) {
		met, err := ctx.WaitFor(hatchet.OrCondition(
			hatchet.SleepCondition(500*time.Millisecond), hatchet.UserEventCondition(s.name("never"), "")))
		if err != nil {
			return nil, err
		}
		return object{"keys": len(met.Keys())}, nil
	}))
	var out object
	s.output(s.start(s.name("either"), object{}), s.name("either"), &out)
	require.InDelta(t, 1, out["keys"], 0)
}

func TestADurableTaskInAGraph(t *testing.T) {
	s := begin(t)
	flow := s.sdk.NewWorkflow(s.name("graph"))
	top := flow.NewTask("top", gives(3))
	middle := flow.NewDurableTask("middle", func(ctx hatchet.DurableContext, _ object) (out number, err error) {
		if err := ctx.ParentOutput(top, &out); err != nil {
			return out, err
		}
		_, err = ctx.SleepFor(200 * time.Millisecond)
		return out, err
	}, hatchet.WithParents(top))
	flow.NewTask("bottom", sum(middle), hatchet.WithParents(middle))
	s.work(flow)
	var out number
	s.output(s.start(s.name("graph"), object{}), "bottom", &out)
	require.Equal(t, 3, out.N)
}

func TestADurableTasksChildrenAreRun(t *testing.T) {
	s := begin(t)
	child := s.sdk.NewStandaloneTask(s.name("child"), func(_ hatchet.Context, in number) (number, error) { return in, nil })
	parent := s.sdk.NewStandaloneDurableTask(s.name("parent"), func(ctx hatchet.DurableContext, _ object) (total number, err error) {
		for n := range 3 {
			result, err := child.Run(ctx, number{n + 1})
			if err != nil {
				return total, err
			}
			var out number
			if err := result.Into(&out); err != nil {
				return total, err
			}
			total.N += out.N
		}
		return total, nil
	})
	s.work(child, parent)
	var out number
	s.output(s.start(s.name("parent"), object{}), s.name("parent"), &out)
	require.Equal(t, 6, out.N)
}

func TestADurableTaskIsCancelledWhileItSleeps(t *testing.T) {
	s := begin(t)
	started := make(chan struct{}, 1)
	s.work(s.sdk.NewStandaloneDurableTask(s.name("cancelled"), func(ctx hatchet.DurableContext, _ object) (object, error) {
		started <- struct{}{}
		_, err := ctx.SleepFor(time.Hour)
		return object{}, err
	}))
	ref := s.start(s.name("cancelled"), object{})
	took(s, started)
	s.cancel(ref.RunId)
	s.becomes(ref.RunId, "CANCELLED")
}
