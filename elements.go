package adze

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/shard"
)

// element is the run of an element of a map, or what was heard of it.
type element = Run[json.RawMessage]

// mapping is a map at work: a durable function that starts elements in their order, and
// waits for some of those that are open. What it knows is in its log: which are open
// after which wait.
type mapping struct {
	log       *logbook
	task      *Task[json.RawMessage, json.RawMessage]
	inputs    []json.RawMessage
	keepGoing bool
	lanes     int // as they were when the map began: its code may have changed since

	runs []*element // started, by element
	lots []*lot     // open, the oldest first
}

// mapElements is the function of the task of a map.
func mapElements(ctx context.Context, workflow string, from *shard.Map, task *Task[json.RawMessage, json.RawMessage]) ([]byte, error) {
	inputs, err := elementsOf(ctx, workflow, from.Over)
	if err != nil {
		return nil, err
	}
	log, err := logbookOf(ctx)
	if err != nil {
		return nil, err
	}
	m := &mapping{log: log, task: task, inputs: inputs, keepGoing: from.KeepGoing}
	if m.lanes, err = recall(ctx, "concurrency", int(cmp.Or(from.Concurrency, admit.MapConcurrencyDefault))); err != nil {
		return nil, err
	}
	for len(m.runs) < len(m.inputs) || len(m.lots) > 0 {
		if err := m.start(ctx); err != nil {
			return nil, err
		}
		if err := m.wait(ctx); err != nil {
			return nil, err
		}
	}
	return m.outputs(ctx)
}

// elementsOf is the list that the parent gave; nothing if it gave none.
func elementsOf(ctx context.Context, workflow, parent string) (list []json.RawMessage, err error) {
	output, err := givenTo(ctx).output(workflow, parent)
	if errors.Is(err, ErrNoOutput) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(output, &list)
	}
	if err != nil {
		return nil, NonRetryable(fmt.Errorf("output of %s is no list: %w", parent, err))
	}
	if n := len(list); n > ElementsMax {
		return nil, NonRetryable(&Error{
			Kind: KindExhausted, Field: parent,
			Text: fmt.Sprintf("gave %d elements, a map takes at most %d; give lists of elements to it", n, ElementsMax),
		})
	}
	return list, nil
}

// lot is elements that one condition waits for: a wait has fewer conditions than there
// may be elements open.
type lot struct {
	elements []*element
	first    int // the place of elements[0]
	met      bool
}

// start starts as many elements as may run, in one entry if they fit into one.
func (m *mapping) start(ctx context.Context) error {
	free := m.lanes
	for _, l := range m.lots {
		free -= len(l.elements)
	}
	first := len(m.runs)
	last := min(first+free, len(m.inputs))
	if first == last {
		return nil
	}
	runs := make([]shard.NewRun, 0, last-first)
	for _, input := range m.inputs[first:last] {
		runs = append(runs, shard.NewRun{Workflow: m.task.Name(), Input: input, Policy: core.CloseCancel})
	}
	_, done, err := begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	ids, err := m.log.spawn(m.task.Name(), runs)
	if err != nil {
		return NonRetryable(err) // it stands in the log
	}
	for _, one := range ids {
		m.runs = append(m.runs, m.task.child(m.log.attempt, ID(one)))
	}
	m.sort(first)
	return nil
}

// lotSize is how many elements a lot has: all lots of a map fit into one wait.
func (m *mapping) lotSize() int { return (m.lanes + core.ConditionsMax - 1) / core.ConditionsMax }

// sort puts the elements from first on into lots: as small as the number of conditions
// allows.
func (m *mapping) sort(first int) {
	size := m.lotSize()
	for first < len(m.runs) {
		last := min(first+size, len(m.runs))
		if len(m.lots) == core.ConditionsMax-1 { // small ones took the room: the rest is one
			last = len(m.runs)
		}
		m.lots = append(m.lots, &lot{elements: m.runs[first:last:last], first: first})
		first = last
	}
}

// How many elements have to end before others take their places: each time costs two
// entries of the log. With other numbers, maps that have begun depart from their logs.
const (
	endedMin  = 4
	roundsMax = 1_000 // about so many times, if there are places enough
)

// needed is how many lots have to end before the map goes on: never more than half.
func (m *mapping) needed() int {
	elements := max(endedMin, len(m.inputs)/roundsMax)
	lots := (elements + m.lotSize() - 1) / m.lotSize()
	return max(1, min(lots, len(m.lots)/2))
}

// wait waits until some of the lots have ended, and looks at how they did. Old ones and
// young ones are alternatives, so that none is waited for alone, however long it takes.
func (m *mapping) wait(ctx context.Context) error {
	p := &plan{name: cut("elements of "+m.task.Name(), admit.EntryNameBytesMax)}
	needed := m.needed()
	for i, l := range m.lots {
		p.terms, p.groups = append(p.terms, l), append(p.groups, int32(i%needed))
	}
	if err := waitFor(ctx, p); err != nil {
		return err
	}
	var open, ended []*lot
	for _, l := range m.lots {
		if l.met {
			ended = append(ended, l)
		} else {
			open = append(open, l)
		}
	}
	m.lots = open
	if m.keepGoing || !m.log.replayed() { // it went on past these
		return nil
	}
	for _, l := range ended {
		if _, errs := gather(ctx, l.elements); errors.Join(errs...) != nil {
			return l.failure(errs)
		}
	}
	return nil
}

// outputs is the list that the map gives.
func (m *mapping) outputs(ctx context.Context) ([]byte, error) {
	outputs, errs := gather(ctx, m.runs)
	all := make([]any, len(outputs))
	for i, output := range outputs {
		var failed *RunError
		switch {
		case errs[i] != nil && (!m.keepGoing || !errors.As(errs[i], &failed)):
			return nil, elementError(i, errs[i])
		case errs[i] != nil:
			all[i] = Outcome[json.RawMessage]{Error: cmp.Or(failed.Text, string(failed.Status))}
		case m.keepGoing:
			all[i] = Outcome[json.RawMessage]{Output: output}
		default:
			all[i] = output
		}
	}
	return json.Marshal(all)
}

// elementError is the map's error for that of the element at place i. To try the map again
// does not change how an element ended.
func elementError(i int, err error) error {
	var failed *RunError
	final := errors.As(err, &failed)
	if err = fmt.Errorf("element %d: %w", i, err); final {
		return NonRetryable(err)
	}
	return err
}

// failure is the first of the errors of the elements.
func (l *lot) failure(errs []error) error {
	for i, err := range errs {
		if err != nil {
			return elementError(l.first+i, err)
		}
	}
	return nil
}

func (l *lot) name() string              { return "elements" }
func (l *lot) longer(time.Duration) bool { return false }
func (l *lot) begin()                    { l.met = false }

func (l *lot) condition(*logbook) core.Condition {
	c := core.Condition{Kind: core.OnRuns}
	for _, run := range l.elements {
		c.Runs = append(c.Runs, id.ID(run.ID))
	}
	return c
}

func (l *lot) take(*logbook, *core.Met) error {
	l.met = true
	return nil
}
