package compat_test

import (
	"testing"
	"time"

	"github.com/hatchet-dev/hatchet/pkg/client/rest"
	"github.com/stretchr/testify/require"
)

// lostAfter is how long a worker is not heard of before what it has is given to another one.
const lostAfter = 30 * time.Second

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
