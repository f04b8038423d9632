package admit_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/shard"
)

// admitted asks for the definition of a workflow "w" of tasks.
func admitted(tasks ...shard.Task) (shard.Definition, error) {
	definitions, _, err := admit.Definitions([]shard.Workflow{{Name: "w", Tasks: tasks}})
	if err != nil {
		return shard.Definition{}, err
	}
	return definitions[0], nil
}

func named(name string, parents ...string) shard.Task {
	return shard.Task{Name: name, Parents: parents}
}

func handler(name string, role shard.Role, parents ...string) shard.Task {
	return shard.Task{Name: name, Role: role, Parents: parents}
}

func when(parent, expression string) []shard.TaskCondition {
	return []shard.TaskCondition{{Parent: parent, Expression: expression}}
}

func TestGraphIsRefusedWithThePlaceOfItsFault(t *testing.T) {
	t.Parallel()
	deep := func(skip, cancel []shard.TaskCondition) shard.Task {
		return shard.Task{Name: "b", Parents: []string{"a"}, SkipIf: skip, CancelIf: cancel}
	}
	for name, c := range map[string]struct {
		tasks []shard.Task
		field string // of the workflow
		says  string
	}{
		"no task":                    {nil, "tasks", "one task at least"},
		"two of a name":              {[]shard.Task{named("a"), named("b"), named("a")}, "tasks[2].name", "tasks[0]"},
		"two without a name":         {[]shard.Task{named(""), named("")}, "tasks[1].name", `"w"`},
		"a bad name":                 {[]shard.Task{named("a"), named("b c")}, "tasks[1].name", "position 2"},
		"an action too long":         {[]shard.Task{named("a"), named(strings.Repeat("b", 255))}, "tasks[1].action", "257"},
		"a stranger as parent":       {[]shard.Task{named("a"), named("b", "a", "z")}, "tasks[1].parents[1]", `"z"`},
		"itself as parent":           {[]shard.Task{named("a"), named("b", "b")}, "tasks[1].parents[0]", "itself"},
		"a parent twice":             {[]shard.Task{named("a"), named("b", "a", "a")}, "tasks[1].parents[1]", "second time"},
		"a sole task with a parent":  {[]shard.Task{named("a", "a")}, "tasks[0].parents[0]", "itself"},
		"a cycle of two":             {[]shard.Task{named("a", "b"), named("b", "a")}, "tasks[0].parents", "a waits for b waits for a"},
		"a cycle behind others":      {[]shard.Task{named("a", "b"), named("b", "c"), named("c", "d"), named("d", "b")}, "tasks[1].parents", "b waits for c waits for d waits for b"},
		"a handler with parents":     {[]shard.Task{named("a"), handler("f", shard.RoleOnFailure, "a")}, "tasks[1].parents", "on_failure"},
		"a handler as parent":        {[]shard.Task{named("a", "f"), handler("f", shard.RoleOnFailure)}, "tasks[0].parents[0]", `"f"`},
		"two handlers of a role":     {[]shard.Task{named("a"), handler("f", shard.RoleOnSuccess), handler("g", shard.RoleOnSuccess)}, "tasks[2].role", "tasks[1]"},
		"handlers only":              {[]shard.Task{handler("f", shard.RoleOnFailure), handler("g", shard.RoleOnSuccess)}, "tasks", "handlers only"},
		"a sole handler":             {[]shard.Task{handler("w", shard.RoleOnFailure)}, "tasks", "handlers only"},
		"an unknown role":            {[]shard.Task{named("a"), handler("f", "on_tuesday")}, "tasks[1].role", "on_failure"},
		"a condition on a stranger":  {[]shard.Task{named("a"), deep(when("z", "true"), nil)}, "tasks[1].skip_if[0].parent", `"z"`},
		"a condition on itself":      {[]shard.Task{named("a"), deep(nil, when("b", "true"))}, "tasks[1].cancel_if[0].parent", `"b"`},
		"a condition of a handler":   {[]shard.Task{named("a"), {Name: "f", Role: shard.RoleOnFailure, SkipIf: when("a", "true")}}, "tasks[1].skip_if", "on_failure"},
		"a condition of a sole task": {[]shard.Task{{Name: "w", SkipIf: when("w", "true")}}, "tasks[0].skip_if[0].parent", `"w"`},
		"no CEL":                     {[]shard.Task{named("a"), deep(when("a", "output.total =="), nil)}, "tasks[1].skip_if[0].expression", "column"},
		"CEL of a stranger":          {[]shard.Task{named("a"), deep(append(when("a", "output > 1"), when("a", "1 < zip")...), nil)}, "tasks[1].skip_if[1].expression", "at column 5: undeclared reference to 'zip'"},
		"CEL that is no condition":   {[]shard.Task{named("a"), deep(nil, when("a", "1 + 1"))}, "tasks[1].cancel_if[0].expression", "not true or false"},
		"an empty condition":         {[]shard.Task{named("a"), deep(nil, when("a", ""))}, "tasks[1].cancel_if[0].expression", "is empty"},
		"a condition too long":       {[]shard.Task{named("a"), deep(nil, when("a", strings.Repeat(" ", 4_097)))}, "tasks[1].cancel_if[0].expression", "4,096"},
		"a description too long":     {[]shard.Task{named("a"), {Name: "b", Description: strings.Repeat("x", 1_025)}}, "tasks[1].description", "1,024"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := admitted(c.tasks...)
			refused(t, err, fault.Invalid, "workflows[0]."+c.field)
			require.ErrorContains(t, err, c.says)
		})
	}
}

func TestGraphIsRefusedPastItsNumberOfTasksAndConditionsAndNotAtIt(t *testing.T) {
	t.Parallel()
	tasks := func(n int) []shard.Task {
		list := make([]shard.Task, n)
		for i := range list {
			list[i] = named(fmt.Sprintf("t%d", i))
			if i > 0 {
				list[i].Parents = []string{list[i-1].Name}
			}
		}
		return list
	}
	_, err := admitted(tasks(admit.TasksMax)...)
	require.NoError(t, err)
	_, err = admitted(tasks(admit.TasksMax + 1)...)
	refused(t, err, fault.Invalid, "workflows[0].tasks")

	list := tasks(3)
	for range admit.ConditionsMax {
		list[1].SkipIf = append(list[1].SkipIf, when("t0", "output")...)
	}
	_, err = admitted(list...)
	require.NoError(t, err)
	list[2].CancelIf = when("t1", "output")
	_, err = admitted(list...)
	refused(t, err, fault.Invalid, "workflows[0].tasks[2]")
}

func TestGraphBecomesPlacesAndConditions(t *testing.T) {
	t.Parallel()
	d, err := admitted(
		shard.Task{
			Name: "ship", Retries: 2, Parents: []string{"pack", "charge"},
			SkipIf: when("charge", "output.total == 0"), CancelIf: when("pack", "!output"),
		},
		named("charge"),
		named("pack", "charge"),
		handler("refund", shard.RoleOnFailure),
		handler("thank", shard.RoleOnSuccess),
	)
	require.NoError(t, err)
	require.Equal(t, core.Definition{Workflow: "w"}, d.Core)

	definition := func(task string, retries int32) core.Definition {
		return core.Definition{
			Workflow: "w", Task: task, Action: "w:" + task, Retries: retries,
			BackoffMS: 1_000, BackoffMaxMS: 60_000, BackoffFactor: 2,
		}
	}
	want := &shard.Graph{
		Graph: core.Graph{Workflow: "w", Nodes: []core.Node{
			{Definition: definition("ship", 2), Name: "ship", Parents: []int32{2, 1}},
			{Definition: definition("charge", 0), Name: "charge"},
			{Definition: definition("pack", 0), Name: "pack", Parents: []int32{1}},
			{Definition: definition("refund", 0), Name: "refund", Role: core.NodeOnFailure},
			{Definition: definition("thank", 0), Name: "thank", Role: core.NodeOnSuccess},
		}},
		Conditions: []shard.Condition{
			{Node: 0, Parent: 1, Action: core.WaitSkip, Expression: "output.total == 0"},
			{Node: 0, Parent: 2, Action: core.WaitCancel, Expression: "!output"},
		},
	}
	require.Equal(t, want, d.Graph)

	decoded, err := shard.DecodeDefinition(d.JSON)
	require.NoError(t, err)
	require.Equal(t, d, decoded)
}

func TestTaskOfAGraphWithTheNameOfItsWorkflowHasAnActionOfItsOwn(t *testing.T) {
	t.Parallel()
	d, err := admitted(named("w"), named("v"))
	require.NoError(t, err)
	require.Equal(t, "w:w", d.Graph.Nodes[0].Action)
}

// The digest of these bytes is the version: they must not change from one release to
// the next.
func TestDefinitionOfOneTaskHasTheBytesThatItAlwaysHad(t *testing.T) {
	t.Parallel()
	d, err := admitted(shard.Task{Retries: 3, ExecutionTimeoutMS: 60_000})
	require.NoError(t, err)
	require.Equal(t, `{"name":"w","tasks":[{"name":"w","action":"w","retries":3,`+
		`"backoff":{"initial_ms":1000,"factor":2,"max_ms":60000},`+
		`"schedule_timeout_ms":0,"execution_timeout_ms":60000}]}`, string(d.JSON))
	require.Nil(t, d.Graph)
}

// anyGraph draws tasks with parents among those before them, in any order.
func anyGraph(t *rapid.T) []shard.Task {
	n := rapid.IntRange(2, 20).Draw(t, "tasks")
	list := make([]shard.Task, n)
	for i := range list {
		list[i] = named(fmt.Sprintf("t%d", i))
		for j := range i {
			if rapid.IntRange(0, 3).Draw(t, "edge") == 0 {
				list[i].Parents = append(list[i].Parents, list[j].Name)
			}
		}
		drawConditions(t, &list[i])
		if parents := list[i].Parents; len(parents) > 0 && rapid.Bool().Draw(t, "map") {
			list[i].Durable = true
			list[i].Map = &shard.Map{
				Over: rapid.SampledFrom(parents).Draw(t, "over"), Workflow: "each",
				Concurrency: rapid.Int32Range(0, admit.MapConcurrencyMax).Draw(t, "concurrency"), KeepGoing: rapid.Bool().Draw(t, "keep going"),
			}
		}
	}
	seed := rapid.Uint64().Draw(t, "order")
	rand.New(rand.NewPCG(seed, 0)).Shuffle(n, func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

func TestAnyGraphWithoutACycleIsAdmittedAndSurvivesJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d, err := admitted(anyGraph(t)...)
		if err != nil {
			t.Fatal(err)
		}
		var exported shard.Workflow
		if err := json.Unmarshal(d.JSON, &exported); err != nil {
			t.Fatal(err)
		}
		again, err := admitted(exported.Tasks...)
		if err != nil {
			t.Fatal(err)
		}
		if string(again.JSON) != string(d.JSON) {
			t.Fatalf("import of an export is another version:\n%s\n%s", d.JSON, again.JSON)
		}
	})
}

func TestAnyCycleIsFound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		list := anyGraph(t)
		// From some task, up to one that waits for nobody, and round.
		place := map[string]int{}
		for i := range list {
			place[list[i].Name] = i
		}
		from := rapid.IntRange(0, len(list)-1).Draw(t, "from")
		top := from
		for len(list[top].Parents) > 0 {
			top = place[list[top].Parents[0]]
		}
		if top == from {
			t.Skip("it waits for nobody")
		}
		list[top].Parents = []string{list[from].Name}
		_, err := admitted(list...)
		if err == nil || !strings.Contains(err.Error(), "close a cycle") {
			t.Fatalf("%v", err)
		}
	})
}

// FuzzDefinition: whatever is imported is refused with its place, or becomes a
// definition that can be read back.
func FuzzDefinition(f *testing.F) {
	f.Add([]byte(`{"name":"w","tasks":[{"name":"a"},{"name":"b","parents":["a"],"skip_if":[{"parent":"a","expression":"output"}]}]}`))
	f.Add([]byte(`{"name":"w","tasks":[{"name":"a","role":"on_failure"},{}]}`))
	f.Add([]byte(`{"name":"w","tasks":[{"name":"a","wait_for":[{"any":[{"sleep_ms":1},{"all":[{"event":"e","scope":"input","if":"event"}]}]}],"skip_if":[{"event":"f"}]}]}`))
	f.Fuzz(func(t *testing.T, encoded []byte) {
		var w shard.Workflow
		if json.Unmarshal(encoded, &w) != nil {
			return
		}
		definitions, _, err := admit.Definitions([]shard.Workflow{w})
		if err != nil {
			if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "workflows[0]") {
				t.Fatalf("refused without its place: %v", err)
			}
			return
		}
		if _, err := shard.DecodeDefinition(definitions[0].JSON); err != nil {
			t.Fatal(err)
		}
	})
}
