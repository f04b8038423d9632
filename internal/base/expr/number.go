package expr

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/interpreter"
)

// Value is what a variable stands for: JSON that was parsed, or a text. It does not
// change. Its zero value is null.
type Value struct{ value any }

// Text is the value of a variable that is a string.
func Text(s string) Value { return Value{s} }

// Parse reads one JSON value.
//
// A number without a fraction or exponent is an int, so that ids stay exact and
// compare with 7; above the int64s it is a uint, or else a double, like all others.
func Parse(document []byte) (Value, error) {
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return Value{}, fmt.Errorf("parse JSON: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Value{}, errors.New("parse JSON: more than one JSON value")
	}
	value, err := withNumbers(value)
	return Value{value}, err
}

// withNumbers replaces each number of a value by one that CEL knows, in place.
func withNumbers(value any) (any, error) {
	var err error
	switch v := value.(type) {
	case json.Number:
		return number(v.String())
	case []any:
		for i := range v {
			if v[i], err = withNumbers(v[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for key := range v {
			if v[key], err = withNumbers(v[key]); err != nil {
				return nil, err
			}
		}
	}
	return value, nil
}

func number(text string) (any, error) {
	if !strings.ContainsAny(text, ".eE") {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n, nil
		}
		if n, err := strconv.ParseUint(text, 10, 64); err == nil {
			return n, nil
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, fmt.Errorf("parse JSON: number %s is out of range", text)
	}
	return f, nil
}

// mixNumbers lets arithmetic take an int and a double together. CEL refuses that, for
// good reasons where types are known; but JSON writes a price of 10.0 as 10, and a
// condition must not fail on round prices.
func mixNumbers(i interpreter.Interpretable) (interpreter.Interpretable, error) {
	call, is := i.(interpreter.InterpretableCall)
	if !is || len(call.Args()) != 2 {
		return i, nil
	}
	apply := arithmetic[call.Function()]
	if apply == nil {
		return i, nil
	}
	return interpreter.NewCall(call.ID(), call.Function(), call.OverloadID(), call.Args(), func(args ...ref.Val) ref.Val {
		return apply(asDouble(args[0], args[1]), asDouble(args[1], args[0]))
	}), nil
}

// arithmetic are the operators by their names in CEL.
var arithmetic = map[string]func(left, right ref.Val) ref.Val{
	operators.Add: func(left, right ref.Val) ref.Val {
		if l, can := left.(traits.Adder); can {
			return l.Add(right)
		}
		return types.MaybeNoSuchOverloadErr(left)
	},
	operators.Subtract: func(left, right ref.Val) ref.Val {
		if l, can := left.(traits.Subtractor); can {
			return l.Subtract(right)
		}
		return types.MaybeNoSuchOverloadErr(left)
	},
	operators.Multiply: func(left, right ref.Val) ref.Val {
		if l, can := left.(traits.Multiplier); can {
			return l.Multiply(right)
		}
		return types.MaybeNoSuchOverloadErr(left)
	},
	operators.Divide: func(left, right ref.Val) ref.Val {
		if l, can := left.(traits.Divider); can {
			return l.Divide(right)
		}
		return types.MaybeNoSuchOverloadErr(left)
	},
}

// asDouble is v, as a double if it is an integer and other is a double.
func asDouble(v, other ref.Val) ref.Val {
	if _, mixed := other.(types.Double); !mixed {
		return v
	}
	switch n := v.(type) {
	case types.Int:
		return types.Double(n)
	case types.Uint:
		return types.Double(n)
	default:
		return v
	}
}
