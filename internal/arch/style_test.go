package arch

import (
	"go/ast"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// fileLinesMax is where a file has more than one subject for sure.
const fileLinesMax = 600

func TestFilesHaveOneSubject(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if !s.generated() && s.lines > fileLinesMax {
			t.Errorf("%s has %d lines, more than %d: split it by subject", s.path, s.lines, fileLinesMax)
		}
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	t.Parallel()
	said := map[string]bool{}
	for _, s := range sources(t) {
		if !s.isTest() {
			said[s.dir()] = said[s.dir()] || s.generated() || s.file.Doc != nil
		}
	}
	for dir, ok := range said {
		if !ok {
			t.Errorf("%s has no package comment: say what it does, owns and promises", dir)
		}
	}
}

// vague are words that name no subject, and words that name history.
var vague = regexp.MustCompile(`^(utils?|common|helpers?|manager|impl|misc|shared|legacy|new|old|types|v\d+)$`)

func TestNamesNameASubject(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		stem := strings.TrimSuffix(strings.TrimSuffix(path.Base(s.path), ".go"), "_test")
		words := append(strings.Split(stem, "_"), s.file.Name.Name)
		if i := slices.IndexFunc(words, vague.MatchString); i >= 0 {
			t.Errorf("%s: %q names no subject: whoever looks for one finds nothing here, and everything ends up in it", s.path, words[i])
		}
	}
}

// fakeClocks run a function on a clock of the test's, where sleeping takes no time.
var fakeClocks = map[string]string{"synctest": "Test", "adzetest": "Run"}

func TestTestsDoNotSleep(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if !s.isTest() {
			continue
		}
		allowed := 0
		ast.Inspect(s.file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && onFakeClock(call) {
				allowed += len(selections(call, "time", []string{"Sleep"}))
				return false
			}
			return true
		})
		if all := selections(s.file, "time", []string{"Sleep"}); len(all) > allowed {
			t.Errorf("%s sleeps on the real clock: wait for a signal, or poll with a deadline; a pause is too short on a busy machine and too long on any other", s.path)
		}
	}
}

func onFakeClock(call *ast.CallExpr) bool {
	s, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	x, ok := s.X.(*ast.Ident)
	return ok && fakeClocks[x.Name] == s.Sel.Name
}
