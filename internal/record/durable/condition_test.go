package durable

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// Rows are for ever: these texts stand in databases, and must be read as they were meant.
func TestConditionsAreReadAsTheyWereEverWritten(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]core.Condition{
		`{"on":"sleep","due":1763800000000}`:                       {Kind: core.OnSleep, Due: 1_763_800_000_000},
		`{"on":"sleep","do":"skip","group":2,"for_ms":60000}`:      {Kind: core.OnSleep, Action: core.WaitSkip, Group: 2, ForMS: 60_000},
		`{"on":"event","key":"user.paid"}`:                         {Kind: core.OnEvent, Key: "user.paid"},
		`{"on":"event","key":"k","scope":""}`:                      {Kind: core.OnEvent, Key: "k", Scoped: true},
		`{"on":"event","key":"k","scope":"eu","filter":"a < b"}`:   {Kind: core.OnEvent, Key: "k", Scoped: true, Scope: "eu", Filter: "a < b"},
		`{"on":"event","key":"k","signal":true,"after":123}`:       {Kind: core.OnEvent, Key: "k", Signal: true, After: 123},
		`{"on":"event","key":"k","after":123,"newest":true}`:       {Kind: core.OnEvent, Key: "k", After: 123, Newest: true},
		`{"on":"runs","runs":[4611686018427387904,1,-3]}`:          {Kind: core.OnRuns, Runs: []id.ID{1 << 62, 1<<62 + 1, 1<<62 - 2}},
		`{"on":"parent","do":"cancel","filter":"c","parent":7}`:    {Kind: core.OnParent, Action: core.WaitCancel, Filter: "c", Parent: 7},
		`{"on":"event","key":"k","a field of a later version":{}}`: {Kind: core.OnEvent, Key: "k"},
	} {
		got, err := decodeConditions([]byte("[" + text + "]"))
		require.NoError(t, err, text)
		require.Equal(t, []core.Condition{want}, got, text)
		if !strings.Contains(text, "later version") {
			require.Equal(t, "["+text+"]", string(encodeConditions(got)))
		}
	}
}

func TestConditionsThatAreNotOursAreRefusedWithTheirPlace(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		`{}`:                                      "decode conditions",
		`[{"on":"sleep"},{"on":"moon"}]`:          `condition 1: unknown kind "moon"`,
		`[{"on":"sleep","do":"dance"}]`:           `condition 0: unknown action "dance"`,
		`[{"on":"runs","runs":["4f"]}]`:           "decode conditions",
		`[{"on":"sleep","due":99999999999999999`:  "decode conditions",
		`[{"on":"event","key":"k","signal":"no"}`: "decode conditions",
	} {
		_, err := decodeConditions([]byte(text))
		require.ErrorContains(t, err, says, text)
	}
	none, err := decodeConditions(nil)
	require.NoError(t, err)
	require.Nil(t, none)
}

func TestAnyConditionComesBackAsItWas(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		conditions := rapid.SliceOfN(rapid.Custom(drawCondition), 1, 5).Draw(t, "conditions")
		text := encodeConditions(conditions)
		got, err := decodeConditions(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		require.Equal(t, conditions, got, "%s", text)
	})
}

func drawCondition(t *rapid.T) core.Condition {
	c := core.Condition{
		Kind:   rapid.SampledFrom([]core.ConditionKind{core.OnSleep, core.OnEvent, core.OnRuns, core.OnParent}).Draw(t, "kind"),
		Action: rapid.SampledFrom([]core.WaitAction{core.WaitGo, core.WaitCancel, core.WaitSkip}).Draw(t, "action"),
		Group:  rapid.Int32().Draw(t, "group"),
		Signal: rapid.Bool().Draw(t, "signal"),
		Scoped: rapid.Bool().Draw(t, "scoped"),
		Due:    core.Time(rapid.Int64().Draw(t, "due")),
		ForMS:  rapid.Int64().Draw(t, "for"),
		Key:    rapid.String().Draw(t, "key"),
		Filter: rapid.String().Draw(t, "filter"),
		After:  id.ID(rapid.Int64().Draw(t, "after")),
		Newest: rapid.Bool().Draw(t, "newest"),
		Parent: rapid.Int32().Draw(t, "parent"),
	}
	if c.Scoped {
		c.Scope = rapid.String().Draw(t, "scope")
	}
	for _, run := range rapid.SliceOfN(rapid.Int64(), 0, 5).Draw(t, "runs") {
		c.Runs = append(c.Runs, id.ID(run))
	}
	return c
}

func TestChildrenOfOneSpawnAreWrittenShort(t *testing.T) {
	t.Parallel()
	c := core.Condition{Kind: core.OnRuns}
	for i := range core.RunsMax {
		c.Runs = append(c.Runs, id.ID(1<<60+i))
	}
	require.Less(t, len(encodeConditions([]core.Condition{c})), 2*core.RunsMax+60)
}
