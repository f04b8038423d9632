package order_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/adzetest"
	"github.com/adzehq/adze/internal/guidetest"
)

func TestTheGuideShowsCodeThatIsTested(t *testing.T) {
	t.Parallel()
	guidetest.ShowsCode(t, "workflows.md", "order.go", "order_test.go", "../thumbnail/thumbnail.go")
}

func TestTheJSONOfTheGuideIsAWorkflow(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		for _, snippet := range guidetest.Snippets(t, "workflow-json.md", "json") {
			name, err := env.Client.Import(t.Context(), json.RawMessage(snippet))
			require.NoError(t, err)
			exported, err := env.Client.Export(t.Context(), name)
			require.NoError(t, err)
			require.Contains(t, string(exported), `"action":"order:charge"`)
		}
	})
}
