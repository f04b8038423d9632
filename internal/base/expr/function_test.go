package expr_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/expr"
)

func TestTextsCanBeTakenApart(t *testing.T) {
	t.Parallel()
	input, err := expr.Parse([]byte(`{"a":"Größe XL","list":["x","y"],"n":1}`))
	require.NoError(t, err)
	for expression, want := range map[string]string{
		`checksum("abc")`:                      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		`input.a.lowerAscii()`:                 "größe xl",
		`input.a.upperAscii()`:                 "GRößE XL",
		`"  x ".trim()`:                        "x",
		`input.a.replace("XL", "S")`:           "Größe S",
		`input.a.split(" ")[1]`:                "XL",
		`input.list.join()`:                    "xy",
		`input.list.join("-")`:                 "x-y",
		`string(input.a.indexOf("ß"))`:         "3",
		`string("a.b.c".lastIndexOf("."))`:     "3",
		`string(input.a.indexOf("?"))`:         "-1",
		`input.a.charAt(2)`:                    "ö",
		`input.a.substring(6)`:                 "XL",
		`input.a.substring(0, 5)`:              "Größe",
		`"a,b".split(",").map(x, x).join("+")`: "a+b",
	} {
		program, err := expr.Run.CompileText(expression)
		require.NoError(t, err, expression)
		got, err := program.Text(input, expr.Value{})
		require.NoError(t, err, expression)
		require.Equal(t, want, got, expression)
	}
	for _, expression := range []string{`input.a.charAt(9)`, `input.a.substring(3, 2)`, `input.n.trim()`, `input.list.join(input.n)`} {
		program, err := expr.Run.CompileText(expression)
		require.NoError(t, err, expression)
		_, err = program.Text(input, expr.Value{})
		require.Error(t, err, expression)
	}
}

func TestTextsDoNotGrowPastTheirBound(t *testing.T) {
	t.Parallel()
	input, err := expr.Parse([]byte(`{"a":"` + strings.Repeat("a", 2_000) + `"}`))
	require.NoError(t, err)
	for expression, says := range map[string]string{
		`input.a.replace("a", input.a)`:                                    "longer than",
		`input.a.split("").join(input.a)`:                                  "longer than",
		`input.a.split("").all(x, input.a.replace("a", "aa").trim() != x)`: "cost limit",
	} {
		program, err := expr.Run.Compile(expression + ` == ""`)
		if err != nil {
			program, err = expr.Run.Compile(expression)
		}
		require.NoError(t, err)
		_, err = program.Holds(input, expr.Value{})
		require.ErrorContains(t, err, says, expression)
	}
}

func TestVariablesAreRenamedAndNothingElse(t *testing.T) {
	t.Parallel()
	names := map[string]string{"input": "event", "payload": "filter", "output": "{}"}
	for from, to := range map[string]string{
		`input.input == "input"`:                                `event.input == "input"`,
		`has(input.a) && input.a > payload.b`:                   `has(event.a) && event.a > filter.b`,
		`input.list.exists(payload, payload > 1 + size(input))`: `event.list.exists(payload, payload > 1 + size(event))`,

		`{"input": input}[input.k] in [input, output]`: `{"input": event}[event.k] in [event, {}]`,
		`key`: `key`,
	} {
		got, err := expr.Event.Rename(from, names)
		require.NoError(t, err, from)
		require.Equal(t, to, got)
	}
	for expression, says := range map[string]string{
		``: "is empty", `input.`: "at column", strings.Repeat("1+", 2_049): "at most 4096",
		`input.list.exists(event, event == input)`: "give it another name",
	} {
		_, err := expr.Event.Rename(expression, names)
		require.ErrorContains(t, err, says)
	}
}

func TestUniqueIsAnotherTextForEachRun(t *testing.T) {
	t.Parallel()
	program, err := expr.Run.CompileKey(`has(input.user) ? input.user : unique`)
	require.NoError(t, err)
	nobody, err := expr.Parse([]byte(`{}`))
	require.NoError(t, err)
	one, err := program.Key(nobody, expr.Value{})
	require.NoError(t, err)
	other, err := program.Key(nobody, expr.Value{})
	require.NoError(t, err)
	require.NotEqual(t, one, other)
}
