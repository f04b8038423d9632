// Package expr evaluates conditions, scopes and keys: CEL expressions over JSON, such as
// what a task gave or an event brings.
//
// It owns the dialect: which variables there are where, the bounds of an expression and
// what it may cost, and how JSON's numbers behave. It promises that a Program is compiled
// once and safe for concurrent use, that an evaluation ends within its bound
// whatever the expression and the JSON are, and that a condition is never true or
// false by mistake: what cannot be said is an error.
package expr

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/types"
)

const (
	// BytesMax bounds the text of an expression.
	BytesMax = 4_096

	// CostMax bounds an evaluation, in CEL's units of about one operation each: some
	// 10 ms at most. A look at each item of a list of some 10,000 is within it.
	CostMax = 100_000

	// depthMax bounds how deep an expression may be nested.
	depthMax = 50

	// errorsMax is how many errors of one expression are told.
	errorsMax = 3
)

// Program is a compiled condition.
type Program struct {
	text        string
	environment *Environment
	program     cel.Program
}

// Source is the expression.
func (p *Program) Source() string { return p.text }

// TextProgram is a compiled expression that gives a text.
type TextProgram struct{ Program }

// Compile reads an expression whose value is a bool. Its error names the place.
func (e *Environment) Compile(expression string) (*Program, error) {
	program, err := e.compile(expression, "true or false", cel.BoolType)
	if err != nil {
		return nil, err
	}
	return &program, nil
}

// CompileText is Compile of an expression whose value is a string.
func (e *Environment) CompileText(expression string) (*TextProgram, error) {
	program, err := e.compile(expression, "a text; string(…) makes one of it", cel.StringType)
	if err != nil {
		return nil, err
	}
	return &TextProgram{program}, nil
}

// compile reads an expression whose value is of one of the types wanted, if that can be
// known.
func (e *Environment) compile(expression, called string, wanted ...*cel.Type) (Program, error) {
	if strings.TrimSpace(expression) == "" {
		return Program{}, fmt.Errorf("is empty; write something like %s", e.example)
	}
	if len(expression) > BytesMax {
		return Program{}, fmt.Errorf("is %d bytes long, at most %d are allowed", len(expression), BytesMax)
	}
	ast, issues := e.cel().Compile(expression)
	if issues.Err() != nil {
		return Program{}, refusal(issues.Errors())
	}
	if t := ast.OutputType(); !t.IsExactType(cel.DynType) && !slices.ContainsFunc(wanted, t.IsExactType) {
		return Program{}, fmt.Errorf("gives a value of type %s, not %s", t, called)
	}
	program, err := e.cel().Program(ast, cel.CostLimit(CostMax), cel.CostTracking(pricing{}), cel.CustomDecorator(mixNumbers))
	if err != nil {
		return Program{}, fmt.Errorf("plan expression: %w", err)
	}
	return Program{expression, e, program}, nil
}

// Eval tells whether the condition holds of documents of JSON, one for each variable
// of the environment, in its order.
func (p *Program) Eval(documents ...[]byte) (bool, error) {
	values := make([]Value, len(documents))
	for i, document := range documents {
		var err error
		if values[i], err = Parse(document); err != nil {
			return false, err
		}
	}
	return p.Holds(values...)
}

// Holds is Eval of what was parsed before, for several conditions.
func (p *Program) Holds(values ...Value) (bool, error) {
	result, _, err := p.program.Eval(&activation{p.environment.variables, values})
	if err != nil {
		return false, fmt.Errorf("evaluate condition: %w", err)
	}
	holds, is := result.(types.Bool)
	if !is {
		return false, fmt.Errorf("evaluate condition: gives a value of type %s, not true or false", result.Type().TypeName())
	}
	return bool(holds), nil
}

// Text is what the expression gives for what was parsed before.
func (p *TextProgram) Text(values ...Value) (string, error) {
	result, _, err := p.program.Eval(&activation{p.environment.variables, values})
	if err != nil {
		return "", fmt.Errorf("evaluate expression: %w", err)
	}
	text, is := result.(types.String)
	if !is {
		return "", fmt.Errorf("evaluate expression: gives a value of type %s, not a text", result.Type().TypeName())
	}
	return string(text), nil
}

// refusal joins what is wrong with an expression, each with its place.
func refusal(all []*common.Error) error {
	text := ""
	for i, e := range all {
		if i == errorsMax {
			return fmt.Errorf("%s; and %d more", text, len(all)-i)
		}
		if i > 0 {
			text += "; "
		}
		text += place(e.Location) + ": " + e.Message
	}
	return errors.New(text)
}

// place is a location for people: columns count from 1. CEL has none for some errors.
func place(l common.Location) string {
	switch {
	case l == nil || l.Line() < 1:
		return "in the expression"
	case l.Line() == 1:
		return fmt.Sprintf("at column %d", l.Column()+1)
	default:
		return fmt.Sprintf("at line %d, column %d", l.Line(), l.Column()+1)
	}
}
