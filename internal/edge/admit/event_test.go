package admit_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/expr"
	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/shard"
)

func TestEventIsTakenUpToItsBounds(t *testing.T) {
	t.Parallel()
	limits := admit.Limits{InputBytesMax: 100}
	metadata := func(n int) []byte { return []byte(`{"a":"` + strings.Repeat("x", n-8) + `"}`) }
	good := shard.NewEvent{
		Key: strings.Repeat("k", admit.EventKeyBytesMax), Scope: strings.Repeat("s", admit.ScopeBytesMax),
		Payload: []byte(strings.Repeat("1", 100)), Metadata: metadata(admit.MetadataBytesMax), Priority: 1_000,
	}
	require.NoError(t, limits.Event(&good))
	empty := shard.NewEvent{Key: "é*"}
	require.NoError(t, limits.Event(&empty))
	require.Equal(t, "null", string(empty.Payload), "what was left out is filled in")

	for field, change := range map[string]func(e *shard.NewEvent){
		"key: is empty":                  func(e *shard.NewEvent) { e.Key = "" },
		"key: is 256 bytes":              func(e *shard.NewEvent) { e.Key += "k" },
		"key: is not UTF-8":              func(e *shard.NewEvent) { e.Key = "\xff" },
		"key: has the control character": func(e *shard.NewEvent) { e.Key = "a\tb" },
		"key: contains a NUL":            func(e *shard.NewEvent) { e.Key = "a\x00" },
		"scope: is 256 bytes":            func(e *shard.NewEvent) { e.Scope += "s" },
		"scope: has the control":         func(e *shard.NewEvent) { e.Scope = "\u0085" },
		"payload: is 101 bytes":          func(e *shard.NewEvent) { e.Payload = append(e.Payload, '1') },
		"payload: is not JSON":           func(e *shard.NewEvent) { e.Payload = []byte("{") },
		"metadata: is 65,537 bytes":      func(e *shard.NewEvent) { e.Metadata = metadata(admit.MetadataBytesMax + 1) },
		"metadata: is not a JSON":        func(e *shard.NewEvent) { e.Metadata = []byte("[]") },
		"priority: is 1001":              func(e *shard.NewEvent) { e.Priority++ },
	} {
		bad := good
		bad.Payload = append([]byte(nil), good.Payload...)
		change(&bad)
		err := limits.Event(&bad)
		require.ErrorContains(t, err, field)
		require.Equal(t, fault.Invalid, fault.KindOf(err))
	}
}

func TestFilterIsTakenUpToItsBounds(t *testing.T) {
	t.Parallel()
	text := func(n int) []byte { return []byte(`"` + strings.Repeat("x", n-2) + `"`) }
	long := func(n int) string { return "true" + strings.Repeat(" ", n-4) }
	good := shard.Filter{
		Workflow: "w", Scope: strings.Repeat("s", admit.ScopeBytesMax),
		Expression: long(expr.BytesMax), Payload: text(admit.FilterPayloadMax),
	}
	require.NoError(t, admit.Filter(&good))
	for field, change := range map[string]func(f *shard.Filter){
		"workflow: is empty":        func(f *shard.Filter) { f.Workflow = "" },
		"scope: is empty":           func(f *shard.Filter) { f.Scope = "" },
		"scope: is 256 bytes":       func(f *shard.Filter) { f.Scope += "s" },
		"expression: is 4097 bytes": func(f *shard.Filter) { f.Expression = long(expr.BytesMax + 1) },
		"expression: at column 1":   func(f *shard.Filter) { f.Expression = "output > 1" },
		"payload: is 65,537 bytes":  func(f *shard.Filter) { f.Payload = text(admit.FilterPayloadMax + 1) },
	} {
		bad := good
		change(&bad)
		require.ErrorContains(t, admit.Filter(&bad), field)
	}
}

// crowded is a shard that takes events until they start more than most runs.
type crowded struct {
	most  int
	lost  int // it is lost before it starts just so many
	calls []int
}

func (c *crowded) Push(_ context.Context, _ id.ID, events []shard.NewEvent, _ shard.Wait) ([]shard.Pushed, error) {
	runs := 0
	for i, e := range events {
		if runs += len(e.Scope); runs > c.most { // as many runs as the scope is long
			return nil, fault.New(fault.Exhausted, fmt.Sprintf("events[%d]", i), "starts more runs than fit")
		}
	}
	if runs == c.lost {
		return nil, fault.New(fault.Unavailable, "", "lost")
	}
	c.calls = append(c.calls, len(events))
	return make([]shard.Pushed, len(events)), nil
}

func TestEventsThatStandForThemselvesAreAsFewTransactionsAsTheyFitIn(t *testing.T) {
	t.Parallel()
	event := func(runs int) shard.NewEvent { return shard.NewEvent{Key: "k", Scope: strings.Repeat("s", runs)} }
	c := &crowded{most: 10}
	answers, err := admit.Limits{}.Push(t.Context(), c, 1,
		[]shard.NewEvent{event(6), event(4), {}, event(1), event(11), event(10)}, true, shard.WaitForRoom)
	require.NoError(t, err)
	require.Equal(t, []int{2, 1, 1}, c.calls)
	for i, want := range []fault.Kind{0, 0, fault.Invalid, 0, fault.Exhausted, 0} {
		if want == 0 {
			require.NoError(t, answers[i].Err)
			continue
		}
		require.Equal(t, want, fault.KindOf(answers[i].Err), i)
	}
	c.lost = 6
	answers, err = admit.Limits{}.Push(t.Context(), c, 1, []shard.NewEvent{event(8), event(5), event(1)}, true, shard.WaitForRoom)
	require.NoError(t, err)
	require.NoError(t, answers[0].Err, "it was stored before the shard was lost")
	require.Equal(t, fault.Unavailable, fault.KindOf(answers[1].Err))
	require.Equal(t, fault.Unavailable, fault.KindOf(answers[2].Err))
	_, err = admit.Limits{}.Push(t.Context(), c, 1, []shard.NewEvent{event(6), event(5)}, false, shard.WaitForRoom)
	require.Equal(t, fault.Exhausted, fault.KindOf(err), "together they are all or none")
}
