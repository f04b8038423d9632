package sim

import (
	"slices"

	"github.com/adzehq/adze/internal/core"
)

// checkDurable looks at everything that must hold of durable tasks, waits and children
// after each step.
func (h *history) checkDurable(st *step) *Violation {
	return first(
		h.checkWaitsStored(),
		h.checkMetInTime(st),
		h.checkNoneSleepsOn(),
		h.checkLogsCounted(),
		h.checkWaitsBounded(),
		h.checkChildrenFollow(),
	)
}

// checkWaitsStored: each open wait has a row, and nothing else has one.
func (h *history) checkWaitsStored() *Violation {
	for key := range h.model.awaited {
		if _, ok := h.written.waits[key]; !ok {
			return broken(waitsRight, "wait %+v is open and has no row", key)
		}
	}
	for key := range h.written.waits {
		if h.model.awaited[key] == nil {
			return broken(waitsRight, "wait %+v is over and keeps its row", key)
		}
	}
	return nil
}

// checkMetInTime: what has a cause is met, but for what is being looked for. The time
// of a task that runs is its worker's to watch, and that of one that is in Postgres
// only is seen when it is loaded.
func (h *history) checkMetInTime(st *step) *Violation {
	m := h.model
	_, tick := st.in.(*core.Tick)
	for _, a := range m.sortedAwaited() {
		for i := range a.Conditions {
			c := &a.Conditions[i]
			if a.met[int32(i)] || m.looking(a, int32(i)) {
				continue
			}
			state := h.shard.Live(a.Task).State
			if c.Kind == core.OnSleep && (!tick || state != core.OpenWaiting) {
				continue
			}
			if _, come := m.causeOf(a, c); come {
				return broken(metInTime, "condition %d of wait %+v is not met: %s", i, a.key, show(*c))
			}
		}
	}
	return nil
}

// looking tells whether the core asks what has become of a condition.
func (m *model) looking(a *awaited, place int32) bool {
	c := &a.Conditions[place]
	return slices.ContainsFunc(m.loads, func(l core.Load) bool {
		switch {
		case l.Kind == core.LoadPast && c.Kind == core.OnEvent:
			return slices.ContainsFunc(l.Past, func(b core.Lookback) bool { return b.WaitKey == a.key && b.Place == place })
		case l.Kind == core.LoadEnded && c.Kind == core.OnRuns:
			for _, run := range l.Tasks {
				if slices.Contains(c.Runs, run) {
					return true
				}
			}
		}
		return false
	})
}

// checkNoneSleepsOn: who waits has a wait that is not fulfilled, or is due in Postgres.
func (h *history) checkNoneSleepsOn() *Violation {
	for target, t := range h.model.tasks {
		if t.state != core.OpenWaiting || len(h.model.awaitedBy(t)) > 0 && !t.roused {
			continue
		}
		if h.shard.Live(target).State != 0 {
			return broken(noneSleepsOn, "task %d sleeps in memory, and nothing is left that it waits for", target)
		}
		if o := h.written.open[target]; o.Due == 0 || o.Due != t.due { // that was now when it was moved
			return broken(noneSleepsOn, "task %d sleeps in Postgres until %d, and nothing is left that it waits for", target, o.Due)
		}
	}
	return nil
}

// checkWaitsBounded: in memory are the waits of tasks that are there, and those that
// something there has to find.
func (h *history) checkWaitsBounded() *Violation {
	needed := 0
	for _, a := range h.model.awaited {
		if watched(a.Wait) || h.shard.Live(a.Task).State != 0 {
			needed++
		}
	}
	stats := h.shard.Stats()
	if stats.Waits > needed {
		return broken(memoryBounded, "%d waits are in memory, %d are needed", stats.Waits, needed)
	}
	if rows := len(h.written.closing); stats.Closing != rows {
		return broken(childrenEnd, "the core ends children of %d tasks, rows say %d", stats.Closing, rows)
	}
	return nil
}

// checkLogsCounted: the rows of a log are as many as were recorded.
func (h *history) checkLogsCounted() *Violation {
	for target, t := range h.model.tasks {
		if rows := len(h.written.logs[target]); rows != int(t.entries) {
			return broken(logsWhole, "the log of task %d has %d rows, of %d entries", target, rows, t.entries)
		}
	}
	return nil
}

// checkChildrenFollow: a child that must end with its parent has ended, or is told to,
// or a row says that it is still to be.
func (h *history) checkChildrenFollow() *Violation {
	m := h.model
	for _, c := range m.children {
		ended := m.ended[c.Parent] != 0 && c.Cancel
		if _, closing := h.written.closing[c.Parent]; closing || !ended && !m.whole[c.Parent] {
			continue
		}
		t, r := m.tasks[c.Run], m.runs[c.Run]
		if t != nil && t.stop != core.StopCancelled || r != nil && !r.cancelled {
			return broken(childrenEnd, "child %d goes on after its parent %d: %s", c.Run, c.Parent, show(c))
		}
	}
	return nil
}

// checkNothingWaits: after the quiet phase nothing is left of waits and children.
func (h *history) checkNothingWaits() *Violation {
	if n := len(h.committed.waits); n > 0 {
		return broken(waitsRight, "%d rows of waits are left", n)
	}
	if n := len(h.committed.closing); n > 0 {
		return broken(childrenEnd, "children of %d tasks are still to be cancelled", n)
	}
	return nil
}
