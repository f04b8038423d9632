package hatchet

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
)

// The Go SDK stops whatever attempt of a task it finds, so the next one must not be there yet.
func TestTheNextAttemptIsKeptBackForAWhileAfterAStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const task = id.ID(7)
		w := &worker{hushed: map[id.ID][]*errand{}}
		waiting := func() []*errand {
			synctest.Wait()
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.waiting
		}
		next := &errand{start: []*attempt{{external: task}}}
		other := &errand{start: []*attempt{{external: task + 1}}}
		w.hush(task)
		require.True(t, w.keepBack(next))
		require.False(t, w.keepBack(other), "it is of another task")
		w.unhush(task)
		time.Sleep(stopGap - 1)
		require.Empty(t, waiting())
		time.Sleep(time.Nanosecond)
		require.Equal(t, []*errand{next}, waiting())
		require.False(t, w.keepBack(next), "it is over")
	})
}
