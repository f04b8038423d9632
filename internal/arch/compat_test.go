package arch

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// columns are the languages of the table of e2e/compat/README.md, and how a scenario of
// each begins.
var columns = []struct{ folder, before, after string }{
	{"go", "func ", "(t *testing.T)"},
	{"python/tests", "def ", "("},
	{"typescript/src/scenarios", "scenario('", "'"},
}

var featureRow = regexp.MustCompile("(?m)^\\| [^|]+ \\| (`[^|]+`|–) \\| (`[^|]+`|–) \\| (`[^|]+`|–) \\|$")

// A reader trusts the table of features only as long as its scenarios are there.
func TestEachScenarioOfTheTableOfFeaturesIsThere(t *testing.T) {
	t.Parallel()
	const root = "../../e2e/compat/"
	table, err := os.ReadFile(root + "README.md")
	require.NoError(t, err)
	rows := featureRow.FindAllStringSubmatch(string(table), -1)
	require.Greater(t, len(rows), 40, "the table was not found")
	for at, column := range columns {
		code := sourceBelow(t, root+column.folder)
		for _, row := range rows {
			if name := strings.Trim(row[at+1], "`"); name != "–" {
				require.Contains(t, code, column.before+name+column.after, "%s has no such scenario", column.folder)
			}
		}
	}
}

// sourceBelow is the text of all files below a folder of scenarios.
func sourceBelow(t *testing.T, folder string) string {
	t.Helper()
	var all strings.Builder
	tree := os.DirFS(folder)
	require.NoError(t, fs.WalkDir(tree, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(tree, path)
		all.Write(text)
		return err
	}))
	return all.String()
}
