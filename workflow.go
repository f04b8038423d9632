package adze

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/adzehq/adze/internal/shard"
)

// Workflow is a named graph of tasks that runs durably: [AddTask] adds its tasks,
// [After] says which of them wait for which. Each is retried and timed out for
// itself, those that do not wait for each other run at the same time, and a task
// begins in the transaction that stores the end of the last one it waits for.
//
// All tasks get the input of the run, In, and the outputs of the tasks before them by
// [Node.Output]. A workflow is complete before it is first run or given to a worker,
// and may be used from any goroutine from then on.
type Workflow[In any] struct {
	task     Task[In, Results]
	defaults shard.Task
}

// NewWorkflow names a workflow. The name, 1–255 letters, digits and . _ - : /, is what
// is stored. The options are those of all its tasks, unless a task has its own; a
// Description is the workflow's.
//
// A program that only submits may declare the workflow of another program, without
// its tasks.
func NewWorkflow[In any](name string, options ...TaskOption) *Workflow[In] {
	template := newTemplate(options)
	return &Workflow[In]{
		task: Task[In, Results]{&definition{
			workflow: withoutTasks(name, template), graph: true,
		}},
		defaults: template.Tasks[0],
	}
}

// newTemplate is a workflow of one task that options were applied to.
func newTemplate(options []TaskOption) *shard.Workflow {
	w := &shard.Workflow{Tasks: make([]shard.Task, 1)}
	for _, o := range options {
		o(w)
	}
	return w
}

// withoutTasks is what a template says of the workflow itself.
func withoutTasks(name string, template *shard.Workflow) shard.Workflow {
	w := *template
	w.Name, w.Tasks = name, nil
	return w
}

// AddTask adds a task to w: a name that is unique in the workflow, its function, and
// what it waits for. Without options it waits for nothing.
//
// The function is nil for a task that workers of another program run.
func AddTask[In, Out any](
	w *Workflow[In], name string, function func(ctx context.Context, in In) (Out, error), options ...NodeOption,
) *Node[Out] {
	task := w.newTask(name, options)
	w.add(task, codec(function))
	return &Node[Out]{workflow: w.Name(), name: name}
}

// newTask is the task with its options, on top of the workflow's.
func (w *Workflow[In]) newTask(name string, options []NodeOption) shard.Task {
	one := &shard.Workflow{Tasks: []shard.Task{w.defaults}}
	for _, o := range options {
		o.applyNode(one)
	}
	own := &w.task.definition.workflow
	own.Triggers = append(own.Triggers, one.Triggers...) // a task is not started by itself
	own.Crons = append(own.Crons, one.Crons...)
	task := one.Tasks[0]
	task.Name, task.Action, task.Description = name, w.Name()+":"+name, one.Description
	task.Limits = append(task.Limits, one.Limits...)
	flowOfTask(own, one, &task)
	return task
}

func (w *Workflow[In]) add(task shard.Task, function call) {
	d := w.task.definition
	d.workflow.Tasks = append(d.workflow.Tasks, task)
	d.calls = append(d.calls, function)
}

// OnFailure adds a task that runs once all others have ended, if one of them failed;
// [Failures] tells it which and why. The run has failed all the same. There is one at
// most. It returns w.
func (w *Workflow[In]) OnFailure(name string, function func(ctx context.Context, in In) error, options ...TaskOption) *Workflow[In] {
	return w.handle(shard.RoleOnFailure, name, function, options)
}

// OnSuccess adds a task that runs once all others have ended, if none failed and none
// was cancelled. If it fails, so does the run. There is one at most. It returns w.
func (w *Workflow[In]) OnSuccess(name string, function func(ctx context.Context, in In) error, options ...TaskOption) *Workflow[In] {
	return w.handle(shard.RoleOnSuccess, name, function, options)
}

func (w *Workflow[In]) handle(role shard.Role, name string, function func(context.Context, In) error, options []TaskOption) *Workflow[In] {
	own := make([]NodeOption, len(options))
	for i, o := range options {
		own[i] = o
	}
	task := w.newTask(name, own)
	task.Role = role
	var quiet func(context.Context, In) (any, error)
	if function != nil {
		quiet = func(ctx context.Context, in In) (any, error) { return nil, function(ctx, in) }
	}
	w.add(task, codec(quiet))
	return w
}

// Name is the workflow's name.
func (w *Workflow[In]) Name() string { return w.task.Name() }

// applyWorker makes a Workflow an argument of NewWorker. A worker runs those of its
// tasks that have a function.
func (w *Workflow[In]) applyWorker(c *workerConfig) { w.task.applyWorker(c) }

// Run submits the workflow with input in, as [Task.Run] does a task.
func (w *Workflow[In]) Run(ctx context.Context, c *Client, in In, options ...RunOption) (*Run[Results], error) {
	return w.task.Run(ctx, c, in, options...)
}

// Call is Run and Result: it submits the workflow and waits for what its tasks gave.
func (w *Workflow[In]) Call(ctx context.Context, c *Client, in In, options ...RunOption) (Results, error) {
	return w.task.Call(ctx, c, in, options...)
}

// RunMany submits the workflow once for each input, as [Task.RunMany] does a task.
func (w *Workflow[In]) RunMany(ctx context.Context, c *Client, inputs []In, options ...RunOption) ([]*Run[Results], error) {
	return w.task.RunMany(ctx, c, inputs, options...)
}

// Lookup is a handle on a run of the workflow, as [Task.Lookup] is on one of a task.
func (w *Workflow[In]) Lookup(c *Client, run ID) *Run[Results] { return w.task.Lookup(c, run) }

// Results are what the tasks of a run gave that succeeded, by name. [Node.Of] reads
// them. [Run.Result] gives them beside the error of a run that did not succeed.
type Results map[string]json.RawMessage

// ErrNoOutput says that a task gave no output: it was skipped or cancelled, it failed,
// or has not run.
var ErrNoOutput = errors.New("task gave no output")

// Node is a task of a [Workflow], with the type of its output.
type Node[Out any] struct {
	workflow string
	name     string
}

// Name is the task's name in its workflow.
func (n *Node[Out]) Name() string { return n.name }

func (n *Node[Out]) parent() string { return n.name }

// Output is what the task gave, for a task that runs [After] it, and for OnFailure
// and OnSuccess: ctx is that of the task that asks. It is ErrNoOutput if the task
// did not succeed.
func (n *Node[Out]) Output(ctx context.Context) (out Out, err error) {
	g := givenTo(ctx)
	if g == nil {
		return out, &Error{Kind: KindInvalid, Field: "ctx", Text: "is not the context of a task"}
	}
	output, err := g.output(n.workflow, n.name)
	if err != nil {
		return out, err
	}
	return n.decode(output)
}

// Of is what the task gave in a run, or ErrNoOutput.
func (n *Node[Out]) Of(results Results) (out Out, err error) {
	output, gave := results[n.name]
	if !gave {
		return out, fmt.Errorf("output of %s: %w", n.name, ErrNoOutput)
	}
	return n.decode(output)
}

func (n *Node[Out]) decode(output []byte) (out Out, err error) {
	if err = json.Unmarshal(output, &out); err != nil {
		return out, fmt.Errorf("decode output of %s: %w", n.name, err)
	}
	return out, nil
}

// TaskFailure is a task of a run that failed.
type TaskFailure struct {
	Task string
	Text string // the last attempt's error, with the stack if it panicked
}

func (f TaskFailure) Error() string { return f.Task + ": " + f.Text }

// Failures are the tasks that failed in the run whose [Workflow.OnFailure] task runs
// with ctx; none for any other context.
func Failures(ctx context.Context) []TaskFailure {
	g := givenTo(ctx)
	if g == nil {
		return nil
	}
	failures := make([]TaskFailure, len(g.failures))
	for i, f := range g.failures {
		failures[i] = TaskFailure{Task: f.Task, Text: f.Error}
	}
	return failures
}
