package adzetest

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
)

func TestOutcomesAreComparedByWhatErrorsSay(t *testing.T) {
	t.Parallel()
	require.Equal(t, []any{1, "no", []any{"yes"}}, plain([]any{1, errors.New("no"), []any{errors.New("yes")}}))
	require.Nil(t, plain(nil))
	require.Equal(t, `[1,"no"]`, shown([]any{1, "no"}))
	require.Equal(t, "+Inf", shown(math.Inf(1)), "what is no JSON is shown all the same")
}

func TestACrashThatAFunctionDoesNotSurviveIsShown(t *testing.T) {
	t.Parallel()
	charges := func(t *testing.T, crash func(*Env)) any {
		charged := 0
		Run(t, func(t *testing.T, env *Env) {
			careless := adze.NewDurable("careless", func(ctx context.Context, _ int) (int, error) {
				charged++ // beside the log
				return 0, adze.Do(ctx, "ship", func(context.Context) error { return nil })
			})
			env.Work(careless)
			crash(env)
			_, err := careless.Call(t.Context(), env.Client, 0)
			require.NoError(t, err)
		})
		return charged
	}
	want := charges(t, func(*Env) {})
	got := charges(t, func(env *Env) { env.CrashAfter("ship") })
	require.Equal(t, "the crash changed the outcome\nwithout: 1\nwith:    2", difference(want, got))
	require.Empty(t, difference(want, want))
}

func TestACrashTestTakesOneLineToFiveHundred(t *testing.T) {
	t.Parallel()
	for lines, says := range map[int]string{0: "durable tasks", 1: "", LinesMax: "", LinesMax + 1: "at most 500"} {
		text := unfit(lines)
		require.Equal(t, says == "", text == "")
		require.Contains(t, text, says)
	}
}
