package adze

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/shard"
)

// Callable is a [Task] or a [Workflow].
type Callable[In, Out any] interface {
	callable() *Task[In, Out]
}

func (t *Task[In, Out]) callable() *Task[In, Out] { return t }

func (w *Workflow[In]) callable() *Task[In, Results] { return &w.task }

// Call lets a durable function run a task as its child, and wait for what it returns. A
// child that did not succeed gives a [*RunError]. The child is submitted once, however
// often the function is called again.
func Call[In, Out any](ctx context.Context, task Callable[In, Out], in In, options ...RunOption) (out Out, err error) {
	child, err := Start(ctx, task, in, options...)
	if err != nil {
		return out, err
	}
	return child.Result(ctx)
}

// CallMany is Call for many inputs at the same time: it returns once all children have
// ended, with what they returned in the order of inputs, and the error of the first of
// them that did not succeed.
func CallMany[In, Out any](ctx context.Context, task Callable[In, Out], inputs []In, options ...RunOption) ([]Out, error) {
	children, err := StartMany(ctx, task, inputs, options...)
	if err != nil || len(children) == 0 {
		return nil, err
	}
	for first := 0; first < len(children); first += core.RunsMax {
		if err := All(ctx, family[Out](children[first:min(first+core.RunsMax, len(children))])); err != nil {
			return nil, err
		}
	}
	runs := make([]*Run[Out], len(children))
	for i, child := range children {
		runs[i] = child.run
	}
	outs, errs := gather(ctx, runs)
	for i, err := range errs {
		if err != nil {
			return outs, fmt.Errorf("input %d: %w", i, err)
		}
	}
	return outs, nil
}

// gather reads what runs returned that have ended.
func gather[Out any](ctx context.Context, runs []*Run[Out]) ([]Out, []error) {
	outs, errs := make([]Out, len(runs)), make([]error, len(runs))
	var reads sync.WaitGroup
	for i, run := range runs {
		reads.Go(func() { outs[i], errs[i] = run.Result(ctx) })
	}
	reads.Wait()
	return outs, errs
}

// Start lets a durable function run a task as its child, without waiting for its end.
func Start[In, Out any](ctx context.Context, task Callable[In, Out], in In, options ...RunOption) (*Child[Out], error) {
	children, err := StartMany(ctx, task, []In{in}, options...)
	if err != nil {
		return nil, err
	}
	return children[0], nil
}

// StartMany is Start for many inputs. They are submitted in transactions of up to 1,000
// runs or 4 MiB.
func StartMany[In, Out any](ctx context.Context, task Callable[In, Out], inputs []In, options ...RunOption) ([]*Child[Out], error) {
	t := task.callable()
	l, done, err := begin(ctx)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", t.Name(), err)
	}
	defer done()
	runs := make([]shard.NewRun, len(inputs))
	for i, in := range inputs {
		r, err := t.newRun(in, options)
		if err == nil && r.detached {
			err = &Error{Kind: KindInvalid, Field: "options", Text: "have Detached, but a child of a durable task is in its log"}
		}
		if err == nil && r.NewRun.Key != "" {
			err = &Error{Kind: KindInvalid, Field: "options", Text: "have Key, but the place in the log is the key of a child of a durable task"}
		}
		if err != nil {
			return nil, fmt.Errorf("start %s: input %d: %w", t.Name(), i, err)
		}
		runs[i] = r.NewRun
	}
	if l.replayed() {
		if err := l.attempt.worker.client.ensure(ctx, t.definition); err != nil {
			return nil, fmt.Errorf("start %s: %w", t.Name(), err)
		}
	}
	ids, err := l.spawn(t.Name(), runs)
	if err != nil {
		return nil, err
	}
	children := make([]*Child[Out], len(ids))
	for i, one := range ids {
		children[i] = &Child[Out]{run: t.child(l.attempt, ID(one))}
	}
	return children, nil
}

// spawn finds children in the log or submits them.
func (l *logbook) spawn(name string, runs []shard.NewRun) ([]id.ID, error) {
	ids := make([]id.ID, 0, len(runs))
	for len(runs) > 0 {
		n := fitting(runs)
		recorded, err := l.next(core.EntrySpawn, name)
		if err != nil {
			return nil, err
		}
		if recorded == nil {
			e := core.NewEntry{Kind: core.EntrySpawn, Name: name, Policy: runs[0].Policy}
			settled, err := l.record(entry{NewEntry: e, spawn: runs[:n:n]})
			if err != nil {
				return nil, fmt.Errorf("start %s: %w", name, err)
			}
			recorded = &core.Entry{Index: settled.Entry, Kind: e.Kind, Name: name, Data: settled.Data, Error: settled.Error}
		}
		fresh, err := l.children(recorded, n)
		if err != nil {
			return nil, err
		}
		ids, runs = append(ids, fresh...), runs[n:]
	}
	return ids, nil
}

// children reads the ids of n children from the entry that spawned them.
func (l *logbook) children(e *core.Entry, n int) ([]id.ID, error) {
	if e.Error != "" {
		return nil, fmt.Errorf("start %s: %s", e.Name, e.Error)
	}
	var list []ID
	if err := json.Unmarshal(e.Data, &list); err != nil {
		return nil, fmt.Errorf("start %s: read ids of children: %w", e.Name, err)
	}
	if len(list) != n {
		recorded := &core.Entry{Index: e.Index, Kind: e.Kind, Name: fmt.Sprintf("%s, %d runs", e.Name, len(list))}
		return nil, l.depart(recorded, what(e.Kind, fmt.Sprintf("%s, %d runs", e.Name, n)))
	}
	ids := make([]id.ID, n)
	for i, one := range list {
		ids[i] = id.ID(one)
	}
	return ids, nil
}

// Child is a run that a durable function started: a [Condition] that is met once it has
// ended.
type Child[Out any] struct {
	run *Run[Out]
	met bool
}

// ID is that of the run.
func (c *Child[Out]) ID() ID { return c.run.ID }

// Met reports whether the child's end was among what ended the last wait for it.
func (c *Child[Out]) Met() bool { return c.met }

// Result waits for the end of the child and returns its output. One that did not succeed
// gives a [*RunError].
func (c *Child[Out]) Result(ctx context.Context) (out Out, err error) {
	if !c.met {
		if err := All(ctx, c); err != nil {
			return out, err
		}
	}
	return c.run.Result(ctx)
}

func (c *Child[Out]) terms() []term             { return []term{c} }
func (c *Child[Out]) name() string              { return "run " + c.run.task }
func (c *Child[Out]) begin()                    { c.met = false }
func (c *Child[Out]) longer(time.Duration) bool { return false }

func (c *Child[Out]) condition(*logbook) core.Condition {
	return core.Condition{Kind: core.OnRuns, Runs: []id.ID{id.ID(c.run.ID)}}
}

func (c *Child[Out]) take(*logbook, *core.Met) error {
	c.met = true
	return nil
}

// family is children that are waited for together.
type family[Out any] []*Child[Out]

func (f family[Out]) Met() bool                 { return f[0].met }
func (f family[Out]) terms() []term             { return []term{f} }
func (f family[Out]) name() string              { return "runs " + f[0].run.task }
func (f family[Out]) longer(time.Duration) bool { return false }
func (f family[Out]) begin()                    {}

func (f family[Out]) condition(*logbook) core.Condition {
	c := core.Condition{Kind: core.OnRuns}
	for _, child := range f {
		c.Runs = append(c.Runs, id.ID(child.run.ID))
	}
	return c
}

func (f family[Out]) take(*logbook, *core.Met) error {
	for _, child := range f {
		child.met = true
	}
	return nil
}
