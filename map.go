package adze

import (
	"context"
	"encoding/json"

	"github.com/adzehq/adze/internal/shard"
)

// ElementsMax is how many elements a map takes.
const ElementsMax = 10_000

// mapRetries is how often a map is tried again for what is no element's fault.
const mapRetries = 10

// AddMap adds a task to w that calls function for each element of the list that over
// gives, at most [ElementsMax], and gives the list of what it returned, in the order of
// the elements. So many run at the same time as [Concurrency] says. A task that is to make
// one thing of them all runs [After] it.
//
//	resized := adze.AddMap(w, "resize", urls, resize, adze.Concurrency(10), adze.Retries(3))
//
// Each element is a run of its own, of a task named "workflow:task.each", a child of the
// map: it has the retries and timeouts that the options say, ends with the map, and is
// kept when the map's worker dies. The other options are the map's.
//
// An element that fails for good fails the map, and those that are still open are
// cancelled; [AddMapOutcomes] goes on past it. That is seen when the map next goes on: a
// few elements begin together when a few have ended. A parent that was skipped gives no
// elements.
//
// The function is nil for a map that workers of another program run.
func AddMap[In, Element, Out any](
	w *Workflow[In], name string, over *Node[[]Element], function func(ctx context.Context, element Element) (Out, error), options ...NodeOption,
) *Node[[]Out] {
	w.addMap(name, over.name, false, codec(function), options)
	return &Node[[]Out]{workflow: w.Name(), name: name}
}

// AddMapOutcomes is [AddMap] that goes on past elements that fail: it gives how each of
// them ended, and does not fail itself.
func AddMapOutcomes[In, Element, Out any](
	w *Workflow[In], name string, over *Node[[]Element], function func(ctx context.Context, element Element) (Out, error), options ...NodeOption,
) *Node[[]Outcome[Out]] {
	w.addMap(name, over.name, true, codec(function), options)
	return &Node[[]Outcome[Out]]{workflow: w.Name(), name: name}
}

// Outcome is how an element of a map ended.
type Outcome[Out any] struct {
	Output Out    `json:"output,omitempty"` // if it succeeded
	Error  string `json:"error,omitempty"`  // if it did not
}

// Concurrency is how many elements of a map run at the same time, 1–1,000; 100 if it is
// not given. It is for [AddMap].
func Concurrency(n int) NodeOption {
	return nodeOption(func(t *shard.Task) {
		if t.Map == nil { // refused when it is registered: it is over nothing
			t.Map = &shard.Map{}
		}
		t.Map.Concurrency = clamp(n)
	})
}

// addMap adds the task of a map, and the task of its elements beside the workflow.
func (w *Workflow[In]) addMap(name, over string, keepGoing bool, function call, options []NodeOption) {
	elements := w.newElements(name, function, options)
	own := []NodeOption{nodeOption(func(t *shard.Task) {
		*t = shard.Task{Retries: mapRetries, Durable: true, Parents: []string{over}}
		t.Map = &shard.Map{Over: over, Workflow: elements.Name(), KeepGoing: keepGoing}
	}), Description(elements.definition.workflow.Description)}
	for _, o := range options {
		if _, ofElements := o.(TaskOption); !ofElements {
			own = append(own, o)
		}
	}
	task := w.newTask(name, own)
	if function == nil {
		w.add(task, nil)
		return
	}
	d := w.task.definition
	d.parts = append(d.parts, elements.definition)
	w.add(task, func(ctx context.Context, _ []byte) ([]byte, error) {
		return mapElements(ctx, w.Name(), task.Map, elements)
	})
}

// newElements is the task of the elements of a map, with the workflow's options and those
// of the map that are no node's.
func (w *Workflow[In]) newElements(name string, function call, options []NodeOption) *Task[json.RawMessage, json.RawMessage] {
	one := &shard.Workflow{Name: w.Name() + ":" + name + ".each", Tasks: []shard.Task{w.defaults}}
	for _, o := range options {
		if option, is := o.(TaskOption); is {
			option(one)
		}
	}
	own := &w.task.definition.workflow
	own.Triggers, one.Triggers = append(own.Triggers, one.Triggers...), nil // an event starts all of it
	return &Task[json.RawMessage, json.RawMessage]{&definition{workflow: *one, calls: []call{function}}}
}
