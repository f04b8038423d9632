package adzetest_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/adzetest"
)

func TestFailuresAreGroupedAndRedriven(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		mended := false
		pay := func(_ context.Context, n int) (int, error) {
			if mended {
				return n, nil
			}
			return 0, fmt.Errorf("no account %d", n)
		}
		charge := adze.NewTask("charge", pay)
		w := adze.NewWorkflow[int]("order")
		adze.AddTask(w, "pack", pay)
		adze.AddTask(w, "ship", func(context.Context, int) (int, error) { return 1, nil })
		env.Work(charge, w)
		ctx := t.Context()
		for n := range 3 {
			_, err := charge.Call(ctx, env.Client, n)
			require.Error(t, err)
		}
		_, err := w.Call(ctx, env.Client, 7)
		require.Error(t, err)

		groups, err := env.Client.Failures(ctx, adze.FailureFilter{})
		require.NoError(t, err)
		require.Len(t, groups, 2)
		require.Equal(t, "charge", groups[0].Task)
		require.Equal(t, 3, groups[0].Runs)
		require.Equal(t, "no account 2", groups[0].Error)
		require.Equal(t, "pack", groups[1].Node)
		require.Equal(t, groups[0].Fingerprint, groups[1].Fingerprint)

		mended = true
		what := adze.Redrive{FailureFilter: adze.FailureFilter{Fingerprint: groups[0].Fingerprint}, Limit: 3}
		done, err := env.Client.Redrive(ctx, what)
		require.NoError(t, err)
		require.Equal(t, 3, done.Runs)
		done, err = env.Client.Redrive(ctx, what)
		require.NoError(t, err)
		require.Equal(t, 1, done.Runs)
		require.Equal(t, 3, done.Skipped)
	})
}
