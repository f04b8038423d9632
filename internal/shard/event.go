package shard

import (
	"cmp"
	"context"
	"fmt"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// StartsMax is how many runs the events of one call may start: they are one
// transaction, and must not hold up everybody else's.
const StartsMax = 10_000

// Push implements Client.
func (r *Runtime) Push(ctx context.Context, tenant id.ID, events []NewEvent, wait Wait) ([]Pushed, error) {
	p := &push{rows: make([]core.NewEvent, len(events))}
	for i := range events {
		if err := r.match(tenant, p, i, &events[i]); err != nil {
			return nil, err
		}
	}
	if err := r.findTargets(ctx, tenant, events); err != nil {
		return nil, err
	}
	return r.push(ctx, p, wait)
}

// push is events on their way to the core, with the runs that they start.
type push struct {
	rows   []core.NewEvent
	starts []submission
	of     []int   // the place of the event that starts it
	by     []id.ID // the filter
}

// match adds the event at place i, and decides what it starts.
func (r *Runtime) match(tenant id.ID, p *push, i int, e *NewEvent) error {
	if e.Target != 0 {
		p.rows[i] = core.NewEvent{
			Tenant: tenant, Target: e.Target, Key: e.Key, Scope: e.Scope, Payload: e.Payload, Metadata: e.Metadata,
		}
		return nil
	}
	starts, warning := r.catalog.subscriptions.match(tenant, e)
	p.rows[i] = core.NewEvent{
		Tenant: tenant, Priority: e.Priority, Key: e.Key, Scope: e.Scope, Warning: warning,
		Payload: e.Payload, Metadata: e.Metadata,
	}
	if len(p.starts)+len(starts) > StartsMax {
		return fault.New(fault.Exhausted, fmt.Sprintf("events[%d]", i),
			"starts more runs than fit: the events of one call start %d at most; push fewer of them at once", StartsMax)
	}
	for _, s := range starts {
		row, by := s.row, id.ID(0)
		if s.filter != nil {
			by, row.Given = s.filter.id, s.filter.payload
		}
		p.starts = append(p.starts, submission{version: s.version, row: row, once: s.once})
		p.of, p.by = append(p.of, i), append(p.by, by)
	}
	return nil
}

func (p *push) bytes() int64 {
	bytes := bytesOf(p.starts)
	for i := range p.rows {
		e := &p.rows[i]
		bytes += rowBytes + int64(len(e.Key)+len(e.Scope)+len(e.Payload)+len(e.Metadata)+len(e.Warning))
	}
	return bytes
}

// push stores events and runs once there is room for them.
func (r *Runtime) push(ctx context.Context, p *push, wait Wait) ([]Pushed, error) {
	if len(p.rows) == 0 {
		return nil, nil
	}
	verdicts := r.expectVerdicts(p.starts)
	defer verdicts.end()
	runs := make([]id.ID, len(p.starts))
	input := &core.Push{Events: p.rows}
	m := message{input: input, bytes: p.bytes(), wanted: wantedBy(p.rows[0].Tenant, p.starts)}
	m.prepare = func(now core.Time) {
		for i := range p.rows {
			p.rows[i].ID = r.ids.Next(int64(now))
		}
		for i := range p.starts {
			p.starts[i].row.Event = p.rows[p.of[i]].ID
		}
		r.enumerate(&input.Submit, p.starts, runs, now)
		input.Started, input.Submit.Ref = p.started(runs), verdicts.ref
	}
	if err := r.commit(ctx, p.rows[0].Tenant, m, wait); err != nil {
		return nil, err
	}
	answers, err := verdicts.wait(ctx)
	if err != nil {
		return nil, err
	}
	p.refuse(answers, runs)
	pushed := make([]Pushed, len(p.rows))
	for i := range p.rows {
		pushed[i] = Pushed{ID: p.rows[i].ID, Warning: p.rows[i].Warning}
	}
	for i, run := range runs {
		if run != 0 {
			to := &pushed[p.of[i]]
			to.Runs = append(to.Runs, run)
		}
	}
	return pushed, nil
}

// refuse takes the runs out that were not started because another run holds their key.
func (p *push) refuse(answers []core.Answer, runs []id.ID) {
	for _, a := range answers {
		if a.Kind != core.AnswerDone {
			runs[a.Item] = 0
			e := &p.rows[p.of[a.Item]]
			e.Warning = cmp.Or(e.Warning, core.HeldWarning(p.starts[a.Item].once.Key, a.Task))
		}
	}
}

func (p *push) started(runs []id.ID) []core.EventRun {
	all := make([]core.EventRun, len(runs))
	for i, run := range runs {
		all[i] = core.EventRun{Event: p.rows[p.of[i]].ID, Run: run, Filter: p.by[i]}
	}
	return all
}

// ReplayEvents implements Client.
func (r *Runtime) ReplayEvents(ctx context.Context, tenant id.ID, ids []id.ID) ([]Pushed, error) {
	stored, err := r.config.Store.Events(ctx, ids)
	if err != nil {
		return nil, err
	}
	of := make(map[id.ID]*core.NewEvent, len(stored))
	for i := range stored {
		of[stored[i].ID] = &stored[i]
	}
	p := &push{rows: make([]core.NewEvent, len(ids))}
	for i, event := range ids {
		was := of[event]
		if was == nil || was.Tenant != tenant || was.Target != 0 {
			return nil, fault.New(fault.NotFound, fmt.Sprintf("event_ids[%d]", i), "no event %s", event)
		}
		again := NewEvent{Key: was.Key, Scope: was.Scope, Payload: was.Payload, Metadata: was.Metadata, Priority: was.Priority}
		if err := r.match(tenant, p, i, &again); err != nil {
			return nil, err
		}
		p.rows[i].ReplayOf = event
	}
	return r.push(ctx, p, WaitForRoom)
}

// eventsOf are the events of effects by their ids, nil if they started no run.
func eventsOf(e *core.Effects) map[id.ID]*core.NewEvent {
	if len(e.EventRuns) == 0 {
		return nil
	}
	of := make(map[id.ID]*core.NewEvent, len(e.Events))
	for i := range e.Events {
		of[e.Events[i].ID] = &e.Events[i]
	}
	return of
}

// newEvent is what a run sees of the event that started it.
func newEvent(run *core.NewTask, e *core.NewEvent) *Event {
	return &Event{ID: e.ID, Key: e.Key, Scope: e.Scope, Given: run.Given}
}

// payloadsOf are what rows of runs bring, with their events read besides.
func (r *Runtime) payloadsOf(ctx context.Context, rows []core.NewTask) (map[id.ID]payload, error) {
	var wanted []id.ID
	for i := range rows {
		if rows[i].Event != 0 {
			wanted = append(wanted, rows[i].Event)
		}
	}
	events := map[id.ID]*core.NewEvent{}
	if len(wanted) > 0 {
		stored, err := r.config.Store.Events(ctx, wanted)
		if err != nil {
			return nil, err
		}
		for i := range stored {
			events[stored[i].ID] = &stored[i]
		}
	}
	of := make(map[id.ID]payload, len(rows))
	for i := range rows {
		row := &rows[i]
		p := payloadOf(row)
		if e := events[row.Event]; e != nil {
			p.event = newEvent(row, e)
		} else if row.Event != 0 { // it is gone, and its run is not
			p.event = &Event{ID: row.Event, Given: row.Given}
		}
		of[row.ID] = p
	}
	return of, nil
}
