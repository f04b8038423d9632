package sim

import (
	"cmp"
	"maps"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// awaited is an open wait of a durable task, or of a node that has not begun, with which of its conditions are met.
type awaited struct {
	core.Wait
	key  core.WaitKey
	met  map[int32]bool
	from int // how many events there were when it began
}

func newAwaited(w core.Wait, from int) *awaited {
	a := &awaited{Wait: w, key: core.WaitKey{Task: w.Task, Index: w.Index}, met: map[int32]bool{}, from: from}
	for _, place := range w.Met {
		a.met[place] = true
	}
	a.Met = nil
	return a
}

func fulfilled(conditions []core.Condition, met func(int32) bool) bool {
	groups := map[int32]bool{}
	for i, c := range conditions {
		groups[c.Group] = groups[c.Group] || met(int32(i))
	}
	for _, one := range groups {
		if !one {
			return false
		}
	}
	return true
}

// target is the run that signals to the task are addressed to.
func (a *awaited) target() id.ID { return cmp.Or(a.Run, a.Task) }

// sortedAwaited are the open waits by (task, index).
func (m *model) sortedAwaited() []*awaited {
	return slices.SortedFunc(maps.Values(m.awaited), func(a, b *awaited) int {
		return cmp.Or(cmp.Compare(a.Task, b.Task), cmp.Compare(a.Index, b.Index))
	})
}

// awaitedBy are the open waits of a task, by index.
func (m *model) awaitedBy(t *task) []*awaited {
	var waits []*awaited
	for index := range t.entries + 1 {
		if a := m.awaited[core.WaitKey{Task: t.row.ID, Index: index}]; a != nil {
			waits = append(waits, a)
		}
	}
	return waits
}

// nextSleep is when the first time comes that a task waits for; 0 = none.
func (m *model) nextSleep(t *task) core.Time {
	var next core.Time
	for _, a := range m.awaitedBy(t) {
		for i, c := range a.Conditions {
			if c.Kind == core.OnSleep && !a.met[int32(i)] && (next == 0 || c.Due < next) {
				next = c.Due
			}
		}
	}
	return next
}

// causeOf is what has met a condition by now, whether or not the core has seen it: an
// event, or that it is met at all.
func (m *model) causeOf(a *awaited, c *core.Condition) (event *core.NewEvent, come bool) {
	switch c.Kind {
	case core.OnSleep:
		return nil, c.Due <= m.now
	case core.OnRuns:
		open := func(run id.ID) bool { return m.ended[run] == 0 }
		return nil, !slices.ContainsFunc(c.Runs, open)
	}
	event = m.firstEvent(a, c)
	return event, event != nil
}

// firstEvent is the one event that may meet a condition: the first, since the wait
// began or, for a look-back, after another one.
func (m *model) firstEvent(a *awaited, c *core.Condition) *core.NewEvent {
	since := a.from
	if c.After != 0 {
		since = 0
	}
	for i := since; i < len(m.events); i++ {
		if e := &m.events[i]; a.wants(c, e) {
			return e
		}
	}
	return nil
}

// wants tells whether an event is one that a condition is about.
func (a *awaited) wants(c *core.Condition, e *core.NewEvent) bool {
	var target id.ID
	if c.Signal {
		target = a.target()
	}
	return e.ID > c.After && e.Target == target && meets(e, a.Tenant, c)
}

// newestEvent is what a look-back for the newest event gives: the last one before the wait
// began, or a later one, for who looks may see more by then. It is the one that is said, if
// that is right.
func (m *model) newestEvent(a *awaited, c *core.Condition, said id.ID) *core.NewEvent {
	for i := len(m.events) - 1; i >= 0; i-- {
		if e := &m.events[i]; a.wants(c, e) && (e.ID == said || i < a.from) {
			return e
		}
	}
	return m.firstEvent(a, c)
}

// takeMets goes along with the core as it meets conditions, as far as they have a
// cause by now: it is called whenever there may be a new one. What is left at the end
// of the step was met for no reason.
func (m *model) takeMets(st *step) *Violation {
	for st.metsTaken < len(st.out.Mets) {
		met := &st.out.Mets[st.metsTaken]
		if why := m.whyNot(st, met); why != "" {
			break
		}
		st.metsTaken++
		if v := m.takeMet(st, met); v != nil {
			return v
		}
	}
	return m.takeDoomed(st) // who goes on by it, and may be a cause itself
}

// whyNot tells what a Met lacks; "" if it is as the rules want it.
func (m *model) whyNot(st *step, met *core.Met) string {
	a := m.awaited[core.WaitKey{Task: met.Task, Index: met.Index}]
	if a == nil {
		return "nobody waits for it"
	}
	if a.met[met.Condition] {
		return "it is met already"
	}
	c := &a.Conditions[met.Condition]
	event, come := m.causeOf(a, c)
	if c.Newest {
		event = m.newestEvent(a, c, met.Event)
	}
	want := core.Met{Task: a.Task, Tenant: a.Tenant, Order: met.Order, At: st.now, Index: a.Index, Condition: met.Condition}
	if t := m.tasks[a.Task]; t != nil && t.state == core.OpenRunning {
		want.Worker, want.Token = t.worker, t.token
	}
	if event != nil {
		want.Event, want.Data = event.ID, event.Payload
	}
	switch {
	case !come:
		return "it has no cause"
	case show(want) != show(*met):
		return "it should be " + show(want)
	case met.Order <= m.order:
		return "its order does not grow"
	}
	return ""
}

// takeMet goes along with a condition that is met.
func (m *model) takeMet(st *step, met *core.Met) *Violation {
	a, t := m.awaited[core.WaitKey{Task: met.Task, Index: met.Index}], m.tasks[met.Task]
	m.order = met.Order
	a.met[met.Condition] = true
	if t != nil {
		t.seq = st.seq
		if t.state == core.OpenRunning {
			t.told++
		}
	}
	action, over := a.action()
	if !over {
		if t.state == core.OpenWaiting && a.Conditions[met.Condition].Kind == core.OnSleep {
			t.due, t.since = m.nextSleep(t), st.now
		}
		return nil
	}
	m.endWait(st, a)
	if action != core.WaitGo {
		return m.endPause(st, t, action)
	}
	return m.rouse(st, t)
}

// endWait expects the row of a wait to be deleted.
func (m *model) endWait(st *step, a *awaited) {
	delete(m.awaited, a.key)
	st.closedWaits = append(st.closedWaits, a.key)
}

// endWaits is endWait for all waits of a task that ended.
func (m *model) endWaits(st *step, t *task) {
	for _, a := range m.awaitedBy(t) {
		m.endWait(st, a)
	}
}

// rouse wakes a task whose wait is fulfilled: it is ready, or in Postgres only and due
// now. The core does not know what one that is there does.
func (m *model) rouse(st *step, t *task) *Violation {
	stored := slices.Contains(st.out.Due, core.DueChange{Task: t.row.ID, Due: st.now})
	if stored {
		st.dueTaken++
	}
	switch {
	case t.state != core.OpenWaiting:
	case stored:
		t.due, t.roused = st.now, true
	case st.live(t.row.ID).State == 0 && !st.stores(t.row.ID):
		return broken(noneSleepsOn, "task %d is in Postgres only, and is not moved to be due", t.row.ID)
	case t.row.Run != 0 && t.row.RunAt > st.now:
		t.delay(st.now, t.row.RunAt)
	default:
		t.ready(st.now)
	}
	return nil
}

// stores tells whether a row says what has become of a task.
func (st *step) stores(target id.ID) bool {
	return st.results[target] != nil || slices.ContainsFunc(st.out.Open, func(o core.OpenTask) bool { return o.ID == target })
}

// unexplainedOfWaits finds what the core did about waits and no rule asked for, or not
// where a rule did.
func (st *step) unexplainedOfWaits(m *model) *Violation {
	if st.metsTaken < len(st.out.Mets) {
		met := &st.out.Mets[st.metsTaken]
		return broken(metRightly, "%s: %s", show(*met), m.whyNot(st, met))
	}
	if !sameKeys(st.closedWaits, st.out.ClosedWaits) {
		return broken(waitsRight, "waits %+v end, want %+v", st.out.ClosedWaits, st.closedWaits)
	}
	if st.waitsTaken != len(st.out.Waits) {
		return broken(waitsRight, "%d waits begin, want %d", len(st.out.Waits), st.waitsTaken)
	}
	if st.dueTaken != len(st.out.Due) {
		return broken(noneSleepsOn, "due times are moved for no reason: %s", show(st.out.Due))
	}
	return nil
}

func sameKeys(a, b []core.WaitKey) bool {
	order := func(a, b core.WaitKey) int { return cmp.Or(cmp.Compare(a.Task, b.Task), cmp.Compare(a.Index, b.Index)) }
	return slices.Equal(slices.SortedFunc(slices.Values(a), order), slices.SortedFunc(slices.Values(b), order))
}

// recoverWaits is what a crash leaves of the waits.
func (m *model) recoverWaits(s *store) {
	m.events = s.pushed
	for key := range s.waits {
		m.awaited[key] = newAwaited(s.readWait(key), s.begun[key])
	}
	for _, mets := range s.mets {
		for _, met := range mets {
			m.order = max(m.order, met.Order)
		}
	}
}
