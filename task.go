package adze

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/adzehq/adze/internal/shard"
)

// Task is a named function from In to Out that runs durably. In and Out are
// anything that encoding/json reads and writes. A Task is made once, by
// [NewTask], does not change, and may be used from any goroutine.
type Task[In, Out any] struct {
	definition *definition
}

// definition is a task or a workflow as client and worker use it, without its types.
type definition struct {
	workflow shard.Workflow
	calls    []call            // of each of its tasks; nil if it was declared without its function
	batched  map[int]batchCall // of those that take several runs at once
	graph    bool              // made by NewWorkflow, whatever tasks it has
	parts    []*definition     // what its tasks run for each element of a list
}

// call decodes the input, calls the function and encodes what it returns.
type call func(ctx context.Context, input []byte) (output []byte, err error)

func (d *definition) name() string { return d.workflow.Name }

// action is what a worker offers for the task at place i.
func (d *definition) action(i int) string { return cmp.Or(d.workflow.Tasks[i].Action, d.name()) }

// runsHere reports whether this program has functions of it, and so knows all of it.
func (d *definition) runsHere() bool {
	return slices.ContainsFunc(d.calls, func(function call) bool { return function != nil })
}

// NewTask names a function. The name, 1–255 letters, digits and . _ - : /, is
// what is stored: it must stay the same across releases, and one name belongs to
// one task.
//
// A program that only submits may declare the task of another program, with nil
// for the function.
func NewTask[In, Out any](name string, function func(ctx context.Context, in In) (Out, error), options ...TaskOption) *Task[In, Out] {
	w := newTemplate(options)
	w.Name = name
	return &Task[In, Out]{&definition{workflow: *w, calls: []call{codec(function)}}}
}

// codec puts JSON around function, unless it is nil. What cannot be decoded or encoded
// will not be at the next attempt either.
func codec[In, Out any](function func(context.Context, In) (Out, error)) call {
	if function == nil {
		return nil
	}
	return func(ctx context.Context, input []byte) ([]byte, error) {
		var in In
		if err := json.Unmarshal(input, &in); err != nil {
			return nil, NonRetryable(fmt.Errorf("decode input: %w", err))
		}
		out, err := function(ctx, in)
		if err != nil {
			return nil, err
		}
		output, err := json.Marshal(out)
		if err != nil {
			return nil, NonRetryable(fmt.Errorf("encode output: %w", err))
		}
		return output, nil
	}
}

// Name is the task's name.
func (t *Task[In, Out]) Name() string { return t.definition.name() }

// applyWorker makes a Task an argument of NewWorker.
func (t *Task[In, Out]) applyWorker(c *workerConfig) {
	c.definitions = append(c.definitions, t.definition)
}

// Run submits the task with input in. It returns once the run is stored: with a
// nil error the run survives a crash of everything. It waits while the engine is
// full, and gives up with ctx; that the outcome is then unknown is said by
// ErrUnknown.
//
// Concurrent calls share round trips and transactions without waiting for each
// other.
//
// Where ctx is that of a task that runs on a worker of c, the run is a child of that task:
// one that is tried again finds the children that it submitted before, by their [Key].
func (t *Task[In, Out]) Run(ctx context.Context, c *Client, in In, options ...RunOption) (*Run[Out], error) {
	r, err := t.newRun(in, options)
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", t.Name(), err)
	}
	stored, err := t.store(ctx, c, &r)
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", t.Name(), err)
	}
	return t.stored(c, stored), nil
}

// stored is a handle on a run that was submitted.
func (t *Task[In, Out]) stored(c *Client, s submitted) *Run[Out] {
	r := t.Lookup(c, ID(s.id))
	r.Existed, r.parent = s.existed, s.parent
	return r
}

// child is a handle on a run that an attempt spawned.
func (t *Task[In, Out]) child(parent *attempt, run ID) *Run[Out] {
	r := t.Lookup(parent.worker.client, run)
	r.parent = parent
	return r
}

// store submits a run, as a child if ctx is a task's.
func (t *Task[In, Out]) store(ctx context.Context, c *Client, r *newRun) (submitted, error) {
	parent, err := parentOf(ctx, c, r)
	if err == nil {
		err = r.stick(parent)
	}
	if err != nil {
		return submitted{}, err
	}
	if parent != nil {
		children, err := t.spawn(ctx, c, parent, []newRun{*r})
		if err != nil {
			return submitted{}, err
		}
		return children[0], ofOneRun(children[0].err)
	}
	stored, err := c.submits.submit(ctx, r.NewRun)
	if errors.Is(err, ErrNotFound) && t.definition.runsHere() {
		// Nobody registered it yet: the first worker may still be starting.
		if err = c.define(ctx, t.definition); err == nil {
			stored, err = c.submits.submit(ctx, r.NewRun)
		}
	}
	return stored, err
}

// Call is Run and Result: it submits the task and waits for its output.
func (t *Task[In, Out]) Call(ctx context.Context, c *Client, in In, options ...RunOption) (Out, error) {
	r, err := t.Run(ctx, c, in, options...)
	if err != nil {
		var none Out
		return none, err
	}
	return r.Result(ctx)
}

// RunMany submits the task once for each input, with the same options for all,
// and answers in the order of inputs. The inputs are stored in transactions of up
// to 1,000 runs or 4 MiB, one after the other, each whole or not at all: with an
// error, the runs that were stored before it are returned. One whose key another run holds
// is refused by itself: it is nil among the runs, and the error is that of the first.
func (t *Task[In, Out]) RunMany(ctx context.Context, c *Client, inputs []In, options ...RunOption) ([]*Run[Out], error) {
	news := make([]newRun, len(inputs))
	for i, in := range inputs {
		r, err := t.newRun(in, options)
		if err != nil {
			return nil, fmt.Errorf("run %s: input %d: %w", t.Name(), i, err)
		}
		news[i] = r
	}
	all, err := t.storeMany(ctx, c, news)
	runs := make([]*Run[Out], len(all))
	for i, one := range all {
		if one.err == nil {
			runs[i] = t.stored(c, one)
		} else if err == nil {
			err = fmt.Errorf("input %d: %w", i, ofOneRun(one.err))
		}
	}
	if err != nil {
		return runs, fmt.Errorf("run %s: %w", t.Name(), err)
	}
	return runs, nil
}

// storeMany submits runs, as children if ctx is a task's.
func (t *Task[In, Out]) storeMany(ctx context.Context, c *Client, runs []newRun) ([]submitted, error) {
	if len(runs) == 0 {
		return nil, nil
	}
	parent, err := parentOf(ctx, c, &runs[0])
	for i := 0; i < len(runs) && err == nil; i++ {
		err = runs[i].stick(parent)
	}
	switch {
	case err != nil:
		return nil, err
	case parent != nil:
		return t.spawn(ctx, c, parent, runs)
	}
	news := make([]shard.NewRun, len(runs))
	for i := range runs {
		news[i] = runs[i].NewRun
	}
	all, err := c.submits.submitMany(ctx, news)
	if errors.Is(err, ErrNotFound) && len(all) == 0 && t.definition.runsHere() {
		if err = c.define(ctx, t.definition); err == nil {
			all, err = c.submits.submitMany(ctx, news)
		}
	}
	return all, err
}

// Lookup is a handle on a run of the task that was submitted before, by any
// program. It asks the engine nothing.
func (t *Task[In, Out]) Lookup(c *Client, run ID) *Run[Out] {
	r := &Run[Out]{ID: run, task: t.Name(), client: c}
	if tasks := t.definition.workflow.Tasks; t.definition.graph && len(tasks) == 1 && !t.definition.workflow.IsGraph() {
		r.sole = tasks[0].Name
	}
	return r
}

func (t *Task[In, Out]) newRun(in In, options []RunOption) (newRun, error) {
	input, err := json.Marshal(in)
	if err != nil {
		return newRun{}, &Error{Kind: KindInvalid, Field: "input", Text: err.Error(), cause: err}
	}
	r := newRun{NewRun: shard.NewRun{Workflow: t.Name(), Input: input}}
	for _, o := range options {
		if err := o(&r); err != nil {
			return newRun{}, err
		}
	}
	return r, nil
}
