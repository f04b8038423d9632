package shard

import (
	"github.com/adzehq/adze/internal/base/expr"
	"github.com/adzehq/adze/internal/core"
)

// programsMax bounds the compiled filters that a shard keeps. When there are more it
// begins anew: filters of waits are few texts, or many that come once.
const programsMax = 1_024

// watches evaluates the filters of waits. It belongs to one goroutine.
type watches struct{ programs map[string]*expr.Program }

// evaluate notes which filters of conditions, that events may meet, hold. It runs in the
// loop, just before the events are applied: who waits is the core's to say.
func (w *watches) evaluate(mind *core.Shard, events []core.NewEvent) {
	for i := range events {
		e := &events[i]
		filters := mind.Filters(e)
		if len(filters) == 0 {
			continue
		}
		values, unreadable := eventValues(e)
		for _, f := range filters {
			// What cannot be evaluated does not hold: the wait goes on.
			if unreadable == nil && w.holds(f.Filter, values) {
				e.Holds = append(e.Holds, f.Hold)
			}
		}
	}
}

// fits tells whether an event of the past meets a filter; without one, any does.
func (w *watches) fits(filter string, e *core.NewEvent) bool {
	if filter == "" {
		return true
	}
	values, err := eventValues(e)
	return err == nil && w.holds(filter, values)
}

// eventValues are the variables of expr.Event, but for what a filter gives.
func eventValues(e *core.NewEvent) ([]expr.Value, error) {
	event, err := expr.Parse(e.Payload)
	if err != nil {
		return nil, err
	}
	metadata := expr.Value{}
	if e.Metadata != nil {
		if metadata, err = expr.Parse(e.Metadata); err != nil {
			return nil, err
		}
	}
	return []expr.Value{event, metadata, expr.Text(e.Key), expr.Text(e.Scope), {}}, nil
}

func (w *watches) holds(filter string, values []expr.Value) bool {
	program := w.programs[filter]
	if program == nil {
		var err error
		if program, err = expr.Event.Compile(filter); err != nil {
			return false // edge/admit has compiled it before
		}
		if w.programs == nil || len(w.programs) >= programsMax {
			w.programs = map[string]*expr.Program{}
		}
		w.programs[filter] = program
	}
	holds, err := program.Holds(values...)
	return err == nil && holds
}
