package admit_test

import (
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/shard"
)

type conditions = []shard.TaskCondition

func sleeps(ms int64) shard.TaskCondition { return shard.TaskCondition{SleepMS: ms} }

func hears(key string) shard.TaskCondition                  { return shard.TaskCondition{Event: key} }
func says(parent string) shard.TaskCondition                { return when(parent, "output")[0] }
func anyOf(list ...shard.TaskCondition) shard.TaskCondition { return shard.TaskCondition{Any: list} }

func allOf(list ...shard.TaskCondition) shard.TaskCondition { return shard.TaskCondition{All: list} }

// times are n conditions over events.
func times(n int) conditions {
	list := make(conditions, n)
	for i := range list {
		list[i] = hears(fmt.Sprint("e", i))
	}
	return list
}

func TestConditionIsRefusedWithItsPlace(t *testing.T) {
	t.Parallel()
	deep := hears("e")
	for range admit.ConditionDepthMax + 1 {
		deep = allOf(deep)
	}
	for name, c := range map[string]struct {
		waitFor, skipIf, cancelIf conditions
		field                     string // of the task
		says                      string
	}{
		"nothing":                       {conditions{{}}, nil, nil, "wait_for[0]", "says nothing"},
		"no time":                       {conditions{sleeps(1), sleeps(0)}, nil, nil, "wait_for[1]", "sleep_ms of 1"},
		"a time that is over":           {conditions{sleeps(-1)}, nil, nil, "wait_for[0].sleep_ms", "allowed is 1 to"},
		"longer than ten years":         {conditions{sleeps(admit.DurationMSMax + 1)}, nil, nil, "wait_for[0].sleep_ms", "315,360,000,000"},
		"several things":                {conditions{{SleepMS: 1, Event: "e"}}, nil, nil, "wait_for[0]", "several things"},
		"any beside all":                {conditions{{Any: times(1), All: times(1)}}, nil, nil, "wait_for[0]", "several things"},
		"an empty any":                  {conditions{{Any: conditions{}}}, nil, nil, "wait_for[0].any", "is empty"},
		"an empty all in an any":        {conditions{anyOf(shard.TaskCondition{All: conditions{}})}, nil, nil, "wait_for[0].any[0].all", "is empty"},
		"too deep":                      {conditions{deep}, nil, nil, "wait_for[0].all[0].all[0].all[0].all[0]", "at most 4"},
		"a stranger":                    {conditions{anyOf(sleeps(1), says("z"))}, nil, nil, "wait_for[0].any[1].parent", `"z" is not a parent`},
		"itself":                        {conditions{says("b")}, nil, nil, "wait_for[0].parent", `"b" is not a parent`},
		"no CEL over a parent":          {conditions{when("a", "1 < zip")[0]}, nil, nil, "wait_for[0].expression", "at column 5: undeclared reference to 'zip'"},
		"the event of a parent":         {conditions{when("a", "event.x == 1")[0]}, nil, nil, "wait_for[0].expression", "undeclared reference to 'event'"},
		"an expression of an event":     {conditions{{Event: "e", Expression: "true"}}, nil, nil, "wait_for[0].expression", "its if"},
		"a scope of a time":             {conditions{{SleepMS: 1, Scope: "input.x"}}, nil, nil, "wait_for[0].scope", "over an event"},
		"an if of a parent":             {conditions{{Parent: "a", Expression: "true", If: "true"}}, nil, nil, "wait_for[0].if", "its expression"},
		"a key too long":                {conditions{hears(strings.Repeat("e", 256))}, nil, nil, "wait_for[0].event", "255"},
		"a key with a line break":       {conditions{hears("e\n")}, nil, nil, "wait_for[0].event", "control character"},
		"no CEL over an event":          {conditions{{Event: "e", If: "output > 1"}}, nil, nil, "wait_for[0].if", "undeclared reference to 'output'"},
		"an if that is no condition":    {conditions{{Event: "e", If: "1 + 1"}}, nil, nil, "wait_for[0].if", "not true or false"},
		"an if too long":                {conditions{{Event: "e", If: strings.Repeat(" ", 4_097)}}, nil, nil, "wait_for[0].if", "4,096"},
		"a scope of the event":          {conditions{{Event: "e", Scope: "event.user"}}, nil, nil, "wait_for[0].scope", "at column 1: undeclared reference to 'event'"},
		"a scope that is no text":       {conditions{{Event: "e", Scope: "1 + 1"}}, nil, nil, "wait_for[0].scope", "type int, not a text"},
		"a scope too long":              {conditions{{Event: "e", Scope: strings.Repeat(" ", 4_097)}}, nil, nil, "wait_for[0].scope", "4,096"},
		"a skip that nothing waits for": {nil, conditions{says("a"), hears("e")}, nil, "skip_if[1]", "wait_for"},
		"a cancel after parents alone":  {conditions{says("a")}, nil, conditions{allOf(says("a"), sleeps(5))}, "cancel_if[0]", "wait_for"},
		"too many to wait for":          {times(admit.TaskConditionsMax + 1), nil, nil, "", "wait_for: are more than 30"},
		"too many of all":               {times(10), times(10), times(11), "", "wait_for, skip_if and cancel_if: are more than 30"},
		"too many once they are spread": {times(1), conditions{allOf(times(6)...), allOf(times(6)...)}, nil, "", "skip_if: are more than 30"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := named("b", "a")
			b.WaitFor, b.SkipIf, b.CancelIf = c.waitFor, c.skipIf, c.cancelIf
			_, err := admitted(named("a"), b)
			refused(t, err, fault.Invalid, strings.TrimSuffix("workflows[0].tasks[1]."+c.field, "."))
			require.ErrorContains(t, err, c.says)
		})
	}
	_, err := admitted(named("a"), shard.Task{Name: "f", Role: shard.RoleOnSuccess, WaitFor: times(1)})
	refused(t, err, fault.Invalid, "workflows[0].tasks[1].wait_for")
}

func TestConditionsAreAdmittedAtTheirBounds(t *testing.T) {
	t.Parallel()
	deep := hears("e")
	for range admit.ConditionDepthMax {
		deep = anyOf(deep)
	}
	for name, waitFor := range map[string]conditions{
		"1 ms":             {sleeps(1)},
		"ten years":        {sleeps(admit.DurationMSMax)},
		"a key at its end": {hears(strings.Repeat("e", 255))},
		"30":               times(admit.TaskConditionsMax),
		"deep":             {deep},
		"30 once spread":   {anyOf(allOf(times(3)...), allOf(times(5)...))},
	} {
		b := named("b", "a")
		b.WaitFor = waitFor
		_, err := admitted(named("a"), b)
		require.NoError(t, err, name)
	}
	tasks := []shard.Task{named("a")}
	for i := range admit.ConditionsMax / 25 {
		tasks = append(tasks, shard.Task{Name: fmt.Sprint("t", i), WaitFor: times(25)})
	}
	_, err := admitted(tasks...)
	require.NoError(t, err)
	tasks = append(tasks, shard.Task{Name: "more", WaitFor: times(1)})
	_, err = admitted(tasks...)
	refused(t, err, fault.Invalid, fmt.Sprintf("workflows[0].tasks[%d]", len(tasks)-1))
	require.ErrorContains(t, err, "1,000 in all")
}

func TestConditionsBecomeGroups(t *testing.T) {
	t.Parallel()
	b := named("b", "a")
	b.WaitFor = conditions{sleeps(7), anyOf(shard.TaskCondition{Event: "e", Scope: "input.user", If: "event.x"}, says("a"))}
	b.SkipIf = conditions{says("a"), allOf(hears("f"), when("a", "!output")[0]), hears("g")}
	b.CancelIf = conditions{anyOf(says("a"), sleeps(9))}
	d, err := admitted(named("a"), b)
	require.NoError(t, err)
	require.Equal(t, []core.Condition{
		{Kind: core.OnSleep, ForMS: 7},
		{Kind: core.OnEvent, Group: 1, Key: "e", Scoped: true, Filter: "event.x"},
		{Kind: core.OnParent, Group: 1},
		{Kind: core.OnEvent, Action: core.WaitSkip, Key: "f"},
		{Kind: core.OnEvent, Action: core.WaitSkip, Key: "g"},
		{Kind: core.OnParent, Action: core.WaitSkip, Group: 1},
		{Kind: core.OnEvent, Action: core.WaitSkip, Group: 1, Key: "g"},
		{Kind: core.OnSleep, Action: core.WaitCancel, ForMS: 9},
	}, d.Graph.Nodes[1].Conditions)
	require.Equal(t, []shard.Condition{
		{Node: 1, Part: true, Place: 2, Expression: "output"},
		{Node: 1, Action: core.WaitSkip, Part: true, Place: 5, Expression: "!output"},
		{Node: 1, Action: core.WaitSkip, Expression: "output"},
		{Node: 1, Action: core.WaitCancel, Expression: "output"},
	}, d.Graph.Conditions)
	require.Equal(t, []shard.Scope{{Node: 1, Expression: "input.user"}}, d.Graph.Scopes)
}

func TestTaskThatWaitsAloneIsAGraphOfOne(t *testing.T) {
	t.Parallel()
	d, err := admitted(shard.Task{Name: "w", WaitFor: times(1)})
	require.NoError(t, err)
	require.Len(t, d.Graph.Nodes, 1)
	require.Equal(t, core.Definition{Workflow: "w"}, d.Core)
	require.Equal(t, "w", d.Graph.Nodes[0].Action)
}

// drawConditions draws conditions that are admitted.
func drawConditions(t *rapid.T, task *shard.Task) {
	list := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) shard.TaskCondition {
		return drawCondition(t, task.Parents, 0)
	}), 0, 3)
	task.WaitFor = list.Draw(t, "wait_for")
	later := slices.ContainsFunc(task.WaitFor, func(c shard.TaskCondition) bool { return c.Later() })
	for _, to := range []*conditions{&task.SkipIf, &task.CancelIf} {
		*to = list.Draw(t, "skip_if or cancel_if")
		if !later {
			*to = slices.DeleteFunc(*to, func(c shard.TaskCondition) bool { return c.Later() })
		}
	}
	if _, err := task.Placed(); err != nil { // too many
		task.SkipIf, task.CancelIf = nil, nil
	}
	if _, err := task.Placed(); err != nil {
		task.WaitFor = nil
	}
}

func drawCondition(t *rapid.T, parents []string, depth int) shard.TaskCondition {
	kinds := 3
	if depth < admit.ConditionDepthMax {
		kinds = 5
	}
	part := rapid.Custom(func(t *rapid.T) shard.TaskCondition { return drawCondition(t, parents, depth+1) })
	switch kind := rapid.IntRange(0, kinds-1).Draw(t, "kind"); {
	case kind == 0 && len(parents) > 0:
		return says(rapid.SampledFrom(parents).Draw(t, "parent"))
	case kind <= 1:
		return sleeps(rapid.Int64Range(1, admit.DurationMSMax).Draw(t, "sleep"))
	case kind == 2:
		c := hears(rapid.StringMatching(`[a-z.]{1,9}`).Draw(t, "key"))
		c.Scope = rapid.SampledFrom([]string{"", "input.user"}).Draw(t, "scope")
		c.If = rapid.SampledFrom([]string{"", "event.x == scope"}).Draw(t, "if")
		return c
	case kind == 3:
		return anyOf(rapid.SliceOfN(part, 1, 3).Draw(t, "any")...)
	}
	return allOf(rapid.SliceOfN(part, 1, 3).Draw(t, "all")...)
}

// holds is what a condition says, by its own words.
func holds(c *shard.TaskCondition, met func(*shard.TaskCondition) bool) bool {
	one := func(c shard.TaskCondition) bool { return holds(&c, met) }
	not := func(c shard.TaskCondition) bool { return !holds(&c, met) }
	switch {
	case c.Any != nil:
		return slices.ContainsFunc(c.Any, one)
	case c.All != nil:
		return !slices.ContainsFunc(c.All, not)
	}
	return met(c)
}

// What the core is given says what the conditions said, whatever is met.
func TestGroupsSayWhatTheConditionsSay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		task := named("b", "a", "z")
		drawConditions(t, &task)
		placed, err := task.Placed()
		if err != nil {
			t.Fatal(err)
		}
		seed := rapid.Uint64().Draw(t, "what is met")
		met := func(c *shard.TaskCondition) bool { // the same for conditions alike
			return crc32.ChecksumIEEE(fmt.Appendf(nil, "%d %+v", seed, *c))&1 == 1
		}
		for action, list := range map[core.WaitAction]conditions{core.WaitGo: task.WaitFor, core.WaitSkip: task.SkipIf, core.WaitCancel: task.CancelIf} {
			if len(list) == 0 {
				continue
			}
			want := slices.ContainsFunc(list, func(c shard.TaskCondition) bool { return holds(&c, met) })
			if action == core.WaitGo {
				want = !slices.ContainsFunc(list, func(c shard.TaskCondition) bool { return !holds(&c, met) })
			}
			needed, have := map[int32]bool{}, map[int32]bool{}
			for _, p := range placed {
				if p.Action == action {
					needed[p.Group] = true
					have[p.Group] = have[p.Group] || met(p.TaskCondition)
				}
			}
			got := len(needed) > 0
			for group := range needed {
				got = got && have[group]
			}
			if action != core.WaitGo {
				got = got || slices.ContainsFunc(shard.Outright(list), met)
			}
			if got != want {
				t.Fatalf("action %d of %+v: %v, and the groups say %v", action, list, want, got)
			}
		}
	})
}
