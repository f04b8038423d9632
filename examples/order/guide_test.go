package order_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/adzetest"
)

const guides = "../../docs/guides"

// snippets are the code blocks of a guide in a language.
func snippets(t *testing.T, guide, language string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(guides, guide))
	require.NoError(t, err)
	block := regexp.MustCompile("(?ms)^```" + language + "\n(.*?)^```$")
	var all []string
	for _, match := range block.FindAllStringSubmatch(string(text), -1) {
		all = append(all, match[1])
	}
	require.NotEmpty(t, all)
	return all
}

// flush takes the indentation off each line, for a snippet stands at the margin.
func flush(code string) string {
	lines := strings.Split(code, "\n")
	for i := range lines {
		lines[i] = strings.TrimLeft(lines[i], "\t")
	}
	return strings.Join(lines, "\n")
}

func TestTheGuideShowsCodeThatIsTested(t *testing.T) {
	t.Parallel()
	var code string
	for _, file := range []string{"order.go", "order_test.go"} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		code += flush(string(text))
	}
	for _, snippet := range snippets(t, "workflows.md", "go") {
		require.Contains(t, code, flush(snippet), "it is not in this package")
	}
}

func TestTheJSONOfTheGuideIsAWorkflow(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		for _, snippet := range snippets(t, "workflow-json.md", "json") {
			name, err := env.Client.Import(t.Context(), json.RawMessage(snippet))
			require.NoError(t, err)
			exported, err := env.Client.Export(t.Context(), name)
			require.NoError(t, err)
			require.Contains(t, string(exported), `"action":"order:charge"`)
		}
	})
}
