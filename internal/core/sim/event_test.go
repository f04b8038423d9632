package sim

import "github.com/adzehq/adze/internal/core"

// eventSabotages break what is promised of events.
var eventSabotages = map[string]attack{
	"an event is not stored":              {eventsWhole, dropEvent},
	"an event is stored later":            {eventsWhole, putOffEvent},
	"a run of an event is not linked":     {eventsWhole, dropEventRun},
	"a run of an event names another one": {eventsWhole, misnameEvent},
}

func dropEvent(_ *history, st *step) bool { return dropFirst(&st.out.Events) }

func dropEventRun(_ *history, st *step) bool { return dropFirst(&st.out.EventRuns) }

// misnameEvent has a push start a run for an event that is none of it.
func misnameEvent(_ *history, st *step) bool {
	in, is := st.in.(*core.Push)
	if !is || len(in.Submit.Tasks) == 0 {
		return false
	}
	in.Submit.Tasks[0].Event, st.out.Tasks[0].Event = 1, 1
	return true
}

// putOffEvent writes an event one step later than its runs.
func putOffEvent(h *history, st *step) bool {
	if len(st.out.Events) == 0 || len(st.out.EventRuns) == 0 {
		return false
	}
	late, in := st.out.Events, st.in.(*core.Push)
	st.out.Events, in.Events = nil, nil // nobody sees it in this step
	h.tamper = func(_ *history, st *step) { st.out.Events, late = append(st.out.Events, late...), nil }
	return true
}
