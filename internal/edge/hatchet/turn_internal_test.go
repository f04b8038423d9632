package hatchet

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
)

// write has messages of a stream come at once, and gives those that are written so far.
func write(ctx context.Context, t *turns, task id.ID, indexes ...int64) (written func() []int64) {
	done := make(chan int64, len(indexes))
	for _, index := range indexes {
		go func() {
			leave := t.enter(ctx, task, index)
			done <- index
			leave()
		}()
	}
	var list []int64
	return func() []int64 {
		synctest.Wait()
		for len(done) > 0 {
			list = append(list, <-done)
		}
		return list
	}
}

func TestMessagesWaitForTheOneThatIsMissing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ts turns
		written := write(t.Context(), &ts, 1, 3, 1, 4, 2)
		require.Empty(t, written())
		other := write(t.Context(), &ts, 2, 0)
		require.Equal(t, []int64{0}, other(), "another stream has turns of its own")
		time.Sleep(turnPatience / 2)
		first := write(t.Context(), &ts, 1, 0)
		require.Equal(t, []int64{0}, first())
		require.Equal(t, []int64{1, 2, 3, 4}, written())
		require.Equal(t, []int64{0}, write(t.Context(), &ts, 1, 0)(), "the next attempt begins anew")
		require.Equal(t, []int64{1}, write(t.Context(), &ts, 1, 1)())
	})
}

func TestMessagesGoOnInOrderWithoutTheOneThatIsLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ts turns
		written := write(t.Context(), &ts, 1, 7, 5, 6)
		time.Sleep(turnPatience - time.Millisecond)
		require.Empty(t, written())
		time.Sleep(time.Millisecond)
		require.Equal(t, []int64{5, 6, 7}, written())
	})
}

// What waits for a message that is lost is written before its task ends: after it nobody
// reads it.
func TestAllMessagesAreWrittenBeforeTheirTaskEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ts turns
		ts.flush(t.Context(), 1)
		written := write(t.Context(), &ts, 1, 9, 5, 7)
		require.Empty(t, written())
		ts.flush(t.Context(), 1)
		require.Equal(t, []int64{5, 7, 9}, written())
		require.Empty(t, ts.of, "nothing is kept of it")

		gone, leave := context.WithCancel(t.Context())
		left := write(gone, &ts, 1, 5)
		require.Empty(t, left())
		leave()
		require.Equal(t, []int64{5}, left(), "whoever gives up holds nobody up")
	})
}
