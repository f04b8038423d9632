// Package guidetest holds the guides to the code that they show.
//
// It owns how snippets are found in a guide. It promises that a snippet which passes
// stands in a file that is compiled and tested, but for its indentation.
package guidetest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// guides is where the guides are, seen from a package two levels below the root.
const guides = "../../docs/guides"

// Snippets are the code blocks of a guide in a language; there must be one.
func Snippets(t *testing.T, guide, language string) []string {
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

// ShowsCode demands that each snippet of Go in a guide stands in one of the files of
// the package that is tested.
func ShowsCode(t *testing.T, guide string, files ...string) {
	t.Helper()
	var code strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		code.WriteString(flush(string(text)))
	}
	for _, snippet := range Snippets(t, guide, "go") {
		require.Contains(t, code.String(), flush(snippet), "it is not in this package")
	}
}

// flush takes the indentation off each line, for a snippet stands at the margin.
func flush(code string) string {
	lines := strings.Split(code, "\n")
	for i := range lines {
		lines[i] = strings.TrimLeft(lines[i], "\t")
	}
	return strings.Join(lines, "\n")
}
