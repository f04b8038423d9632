package sim

import (
	"slices"

	"github.com/adzehq/adze/internal/core"
)

// durableSabotages are ways to break each promise of durable tasks, waits and children.
var durableSabotages = map[string]attack{
	"an entry is not written":                {recordedOnce, dropEntry},
	"an entry is written that nobody said":   {recordedOnce, inventEntry},
	"an entry is written twice":              {logsWhole, repeatEntry},
	"a log has a gap":                        {logsWhole, skipEntry},
	"another thing is recorded":              {recordedOnce, changeEntry},
	"an entry is not settled":                {answered, dropSettledEntry},
	"an assignment knows less of its log":    {rightCause, shortenLog},
	"an assignment is told before its Mets":  {toldAll, hurryMets},
	"a Met is not told":                      {metRightly, silenceMet},
	"an entry names other children":          {recordedOnce, renameChildren},
	"an entry hides that a child is refused": {recordedOnce, hideRefusal},
	"a condition is met without a cause":     {metRightly, inventMet},
	"a condition is met by a later event":    {metRightly, changeMet},
	"a condition is not met":                 {metInTime, dropMet},
	"a condition is met twice":               {metOnce, repeatMet},
	"the order of Mets falls":                {metRightly, disorderMet},
	"a wait has no row":                      {waitsRight, dropWait},
	"a wait keeps its row":                   {waitsRight, dropClosedWait},
	"a wait is over too soon":                {waitsRight, closeWait},
	"a task in Postgres is not woken":        {noneSleepsOn, dropDue},
	"a task's due time is moved for nothing": {noneSleepsOn, inventDue},
	"a look-back takes no answer":            {metInTime, emptyPast},
	"a value is not published":               {published, dropValue},
	"a request is not answered":              {repliedOnce, dropReply},
	"a child is not linked":                  {childrenLinked, dropChild},
	"a key spawns twice":                     {spawnsOnce, repeatChild},
	"a child forgets its policy":             {childrenLinked, freeChild},
	"a parent ends and leaves its children":  {childrenEnd, dropClosing},
	"a child is cancelled for nothing":       {childrenEnd, inventClosing},
	"children stay to be cancelled":          {childrenEnd, dropClosedChildren},
	"a row forgets the log of its task":      {checkpointed, forgetLog},
	"the newest event is not the one":        {metRightly, takeOlder},
	"a replay begins with less of a log":     {recordedOnce, dropCarried},
	"a replay forgets how long a log is":     {nothingLost, forgetCarried},
}

func dropEntry(_ *history, st *step) bool { return dropFirst(&st.out.Entries) }

func dropWait(_ *history, st *step) bool { return dropFirst(&st.out.Waits) }

func dropClosedWait(_ *history, st *step) bool { return dropFirst(&st.out.ClosedWaits) }

func dropDue(_ *history, st *step) bool { return dropFirst(&st.out.Due) }

func dropValue(_ *history, st *step) bool { return dropFirst(&st.out.Values) }

func dropReply(_ *history, st *step) bool { return dropFirst(&st.out.Replies) }

func dropChild(_ *history, st *step) bool { return dropFirst(&st.out.Children) }

func dropClosing(_ *history, st *step) bool { return dropFirst(&st.out.Closing) }

func dropClosedChildren(_ *history, st *step) bool { return dropFirst(&st.out.ClosedChildren) }

// runningDurable is a durable task that runs, the first by its id; nil if there is none.
func (h *history) runningDurable() *task {
	for _, t := range h.model.sorted() {
		if t.def.Durable && t.state == core.OpenRunning {
			return t
		}
	}
	return nil
}

func inventEntry(h *history, st *step) bool {
	t := h.runningDurable()
	if _, report := st.in.(*core.Report); t == nil || report {
		return false
	}
	st.out.Entries = append(st.out.Entries, core.Entry{
		Task: t.row.ID, Tenant: t.row.Tenant, At: st.now, Index: t.entries + 1, Kind: core.EntryStep, Name: "no one's",
	})
	return true
}

func repeatEntry(_ *history, st *step) bool {
	if len(st.out.Entries) == 0 {
		return false
	}
	st.out.Entries = append(st.out.Entries, st.out.Entries[0])
	return true
}

func skipEntry(_ *history, st *step) bool {
	return changeWhere(st.out.Entries, func(core.Entry) bool { return true }, func(e *core.Entry) { e.Index++ })
}

func changeEntry(_ *history, st *step) bool {
	return changeWhere(st.out.Entries, func(core.Entry) bool { return true }, func(e *core.Entry) { e.Name += "!" })
}

func renameChildren(_ *history, st *step) bool {
	return changeWhere(st.out.Entries, func(e core.Entry) bool { return e.Kind == core.EntrySpawn }, func(e *core.Entry) { e.Data = core.Payload("[]") })
}

func hideRefusal(_ *history, st *step) bool {
	refused := func(e core.Entry) bool { return e.Kind == core.EntrySpawn && e.Error != "" }
	return changeWhere(st.out.Entries, refused, func(e *core.Entry) { e.Error = "" })
}

func dropSettledEntry(_ *history, st *step) bool {
	return dropWhere(&st.out.Settled, func(s core.Settlement) bool { return s.Entry > 0 })
}

func shortenLog(_ *history, st *step) bool {
	return changeWhere(st.out.Assigned, func(a core.Assignment) bool { return a.Entries > 0 }, func(a *core.Assignment) { a.Entries-- })
}

// hurryMets goes on and on: one must reach its worker before a commit.
func hurryMets(_ *history, st *step) bool {
	for i := range st.out.Assigned {
		if st.out.Assigned[i].Entries > 0 {
			st.out.Assigned[i].Seq = 0
		}
	}
	return false
}

func silenceMet(_ *history, st *step) bool {
	return changeWhere(st.out.Mets, func(m core.Met) bool { return m.Worker != 0 }, func(m *core.Met) { m.Worker, m.Token = 0, 0 })
}

// inventMet meets what waits for something else.
func inventMet(h *history, st *step) bool {
	for _, a := range h.model.sortedAwaited() {
		for i := range a.Conditions {
			_, come := h.model.causeOf(a, &a.Conditions[i])
			if _, push := st.in.(*core.Push); come || a.met[int32(i)] || len(st.out.Mets) > 0 || push {
				continue
			}
			if _, tick := st.in.(*core.Tick); !tick {
				continue
			}
			st.out.Mets = append(st.out.Mets, core.Met{
				Task: a.Task, Tenant: a.Tenant, Index: a.Index, Condition: int32(i), At: st.now, Order: h.model.order + 1,
			})
			return true
		}
	}
	return false
}

func changeMet(_ *history, st *step) bool {
	return changeWhere(st.out.Mets, func(m core.Met) bool { return m.Event != 0 }, func(m *core.Met) { m.Event++ })
}

// dropMet drops one that ends no wait: that would be missed first.
func dropMet(_ *history, st *step) bool {
	return len(st.out.ClosedWaits) == 0 && dropWhere(&st.out.Mets, func(m core.Met) bool { return m.Event != 0 })
}

func repeatMet(_ *history, st *step) bool {
	if len(st.out.Mets) == 0 {
		return false
	}
	st.out.Mets = append(st.out.Mets, st.out.Mets[0])
	return true
}

func disorderMet(h *history, st *step) bool {
	return h.model.order > 0 && changeWhere(st.out.Mets, func(core.Met) bool { return true }, func(m *core.Met) { m.Order = 1 })
}

func closeWait(h *history, st *step) bool {
	for _, a := range h.model.sortedAwaited() {
		if !slices.Contains(st.out.ClosedWaits, a.key) {
			st.out.ClosedWaits = append(st.out.ClosedWaits, a.key)
			return true
		}
	}
	return false
}

func inventDue(h *history, st *step) bool {
	for _, a := range h.model.sortedAwaited() {
		if len(st.out.Due) == 0 && len(st.out.Mets) == 0 {
			st.out.Due = append(st.out.Due, core.DueChange{Task: a.Task, Due: 1})
			return true
		}
	}
	return false
}

// emptyPast has a look-back find nothing where there is something.
func emptyPast(h *history, _ *step) bool {
	for _, loaded := range h.toAnswer {
		for i := range loaded.Past {
			if loaded.Past[i].Event != 0 {
				loaded.Past[i] = core.Past{}
				return true
			}
		}
	}
	return false
}

// takeOlder has a look-back for the newest event give the one before.
func takeOlder(h *history, st *step) bool {
	for i := range st.out.Mets {
		met := &st.out.Mets[i]
		a := h.model.awaited[core.WaitKey{Task: met.Task, Index: met.Index}]
		if a == nil || !a.Conditions[met.Condition].Newest {
			continue
		}
		var before []*core.NewEvent
		for j := range h.model.events[:a.from] {
			if e := &h.model.events[j]; a.wants(&a.Conditions[met.Condition], e) {
				before = append(before, e)
			}
		}
		if len(before) > 1 {
			met.Event, met.Data = before[len(before)-2].ID, before[len(before)-2].Payload
			return true
		}
	}
	return false
}

// carried are the rows of runs in a step that begin with logs.
func carried(st *step) (runs []*core.NewTask) {
	for i := range st.out.Runs {
		if flow := st.out.Runs[i].Flow; flow != nil && len(flow.Logs) > 0 {
			runs = append(runs, &st.out.Runs[i])
		}
	}
	return runs
}

func dropCarried(_ *history, st *step) bool {
	return len(carried(st)) > 0 && dropFirst(&st.out.Entries)
}

func forgetCarried(_ *history, st *step) bool {
	for _, row := range carried(st) {
		flow := *row.Flow
		flow.Logs = nil
		row.Flow = &flow
		return true
	}
	return false
}

func repeatChild(_ *history, st *step) bool {
	if len(st.out.Children) == 0 {
		return false
	}
	st.out.Children = append(st.out.Children, st.out.Children[0])
	return true
}

func freeChild(_ *history, st *step) bool {
	return changeWhere(st.out.Children, func(c core.Child) bool { return c.Cancel }, func(c *core.Child) { c.Cancel = false })
}

func inventClosing(h *history, st *step) bool {
	for _, t := range h.model.sorted() {
		if !h.model.binds(t.row.ID) && len(st.out.Closing) == 0 {
			st.out.Closing = append(st.out.Closing, core.Closing{Task: t.row.ID, Tenant: t.row.Tenant})
			return true
		}
	}
	return false
}

func forgetLog(_ *history, st *step) bool {
	return changeWhere(st.out.Open, func(o core.OpenTask) bool { return o.Entries > 0 && o.State != core.OpenRunning }, func(o *core.OpenTask) { o.Entries-- })
}
