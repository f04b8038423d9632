package arch

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/adzehq/adze"

// root is the top of the module, from this package's directory.
const root = "../.."

// source is one Go file of the module.
type source struct {
	path  string // from the root, with slashes
	text  []byte
	file  *ast.File
	lines int
}

// dir is the package's path from the root; "." is the root's.
func (s source) dir() string     { return path.Dir(s.path) }
func (s source) isTest() bool    { return strings.HasSuffix(s.path, "_test.go") }
func (s source) generated() bool { return ast.IsGenerated(s.file) }

// imports are the paths that the file imports; those of this module from the root.
func (s source) imports() []string {
	var list []string
	for _, spec := range s.file.Imports {
		name, _ := strconv.Unquote(spec.Path.Value) // the parser has checked it
		if name == module {
			name = "."
		}
		list = append(list, strings.TrimPrefix(name, module+"/"))
	}
	return list
}

var positions = token.NewFileSet()

// tree reads the Go files of the module once.
var tree = sync.OnceValues(func() (files []source, err error) {
	err = walk(func(name string, text []byte) error {
		if path.Ext(name) != ".go" {
			return nil
		}
		file, err := parser.ParseFile(positions, name, text, parser.ParseComments)
		if err != nil {
			return err
		}
		files = append(files, source{name, text, file, bytes.Count(text, []byte("\n"))})
		return nil
	})
	return files, err
})

// walk visits the module's .go and .sql files. Hidden directories, test data and
// modules of their own are not part of it.
func walk(visit func(name string, text []byte) error) error {
	return filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || name == root {
			return err
		}
		if entry.IsDir() {
			return enter(name, entry.Name())
		}
		if ext := filepath.Ext(name); ext != ".go" && ext != ".sql" {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		return visit(filepath.ToSlash(rel), text)
	})
}

func enter(name, base string) error {
	_, err := os.Stat(filepath.Join(name, "go.mod"))
	if err == nil || base == "testdata" || base == "node_modules" || base[0] == '.' || base[0] == '_' {
		return filepath.SkipDir
	}
	return nil
}

func sources(t *testing.T) []source {
	t.Helper()
	files, err := tree()
	require.NoError(t, err)
	require.NotEmpty(t, files)
	return files
}

// under says whether dir is part or below it.
func under(dir, part string) bool {
	return dir == part || strings.HasPrefix(dir, part+"/")
}
