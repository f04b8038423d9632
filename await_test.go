package adze

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/id"
)

func TestManyWaitersOfARunAskOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stream := newFakeOutcomes()
		c := fakeClient(&fakeTransport{onAwait: func(context.Context) (outcomes, error) { return stream, nil }})
		got := make(chan string, 50)
		for range 50 {
			go func() {
				out, err := echo.Lookup(c, 7).Result(t.Context())
				if err != nil {
					out = err.Error()
				}
				got <- out
			}()
		}
		synctest.Wait()
		require.Equal(t, []id.ID{7}, <-stream.asked)
		require.Empty(t, stream.asked)

		stream.ready <- succeeded(7, `"done"`)
		for range 50 {
			require.Equal(t, "done", <-got)
		}
		stream.broken <- ErrUnavailable
		require.NoError(t, c.Close())
	})
}

func TestABrokenStreamIsAskedAgainForWhatIsOutstanding(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		streams := make(chan *fakeOutcomes, 3)
		c := fakeClient(&fakeTransport{onAwait: func(context.Context) (outcomes, error) {
			s := newFakeOutcomes()
			streams <- s
			return s, nil
		}})
		got := make(chan string, 2)
		for _, run := range []ID{1, 2} {
			go func() {
				out, _ := echo.Lookup(c, run).Result(t.Context())
				got <- out
			}()
			synctest.Wait()
		}
		first := <-streams
		first.ready <- succeeded(1, `"one"`)
		require.Equal(t, "one", <-got)

		first.broken <- ErrUnavailable
		second := <-streams
		require.Equal(t, []id.ID{2}, <-second.asked)
		second.ready <- succeeded(2, `"two"`)
		require.Equal(t, "two", <-got)
		second.broken <- ErrUnavailable
		require.NoError(t, c.Close())
	})
}

func TestARefusalReachesAllWhoWaitAndTheNextOneTriesAnew(t *testing.T) {
	t.Parallel()
	refuse := true
	stream := newFakeOutcomes()
	c := fakeClient(&fakeTransport{onAwait: func(context.Context) (outcomes, error) {
		if refuse {
			return nil, ErrUnauthenticated
		}
		return stream, nil
	}})
	_, err := echo.Lookup(c, 1).Result(t.Context())
	require.ErrorIs(t, err, ErrUnauthenticated)

	refuse = false
	stream.ready <- succeeded(1, `"one"`)
	out, err := echo.Lookup(c, 1).Result(t.Context())
	require.NoError(t, err)
	require.Equal(t, "one", out)
	stream.broken <- ErrUnavailable
	require.NoError(t, c.Close())
}

func TestAResultIsKeptByItsHandle(t *testing.T) {
	t.Parallel()
	stream := newFakeOutcomes()
	c := fakeClient(&fakeTransport{onAwait: func(context.Context) (outcomes, error) { return stream, nil }})
	run := echo.Lookup(c, 3)
	stream.ready <- succeeded(3, `"kept"`)
	for range 2 {
		out, err := run.Result(t.Context())
		require.NoError(t, err)
		require.Equal(t, "kept", out)
	}
	<-stream.asked
	require.Empty(t, stream.asked)
	stream.broken <- ErrUnavailable
	require.NoError(t, c.Close())
}
