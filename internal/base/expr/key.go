package expr

import (
	"fmt"
	"strconv"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
)

// KeyProgram is a compiled expression that gives a key.
type KeyProgram struct{ Program }

// CompileKey is Compile of an expression whose value is a text, a whole number or a bool.
func (e *Environment) CompileKey(expression string) (*KeyProgram, error) {
	program, err := e.compile(expression, "a text, a whole number or a bool", cel.StringType, cel.IntType, cel.UintType, cel.BoolType)
	if err != nil {
		return nil, err
	}
	return &KeyProgram{program}, nil
}

// Key is what the expression gives, as a text: so that 7 and "7" are one key.
func (p *KeyProgram) Key(values ...Value) (string, error) {
	result, _, err := p.program.Eval(&activation{p.environment.variables, values})
	if err != nil {
		return "", fmt.Errorf("evaluate expression: %w", err)
	}
	switch key := result.(type) {
	case types.String:
		return string(key), nil
	case types.Int:
		return strconv.FormatInt(int64(key), 10), nil
	case types.Uint:
		return strconv.FormatUint(uint64(key), 10), nil
	case types.Bool:
		return strconv.FormatBool(bool(key)), nil
	}
	return "", fmt.Errorf("evaluate expression: gives a value of type %s, not a text, a whole number or a bool", result.Type().TypeName())
}

// IntProgram is a compiled expression that gives a whole number.
type IntProgram struct{ Program }

// CompileInt is Compile of an expression whose value is a whole number.
func (e *Environment) CompileInt(expression string) (*IntProgram, error) {
	program, err := e.compile(expression, "a whole number; int(…) makes one of it", cel.IntType, cel.UintType)
	if err != nil {
		return nil, err
	}
	return &IntProgram{program}, nil
}

// Int is what the expression gives, if it is from least to most.
func (p *IntProgram) Int(least, most int64, values ...Value) (int64, error) {
	result, _, err := p.program.Eval(&activation{p.environment.variables, values})
	if err != nil {
		return 0, fmt.Errorf("evaluate expression: %w", err)
	}
	number, is := result.(types.Int)
	if u, unsigned := result.(types.Uint); unsigned {
		number, is = types.Int(min(uint64(u), uint64(most)+1)), true
	}
	switch {
	case !is:
		return 0, fmt.Errorf("evaluate expression: gives a value of type %s, not a whole number", result.Type().TypeName())
	case int64(number) < least || int64(number) > most:
		return 0, fmt.Errorf("evaluate expression: gives %d, allowed is %d to %d", int64(number), least, most)
	}
	return int64(number), nil
}
