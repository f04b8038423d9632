package studio_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/adzetest"
	"github.com/adzehq/adze/examples/studio"
	"github.com/adzehq/adze/internal/guidetest"
)

func TestTheGuideShowsCodeThatIsTested(t *testing.T) {
	t.Parallel()
	guidetest.ShowsCode(t, "routing.md", "studio.go", "studio_test.go")
}

func TestTheStudioRuns(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		c := env.Client
		publish, cut := studio.NewPublish(c), studio.New()
		env.Work(append(studio.Options(), studio.Render, studio.Preview, publish, cut)...)
		film := studio.Film{Title: "Metropolis"}
		worker, err := studio.Render.Call(t.Context(), c, film)
		require.NoError(t, err)
		same, err := publish.Call(t.Context(), c, film)
		require.NoError(t, err)
		require.Equal(t, worker, same)
		_, err = cut.Call(t.Context(), c, film)
		require.NoError(t, err)

		run, err := studio.Render.Run(t.Context(), c, film,
			adze.RunOnWorkers(adze.Require("zone", "==", "us")))
		require.NoError(t, err)
		env.Settle()
		require.Equal(t, adze.Queued, env.Status(run.ID))
	})
}
