package expr

import (
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/interpreter"
	"github.com/google/uuid"
)

// Environment is what expressions of one kind may use: CEL's standard functions and
// its own variables.
type Environment struct {
	example   string // of an expression, for people
	variables []variable
	cel       func() *cel.Env
}

// variable is what a value is called in an expression.
type variable struct {
	name string
	kind *cel.Type
}

var (
	// Output is for conditions over what a task gave: its output.
	Output = newEnvironment("output.total == 0", variable{"output", cel.DynType})

	// Event is for triggers and filters, in this order: the payload of the event, its
	// metadata, its key and its scope, and the payload of the filter. What is not there
	// is null, or empty.
	Event = newEnvironment(`event.plan == "pro"`,
		variable{"event", cel.DynType}, variable{"metadata", cel.DynType},
		variable{"key", cel.StringType}, variable{"scope", cel.StringType},
		variable{"filter", cel.DynType})

	// Run is for keys of runs, in this order: the input of the run, and its metadata; null
	// if it has none. Besides there is unique, a text that no other run has.
	Run = newEnvironment("input.user", variable{"input", cel.DynType}, variable{"metadata", cel.DynType},
		variable{unique, cel.StringType})

	// Request is for the event that a call of a webhook becomes, in this order: what it
	// brought, and its headers, by their names in lower case.
	Request = newEnvironment("headers['x-event']", variable{"input", cel.DynType}, variable{"headers", cel.DynType})

	// Input is for the scope of the events that a task waits for: the input of its run.
	Input = newEnvironment("input.user", variable{"input", cel.DynType})
)

// unique is the variable that has another value each time.
const unique = "unique"

func newEnvironment(example string, variables ...variable) *Environment {
	return &Environment{example, variables, sync.OnceValue(func() *cel.Env {
		options := []cel.EnvOption{
			cel.CrossTypeNumericComparisons(true),
			cel.ParserExpressionSizeLimit(BytesMax),
			cel.ParserRecursionLimit(depthMax),
		}
		for i := range functions {
			options = append(options, functions[i].option())
		}
		for _, v := range variables {
			options = append(options, cel.Variable(v.name, v.kind))
		}
		env, err := cel.NewEnv(options...)
		if err != nil {
			panic(err) // the options above are wrong
		}
		return env
	})}
}

// activation gives the variables of an environment their values. There are so few that
// looking through them is faster than a map.
type activation struct {
	variables []variable
	values    []Value
}

// ResolveName implements interpreter.Activation.
func (a *activation) ResolveName(name string) (any, bool) {
	for i := range a.values {
		if a.variables[i].name == name {
			return a.values[i].value, true
		}
	}
	if name == unique {
		return uuid.NewString(), true
	}
	return nil, false
}

// Parent implements interpreter.Activation.
func (a *activation) Parent() interpreter.Activation { return nil }
