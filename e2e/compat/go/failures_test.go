package compat_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hatchet-dev/hatchet/pkg/client/rest"
	"github.com/hatchet-dev/hatchet/pkg/worker"
	hatchet "github.com/hatchet-dev/hatchet/sdks/go"
	"github.com/stretchr/testify/require"
)

// until is a task that fails in the attempts before the n-th retry.
func until(n int) func(hatchet.Context, object) (number, error) {
	return func(ctx hatchet.Context, _ object) (number, error) {
		if ctx.RetryCount() < n {
			return number{}, errors.New("not yet")
		}
		return number{ctx.RetryCount()}, nil
	}
}

func TestAFailedTaskRunsAgain(t *testing.T) {
	s := begin(t)
	s.work(s.sdk.NewStandaloneTask(s.name("again"), until(2), hatchet.WithRetries(2)))
	ref := s.start(s.name("again"), object{})
	var out number
	s.output(ref, s.name("again"), &out)
	require.Equal(t, 2, out.N)
	details := s.details(ref.RunId)
	require.Equal(t, 2, count(details, rest.V1TaskEventTypeRETRYING))
	require.Equal(t, 2, count(details, rest.V1TaskEventTypeFAILED))
	require.Equal(t, 1, count(details, rest.V1TaskEventTypeFINISHED))
	require.Equal(t, 2, *details.Tasks[0].RetryCount)
}

func TestTheLastFailureIsTheResult(t *testing.T) {
	s := begin(t)
	s.work(s.sdk.NewStandaloneTask(s.name("never"), breaks("no luck"), hatchet.WithRetries(1)))
	ref := s.start(s.name("never"), object{})
	require.Contains(t, s.fails(ref), "no luck")
	details := s.details(ref.RunId)
	require.Equal(t, rest.V1TaskStatusFAILED, details.Run.Status)
	require.Contains(t, *details.Tasks[0].ErrorMessage, "no luck")
}

func TestAFailureForGoodIsNotRetried(t *testing.T) {
	s := begin(t)
	var attempts atomic.Int32
	s.work(s.sdk.NewStandaloneTask(s.name("final"), func(hatchet.Context, object) (object, error) {
		attempts.Add(1)
		return nil, worker.NewNonRetryableError(errors.New("bad input"))
	}, hatchet.WithRetries(5)))
	require.Contains(t, s.fails(s.start(s.name("final"), object{})), "bad input")
	require.EqualValues(t, 1, attempts.Load())
}

func TestRetriesBackOff(t *testing.T) {
	slow(t)
	s := begin(t)
	s.work(s.sdk.NewStandaloneTask(s.name("backoff"), until(2), hatchet.WithRetries(2), hatchet.WithRetryBackoff(2, 1)))
	began := time.Now()
	_, err := s.ended(s.start(s.name("backoff"), object{}))
	require.NoError(t, err)
	require.GreaterOrEqual(t, time.Since(began), 2*time.Second, "a second before each: the factor is capped")
}

func TestAPanicIsAFailure(t *testing.T) {
	s := begin(t)
	s.work(s.sdk.NewStandaloneTask(s.name("panic"), func(hatchet.Context, object) (object, error) { panic("oh no") }))
	require.NotEmpty(t, s.fails(s.start(s.name("panic"), object{})))
}

func TestATaskPastItsTimeIsCancelledAndRetried(t *testing.T) {
	s := begin(t)
	cancelled := make(chan struct{}, 4)
	s.work(s.sdk.NewStandaloneTask(s.name("slow"), func(ctx hatchet.Context, _ object) (number, error) {
		if ctx.RetryCount() > 0 {
			return number{ctx.RetryCount()}, nil
		}
		<-ctx.Done()
		cancelled <- struct{}{}
		return number{}, ctx.Err()
	}, hatchet.WithRetries(1), hatchet.WithExecutionTimeout(3*time.Second)))
	var out number
	s.output(s.start(s.name("slow"), object{}), s.name("slow"), &out)
	require.Equal(t, 1, out.N)
	took(s, cancelled)
}

func TestATaskPastItsTimeFailsWithItsTime(t *testing.T) {
	s := begin(t)
	s.work(s.sdk.NewStandaloneTask(s.name("late"), holding(make(chan string, 1), nil), hatchet.WithExecutionTimeout(time.Second)))
	ref := s.start(s.name("late"), object{})
	require.Contains(t, s.fails(ref), "Task exceeded timeout of 1s")
	require.Equal(t, 1, count(s.details(ref.RunId), rest.V1TaskEventTypeTIMEDOUT))
}

func TestATaskAsksForMoreTime(t *testing.T) {
	slow(t)
	s := begin(t)
	s.work(s.sdk.NewStandaloneTask(s.name("more"), func(ctx hatchet.Context, _ object) (object, error) {
		if err := ctx.RefreshTimeout("30s"); err != nil {
			return nil, err
		}
		select {
		case <-time.After(5 * time.Second): // past the first deadline
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		return object{}, nil
	}, hatchet.WithExecutionTimeout(4*time.Second)))
	ref := s.start(s.name("more"), object{})
	_, err := s.ended(ref)
	require.NoError(t, err)
	details := s.details(ref.RunId)
	require.Equal(t, 0, *details.Tasks[0].RetryCount)
	require.Equal(t, 1, count(details, rest.V1TaskEventTypeTIMEOUTREFRESHED))
}

func TestATaskThatNobodyTakesIsCancelled(t *testing.T) {
	s := begin(t)
	s.know(s.sdk.NewStandaloneTask(s.name("nobody"), echo, hatchet.WithScheduleTimeout(time.Second)))
	ref := s.start(s.name("nobody"), object{})
	s.becomes(ref.RunId, "CANCELLED")
	require.Equal(t, 1, count(s.details(ref.RunId), rest.V1TaskEventTypeSCHEDULINGTIMEDOUT))
}

func TestARunningTaskIsCancelled(t *testing.T) {
	s := begin(t)
	started, ended := make(chan struct{}, 1), make(chan error, 1)
	s.work(s.sdk.NewStandaloneTask(s.name("cancel"), func(ctx hatchet.Context, _ object) (object, error) {
		started <- struct{}{}
		<-ctx.Done()
		ended <- ctx.Err()
		return nil, ctx.Err()
	}, hatchet.WithRetries(3)))
	ref := s.start(s.name("cancel"), object{})
	took(s, started)
	s.cancel(ref.RunId)
	require.Error(t, took(s, ended), "the worker is told")
	s.becomes(ref.RunId, "CANCELLED")
	s.fails(ref)
	require.Zero(t, count(s.details(ref.RunId), rest.V1TaskEventTypeRETRYING))
}

func TestAQueuedTaskIsCancelled(t *testing.T) {
	s := begin(t)
	s.know(s.sdk.NewStandaloneTask(s.name("queued"), echo))
	ref := s.start(s.name("queued"), object{})
	s.cancel(ref.RunId)
	s.becomes(ref.RunId, "CANCELLED")
}

func TestRunsAreCancelledByWhatTheyAre(t *testing.T) {
	s := begin(t)
	s.know(s.sdk.NewStandaloneTask(s.name("filtered"), echo))
	mine := s.start(s.name("filtered"), object{}, hatchet.WithRunMetadata(map[string]string{"who": s.prefix}))
	other := s.start(s.name("filtered"), object{}, hatchet.WithRunMetadata(map[string]string{"who": "you"}))
	cancelled, err := s.sdk.Runs().Cancel(s.ctx, rest.V1CancelTaskRequest{Filter: &rest.V1TaskFilter{
		Since: time.Now().Add(-time.Hour), AdditionalMetadata: &[]string{"who:" + s.prefix},
		Statuses: &[]rest.V1TaskStatus{rest.V1TaskStatusQUEUED},
	}})
	require.NoError(t, err)
	require.Equal(t, ids(s, mine.RunId), cancelled.Ids)
	s.becomes(mine.RunId, "CANCELLED")
	require.Equal(t, "QUEUED", s.status(other.RunId))
}

func TestAReplayRunsInPlace(t *testing.T) {
	s := begin(t)
	var works atomic.Bool
	s.work(s.sdk.NewStandaloneTask(s.name("replayed"), func(ctx hatchet.Context, _ object) (number, error) {
		if !works.Load() {
			return number{}, errors.New("not yet")
		}
		return number{ctx.RetryCount()}, nil
	}))
	ref := s.start(s.name("replayed"), object{"x": 1})
	s.fails(ref)
	works.Store(true)
	s.replay(ref.RunId)
	var out number
	s.output(ref, s.name("replayed"), &out)
	require.Equal(t, 1, out.N, "the counter goes on")
	details := s.details(ref.RunId)
	require.Equal(t, rest.V1TaskStatusCOMPLETED, details.Run.Status)
	require.Equal(t, ref.RunId, details.Tasks[0].TaskExternalId.String())
	require.Equal(t, object{"x": 1.0}, object(details.Run.Input))
}

func TestAReplayOfAGraphKeepsItsIds(t *testing.T) {
	s := begin(t)
	var works atomic.Bool
	flow := s.sdk.NewWorkflow(s.name("graph"))
	top := flow.NewTask("top", gives(1))
	flow.NewTask("after", func(hatchet.Context, object) (object, error) {
		if !works.Load() {
			return nil, errors.New("not yet")
		}
		return object{}, nil
	}, hatchet.WithParents(top))
	s.work(flow)
	ref := s.start(s.name("graph"), object{})
	s.fails(ref)
	before := s.details(ref.RunId).Tasks
	works.Store(true)
	s.replay(ref.RunId)
	_, err := s.ended(ref)
	require.NoError(t, err)
	after := s.details(ref.RunId)
	require.Equal(t, rest.V1TaskStatusCOMPLETED, after.Run.Status)
	require.Len(t, after.Tasks, len(before))
	known := map[string]bool{}
	for _, task := range before {
		known[task.TaskExternalId.String()] = true
	}
	for _, task := range after.Tasks {
		require.True(t, known[task.TaskExternalId.String()])
	}
}

func TestRunsAreReplayedByWhatTheyAre(t *testing.T) {
	s := begin(t)
	var works atomic.Bool
	s.work(s.sdk.NewStandaloneTask(s.name("all"), func(hatchet.Context, object) (object, error) {
		if !works.Load() {
			return nil, errors.New("not yet")
		}
		return object{}, nil
	}))
	refs := make([]*hatchet.WorkflowRunRef, 3)
	for i := range refs {
		refs[i] = s.start(s.name("all"), object{}, hatchet.WithRunMetadata(map[string]string{"who": s.prefix}))
		s.fails(refs[i])
	}
	works.Store(true)
	_, err := s.sdk.Runs().Replay(s.ctx, rest.V1ReplayTaskRequest{Filter: &rest.V1TaskFilter{
		Since: time.Now().Add(-time.Hour), AdditionalMetadata: &[]string{"who:" + s.prefix},
	}})
	require.NoError(t, err)
	for _, ref := range refs {
		s.becomes(ref.RunId, "COMPLETED")
	}
}
