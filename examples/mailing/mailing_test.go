package mailing_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/adzetest"
	"github.com/adzehq/adze/examples/mailing"
	"github.com/adzehq/adze/internal/guidetest"
)

func TestTheGuideShowsCodeThatIsTested(t *testing.T) {
	t.Parallel()
	guidetest.ShowsCode(t, "batches.md", "mailing.go", "mailing_test.go")
}

func TestEachLetterHasAResultOfItsOwn(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		env.Work(mailing.Send)
		client := env.Client
		runs, err := mailing.Send.RunMany(t.Context(), client, []mailing.Letter{
			{Provider: "north", To: "ann@example.com"},
			{Provider: "north", To: ""},
			{Provider: "north", To: "busy@example.com"},
		})
		require.NoError(t, err)
		env.Advance(time.Second)
		receipt, err := runs[0].Result(t.Context())
		require.NoError(t, err)
		require.Equal(t, "north took it for ann@example.com", receipt)
		_, err = runs[1].Result(t.Context())
		require.ErrorContains(t, err, "no such address")
		env.Advance(time.Minute)
		receipt, err = runs[2].Result(t.Context())
		require.NoError(t, err)
		require.Equal(t, "north took it for busy@example.com", receipt)
	})
}

func TestRowsOfABatchShareAFile(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		env.Work(mailing.Store)
		runs, err := mailing.Store.RunMany(t.Context(), env.Client, []map[string]any{{"n": 1}, {"n": 2}})
		require.NoError(t, err)
		env.Advance(time.Minute)
		for _, run := range runs {
			file, err := run.Result(t.Context())
			require.NoError(t, err)
			require.Equal(t, "rows-2.parquet", file)
		}
	})
}
