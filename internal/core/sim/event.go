package sim

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// events is what is stored of events.
type events struct {
	rows map[id.ID]core.NewEvent
	runs map[id.ID][]core.EventRun // by event
}

func newEvents() events {
	return events{rows: map[id.ID]core.NewEvent{}, runs: map[id.ID][]core.EventRun{}}
}

func (s *events) apply(e *core.Effects) *Violation {
	for _, row := range e.Events {
		if _, twice := s.rows[row.ID]; twice {
			return broken(eventsWhole, "event %d is inserted twice", row.ID)
		}
		s.rows[row.ID] = row
	}
	for _, run := range e.EventRuns {
		s.runs[run.Event] = append(s.runs[run.Event], run)
	}
	return nil
}

func (s *events) clone() events {
	c := newEvents()
	for number, row := range s.rows {
		c.rows[number] = row
	}
	for number, runs := range s.runs {
		c.runs[number] = slices.Clone(runs)
	}
	return c
}

// push brings events, each with up to three runs of one task or of graphs, ids in
// between each other.
func (h *history) push() *Violation {
	in := &core.Push{}
	for range 1 + h.rand.IntN(3) {
		event := h.addEvent(in, h.drawEvent())
		for range h.rand.IntN(4) {
			in.Started = append(in.Started, core.EventRun{Event: event.ID, Run: h.started(&in.Submit, event.ID), Filter: id.ID(h.rand.IntN(2))})
		}
	}
	// The runs of later events lie above those of earlier ones, but for graphs, which a
	// runtime numbers last: here they may come first.
	slices.SortFunc(in.Submit.Tasks, func(a, b core.NewTask) int { return cmp.Compare(a.ID, b.ID) })
	h.wantOnce(&in.Submit, 4)
	v := h.apply(in)
	for _, started := range h.entries[len(h.entries)-1].out.EventRuns {
		h.startedBy[started.Event] = append(h.startedBy[started.Event], started.Run)
	}
	return v
}

// started adds a run of an event to a submit.
func (h *history) started(to *core.Submit, event id.ID) id.ID {
	if h.rand.IntN(8) < h.graphShare {
		run := h.newRun()
		run.Task.Event, run.Task.Given = event, core.Payload("1")
		to.Runs = append(to.Runs, run)
		return run.Task.ID
	}
	row := h.newTask(pick(h, h.definitions))
	row.Event, row.Given = event, core.Payload("1")
	to.Tasks = append(to.Tasks, row)
	return row.ID
}

// drawEvent draws an event, mostly one that somebody may wait for.
func (h *history) drawEvent() core.NewEvent {
	e := core.NewEvent{Tenant: firstTenant + id.ID(h.rand.IntN(tenants)), Key: pick(h, eventKeys), Scope: pick(h, scopes)}
	if waiting := h.model.sortedAwaited(); len(waiting) > 0 && h.rand.IntN(3) > 0 {
		a := pick(h, waiting)
		e.Tenant = a.Tenant
		if h.rand.IntN(2) == 0 {
			e.Target = a.target()
		}
	}
	return e
}

// addEvent adds an event to a push, with what the filters say that the core asks for.
func (h *history) addEvent(in *core.Push, e core.NewEvent) core.NewEvent {
	if h.rand.IntN(4) == 0 {
		e.ReplayOf, e.Priority, e.Metadata, e.Warning = h.lastTask, pick(h, priorities), core.Payload(`{}`), "a trigger is not right"
	}
	h.lastTask++
	e.ID, e.Payload = h.lastTask, fmt.Appendf(nil, `{"event":%d}`, h.lastTask)
	for _, f := range h.shard.Filters(&e) {
		if holds(e.ID, f.Filter) {
			e.Holds = append(e.Holds, f.Hold)
		}
	}
	in.Events = append(in.Events, e)
	return e
}

// satisfy pushes what a wait is for, or has the task cancelled that waits for what
// does not come: runs that wait for each other, say.
func (h *history) satisfy(a *awaited) *Violation {
	for i := range a.Conditions {
		c := &a.Conditions[i]
		if a.met[int32(i)] || c.Kind != core.OnEvent {
			continue
		}
		e := core.NewEvent{Tenant: a.Tenant, Key: c.Key, Scope: c.Scope}
		if c.Signal {
			e.Target = a.target()
		}
		for c.Filter != "" && !holds(h.lastTask+1, c.Filter) {
			h.lastTask++
		}
		in := &core.Push{}
		h.addEvent(in, e)
		return h.apply(in)
	}
	h.lastRef++
	h.asked[h.lastRef] = 1
	return h.apply(&core.Cancel{Ref: h.lastRef, Tenant: a.Tenant, Tasks: []id.ID{a.Task}, Reason: "it waits for ever"})
}

// takePush: events are stored as they were pushed, and their runs as submitted ones are.
func (m *model) takePush(st *step, in *core.Push) *Violation {
	m.coming = len(in.Events)
	refused, v := m.takeStarted(st, &in.Submit)
	if v != nil {
		return v
	}
	events, started := withoutRefused(in, refused)
	if !reflect.DeepEqual(events, st.out.Events) || !slices.Equal(started, st.out.EventRuns) {
		return broken(eventsWhole, "the rows of events %+v and %+v differ from what was pushed", st.out.Events, st.out.EventRuns)
	}
	m.events, m.coming = append(m.events, in.Events...), 0
	return m.takeMets(st)
}

// takeStarted is takeSubmit of the runs of events; those that were refused, by whom.
func (m *model) takeStarted(st *step, in *core.Submit) (map[id.ID]id.ID, *Violation) {
	refused := map[id.ID]id.ID{}
	if len(in.Once) == 0 {
		return refused, m.takeSubmit(st, in)
	}
	return refused, m.takeSubmitOnce(st, in, func(want *core.NewOnceKey, kind core.AnswerKind, run id.ID) *Violation {
		if kind != core.AnswerDone {
			refused[want.Run] = run
		}
		return nil
	})
}

// withoutRefused is what is stored of a push some of whose runs were refused: their events
// say so.
func withoutRefused(in *core.Push, refused map[id.ID]id.ID) ([]core.NewEvent, []core.EventRun) {
	events, started := slices.Clone(in.Events), []core.EventRun(nil)
	for _, s := range in.Started {
		by, is := refused[s.Run]
		if !is {
			started = append(started, s)
			continue
		}
		at := slices.IndexFunc(events, func(e core.NewEvent) bool { return e.ID == s.Event })
		for _, want := range in.Submit.Once {
			if want.Run == s.Run && events[at].Warning == "" {
				events[at].Warning = "a run was not started: run " + by.String() + " holds the key " + want.Key
			}
		}
	}
	return events, started
}

// checkEvents: what is committed has each event with all the runs that it started, or
// nothing of them, after each commit and so after each crash.
func (h *history) checkEvents(e *core.Effects) *Violation {
	for _, event := range e.Events {
		runs := h.startedBy[event.ID]
		if have := len(h.committed.events.runs[event.ID]); have != len(runs) {
			return broken(eventsWhole, "event %d is stored with %d runs of %d", event.ID, have, len(runs))
		}
		for _, run := range runs {
			if h.committed.eventOf(run) != event.ID {
				return broken(eventsWhole, "event %d is stored without its run %d", event.ID, run)
			}
		}
	}
	for _, started := range [][]core.NewTask{e.Tasks, e.Runs} {
		for _, run := range started {
			if _, stored := h.committed.events.rows[run.Event]; run.Event != 0 && !stored {
				return broken(eventsWhole, "run %d is stored without its event %d", run.ID, run.Event)
			}
		}
	}
	return nil
}

// eventOf is the event of a run that is stored.
func (s *store) eventOf(run id.ID) id.ID {
	return cmp.Or(s.tasks[run].Event, s.runs[run].Event)
}
