package compat_test

import (
	"testing"
	"time"

	"github.com/hatchet-dev/hatchet/pkg/client/rest"
	"github.com/stretchr/testify/require"
)

// lostAfter is how long a worker is not heard of before what it has is given to another one.
const lostAfter = 30 * time.Second

func TestAWorkerIsShownWithWhatItHas(t *testing.T) {
	s := begin(t)
	started, letGo := make(chan string, 1), make(chan struct{})
	s.work(s.sdk.NewStandaloneTask(s.name("held"), holding(started, letGo)))
	ref := s.start(s.name("held"), object{})
	took(s, started)
	var mine rest.Worker
	s.eventually("its worker is shown with it", func() bool {
		list, err := s.sdk.Workers().List(s.ctx)
		if err != nil {
			return false
		}
		for _, w := range *list.Rows {
			if w.Slots != nil && len(*w.Slots) == 1 && (*w.Slots)[0].WorkflowRunId.String() == ref.RunId {
				mine = w
			}
		}
		return mine.Name != ""
	})
	require.Len(t, *mine.RegisteredWorkflows, 1)
	require.Equal(t, s.name("held"), (*mine.RegisteredWorkflows)[0].Name)
	close(letGo)
	s.becomes(ref.RunId, "COMPLETED")
}

func TestWhatALostWorkerHadIsDoneByAnotherOne(t *testing.T) {
	slow(t)
	s := begin(t)
	task := s.sdk.NewStandaloneTask(s.name("lost"), echo)
	s.know(task)
	kill := s.process("hold", s.name("lost"))
	ref := s.start(s.name("lost"), object{"x": 1})
	s.becomes(ref.RunId, "RUNNING")
	kill()
	killed := time.Now()
	s.work(task)

	s.becomes(ref.RunId, "COMPLETED")
	const beat = 4 * time.Second // between two words of a worker
	require.GreaterOrEqual(t, time.Since(killed), lostAfter-beat-time.Second)
	details := s.details(ref.RunId)
	require.Equal(t, 1, *details.Tasks[0].RetryCount, "though it has no retries")
	require.Equal(t, object{"x": 1.0}, object(details.Tasks[0].Output))
	require.Equal(t, 1, count(details, rest.V1TaskEventTypeREASSIGNED))
	require.Zero(t, count(details, rest.V1TaskEventTypeFAILED))
}
