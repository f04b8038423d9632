package sim

import (
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// wonder asks why some tasks and runs are not done, open or not, known or not.
func (h *history) wonder() *Violation {
	in := &core.Ask{}
	if t := h.telling(); t != nil {
		in.Tasks = append(in.Tasks, t.row.ID)
	}
	for range 1 + h.rand.IntN(3) {
		target := h.someTarget()
		if open := h.model.sorted(); len(open) > 0 && h.rand.IntN(2) == 0 {
			target = pick(h, open).row.ID
		}
		if !slices.Contains(in.Tasks, target) {
			in.Tasks = append(in.Tasks, target)
		}
	}
	h.lastRef++
	in.Ref, in.Tenant = h.lastRef, h.tenantOf(in.Tasks[0])
	h.asked[in.Ref] = len(in.Tasks)
	return h.apply(in)
}

// telling is a task of which something is told that is so of few; nil if there is none.
func (h *history) telling() *task {
	m := h.model
	waits := func(t *task) bool { return t.state == core.OpenReady && t.inClass() }
	kinds := []func(*task) bool{
		func(t *task) bool { return t.state == core.OpenRunning && t.stop != 0 },
		func(t *task) bool { return waits(t) && t.only != 0 && m.workers[t.only] == nil }, // for one that is gone
		func(t *task) bool { return waits(t) && len(t.def.Rates) > 0 },
		func(t *task) bool { return waits(t) && t.def.Batch != nil },
		func(t *task) bool { return waits(t) && m.hand(t) != 0 },
		func(t *task) bool { return waits(t) && len(m.crews) > 0 && len(m.countFor(t).fitting) > 0 },
		func(t *task) bool { return waits(t) && m.countFor(t).paused > 0 },
	}
	first := h.rand.IntN(len(kinds))
	for _, is := range slices.Concat(kinds[first:], kinds[:first]) {
		if few := slices.DeleteFunc(m.sorted(), func(t *task) bool { return !is(t) }); len(few) > 0 {
			return pick(h, few)
		}
	}
	return nil
}

// someTarget is a task or run, mostly of late.
func (h *history) someTarget() id.ID {
	back := h.rand.IntN(20)
	if len(h.runs) > 0 && h.rand.IntN(3) == 0 {
		return h.runs[max(0, len(h.runs)-1-back)]
	}
	return max(firstTask, h.lastTask+1-id.ID(back))
}

// takeWhy holds answers why against the rules. What was not in memory is answered when
// it has been read.
func (m *model) takeWhy(st *step, ref uint64, tenant id.ID) *Violation {
	for _, a := range st.out.Answers {
		if a.Ref != ref {
			continue
		}
		st.answers = append(st.answers, a)
		t, r := m.tasks[a.Task], m.runs[a.Task]
		open := t != nil && t.row.Tenant == tenant || r != nil && r.row.Tenant == tenant
		if open != (a.Kind == core.AnswerDone && a.Reason != nil) {
			return broken(whyTrue, "task %d: open %v, answered %s", a.Task, open, show(a))
		}
		if open && t != nil {
			if v := m.checkReason(st, t, a.Reason); v != nil {
				return v
			}
		}
	}
	return nil
}

// checkReason: what is told of an open task is so.
func (m *model) checkReason(st *step, t *task, r *core.Reason) *Violation {
	c := m.countFor(t)
	var right bool
	switch t.state {
	case core.OpenRunning:
		right = r.Worker == t.worker && (r.Cause == core.CauseRunning && t.stop == 0 || r.Cause == core.CauseStopping && t.stop != 0)
	case core.OpenDelayed:
		right = r.Cause == core.CauseTime && r.Until == t.due
	case core.OpenWaiting:
		right = r.Cause == core.CauseWaits
	case core.OpenReady:
		held := t.held != "" || m.pausedBy(t) != nil
		right = r.Expires == m.expires(t) && (!held || r.Cause == core.CausePaused)
		switch r.Cause {
		case core.CausePaused:
			right = right && (held || len(c.fitting) == 0 && c.paused > 0)
		case core.CauseNoWorker:
			right = right && c.offered == 0
		case core.CauseBusy:
			right = right && len(c.fitting) > 0
		case core.CauseNoMatch:
			right = right && c.offered > 0 && len(c.fitting)+c.paused == 0 && r.Away == c.away
		case core.CauseLimit:
			right = right && t.inLimit()
		case core.CauseRate:
			right = right && t.inClass() && len(t.def.Rates) > 0
		}
		right = right && (held || !t.inClass() || m.countsRightly(st, t, r, &c))
	}
	woken := t.state == core.OpenReady && t.readied || t.roused || t.state == core.OpenDelayed && t.due <= m.now
	if (!right || r.State != t.state || r.Attempt != t.attempt) && !woken {
		return broken(whyTrue, "task %d is %v, attempt %d, due %d; told %s", t.row.ID, t.state, t.attempt, t.due, show(*r))
	}
	return nil
}

// counted is who may run a task.
type counted struct {
	offered, paused int // as of Reason
	fitting         []*worker
	away            bool // the one worker that it is for is not connected
}

func (m *model) countFor(t *task) counted {
	c := counted{away: t.only != 0}
	for _, w := range m.workers {
		if w.away != 0 || w.spared || !m.offers(w, t) {
			continue
		}
		c.offered++
		c.away = c.away && w.id != t.only
		switch {
		case !m.serves(w, t) || !w.couldHave(t.slots()):
		case w.paused:
			c.paused++
		default:
			c.fitting = append(c.fitting, w)
		}
	}
	return c
}

// countsRightly holds what is told of the workers of a task that waits for one, and of other
// tenants that have some of them.
func (m *model) countsRightly(st *step, t *task, r *core.Reason, c *counted) bool {
	slots, theirs := 0, 0
	for _, w := range c.fitting {
		for _, use := range t.slots() {
			slots += int(w.slotsOf(use.Type))
		}
		_, shared := m.crews[pact{w.tenant, w.tenant}]
		for _, other := range m.tasks {
			if shared && other.state == core.OpenRunning && other.worker == w.id && other.row.Tenant != t.row.Tenant {
				theirs++
			}
		}
	}
	least, most := m.rivals(st, t, c.fitting)
	return r.Offered == c.offered && r.Fitting == len(c.fitting) && r.Paused == c.paused && r.Slots == slots &&
		r.Theirs == theirs && least <= r.Tenants && r.Tenants <= most
}

// rivals are how many other tenants have something waiting that one of the workers may be
// given: what draws from a rate limit, or goes in batches, may wait for something else, and
// what was in Postgres only when it was paused counts until it is read.
func (m *model) rivals(st *step, t *task, workers []*worker) (least, most int) {
	tenants := map[id.ID]bool{} // with whether it is certain
	for _, other := range m.tasks {
		mayHave := func(w *worker) bool { return m.serves(w, other) && w.couldHave(other.slots()) }
		if other.row.Tenant == t.row.Tenant || other.state != core.OpenReady || !other.inClass() || !slices.ContainsFunc(workers, mayHave) {
			continue
		}
		paused := m.pausedBy(other) != nil
		if paused && st.live(other.row.ID).State != 0 {
			continue
		}
		certain := !paused && len(other.def.Rates) == 0 && other.def.Batch == nil && !m.loading(other.lane)
		tenants[other.row.Tenant] = tenants[other.row.Tenant] || certain
	}
	for _, certain := range tenants {
		if certain {
			least++
		}
	}
	return least, len(tenants)
}
