package till_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/adzetest"
	"github.com/adzehq/adze/examples/till"
	"github.com/adzehq/adze/internal/guidetest"
)

func TestTheGuideShowsCodeThatIsTested(t *testing.T) {
	t.Parallel()
	guidetest.ShowsCode(t, "waiting.md", "till.go", "till_test.go")
}

func TestWhoeverWaitsIsToldWhy(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		ctx := t.Context()
		open := make(chan struct{})
		ring := till.New(func(ctx context.Context, b till.Basket) (int, error) {
			select {
			case <-open:
				return 100 * b.Items, nil
			case <-ctx.Done():
				return 0, ctx.Err()
			}
		})
		tell := func(run adze.ID) string {
			var words strings.Builder
			require.NoError(t, till.Tell(ctx, env.Client, run, &words))
			return words.String()
		}
		first, err := ring.Run(ctx, env.Client, till.Basket{Items: 1})
		require.NoError(t, err)
		require.Equal(t, "the till is not open yet\n", tell(first.ID))

		env.Work(ring, adze.Slots(1))
		env.Settle()
		require.Contains(t, tell(first.ID), "It runs at worker ")
		var last *adze.Run[int]
		for range 3 {
			last, err = ring.Run(ctx, env.Client, till.Basket{Items: 2})
			require.NoError(t, err)
		}
		require.Equal(t, "2 before you\n", tell(last.ID))
		name, err := till.Deepest(ctx, env.Client)
		require.NoError(t, err)
		require.Equal(t, "ring-up", name)

		close(open)
		cents, err := last.Result(ctx)
		require.NoError(t, err)
		require.Equal(t, 200, cents)
		require.Empty(t, tell(last.ID))
	})
}
