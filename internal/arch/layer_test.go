package arch

import (
	"go/ast"
	"path"
	"slices"
	"strings"
	"testing"
)

// layer is a part of the tree with its height: imports go down only.
type layer struct {
	part   string
	height int
	reason string // what its place is for
}

// layers are listed from the bottom. The longest part that a package is under is
// its layer. Packages of one height do not see each other, but for those of one
// part.
var layers = []layer{
	{"internal/base", 0, "base knows nothing of tasks, so that anything may stand on it"},
	{"internal/wire", 0, "generated code knows nothing but its own messages"},
	{"internal/core", 1, "core is a pure state machine: that makes it deterministic, simulated and fast"},
	{"internal/record", 2, "record stores rows and the core's values; it decides nothing"},
	{"internal/journal", 3, "journal turns effects into transactions, for whatever shard they come from"},
	{"internal/history", 3, "history reads committed rows and never decides"},
	{"internal/keeper", 3, "keeper looks after tables, not after tasks"},
	{"internal/shard", 4, "shard is the one seam between edges and the core"},
	{"internal/peer", 5, "peer speaks the shard's interface to another process"},
	{"internal/edge", 6, "edges translate; scheduling is below them"},
	{"internal/embed", 7, "embed is an edge without a wire"},
	{"internal/server", 8, "server wires everything and nothing below may know that it exists"},
	{".", 9, "the SDK may run the engine inside the program"},
	{"adzetest", 10, "adzetest runs the SDK and the engine on a clock of the test's"},
	{"internal/bench", 10, "bench measures the whole"},
	{"examples", 10, "examples are users"},
	{"e2e", 11, "e2e runs the binary"},
	{"cmd", 11, "a command is a program around everything"},
}

// testSupport is for tests, wherever they are: it stands beside the layers.
var testSupport = []string{"internal/arch", "internal/edge/hatchettest", "internal/guidetest", "internal/pgtest", "internal/record/rowtest", "adzetest", "e2e"}

func layerOf(dir string) (found layer, ok bool) {
	for _, l := range layers {
		if under(dir, l.part) && len(l.part) >= len(found.part) {
			found, ok = l, true
		}
	}
	return found, ok
}

func isTestSupport(dir string) bool {
	return slices.ContainsFunc(testSupport, func(part string) bool { return under(dir, part) })
}

func ours(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	return name == "." || slices.Contains([]string{"internal", "cmd", "examples", "e2e", "adzetest"}, first)
}

func TestImportsGoDownOnly(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if s.isTest() || isTestSupport(s.dir()) {
			continue
		}
		own, known := layerOf(s.dir())
		if !known {
			t.Errorf("%s is in no layer: give it one in internal/arch/layer_test.go", s.path)
			continue
		}
		for _, name := range s.imports() {
			target, known := layerOf(name)
			if ours(name) && known && target.part != own.part && target.height >= own.height {
				t.Errorf("%s imports %s, which is not below it: %s", s.path, name, target.reason)
			}
		}
	}
}

func TestTestSupportStaysOutOfTheProduct(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if s.isTest() || isTestSupport(s.dir()) {
			continue
		}
		for _, name := range s.imports() {
			if isTestSupport(name) {
				t.Errorf("%s imports %s: test support does not belong into a binary", s.path, name)
			}
		}
	}
}

// impure are the packages through which the world would get into the core.
var impure = []string{"os", "net", "sync", "math/rand", "crypto", "log", "context", "io", "runtime", "database", "syscall"}

// clocks are the parts of package time that read or wait for the clock; durations
// are plain numbers.
var clocks = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTicker", "NewTimer"}

func TestTheCoreIsPure(t *testing.T) {
	t.Parallel()
	const reason = "the same inputs and times must give the same effects, byte for byte"
	for _, s := range sources(t) {
		if s.isTest() || s.dir() != "internal/core" {
			continue
		}
		for _, name := range s.imports() {
			if ours(name) && name != "internal/base/id" {
				t.Errorf("%s imports %s: of ours, the core sees ids only", s.path, name)
			}
			if slices.ContainsFunc(impure, func(p string) bool { return under(name, p) }) {
				t.Errorf("%s imports %s: %s", s.path, name, reason)
			}
		}
		for _, call := range selections(s.file, "time", clocks) {
			t.Errorf("%s: the core reads the clock: %s", positions.Position(call.Pos()), reason)
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if g, ok := n.(*ast.GoStmt); ok {
				t.Errorf("%s: the core starts a goroutine: %s", positions.Position(g.Pos()), reason)
			}
			return true
		})
	}
}

// selections finds pkg.name for any of names.
func selections(file ast.Node, pkg string, names []string) (found []*ast.SelectorExpr) {
	ast.Inspect(file, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := s.X.(*ast.Ident); ok && x.Name == pkg && slices.Contains(names, s.Sel.Name) {
			found = append(found, s)
		}
		return true
	})
	return found
}

func TestOnlyEdgesSeeTheirWire(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		l, _ := layerOf(s.dir())
		if s.isTest() || l.height >= 6 || l.part == "internal/wire" {
			continue
		}
		for _, name := range s.imports() {
			if under(name, "internal/wire") || strings.HasPrefix(name, "google.golang.org/grpc") || name == "net/http" {
				t.Errorf("%s imports %s: what travels on a wire is translated at the edge, and unknown below", s.path, path.Base(name))
			}
		}
	}
}
