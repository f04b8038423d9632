package wordcount_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/adzetest"
	"github.com/adzehq/adze/examples/wordcount"
)

func TestTheWholeBookIsCountedThoughPagesFail(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		env.Work(wordcount.Count, adze.Slots(16))
		pages := wordcount.Pages()
		runs, err := wordcount.Count.RunMany(t.Context(), env.Client, pages)
		require.NoError(t, err)

		sum, retried := wordcount.Words{}, 0
		for _, run := range runs {
			words, err := run.Result(t.Context())
			require.NoError(t, err)
			sum.Add(words)
			info, err := env.Client.Get(t.Context(), run.ID)
			require.NoError(t, err)
			retried += info.Attempt - 1
		}

		require.Equal(t, 48, sum["chapter"], "each chapter's heading once")
		require.Greater(t, sum.Total(), 100_000)
		require.Greater(t, retried, len(pages)/40, "about one page in twenty is smudged")
		require.Less(t, retried, len(pages)/10)
		require.Less(t, env.Now().Sub(adzetest.Start), 10*time.Second, "on the test's clock")
	})
}

func TestPagesMakeUpTheBook(t *testing.T) {
	t.Parallel()
	var words int
	for i, page := range wordcount.Pages() {
		require.Equal(t, i+1, page.Number)
		require.LessOrEqual(t, len(page.Text), 2_000)
		words += len(strings.Fields(page.Text))
	}
	require.Greater(t, words, 100_000)
}
