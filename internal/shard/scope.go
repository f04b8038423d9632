package shard

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/adzehq/adze/internal/base/expr"
	"github.com/adzehq/adze/internal/base/fault"
)

// scopeBytesMax is how long a scope may be, as that of an event (edge/admit).
const scopeBytesMax = 255

// scope is a Scope that can be evaluated.
type scope struct {
	Scope
	program *expr.TextProgram
}

func newScopes(g *graph, from []Scope) ([]scope, error) {
	var all []scope
	for _, s := range from {
		program, err := expr.Input.CompileText(s.Expression)
		if err != nil {
			return nil, fmt.Errorf("compile scope of task %s: %w", g.Nodes[s.Node].Name, err)
		}
		all = append(all, scope{s, program})
	}
	return all, nil
}

// scopesOf are the scopes of a run with this input, in the order of core.NewTask. Its
// error names the task: a run that waits for events of nobody must not begin.
func (v *version) scopesOf(input []byte) ([]string, error) {
	if v.graph == nil || len(v.graph.scopes) == 0 {
		return nil, nil
	}
	value, err := expr.Parse(input)
	if err != nil {
		return nil, fault.New(fault.Invalid, "input", "%s", err)
	}
	texts := make([]string, len(v.graph.scopes))
	for i, s := range v.graph.scopes {
		text, err := s.program.Text(value)
		if err == nil {
			err = fitsScope(text)
		}
		if err != nil {
			return nil, fault.New(fault.Invalid, "input", "gives no scope for the events that task %q waits for: %s: %s",
				v.graph.Nodes[s.Node].Name, s.Expression, err)
		}
		texts[i] = text
	}
	return texts, nil
}

// fitsScope tells whether an event may have that scope. Postgres could not even store
// some that none has.
func fitsScope(text string) error {
	switch {
	case text == "":
		return errors.New("it is empty")
	case len(text) > scopeBytesMax:
		return fmt.Errorf("it is %d bytes long, and no scope is longer than %d", len(text), scopeBytesMax)
	case !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl):
		return errors.New("it has a character that no scope has")
	}
	return nil
}
