package upgrade_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

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
	for _, file := range []string{"upgrade.go", "invoice.go", "upgrade_test.go"} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		code += flush(string(text))
	}
	guide, err := os.ReadFile("../../docs/guides/conditions.md")
	require.NoError(t, err)
	shown := regexp.MustCompile("(?ms)^```go\n(.*?)^```$").FindAllStringSubmatch(string(guide), -1)
	require.NotEmpty(t, shown)
	for _, snippet := range shown {
		require.Contains(t, code, flush(snippet[1]), "it is not in this package")
	}
}
