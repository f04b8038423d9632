package main

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/internal/shard"
)

func drawnTask(name string, parents ...string) drawn {
	return drawn{name: name, parents: parents, mark: "●"}
}

func TestGraphIsDrawnWithALineToEachChild(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tasks []drawn
		want  string
	}{
		"one": {[]drawn{drawnTask("a")}, `
● a`},
		"strangers": {[]drawn{drawnTask("a"), drawnTask("b")}, `
● a
● b`},
		"a chain, told backwards": {[]drawn{drawnTask("c", "b"), drawnTask("b", "a"), drawnTask("a")}, `
● a
│
● b
│
● c`},
		"a diamond": {[]drawn{drawnTask("top"), drawnTask("left", "top"), drawnTask("right", "top"), drawnTask("bottom", "left", "right")}, `
●   top
├─╮
│ ● left
│ │
● │ right
├─╯
●   bottom`},
		"a join past another": {[]drawn{drawnTask("a"), drawnTask("b"), drawnTask("c"), drawnTask("ac", "a", "c"), drawnTask("all", "b", "ac")}, `
●     a
│ ●   b
│ │ ● c
├─│─╯
● │   ac
├─╯
●     all`},
		"a parent that goes on": {[]drawn{drawnTask("a"), drawnTask("b"), drawnTask("c", "a", "b"), drawnTask("d", "a"), drawnTask("e", "c", "d")}, `
●   a
│ ● b
├─┤
│ ● c
│ │
● │ d
├─╯
●   e`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, "\n"+strings.Join(drawGraph(c.tasks), "\n"))
		})
	}
}

func TestAnyGraphIsDrawnWithEachTaskOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		names := "abcdefghijklmnop"
		tasks := make([]drawn, rapid.IntRange(1, len(names)).Draw(t, "tasks"))
		for i := range tasks {
			tasks[i] = drawnTask(names[i : i+1])
			for j := range i {
				if rapid.IntRange(0, 2).Draw(t, "edge") == 0 {
					tasks[i].parents = append(tasks[i].parents, names[j:j+1])
				}
			}
		}
		text := strings.Join(drawGraph(tasks), "\n")
		for i := range tasks {
			if strings.Count(text, tasks[i].name) != 1 {
				t.Fatalf("%s is not there once:\n%s", tasks[i].name, text)
			}
		}
	})
}

var orders = shard.Workflow{
	Name: "order", Description: "all of an order",
	Tasks: []shard.Task{
		{Name: "charge", Retries: 3, ExecutionTimeoutMS: 10_000},
		{Name: "pack"},
		{
			Name: "ship", Parents: []string{"charge", "pack"},
			SkipIf: []shard.TaskCondition{{Parent: "charge", Expression: `output.kind == "#1"`}},
		},
		{Name: "refund", Role: shard.RoleOnFailure},
		{Name: "thank", Role: shard.RoleOnSuccess},
	},
}

func TestWorkflowIsDrawnWithItsConditionsAndHandlers(t *testing.T) {
	t.Parallel()
	require.Equal(t, `order  all of an order

  ●   charge  3 retries · timeout 10s
  │ ● pack
  ├─╯
  ●   ship    skip if charge: output.kind == "#1"

  ✗ refund  on failure
  ✓ thank   on success
`, drawWorkflow(&orders, newScreen(io.Discard)))
}

func TestMermaidQuotesWhatItWouldRead(t *testing.T) {
	t.Parallel()
	require.Equal(t, `flowchart TD
  subgraph tasks ["order"]
    t0["charge"]
    t1["pack"]
    t2["ship"]
  end
  t0 -->|"skip if output.kind == #quot;#35;1#quot;"| t2
  t1 --> t2
  tasks -. "on failure" .-> t3["refund"]
  tasks -. "on success" .-> t4["thank"]
`, mermaid(&orders))
}

func TestTriggersAreDrawnAboveTheTasks(t *testing.T) {
	t.Parallel()
	w := shard.Workflow{
		Name: "greet", Tasks: []shard.Task{{Name: "greet"}},
		Triggers: []shard.Trigger{{Event: "user.*", Expression: `event.plan == "pro"`}, {Event: "hello"}},
	}
	require.Equal(t, `greet
  ↯ user.*  if event.plan == "pro"
  ↯ hello

  ● greet
`, drawWorkflow(&w, newScreen(io.Discard)))
	require.Contains(t, mermaid(&w), `  end
  e0(["user.*"]) -->|"if event.plan == #quot;pro#quot;"| tasks
  e1(["hello"]) --> tasks
`)
}

func TestMapsAreDrawnWithTheirListAndBound(t *testing.T) {
	t.Parallel()
	w := shard.Workflow{Name: "album", Tasks: []shard.Task{
		{Name: "list"}, {Name: "shrink", Parents: []string{"list"}, Retries: 10, Map: &shard.Map{Over: "list", Concurrency: 10}},
	}}
	require.Equal(t, `album

  ● list
  │
  ● shrink  for each of list, 10 at a time
`, drawWorkflow(&w, newScreen(io.Discard)))
	require.Contains(t, mermaid(&w), `    t0["list"]
    t1[["shrink<br>for each of list, 10 at a time"]]
`)
}

func TestConditionsAreDrawnWithTheirTasks(t *testing.T) {
	t.Parallel()
	w := shard.Workflow{Name: "upgrade", Tasks: []shard.Task{{Name: "hi"}, {
		Name: "upgrade", Parents: []string{"hi"},
		WaitFor: []shard.TaskCondition{
			{SleepMS: 7 * 24 * 3_600_000},
			{Any: []shard.TaskCondition{{Event: "seen"}, {All: []shard.TaskCondition{{SleepMS: 90_000}, {Parent: "hi", Expression: "output > 1"}}}}},
		},
		SkipIf:   []shard.TaskCondition{{Parent: "hi", Expression: "output == 0"}, {Event: "user.upgraded", Scope: "input.id", If: "event.paid"}},
		CancelIf: []shard.TaskCondition{{All: []shard.TaskCondition{{Event: "a"}, {Event: "b"}}}},
	}}}
	require.Equal(t, `upgrade

  ● hi
  │
  ● upgrade  wait for 7 days and (event seen or (1m30s and hi: output > 1)) · skip if hi: output == 0 or event user.upgraded of input.id with event.paid · cancel if event a and event b
`, drawWorkflow(&w, newScreen(io.Discard)))
	require.Equal(t, `flowchart TD
  subgraph tasks ["upgrade"]
    t0["hi"]
    t1["upgrade<br>wait for 7 days and (event seen or (1m30s and hi: output #gt; 1))<br>skip if event user.upgraded of input.id with event.paid<br>cancel if event a and event b"]
  end
  t0 -->|"skip if output == 0"| t1
`, mermaid(&w))
}

func TestWaitingTaskSaysForWhat(t *testing.T) {
	t.Parallel()
	until := time.Date(2026, time.November, 29, 8, 0, 0, 0, time.Local)
	require.Equal(t, "waiting    for 2026-11-29 08:00:00.000 or event seen and event paid of ada", standing(&adze.TaskInfo{
		Status: adze.Waiting, WaitsFor: []adze.WaitInfo{{Until: until}, {Event: "seen"}, {Group: 1, Event: "paid", Scope: "ada"}},
	}))
}
