package sim

import (
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/adzehq/adze/internal/core"
)

// inputs are all there are.
var inputs = []core.Input{
	&core.Ask{}, &core.Cancel{}, &core.Define{}, &core.DefineGraph{}, &core.Emit{}, &core.Fire{}, &core.Fork{}, &core.Join{}, &core.Leave{},
	&core.Loaded{}, &core.PauseWorkers{}, &core.Push{}, &core.PutSchedules{}, &core.Recall{}, &core.Refresh{}, &core.Relabel{}, &core.Release{}, &core.Report{},
	&core.Resize{}, &core.Restore{}, &core.Set{}, &core.Spare{}, &core.Spawn{}, &core.Submit{}, &core.Tick{}, &core.Wake{}, &core.Write{},
}

// omission is what no history brings about, and why. A part of a name stands for all that
// has it in theirs.
type omission struct {
	parts []string
	why   string
}

var leftOut = []omission{
	{[]string{"Task.Run", "Task.Node", "Submit.Tasks.Run", "Submit.Tasks.Node", "Spawned.Tasks.Run", "Spawned.Tasks.Node"}, "a run is of no run"},
	{[]string{"Submit.Tasks.Scopes", "Spawned.Tasks.Scopes", "Items.Task.Scopes", "Fork.Task.Scopes"}, "a task of its own has no nodes"},
	{[]string{"Push.Submit.Tasks.Parent", "Push.Submit.Runs.Task.Parent", "Fire.Runs.Run.Task.Parent", "Fork.Task.Parent"}, "it has no parent that was started otherwise"},
	{[]string{
		"Fire.Runs.Run.Task.Event", "Fire.Runs.Run.Task.Given", "Fork.Task.Event", "Fork.Task.Given", "Items.Task.Event", "Items.Task.Given",
		"Run.Task.Event", "Run.Task.Given", "Spawned.Tasks.Event", "Spawned.Tasks.Given", "Spawned.Runs.Task.Event", "Spawned.Runs.Task.Given",
	}, "only an event starts runs of one"},
	{[]string{
		"Push.Submit.Tasks.Schedule", "Push.Submit.Runs.Task.Schedule", "Fork.Task.Schedule", "Items.Task.Schedule", "Items.Run.Task.Schedule",
		"Spawned.Tasks.Schedule", "Spawned.Runs.Task.Schedule",
	}, "only a schedule starts runs of one"},
	{[]string{
		"Push.Submit.Tasks.ReplayOf", "Fire.Runs.Run.Task.ReplayOf", "Items.Task.ReplayOf", "Items.Run.Task.ReplayOf", "Spawned.Tasks.ReplayOf",
		"Push.Submit.Runs.Task.ReplayOf", "Spawned.Runs.Task.ReplayOf",
		"Fire.Runs.Run.Kept", "Items.Run.Kept", "Push.Submit.Runs.Kept", "Spawned.Runs.Kept",
		"Fire.Runs.Run.Logs", "Items.Run.Logs", "Push.Submit.Runs.Logs", "Spawned.Runs.Logs",
	}, "a replay is submitted"},
	{[]string{"Task.Flow.Scopes", "Tasks.Flow.Scopes", "Task.Flow.Logs", "Tasks.Flow.Logs"}, "the core adds them"},
	{[]string{"Push.Submit.Ref", "Spawned.Ref", "Push.Submit.Once.Item", "Spawned.Once.Item", "Fire.Runs.Once.Item", "Fire.Runs.Once.Run", "Items.Once.Item", "Items.Once.Run"}, "the input says it, or nobody is answered"},
	{[]string{"Fire.Runs.Once.Hold.OnceQuiet", "Fire.Runs.Once.MaxDelayMS"}, "a tick has its time"},
	{[]string{
		"Emit.Lines.Tenant", "Emit.Lines.Attempt", "Emit.Chunks.Tenant", "Emit.Chunks.Attempt", "Write.Lines.Tenant", "Write.Lines.Token", "Write.Lines.Seq",
		"Write.Chunks.Tenant", "Write.Chunks.Token", "Write.Chunks.Attempt", "Write.Chunks.Seq",
		"Set.Settings.Age", "Set.Settings.Kind.SettingAge", "Set.Settings.Kind.SettingLimitAge",
	}, "the core says it"},
	{[]string{"Restore.LastID"}, "whoever makes ids reads it"},
	{[]string{"RunResult.Status.Skipped"}, "a run is not skipped"},
	{[]string{"Answer.Kind.AnswerFull"}, "a history has not 100,000 schedules or settings; tests of the core have"},
	{[]string{"Definition.Task"}, "the core does not look at it"},
	{[]string{"QueueSetting.DropCrons", "QueueSetting.DropOnce", "Set.Settings.Queue.DropCrons", "Set.Settings.Queue.DropOnce"}, "the runtime heeds it, which asks for runs"},
	{[]string{"Label.Comparator.LabelGreaterOrEqual", "Label.Comparator.LabelLess", "Label.Comparator.LabelLessOrEqual"}, "one comparison of numbers stands for all; tests of the core have each"},
	{[]string{"Runs.Task.Flow.Batch", "Runs.Task.Flow.Size", "Run.Task.Flow.Batch", "Run.Task.Flow.Size"}, "tasks of a graph go in batches, and not its run"},
	{[]string{"Fork.Task.Flow.Batch", "Fork.Task.Flow.Size"}, "durable tasks do not go in batches"},
}

// omissionOf is why name is left out; nil if it is not.
func omissionOf(name string) *omission {
	for i := range leftOut {
		for _, part := range leftOut[i].parts {
			if strings.Contains("."+name+".", "."+part+".") {
				return &leftOut[i]
			}
		}
	}
	return nil
}

// sourceOfCore type-checks the core as far as that goes without what it imports.
func sourceOfCore(t *testing.T) *types.Package {
	t.Helper()
	names, err := filepath.Glob("../*.go")
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(set, name, source, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	config := types.Config{Error: func(error) {}, IgnoreFuncBodies: true}
	pkg, _ := config.Check("core", set, files, nil) // errors are of imports
	return pkg
}

// enumerations are the values of each type that has some, by name.
func enumerations(pkg *types.Package) map[string]map[string]int64 {
	values := map[string]map[string]int64{}
	for _, name := range pkg.Scope().Names() {
		c, is := pkg.Scope().Lookup(name).(*types.Const)
		if !is || !c.Exported() || c.Val().Kind() != constant.Int {
			continue
		}
		named, is := c.Type().(*types.Named)
		if !is {
			continue
		}
		of := named.Obj().Name()
		if values[of] == nil {
			values[of] = map[string]int64{}
		}
		values[of][name], _ = constant.Int64Val(c.Val())
	}
	return values
}

// checkCoverage tells what histories did not bring about and should have, and the other way
// round: a new field is played in the change that brings it, or a reason stands above.
func checkCoverage(t *testing.T, c *coverage) {
	t.Helper()
	missing, there := c.missing()
	for _, name := range missing {
		if omissionOf(name) == nil {
			t.Errorf("no history has %s: have one draw it, or more of them, or say in leftOut why not", name)
		}
	}
	for _, name := range there {
		if why := omissionOf(name); why != nil {
			t.Errorf("%s came about: it is not to be left out because %q", name, why.why)
		}
	}
	for _, why := range leftOut {
		for _, part := range why.parts {
			if !slices.ContainsFunc(missing, func(name string) bool { return strings.Contains("."+name+".", "."+part+".") }) {
				t.Errorf("there is no %s to be left out", part)
			}
		}
	}
}

// TestAllInputsAreListed: one that is not is played by nobody, as far as anybody knows.
func TestAllInputsAreListed(t *testing.T) {
	t.Parallel()
	pkg := sourceOfCore(t)
	listed := map[string]bool{}
	for _, in := range inputs {
		listed[reflect.TypeOf(in).Elem().Name()] = true
	}
	for _, name := range pkg.Scope().Names() {
		typed, is := pkg.Scope().Lookup(name).(*types.TypeName)
		if !is || types.IsInterface(typed.Type()) {
			continue
		}
		method, _, _ := types.LookupFieldOrMethod(types.NewPointer(typed.Type()), false, pkg, "input")
		if _, input := method.(*types.Func); input && !listed[name] {
			t.Errorf("%s is an input, and not among the inputs that histories are to play", name)
		}
	}
}
