package sim

import (
	"encoding/json"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// proceed has the worker of a durable attempt do the next thing: go on in the function,
// wait, give the task back, or misbehave.
func (h *history) proceed(a *agent, r *run) []core.ReportItem {
	b := r.book
	switch odd := h.rand.IntN(40); {
	case odd == 0:
		return a.suspend(r) // it may wait for nothing
	case odd > 32 && !r.started:
		r.started = true
		return []core.ReportItem{{Task: r.Task, Attempt: r.Attempt, Token: r.Token, Kind: core.ReportStarted}}
	case odd == 1 && b.sent != nil:
		return []core.ReportItem{r.entry(h.again(b.sent))}
	case odd == 2 && b.sent == nil:
		if e := h.next(r); e != nil {
			e.Index += int32(pick(h, []int{-1, 1}))
			return []core.ReportItem{a.say(r, e)}
		}
	}
	return h.goOn(a, r)
}

func (h *history) goOn(a *agent, r *run) []core.ReportItem {
	b := r.book
	clock := h.now + core.Time(h.rand.IntN(2)*h.rand.IntN(50)) // now and then ahead
	switch {
	case r.stopped:
		return []core.ReportItem{a.finish(h, slices.Index(a.running, r), core.ReportFailed, false)}
	case b.sent != nil:
		return nil
	case b.waits(clock):
		if h.rand.IntN(2) == 0 {
			return nil
		}
		return a.suspend(r)
	case len(b.log) == len(b.script):
		return []core.ReportItem{a.finish(h, slices.Index(a.running, r), core.ReportCompleted, false)}
	}
	items := []core.ReportItem{a.say(r, h.next(r))}
	if b.sent.Kind == core.EntryWait && h.rand.IntN(2) == 0 {
		items = append(items, a.suspend(r)...) // in one message: it waits for long
	}
	return items
}

// say has an attempt add to its log.
func (a *agent) say(r *run, e *core.NewEntry) core.ReportItem {
	r.book.sent = e
	return r.entry(e)
}

func (r *run) entry(e *core.NewEntry) core.ReportItem {
	return core.ReportItem{Task: r.Task, Attempt: r.Attempt, Token: r.Token, Kind: core.ReportEntry, Entry: e}
}

// suspend gives the task back, and keeps the word until it is settled.
func (a *agent) suspend(r *run) []core.ReportItem {
	a.running = slices.DeleteFunc(a.running, func(other *run) bool { return other == r })
	item := core.ReportItem{Task: r.Task, Attempt: r.Attempt, Token: r.Token, Kind: core.ReportSuspended, Heard: r.book.heard}
	a.outbox = append(a.outbox, item)
	return []core.ReportItem{item}
}

// giveUp has the worker whose stream was lost let go of attempts that wait for a word
// of the engine, which may be lost: they begin again from the log. Some it just drops.
func (h *history) giveUp(a *agent) {
	for _, r := range slices.Clone(a.running) {
		if r.book == nil || r.book.sent == nil && !r.book.waits(h.now) {
			continue
		}
		if h.rand.IntN(2) == 0 {
			a.suspend(r)
			continue
		}
		a.running = slices.DeleteFunc(a.running, func(other *run) bool { return other == r })
	}
}

// recorded takes in what became of an entry. One that is refused was of an attempt that
// is lost: it is given back, or a slot would be held for it.
func (a *agent) recorded(h *history, s core.Settlement) *Violation {
	at := slices.IndexFunc(a.running, func(r *run) bool { return r.Token == s.Token })
	if at < 0 || a.running[at].book == nil {
		return nil
	}
	r := a.running[at]
	b := r.book
	if s.Stale {
		if b.sent == nil || b.sent.Index != s.Entry {
			return nil // said twice
		}
		return h.report(a, a.suspend(r)...)
	}
	if b.sent == nil || s.Entry != b.sent.Index || int(s.Entry) != len(b.log)+1 {
		return broken(recordedOnce, "entry %d of task %d is settled, its worker waits for %s", s.Entry, s.Task, show(b.sent))
	}
	e := b.sent
	b.sent = nil
	b.log = append(b.log, core.Entry{
		Task: s.Task, At: s.At, Index: e.Index, Kind: e.Kind, Name: e.Name, Error: e.Error, Data: e.Data, Conditions: dated(e.Conditions, s.At),
	})
	return nil
}

// isDurable tells whether a task keeps a log.
func (h *history) isDurable(target id.ID) bool {
	row := h.committed.tasks[target]
	return h.model.definition(&row).Durable
}

// openBook has an attempt of a durable task begin with what it was given.
func (h *history) openBook(m *message) (*book, *Violation) {
	target := m.assigned.Task
	b := &book{script: h.scriptOf(target), log: slices.Clone(m.log), mets: slices.Clone(m.mets)}
	if len(b.log) < int(m.assigned.Entries) || len(b.mets) < m.metsMin {
		return nil, broken(toldAll, "task %d is given %d entries and %d Mets, of %d and %d",
			target, len(b.log), len(b.mets), m.assigned.Entries, m.metsMin)
	}
	return b, b.checkReplay(target)
}

// drawChildren draws what an entry spawns. Ids are new each time that it is said.
func (h *history) drawChildren(parent id.ID, e *core.NewEntry) {
	submit := h.drawSubmit(1+h.rand.IntN(2), h.tenantOf(parent))
	e.Spawned = submit
	var ids []string
	for i := range submit.Tasks {
		submit.Tasks[i].Parent = parent
		ids = append(ids, submit.Tasks[i].ID.String())
	}
	for i := range submit.Runs {
		submit.Runs[i].Task.Parent = parent
		ids = append(ids, submit.Runs[i].Task.ID.String())
	}
	e.Data, _ = json.Marshal(ids) // strings always marshal
	h.wantOnce(submit, 5)
}

// again is an entry said once more: whoever passes it on gives its children new ids.
func (h *history) again(e *core.NewEntry) *core.NewEntry {
	twin := *e
	if e.Kind != core.EntrySpawn {
		return &twin
	}
	parent := e.Spawned.Tasks
	switch {
	case len(parent) > 0:
		h.drawChildren(parent[0].Parent, &twin)
	default:
		h.drawChildren(e.Spawned.Runs[0].Task.Parent, &twin)
	}
	return &twin
}
