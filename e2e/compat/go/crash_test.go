package compat_test

import (
	"testing"
	"time"

	"github.com/hatchet-dev/hatchet/pkg/client/rest"
	hatchet "github.com/hatchet-dev/hatchet/sdks/go"
	"github.com/stretchr/testify/require"
)

func TestQueuedRunsOutliveTheEngine(t *testing.T) {
	s := alone(t)
	task := s.sdk.NewStandaloneTask(s.name("queued"), echo)
	s.know(task)
	ref := s.start(s.name("queued"), object{"x": 1})
	s.engine.crash(t)
	s.work(task)
	s.becomes(ref.RunId, "COMPLETED")
	require.Equal(t, object{"x": 1.0}, object(s.details(ref.RunId).Tasks[0].Output))
}

func TestARunningTaskReportsToTheNextEngine(t *testing.T) {
	s := alone(t)
	started, letGo := make(chan string, 4), make(chan struct{})
	s.work(s.sdk.NewStandaloneTask(s.name("running"), holding(started, letGo)))
	ref := s.start(s.name("running"), object{})
	took(s, started)
	s.eventually("an engine that dies now would not forget that it runs", func() bool {
		began := s.details(ref.RunId).Tasks[0].StartedAt
		return began != nil && time.Since(*began) > 3*time.Second
	})
	s.engine.crash(t)
	close(letGo)
	s.eventually("it has ended", func() bool {
		status, err := s.sdk.Runs().GetStatus(s.ctx, ref.RunId)
		return err == nil && *status == rest.V1TaskStatusCOMPLETED
	})
	require.Empty(t, started, "it did not run twice")
	require.Equal(t, 0, *s.details(ref.RunId).Tasks[0].RetryCount)
}

func TestAWorkerGoesOnAfterTheEnginesDeath(t *testing.T) {
	s := alone(t)
	task := s.sdk.NewStandaloneTask(s.name("on"), echo)
	s.work(task)
	_, err := task.Run(s.ctx, object{})
	require.NoError(t, err)
	s.engine.crash(t)
	var ref *hatchet.WorkflowRunRef
	s.eventually("runs start again", func() bool {
		ref, err = s.sdk.RunNoWait(s.ctx, s.name("on"), object{})
		return err == nil
	})
	s.becomes(ref.RunId, "COMPLETED")
}

func TestWaitersHearOfRunsThatEndedAfterTheEnginesDeath(t *testing.T) {
	s := alone(t)
	started, letGo := make(chan string, 4), make(chan struct{})
	s.work(s.sdk.NewStandaloneTask(s.name("waits"), holding(started, letGo)))
	ref := s.start(s.name("waits"), object{})
	heard := make(chan error, 1)
	go func() {
		_, err := ref.Result()
		heard <- err
	}()
	took(s, started)
	s.engine.crash(t)
	close(letGo)
	require.NoError(t, took(s, heard))
}

func TestADurableSleepGoesOnOverTheEnginesDeath(t *testing.T) {
	s := alone(t)
	started := make(chan struct{}, 4)
	s.work(s.sdk.NewStandaloneDurableTask(s.name("sleep"), func(ctx hatchet.DurableContext, _ object) (object, error) {
		started <- struct{}{}
		_, err := ctx.SleepFor(3 * time.Second)
		return object{"slept": true}, err
	}))
	began := time.Now()
	ref := s.start(s.name("sleep"), object{})
	took(s, started)
	s.engine.crash(t)
	s.becomes(ref.RunId, "COMPLETED")
	require.GreaterOrEqual(t, time.Since(began), 3*time.Second)
}

func TestNothingIsLostOverManyDeaths(t *testing.T) {
	slow(t)
	s := alone(t)
	s.work(s.sdk.NewStandaloneTask(s.name("many"), echo))
	const deaths, each = 3, 50
	var runs []string
	for range deaths {
		for range each {
			s.eventually("it is stored", func() bool {
				ref, err := s.sdk.RunNoWait(s.ctx, s.name("many"), object{})
				if err == nil {
					runs = append(runs, ref.RunId)
				}
				return err == nil
			})
		}
		s.engine.crash(t)
	}
	for _, run := range runs {
		s.becomes(run, "COMPLETED")
	}
}
