package lifecycle_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/adzehq/adze/internal/base/lifecycle"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// journal remembers what happened, in order.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) add(line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, line)
}

// waits is a part that works until it is stopped.
func (j *journal) waits(name string) lifecycle.Part {
	return lifecycle.Part{Name: name, Runner: lifecycle.RunnerFunc(func(ctx context.Context) error {
		<-ctx.Done()
		j.add("stopped " + name)
		return ctx.Err()
	})}
}

func ends(name string, err error) lifecycle.Part {
	return lifecycle.Part{Name: name, Runner: lifecycle.RunnerFunc(func(context.Context) error { return err })}
}

func TestPartsStopInReverse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error)
		go func() { result <- lifecycle.Run(ctx, j.waits("journal"), j.waits("shard"), j.waits("edge")) }()
		synctest.Wait()
		require.Empty(t, j.lines)
		cancel()
		require.NoError(t, <-result)
		require.Equal(t, []string{"stopped edge", "stopped shard", "stopped journal"}, j.lines)
	})
}

func TestTheFirstErrorEndsAll(t *testing.T) {
	t.Parallel()
	var j journal
	broken := errors.New("lease lost")
	err := lifecycle.Run(t.Context(), j.waits("journal"), ends("shard", broken))
	require.ErrorIs(t, err, broken)
	require.EqualError(t, err, "shard: lease lost")
	require.Equal(t, []string{"stopped journal"}, j.lines)
}

func TestAPartThatEndsByItselfIsAnError(t *testing.T) {
	t.Parallel()
	var j journal
	err := lifecycle.Run(t.Context(), j.waits("journal"), ends("edge", nil))
	require.EqualError(t, err, "edge: ended by itself")
}

func TestNothingStartsAfterTheEnd(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, lifecycle.Run(ctx, ends("edge", errors.New("started"))))
}
