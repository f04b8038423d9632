package expr_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/expr"
)

func TestConditionLooksAtTheOutput(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		expression string
		output     string
		holds      bool
	}{
		{`output == null`, `null`, true},
		{`output`, `true`, true},
		{`!output`, `false`, true},
		{`output == "paid"`, `"paid"`, true},
		{`output.total == 0`, `{"total":0}`, true},
		{`output.total == 0`, `{"total":0.0}`, true},
		{`output.total > 10`, `{"total":10.5}`, true},
		{`output.total > 10.5`, `{"total":11}`, true},
		{`output.total >= 0.0 && output.total < 1`, `{"total":0}`, true},
		{`output.id == 9007199254740993`, `{"id":9007199254740993}`, true},
		{`output.id == 9007199254740993`, `{"id":9007199254740992}`, false},
		{`output.id == 18446744073709551615u`, `{"id":18446744073709551615}`, true},
		{`output.id > 1`, `{"id":18446744073709551616}`, true},
		{`output.n % 2 == 0`, `{"n":4}`, true},
		{`output.n + 1 == 5`, `{"n":4}`, true},
		{`output.price * 2 > 20`, `{"price":10.5}`, true},
		{`output.price * 2 > 20`, `{"price":10}`, false},
		{`output.price * 1.5 > 14.0`, `{"price":10}`, true},
		{`1.5 - output.a / 2.0 == 1.0`, `{"a":1}`, true},
		{`output.n in [1, 2]`, `{"n":2.0}`, true},
		{`output.name + "!" == "Ada!"`, `{"name":"Ada"}`, true},
		{`output.list + [3] == [1, 2, 3]`, `{"list":[1,2]}`, true},
		{`output.list[output.i] == "b"`, `{"list":["a","b"],"i":1}`, true},
		{`output.list.exists(x, x.n > 1)`, `{"list":[{"n":1},{"n":2}]}`, true},
		{`size(output) == 2 && output["a b"] == 1`, `{"a b":1,"c":[]}`, true},
		{`has(output.error) && output.error != ""`, `{}`, false},
		{`output.email.endsWith("@example.com")`, `{"email":"ada@example.com"}`, true},
		{`timestamp(output.at) < timestamp("2030-01-01T00:00:00Z")`, `{"at":"2029-12-31T23:59:59Z"}`, true},
	} {
		t.Run(c.expression+" of "+c.output, func(t *testing.T) {
			t.Parallel()
			program, err := expr.Output.Compile(c.expression)
			require.NoError(t, err)
			holds, err := program.Eval([]byte(c.output))
			require.NoError(t, err)
			require.Equal(t, c.holds, holds)
		})
	}
}

func TestEventConditionLooksAtAllOfTheEvent(t *testing.T) {
	t.Parallel()
	for expression, holds := range map[string]bool{
		`event.plan == "pro" && metadata.source == "web"`:        true,
		`key.startsWith("user.") && scope == "eu"`:               true,
		`event.total > filter.least`:                             true,
		`event.total > filter.least && key == "user.deleted"`:    false,
		`has(filter.most) && event.total > filter.most`:          false,
		`["user.created", "user.changed"].exists(k, k == key)`:   true,
		`event == null || filter == null || metadata.size() > 1`: false,
	} {
		program, err := expr.Event.Compile(expression)
		require.NoError(t, err, expression)
		got, err := program.Eval([]byte(`{"plan":"pro","total":7}`), []byte(`{"source":"web"}`),
			[]byte(`"user.created"`), []byte(`"eu"`), []byte(`{"least":5}`))
		require.NoError(t, err, expression)
		require.Equal(t, holds, got, expression)
	}
	_, err := expr.Event.Compile("output.total == 0")
	require.ErrorContains(t, err, "at column 1: undeclared reference to 'output'")
	_, err = expr.Event.Compile("key > 1")
	require.ErrorContains(t, err, "at column 5:", "key is a string")
	_, err = expr.Event.Compile("")
	require.ErrorContains(t, err, "event.plan")
}

func TestTextIsTakenFromTheInput(t *testing.T) {
	t.Parallel()
	input, err := expr.Parse([]byte(`{"user":"ada","number":7}`))
	require.NoError(t, err)
	for expression, text := range map[string]string{
		`input.user`:                                 "ada",
		`"user/" + string(input.number)`:             "user/7",
		`has(input.team) ? input.team : "everybody"`: "everybody",
		`input.number > 1 ? input.user : "few"`:      "ada",
	} {
		program, err := expr.Input.CompileText(expression)
		require.NoError(t, err, expression)
		got, err := program.Text(input)
		require.NoError(t, err, expression)
		require.Equal(t, text, got, expression)
	}
	for expression, says := range map[string]string{
		`input.number`: "type int, not a text", `input.team`: "no such key", `input.user.x`: "evaluate expression",
	} {
		program, err := expr.Input.CompileText(expression)
		require.NoError(t, err, expression)
		_, err = program.Text(input)
		require.ErrorContains(t, err, says, expression)
	}
	for expression, says := range map[string]string{
		``: "write something like input.user", `input.number > 1`: "type bool, not a text", `event.user`: "undeclared reference to 'event'",
	} {
		_, err := expr.Input.CompileText(expression)
		require.ErrorContains(t, err, says, expression)
	}
}

func TestAVariableWithoutAValueIsNull(t *testing.T) {
	t.Parallel()
	program, err := expr.Event.Compile(`filter == null && metadata == null && event == 1`)
	require.NoError(t, err)
	one, err := expr.Parse([]byte("1"))
	require.NoError(t, err)
	holds, err := program.Holds(one, expr.Value{}, expr.Text("k"), expr.Text(""), expr.Value{})
	require.NoError(t, err)
	require.True(t, holds)
}

func TestWrongExpressionIsRefusedWithItsPlace(t *testing.T) {
	t.Parallel()
	for expression, says := range map[string]string{
		``:                          "is empty",
		`output.total =`:            "at column 14:",
		`total == 0`:                "at column 1: undeclared reference to 'total'",
		"output.a > 1 &&\n  zzz":    "at line 2, column 3: undeclared reference to 'zzz'",
		`output.total + 1`:          "not true or false",
		`"yes"`:                     "not true or false",
		`1 + "a" == 2`:              "at column 3:",
		strings.Repeat("-(", 99):    "recursion",
		strings.Repeat("1+", 2_049): "at most 4096",
		`output.matches("(")`:       "",
		`output.all(x, output.all)`: "",
	} {
		t.Run(expression[:min(len(expression), 20)], func(t *testing.T) {
			t.Parallel()
			program, err := expr.Output.Compile(expression)
			if says == "" { // it is seen when it is evaluated
				require.NoError(t, err)
				_, err = program.Eval([]byte(`"x"`))
			}
			require.ErrorContains(t, err, says)
		})
	}
}

func TestWhatCannotBeSaidIsAnError(t *testing.T) {
	t.Parallel()
	for expression, output := range map[string]string{
		`output`:                `1`,
		`output.total`:          `{"total":"high"}`,
		`output.total > 1`:      `{}`,
		`output.total > 2`:      `{"total":"high"}`,
		`output.a.b == 1`:       `{"a":null}`,
		`output.n / 0 == 1`:     `{"n":1}`,
		`output.n + 1 > 0`:      `{"n":9223372036854775807}`,
		`output.n + output > 0`: `{"n":1.5}`,
		`output == 1`:           `1 2`,
		`output == 2`:           `{`,
		`output == 3`:           ``,
		`output == 4`:           `1e400`,
		`output.list[9] > 0`:    `{"list":[]}`,
	} {
		t.Run(expression+" of "+output, func(t *testing.T) {
			t.Parallel()
			program, err := expr.Output.Compile(expression)
			require.NoError(t, err)
			holds, err := program.Eval([]byte(output))
			require.Error(t, err)
			require.False(t, holds)
		})
	}
}

func TestEvaluationEndsWithinItsCost(t *testing.T) {
	t.Parallel()
	list := make([]int, 2_000)
	output, err := json.Marshal(list)
	require.NoError(t, err)
	program, err := expr.Output.Compile(`output.all(a, output.all(b, output.all(c, a + b + c == 0)))`)
	require.NoError(t, err)
	began := time.Now()
	_, err = program.Eval(output)
	require.ErrorContains(t, err, "cost limit")
	require.Less(t, time.Since(began), 5*time.Second)
}

func TestTenThousandItemsAreWithinTheCost(t *testing.T) {
	t.Parallel()
	output, err := json.Marshal(make([]int, 10_000))
	require.NoError(t, err)
	program, err := expr.Output.Compile(`output.exists(n, n > 0)`)
	require.NoError(t, err)
	holds, err := program.Eval(output)
	require.NoError(t, err)
	require.False(t, holds)
}

func TestProgramServesManyAtOnce(t *testing.T) {
	t.Parallel()
	program, err := expr.Output.Compile(`output.n * 2.0 > 9`)
	require.NoError(t, err)
	var all sync.WaitGroup
	for n := range 20 {
		all.Go(func() {
			for range 100 {
				holds, err := program.Eval(fmt.Appendf(nil, `{"n":%d}`, n))
				if err != nil || holds != (n > 4) {
					t.Errorf("%d: %v, %v", n, holds, err)
				}
			}
		})
	}
	all.Wait()
}

// FuzzEval: whatever the expression and the JSON, there is an answer and no panic,
// and the answer is the same the next time.
func FuzzEval(f *testing.F) {
	f.Add(`output.total == 0`, `{"total":0}`)
	f.Add(`output.a + 1.5 > output.b[0]`, `{"a":1,"b":[2]}`)
	f.Add(`output.all(x, x.matches("a+"))`, `["a"]`)
	f.Add(`[output, output].map(x, x)[0]`, `true`)
	f.Fuzz(func(t *testing.T, expression, output string) {
		program, err := expr.Output.Compile(expression)
		if err != nil {
			return
		}
		first, err := program.Eval([]byte(output))
		again, errAgain := program.Eval([]byte(output))
		if first != again || (err == nil) != (errAgain == nil) {
			t.Fatalf("%v, %v and then %v, %v", first, err, again, errAgain)
		}
	})
}

func BenchmarkEval(b *testing.B) {
	program, err := expr.Output.Compile(`output.total == 0 || output.customer.blocked`)
	require.NoError(b, err)
	output := []byte(`{"total":12.5,"customer":{"name":"Ada","blocked":false}}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := program.Eval(output); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCostliest(b *testing.B) {
	program, err := expr.Output.Compile(`output.all(a, output.all(b, a + b == 0))`)
	require.NoError(b, err)
	output, err := json.Marshal(make([]int, 2_000))
	require.NoError(b, err)
	for b.Loop() {
		if _, err := program.Eval(output); err == nil {
			b.Fatal("it should not end")
		}
	}
}

func TestKeyIsATextOfWhatARunBrings(t *testing.T) {
	t.Parallel()
	input, err := expr.Parse([]byte(`{"user":"ada","number":7,"pro":true,"rate":1.5}`))
	require.NoError(t, err)
	for expression, key := range map[string]string{
		`input.user`: "ada", `input.number`: "7", `input.pro`: "true", `18446744073709551615u`: "18446744073709551615",
		`metadata == null ? "none" : "some"`: "none", `input.user + "/" + string(input.number)`: "ada/7",
	} {
		program, err := expr.Run.CompileKey(expression)
		require.NoError(t, err, expression)
		got, err := program.Key(input, expr.Value{})
		require.NoError(t, err, expression)
		require.Equal(t, key, got, expression)
	}
	for expression, says := range map[string]string{
		`input.rate`: "type double, not a text", `input.team`: "no such key", `metadata`: "type null_type, not a text",
	} {
		program, err := expr.Run.CompileKey(expression)
		require.NoError(t, err, expression)
		_, err = program.Key(input, expr.Value{})
		require.ErrorContains(t, err, says, expression)
	}
}

func TestNumberIsWithinItsBounds(t *testing.T) {
	t.Parallel()
	input, err := expr.Parse([]byte(`{"tier":"pro","seats":12,"many":18446744073709551615}`))
	require.NoError(t, err)
	for expression, number := range map[string]int64{`input.tier == "pro" ? 10 : 1`: 10, `input.seats`: 12, `uint(7)`: 7} {
		program, err := expr.Run.CompileInt(expression)
		require.NoError(t, err, expression)
		got, err := program.Int(1, 12, input, expr.Value{})
		require.NoError(t, err, expression)
		require.Equal(t, number, got, expression)
	}
	for expression, says := range map[string]string{
		`input.seats + 1`: "gives 13, allowed is 1 to 12", `input.many`: "allowed is 1 to 12", `0`: "gives 0", `input.tier`: "not a whole number",
	} {
		program, err := expr.Run.CompileInt(expression)
		require.NoError(t, err, expression)
		_, err = program.Int(1, 12, input, expr.Value{})
		require.ErrorContains(t, err, says, expression)
	}
}
