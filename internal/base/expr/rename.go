package expr

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
)

// Rename writes an expression of another dialect in that of e: each variable that names
// has is replaced by what stands for it there, and nothing else is touched. It does not
// tell whether the result compiles.
func (e *Environment) Rename(expression string, names map[string]string) (string, error) {
	if len(expression) > BytesMax {
		return "", fmt.Errorf("is %d bytes long, at most %d are allowed", len(expression), BytesMax)
	}
	if strings.TrimSpace(expression) == "" {
		return "", fmt.Errorf("is empty; write something like %s", e.example)
	}
	parsed, issues := e.cel().Parse(expression)
	if issues.Err() != nil {
		return "", refusal(issues.Errors())
	}
	r := renaming{names: names, source: parsed.NativeRep().SourceInfo()}
	if r.walk(parsed.NativeRep().Expr(), nil); r.err != nil {
		return "", r.err
	}
	return r.apply([]rune(expression)), nil
}

// renaming is what is found of the variables of an expression.
type renaming struct {
	names  map[string]string
	source *ast.SourceInfo
	found  []found
	err    error
}

// found is a variable at a place, in characters.
type found struct {
	at   int32
	name string
}

// walk looks for variables in x; those of bound are its own, of the macro that it is in.
func (r *renaming) walk(x ast.Expr, bound []string) {
	switch x.Kind() {
	case ast.IdentKind:
		r.variable(x, bound)
	case ast.SelectKind:
		r.walk(x.AsSelect().Operand(), bound)
	case ast.CallKind:
		call := x.AsCall()
		if call.IsMemberFunction() {
			r.walk(call.Target(), bound)
		}
		r.all(call.Args(), bound)
	case ast.ListKind:
		r.all(x.AsList().Elements(), bound)
	case ast.MapKind:
		for _, entry := range x.AsMap().Entries() {
			r.all([]ast.Expr{entry.AsMapEntry().Key(), entry.AsMapEntry().Value()}, bound)
		}
	case ast.ComprehensionKind:
		c := x.AsComprehension()
		r.all([]ast.Expr{c.IterRange(), c.AccuInit()}, bound)
		inner := append(slices.Clone(bound), c.IterVar(), c.IterVar2(), c.AccuVar())
		r.all([]ast.Expr{c.LoopCondition(), c.LoopStep(), c.Result()}, inner)
	}
}

func (r *renaming) all(list []ast.Expr, bound []string) {
	for _, x := range list {
		r.walk(x, bound)
	}
}

func (r *renaming) variable(x ast.Expr, bound []string) {
	name := x.AsIdent()
	to, known := r.names[name]
	if !known || slices.Contains(bound, name) {
		return
	}
	if slices.Contains(bound, to) {
		r.err = fmt.Errorf("%s: calls something %q inside of a macro, which stands for %q; give it another name",
			place(r.source.GetStartLocation(x.ID())), to, name)
		return
	}
	where, placed := r.source.GetOffsetRange(x.ID())
	one := found{where.Start, name}
	if placed && !slices.Contains(r.found, one) { // a macro may have it twice
		r.found = append(r.found, one)
	}
}

// apply replaces what was found, the last one first.
func (r *renaming) apply(text []rune) string {
	slices.SortFunc(r.found, func(a, b found) int { return int(b.at - a.at) })
	for _, f := range r.found {
		after := text[int(f.at)+len([]rune(f.name)):]
		text = append([]rune(string(text[:f.at])+r.names[f.name]), after...)
	}
	return string(text)
}
