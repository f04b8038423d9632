package quota

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/adzetest"
	"github.com/adzehq/adze/internal/guidetest"
)

func TestTheGuideShowsCodeThatIsTested(t *testing.T) {
	t.Parallel()
	guidetest.ShowsCode(t, "rate-limits.md", "quota.go", "quota_test.go")
}

func TestAnAccountSpendsWhatItsPlanAllows(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		env.Work(Ask)
		first, err := Ask.Run(t.Context(), env.Client, Call{Account: "ann", Tokens: 900, Plan: 1_000})
		require.NoError(t, err)
		second, err := Ask.Run(t.Context(), env.Client, Call{Account: "ann", Tokens: 400, Plan: 1_000})
		require.NoError(t, err)
		_, err = first.Result(t.Context())
		require.NoError(t, err)
		began := env.Now()
		answer, err := second.Result(t.Context())
		require.NoError(t, err)
		require.Equal(t, "answer for ann", answer)
		require.GreaterOrEqual(t, env.Now().Sub(began), 18*time.Second-time.Millisecond, "300 of 1,000 tokens had to come back")
		_, err = Ask.Run(t.Context(), env.Client, Call{Account: "ann", Tokens: 1_001, Plan: 1_000})
		require.ErrorContains(t, err, "would never begin")
	})
}

func TestWhatIsSetGoesBeforeWhatIsDeclared(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		env.Work(Ask)
		require.NoError(t, slowDown(t.Context(), env.Client))
		run, err := Ask.Run(t.Context(), env.Client, Call{Account: "ann", Tokens: 600, Plan: 1_000})
		require.NoError(t, err)
		_, err = run.Result(t.Context())
		require.ErrorContains(t, err, "needs 600 units, and it never has more than 500")
	})
}
