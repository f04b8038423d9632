package outage_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/adzetest"
	"github.com/adzehq/adze/examples/outage"
	"github.com/adzehq/adze/internal/guidetest"
)

func TestTheGuideShowsCodeThatIsTested(t *testing.T) {
	t.Parallel()
	guidetest.ShowsCode(t, "failures.md", "outage.go", "outage_test.go")
}

// bank is away until it is back, and has no account for every fourth order.
type bank struct {
	back    atomic.Bool
	charged atomic.Int32
}

func (b *bank) Charge(_ context.Context, order, _ int) error {
	switch {
	case order%4 == 0:
		return fmt.Errorf("account of order %d is closed", order)
	case !b.back.Load():
		return errors.New("dial tcp 10.0.0.7:443: connection refused")
	}
	b.charged.Add(1)
	return nil
}

func TestWhatFailedInAnOutageIsChargedOnceAfterIt(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		ctx := t.Context()
		var away bank
		charge := outage.New(&away)
		env.Work(charge)
		orders := make([]outage.Order, 40)
		for i := range orders {
			orders[i] = outage.Order{Number: i + 1, Cents: 100}
		}
		runs, err := charge.RunMany(ctx, env.Client, orders)
		require.NoError(t, err)
		for _, run := range runs {
			_, err := run.Result(ctx)
			require.Error(t, err)
		}

		var report strings.Builder
		require.NoError(t, outage.Report(ctx, env.Client, &report, env.Now()))
		groups, err := env.Client.Failures(ctx, adze.FailureFilter{Task: "charge"})
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("30 runs: charge order 39: dial tcp 10.0.0.7:443: connection refused (%s)\n"+
			"10 runs: charge order 40: account of order 40 is closed (%s)\n", groups[0].Fingerprint, groups[1].Fingerprint), report.String())

		away.back.Store(true)
		tried, err := outage.Try(ctx, env.Client, groups[0].Fingerprint)
		require.NoError(t, err)
		require.Len(t, tried, 5)
		left, err := outage.ClearUp(ctx, env.Client, &report, groups[0].Fingerprint)
		require.NoError(t, err)
		require.Equal(t, 25, left)
		left, err = outage.ClearUp(ctx, env.Client, &report, groups[0].Fingerprint)
		require.NoError(t, err)
		require.Zero(t, left)
		require.Contains(t, report.String(), "25 to go, 5 done\n0 to go, 30 done\n")
		for run, err := range env.Client.List(ctx, adze.Filter{Task: "charge"}) {
			require.NoError(t, err)
			if run.ReplayOf != 0 {
				_, err := charge.Lookup(env.Client, run.ID).Result(ctx)
				require.NoError(t, err)
			}
		}
		require.EqualValues(t, 30, away.charged.Load())
	})
}
