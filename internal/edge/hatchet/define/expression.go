package define

import (
	"strconv"

	"github.com/adzehq/adze/internal/base/expr"
)

// What the variables of this wire are in Adze's expressions.
var (
	// ofRun are those of keys and numbers of runs. A run has no id yet when they are
	// evaluated: what tells runs apart takes its place.
	ofRun = map[string]string{"additional_metadata": "metadata", "workflow_run_id": "unique"}

	// ofOnce are those of idempotency keys: one that is unique would be of no use.
	ofOnce = map[string]string{"additional_metadata": "metadata"}

	// ofFilter are those of filters of events.
	ofFilter = map[string]string{
		"input": "event", "additional_metadata": "metadata", "payload": "filter", "event_key": "key",
	}

	// ofWait are those of conditions over an event that a task waits for, and ofParent of
	// those over a parent: each has the other's variable too, empty.
	ofWait   = map[string]string{"input": "event", "output": "{}"}
	ofParent = map[string]string{"input": "{}"}
)

// runExpression translates one that gives a key of a run.
func runExpression(text string) (string, error) {
	return translate(expr.Run, text, ofRun, func(to string) error {
		_, err := expr.Run.CompileKey(to)
		return err
	})
}

// onceExpression translates one that gives an idempotency key.
func onceExpression(text string) (string, error) {
	return translate(expr.Run, text, ofOnce, func(to string) error {
		_, err := expr.Run.CompileText(to)
		return err
	})
}

// numberExpression translates one that gives a number. Its fraction is cut off, as on
// this wire all numbers of JSON have one.
func numberExpression(text string) (string, error) {
	to, err := translate(expr.Run, text, ofRun, nil)
	if err != nil {
		return "", err
	}
	to = "int(" + to + ")"
	if _, err := expr.Run.CompileInt(to); err != nil {
		return "", invalid("", "%s", err)
	}
	return to, nil
}

// Filter translates the condition of a filter; "" is always.
func Filter(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	return translate(expr.Event, text, ofFilter, condition(expr.Event))
}

// asFilter are the variables of Adze's filters on this wire.
var asFilter = map[string]string{
	"event": "input", "metadata": "additional_metadata", "filter": "payload", "key": "event_key",
}

// FilterText is the inverse of Filter. One that this wire cannot say is left as it is.
func FilterText(condition string) string { return renamed(expr.Event, condition, asFilter) }

// asRun are the variables of Adze's keys of runs on this wire.
var asRun = map[string]string{"metadata": "additional_metadata", "unique": "workflow_run_id"}

// KeyText is how this wire says the expression of a key of runs. One that it cannot say is
// left as it is.
func KeyText(key string) string { return renamed(expr.Run, key, asRun) }

func renamed(in *expr.Environment, text string, names map[string]string) string {
	if text == "" {
		return ""
	}
	to, err := in.Rename(text, names)
	if err != nil {
		return text
	}
	return to
}

// WaitCondition translates the condition over an event that a task waits for; "" is
// always.
func WaitCondition(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	return translate(expr.Event, text, ofWait, condition(expr.Event))
}

// parentCondition translates one over the output of a parent.
func parentCondition(text string) (string, error) {
	if text == "" {
		return "true", nil
	}
	return translate(expr.Output, text, ofParent, condition(expr.Output))
}

func condition(in *expr.Environment) func(string) error {
	return func(to string) error {
		_, err := in.Compile(to)
		return err
	}
}

// translate renames the variables of text, and has the result checked.
func translate(in *expr.Environment, text string, names map[string]string, check func(string) error) (string, error) {
	to, err := in.Rename(text, names)
	if err == nil && check != nil {
		err = check(to)
	}
	if err != nil {
		return "", invalid("", "%s", err)
	}
	return to, nil
}

// Quote writes a text as an expression that gives it.
func Quote(text string) string { return strconv.Quote(text) }
