package adze_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/adzetest"
)

// wander does what its seed says: steps, sleeps, signals and children, in any order. Each
// step gives another number each time it runs, so that what it gives at the end tells
// whether a step that was recorded was run again.
func wander(runs *atomic.Int64, child *adze.Task[int, int]) func(ctx context.Context, seed uint64) (string, error) {
	return func(ctx context.Context, seed uint64) (string, error) {
		var said []string
		plan := rand.New(rand.NewPCG(seed, 1))
		for i := range 8 {
			if err := adze.SetValue(ctx, "said", strings.Join(said, " ")); err != nil {
				return "", err
			}
			switch plan.IntN(4) {
			case 0:
				if err := adze.Sleep(ctx, time.Duration(plan.IntN(60))*time.Second); err != nil {
					return "", err
				}
			case 1:
				first, err := adze.Any(ctx, adze.OnSignal[int]("never"), adze.OnSleep(time.Second))
				if err != nil || first == nil {
					return "", err
				}
			case 2:
				square, err := adze.Call(ctx, child, i)
				if err != nil {
					return "", err
				}
				said = append(said, fmt.Sprint(square))
			default:
				n, err := adze.Step(ctx, fmt.Sprint("step ", i), func(ctx context.Context) (int64, error) {
					select {
					case <-time.After(time.Second):
					case <-ctx.Done():
						return 0, ctx.Err()
					}
					return runs.Add(1), nil
				})
				if err != nil {
					return "", err
				}
				said = append(said, fmt.Sprint("#", n))
			}
		}
		return strings.Join(said, " "), nil
	}
}

func TestWhatWasRecordedStandsWhateverDiesMeanwhile(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
			var steps atomic.Int64
			chance := rand.New(rand.NewPCG(seed, 2))
			child := adze.NewTask("child", func(_ context.Context, n int) (int, error) { return n * n, nil })
			task := adze.NewDurable("wander", wander(&steps, child))
			var seeds []uint64
			for range 10 {
				seeds = append(seeds, chance.Uint64())
			}
			runs, err := task.RunMany(t.Context(), env.Client, seeds)
			require.NoError(t, err)
			said := make([]string, len(runs))
			for range 8 {
				ctx, stop := context.WithCancel(t.Context())
				worked := make(chan error, 1)
				go func() { worked <- env.Client.Work(ctx, task, child, adze.Slots(4), adze.DrainTimeout(0)) }()
				env.Advance(time.Duration(chance.IntN(20_000)) * time.Millisecond)
				stop()
				<-worked
				for i, run := range runs {
					now, err := adze.GetValue[string](t.Context(), env.Client, run.ID, "said")
					if err == nil {
						require.True(t, strings.HasPrefix(now, said[i]), "%q does not go on from %q", now, said[i])
						said[i] = now
					}
				}
			}
			env.Work(task, child)
			for i, run := range runs {
				out, err := run.Result(t.Context())
				require.NoError(t, err)
				require.True(t, strings.HasPrefix(out, said[i]), "%q does not go on from %q", out, said[i])
			}
		})
	}
}
