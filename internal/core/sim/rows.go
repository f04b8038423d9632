package sim

import (
	"cmp"
	"maps"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// durableRows are the tables of events, of durable tasks and of children.
type durableRows struct {
	pushed   []core.NewEvent // ascending
	logs     map[id.ID][]core.Entry
	mets     map[id.ID][]core.Met // by task, in the order that they were written
	waits    map[core.WaitKey]core.Wait
	begun    map[core.WaitKey]int // how many events there were when a wait began
	replies  map[id.ID]core.Reply
	values   map[valueKey]core.Value
	children []core.Child
	closing  map[id.ID]core.Closing
}

type valueKey struct {
	task id.ID
	name string
}

func newDurableRows() durableRows {
	return durableRows{
		logs: map[id.ID][]core.Entry{}, mets: map[id.ID][]core.Met{},
		waits: map[core.WaitKey]core.Wait{}, begun: map[core.WaitKey]int{},
		replies: map[id.ID]core.Reply{}, values: map[valueKey]core.Value{}, closing: map[id.ID]core.Closing{},
	}
}

// clone shares the lists: they only grow, and nobody changes what is in them.
func (s *durableRows) clone() durableRows {
	c := newDurableRows()
	c.pushed, c.children = slices.Clip(s.pushed), slices.Clip(s.children)
	for task, log := range s.logs {
		c.logs[task] = slices.Clip(log)
	}
	for task, mets := range s.mets {
		c.mets[task] = slices.Clip(mets)
	}
	maps.Copy(c.waits, s.waits)
	maps.Copy(c.begun, s.begun)
	maps.Copy(c.replies, s.replies)
	maps.Copy(c.values, s.values)
	maps.Copy(c.closing, s.closing)
	return c
}

// applyDurable writes the rows of one pass as the journal does, after those of open.
func (s *durableRows) applyDurable(e *core.Effects, open map[id.ID]core.OpenTask) *Violation {
	if v := first(s.applyPushed(e), s.applyLogs(e), s.applyWaits(e), s.applyChildren(e)); v != nil {
		return v
	}
	for _, d := range e.Due {
		if o := open[d.Task]; o.State == core.OpenWaiting {
			o.Due = d.Due
			open[d.Task] = o
		}
	}
	return nil
}

func (s *durableRows) applyPushed(e *core.Effects) *Violation {
	for _, event := range e.Events {
		if n := len(s.pushed); n > 0 && s.pushed[n-1].ID >= event.ID {
			return broken(eventsWhole, "event %d is stored after event %d", event.ID, s.pushed[n-1].ID)
		}
		event.Holds = nil
		s.pushed = append(s.pushed, event)
	}
	return nil
}

// applyLogs wants each entry once, and no gap.
func (s *durableRows) applyLogs(e *core.Effects) *Violation {
	for _, entry := range e.Entries {
		if want := int32(len(s.logs[entry.Task])) + 1; entry.Index != want {
			return broken(logsWhole, "entry %d of task %d is written, want %d", entry.Index, entry.Task, want)
		}
		s.logs[entry.Task] = append(s.logs[entry.Task], entry)
	}
	for _, r := range e.Replies {
		if _, twice := s.replies[r.Event]; !twice {
			s.replies[r.Event] = r
		}
	}
	for _, v := range e.Values {
		s.values[valueKey{v.Task, v.Name}] = v
	}
	return nil
}

func (s *durableRows) applyWaits(e *core.Effects) *Violation {
	for _, w := range e.Waits {
		key := core.WaitKey{Task: w.Task, Index: w.Index}
		if _, twice := s.begun[key]; twice {
			return broken(waitsRight, "wait %+v begins twice", key)
		}
		s.waits[key], s.begun[key] = w, len(s.pushed)
	}
	for _, m := range e.Mets {
		for _, before := range s.mets[m.Task] {
			if before.Index == m.Index && before.Condition == m.Condition {
				return broken(metOnce, "condition %d of entry %d of task %d is met twice", m.Condition, m.Index, m.Task)
			}
		}
		s.mets[m.Task] = append(s.mets[m.Task], m)
	}
	for _, key := range e.ClosedWaits {
		delete(s.waits, key)
	}
	return nil
}

func (s *durableRows) applyChildren(e *core.Effects) *Violation {
	for _, c := range e.Children {
		for _, before := range s.children {
			if before.Parent == c.Parent && before.Key == c.Key {
				return broken(spawnsOnce, "task %d spawns key %q twice: runs %d and %d", c.Parent, c.Key, before.Run, c.Run)
			}
		}
		s.children = append(s.children, c)
	}
	for _, c := range e.Closing {
		if before, ok := s.closing[c.Task]; ok && before.Whole {
			c.Whole = true
		}
		s.closing[c.Task] = c
	}
	for _, task := range e.ClosedChildren {
		delete(s.closing, task)
	}
	return nil
}

// readWait is a row of wait with what of it is met.
func (s *durableRows) readWait(key core.WaitKey) core.Wait {
	w := s.waits[key]
	w.Met = nil
	for _, m := range s.mets[key.Task] {
		if m.Index == key.Index {
			w.Met = append(w.Met, m.Condition)
		}
	}
	slices.Sort(w.Met)
	return w
}

// readWaits reads those that fit, by (task, index).
func (s *durableRows) readWaits(fits func(core.Wait) bool) []core.Wait {
	var found []core.Wait
	for key, w := range s.waits {
		if fits(w) {
			found = append(found, s.readWait(key))
		}
	}
	slices.SortFunc(found, func(a, b core.Wait) int {
		return cmp.Or(cmp.Compare(a.Task, b.Task), cmp.Compare(a.Index, b.Index))
	})
	return found
}

// waitsOf reads the waits of the rows that say they have some.
func (s *durableRows) waitsOf(rows []core.OpenTask) []core.Wait {
	return s.readWaits(func(w core.Wait) bool {
		return slices.ContainsFunc(rows, func(o core.OpenTask) bool { return o.ID == w.Task && o.Waits > 0 })
	})
}

// restoreDurable reads what a new owner starts from, but for what the store's own
// tables say.
func (s *store) restoreDurable(r *core.Restore) {
	for task, log := range s.logs {
		_, begun := s.tasks[task] // or a replay brought it, and it waits for its parents
		_, ended := s.results[task]
		if o, saved := s.open[task]; begun && !ended && (!saved || o.State == core.OpenRunning) {
			r.Logs = append(r.Logs, core.LogSize{Task: task, Entries: int32(len(log))})
		}
	}
	slices.SortFunc(r.Logs, func(a, b core.LogSize) int { return cmp.Compare(a.Task, b.Task) })
	r.Waits = s.readWaits(func(w core.Wait) bool {
		return watched(w) || s.open[w.Task].State != core.OpenWaiting
	})
	for _, c := range s.closing {
		r.Closing = append(r.Closing, c)
	}
	slices.SortFunc(r.Closing, func(a, b core.Closing) int { return cmp.Compare(a.Task, b.Task) })
}

// watched tells whether a wait is for more than times.
func watched(w core.Wait) bool {
	return slices.ContainsFunc(w.Conditions, func(c core.Condition) bool { return c.Kind != core.OnSleep })
}

// loadFamily answers the loads that are about other things than checkpoint rows.
func (s *store) loadFamily(loaded *core.Loaded) {
	l := &loaded.Load
	switch l.Kind {
	case core.LoadPast:
		for _, back := range l.Past {
			loaded.Past = append(loaded.Past, s.lookBack(back))
		}
	case core.LoadEnded:
		for _, target := range l.Tasks {
			if s.ended(target) {
				loaded.Ended = append(loaded.Ended, target)
			}
		}
	default:
		s.loadChildren(loaded)
	}
}

// lookBack finds the first event after one that meets a condition, or the newest.
func (s *store) lookBack(l core.Lookback) (found core.Past) {
	for i := range s.pushed {
		if e := &s.pushed[i]; e.ID > l.Condition.After && e.Target == l.Target && meets(e, l.Tenant, &l.Condition) {
			found = core.Past{Event: e.ID, Payload: e.Payload}
			if !l.Condition.Newest {
				break
			}
		}
	}
	return found
}

// meets is the rule of events, but for whom they are addressed to.
func meets(e *core.NewEvent, tenant id.ID, c *core.Condition) bool {
	return e.Tenant == tenant && e.Key == c.Key && (!c.Scoped || e.Scope == c.Scope) &&
		(c.Filter == "" || holds(e.ID, c.Filter))
}

// holds is what a filter says of an event.
func holds(event id.ID, filter string) bool {
	h := newDigest()
	h.Write([]byte(filter))
	return id.Mix(h.Sum64()+uint64(event))%2 == 0
}

func (s *store) ended(target id.ID) bool {
	_, task := s.results[target]
	_, run := s.runResults[target]
	return task || run
}

// loadChildren reads those of a task that have not ended, or the keys of all.
func (s *store) loadChildren(loaded *core.Loaded) {
	var open []id.ID
	for _, c := range s.children {
		if c.Parent != loaded.Load.Tasks[0] {
			continue
		}
		if loaded.Load.Kind == core.LoadKeys {
			loaded.Children = append(loaded.Children, core.ChildRun{Run: c.Run, Cancel: c.Cancel, Key: c.Key})
			continue
		}
		if !s.ended(c.Run) {
			loaded.Children = append(loaded.Children, core.ChildRun{Run: c.Run, Cancel: c.Cancel})
			open = append(open, c.Run)
		}
	}
	loaded.Rows = s.stored(open)
	loaded.Waits = s.waitsOf(loaded.Rows)
}
