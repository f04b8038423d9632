package adzetest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
)

// LinesMax is how many lines [CrashEverywhere] takes: each costs two runs of the test.
const LinesMax = 500

// CrashEverywhere proves that durable functions survive the death of their worker at any
// line. It runs test once as it is, and then twice for each line that durable functions
// recorded meanwhile (a step, a wait, a spawn, the end): with a worker that crashes just
// before the line is stored, and just after. Each time test must come to the same outcome,
// which is what it returns: the result of the run, and what of the world outside should be
// the same.
//
//	adzetest.CrashEverywhere(t, func(t *testing.T, env *adzetest.Env) any {
//		bank := newBank()
//		checkout := NewCheckout(bank)
//		env.Work(checkout)
//		receipt, err := checkout.Call(t.Context(), env.Client, order)
//		return []any{receipt, err, bank.charged}
//	})
//
// Each time is a subtest with an [Env] of its own, to which the same applies as in [Run].
// A step whose line was not stored runs again: what it does to the world has to bear that.
// Outcomes are compared by reflect.DeepEqual; errors by their text. A test whose outcome
// depends on the time has to allow for the 5 s that a crash takes.
func CrashEverywhere(t *testing.T, test func(t *testing.T, env *Env) any) {
	t.Helper()
	var want any
	var lines []string
	Run(t, func(t *testing.T, env *Env) {
		want = plain(test(t, env))
		lines = env.faults.recorded()
	})
	if t.Failed() {
		return
	}
	if text := unfit(len(lines)); text != "" {
		t.Fatal(text)
	}
	for i, line := range lines {
		for _, c := range []crash{{line: i}, {line: i, after: true}} {
			t.Run(fmt.Sprintf("%s line %d: %s", c.when(), i+1, line), func(t *testing.T) {
				Run(t, func(t *testing.T, env *Env) {
					env.faults.add(c)
					if text := difference(want, plain(test(t, env))); text != "" {
						t.Error(text)
					}
					if env.faults.left() > 0 { // what happens at the same time has no order
						t.Log("there were fewer lines this time")
					}
				})
			})
		}
	}
}

// unfit says why so many lines make no crash test; nothing if they do.
func unfit(lines int) string {
	switch {
	case lines == 0:
		return "nothing was recorded: crash tests are for durable tasks"
	case lines > LinesMax:
		return fmt.Sprintf("%d lines were recorded, a crash test takes at most %d: let it do less", lines, LinesMax)
	}
	return ""
}

// difference says what a crash changed; nothing if all is the same.
func difference(want, got any) string {
	if reflect.DeepEqual(want, got) {
		return ""
	}
	return fmt.Sprintf("the crash changed the outcome\nwithout: %s\nwith:    %s", shown(want), shown(got))
}

// plain is an outcome with the texts of errors in their places: two errors that say the
// same are rarely equal.
func plain(outcome any) any {
	switch o := outcome.(type) {
	case error:
		return o.Error()
	case []any:
		all := make([]any, len(o))
		for i := range o {
			all[i] = plain(o[i])
		}
		return all
	}
	return outcome
}

// shown is an outcome for people.
func shown(outcome any) string {
	if text, err := json.Marshal(outcome); err == nil && string(text) != "{}" {
		return string(text)
	}
	return fmt.Sprintf("%+v", outcome)
}
