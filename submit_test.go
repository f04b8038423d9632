package adze

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/shard"
)

var echo = NewTask[string, string]("echo", nil)

func TestSubmitsThatMeetABusyEngineGoTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sizes []int
		answer := ascending()
		gate := make(chan struct{})
		c := fakeClient(&fakeTransport{onSubmit: func(ctx context.Context, runs []shard.NewRun) ([]submitted, error) {
			if runs[0].Input[1] == 'f' { // the first ones
				<-gate
			} else {
				sizes = append(sizes, len(runs))
			}
			return answer(ctx, runs)
		}})
		defer c.Close()
		failed := make(chan error, batchCallsMax+100)
		start := func(input string) {
			go func() {
				_, err := echo.Run(t.Context(), c, input)
				failed <- err
			}()
		}
		for range batchCallsMax {
			start("first")
			synctest.Wait() // each leaves at once, alone
		}
		for range 100 {
			start("meanwhile")
		}
		synctest.Wait()
		require.Empty(t, sizes, "no more calls than that are in flight")

		close(gate)
		for range batchCallsMax + 100 {
			require.NoError(t, <-failed)
		}
		require.Equal(t, []int{100}, sizes, "one call for all that came meanwhile")
	})
}

func TestBatchesAreBoundedInRunsAndBytes(t *testing.T) {
	t.Parallel()
	var sizes []int
	answer := ascending()
	c := fakeClient(&fakeTransport{onSubmit: func(ctx context.Context, runs []shard.NewRun) ([]submitted, error) {
		sizes = append(sizes, len(runs))
		return answer(ctx, runs)
	}})
	defer c.Close()

	runs, err := echo.RunMany(t.Context(), c, make([]string, 2*batchItemsMax+1))
	require.NoError(t, err)
	require.Len(t, runs, 2*batchItemsMax+1)
	require.Equal(t, []int{batchItemsMax, batchItemsMax, 1}, sizes)

	sizes = nil
	large := strings.Repeat("x", batchBytesMax/2)
	_, err = echo.RunMany(t.Context(), c, []string{large, "", large, large + large})
	require.NoError(t, err)
	require.Equal(t, []int{2, 1, 1}, sizes, "one that is too large for any batch goes alone")
}

func TestACallerWhoGivesUpInTheLineTakesItsRunBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		var sent []string
		answer := ascending()
		c := fakeClient(&fakeTransport{onSubmit: func(ctx context.Context, runs []shard.NewRun) ([]submitted, error) {
			for _, r := range runs {
				sent = append(sent, string(r.Input))
			}
			<-gate
			return answer(ctx, runs)
		}})
		defer c.Close()
		ctx, giveUp := context.WithCancel(t.Context())
		errs := make(chan error, 4)
		start := func(ctx context.Context, input string) {
			go func() {
				_, err := echo.Run(ctx, c, input)
				errs <- err
			}()
			synctest.Wait()
		}
		start(ctx, "travels")
		start(t.Context(), "travels too")
		start(ctx, "waits")
		start(t.Context(), "stays")

		giveUp()
		synctest.Wait()
		first, second := <-errs, <-errs
		if errors.Is(second, ErrUnknown) {
			first, second = second, first
		}
		require.ErrorIs(t, first, ErrUnknown, "it has left: nobody knows")
		require.ErrorIs(t, first, context.Canceled)
		require.NotErrorIs(t, second, ErrUnknown, "it never left: it is not stored")
		require.ErrorIs(t, second, context.Canceled)

		close(gate)
		require.NoError(t, <-errs)
		require.NoError(t, <-errs)
		require.Equal(t, []string{`"travels"`, `"travels too"`, `"stays"`}, sent)
	})
}

func TestARefusedRunDoesNotHarmThoseBesideIt(t *testing.T) {
	t.Parallel()
	c := fakeClient(&fakeTransport{onSubmit: func(_ context.Context, runs []shard.NewRun) ([]submitted, error) {
		all := make([]submitted, len(runs))
		for i, r := range runs {
			all[i].id = 1
			if r.Priority > 1000 {
				all[i] = submitted{err: &Error{Kind: KindInvalid, Field: fmt.Sprintf("runs[%d].priority", i), Text: "is 1001"}}
			}
		}
		return all, nil
	}})
	defer c.Close()

	_, err := echo.Run(t.Context(), c, "good")
	require.NoError(t, err)
	_, err = echo.Run(t.Context(), c, "bad", Priority(1001))
	var refused *Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, KindInvalid, refused.Kind)
	require.Equal(t, "priority", refused.Field, "the place in a batch is nothing the caller knows")
}

func TestRunManyNamesTheInputThatIsRefused(t *testing.T) {
	t.Parallel()
	calls := 0
	answer := ascending()
	c := fakeClient(&fakeTransport{onSubmit: func(ctx context.Context, runs []shard.NewRun) ([]submitted, error) {
		if calls++; calls == 2 {
			return nil, &Error{Kind: KindInvalid, Field: "runs[7].input", Text: "is too large"}
		}
		return answer(ctx, runs)
	}})
	defer c.Close()

	runs, err := echo.RunMany(t.Context(), c, make([]string, 1_500))

	require.ErrorIs(t, err, ErrInvalid)
	require.ErrorContains(t, err, "input 1007")
	require.Len(t, runs, 1_000, "those of the transaction before are stored")
}

func TestAClosedClientRefuses(t *testing.T) {
	t.Parallel()
	c := fakeClient(&fakeTransport{})
	require.NoError(t, c.Close())

	_, err := echo.Run(t.Context(), c, "")
	require.ErrorIs(t, err, ErrClosed)
	_, err = echo.Lookup(c, 1).Result(t.Context())
	require.ErrorIs(t, err, ErrClosed)
}
