package sim

import (
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// assign holds each assignment of a step against the rules, and goes along.
func (m *model) assign(st *step) *Violation {
	if v := m.checkBatches(st); v != nil {
		return v
	}
	for i := range st.out.Assigned {
		a := &st.out.Assigned[i]
		t, w := m.tasks[a.Task], m.workers[a.Worker]
		if v := first(
			m.checkAssignable(st, a, t, w),
			m.checkRightWorker(a, t, w),
			m.checkLaneOrder(a, t),
		); v != nil {
			return v
		}
		if leads(st.out.Assigned, i) {
			if v := first(
				m.checkSlotsKept(a, t, w),
				m.checkBestWorker(a, t, w),
				m.checkKeysTakeTurns(a, t, w),
				m.checkWorkersTakeTurns(a, t),
			); v != nil {
				return v
			}
		}
		m.token, t.batch, t.awaits = a.Token, a.Batch, a.Seq
		m.run(t, w, a.Token, st.now)
	}
	return nil
}

// checkAssignable: what is assigned is ready, under its current attempt, and with a
// token never used before.
func (m *model) checkAssignable(st *step, a *core.Assignment, t *task, w *worker) *Violation {
	if t == nil || t.state != core.OpenReady {
		return broken(rightCause, "task %d is assigned, but not ready", a.Task)
	}
	want := core.Assignment{
		Worker: a.Worker, Task: t.row.ID, Version: t.row.Version, Token: a.Token, Attempt: t.attempt, Seq: a.Seq,
		Run: t.row.Run, Node: t.row.Node, Entries: t.entries, Suspensions: t.rests, Batch: a.Batch,
	}
	if a.Batch != 0 {
		want.BatchKey = t.shareKey()
	}
	if t.def.ExecutionTimeoutMS > 0 {
		want.Deadline = st.now + core.Time(t.def.ExecutionTimeoutMS)
	}
	if *a != want {
		return broken(rightCause, "assignment %s, want %s", show(*a), show(want))
	}
	waited := a.Run != 0 && len(m.graphs[a.Version].Nodes[a.Node].Conditions) > 0
	together := a.Batch != 0 && a.Seq <= st.seq                                                    // it waits for the last one of its batch
	later := (t.entries > 0 || waited || len(t.def.Rates) > 0) && a.Seq > t.seq && a.Seq <= st.seq // it was in Postgres only
	granted := uint64(0)                                                                           // nobody learns anything by a grant that may be lost
	if w != nil {
		granted = m.crews[pact{t.row.Tenant, w.tenant}]
	}
	own := a.Seq == granted || a.Seq == max(t.seq, granted) || a.Seq == max(t.awaits, granted)
	if !own && !later && !together {
		return broken(storedFirst, "task %d waits for the commit of %d, it was submitted or last changed by %d, and the grant is of %d",
			a.Task, a.Seq, t.seq, granted)
	}
	if a.Token <= m.token || epochOf(a.Token) != m.epoch {
		return broken(rightCause, "token %d after %d in epoch %d", a.Token, m.token, m.epoch)
	}
	return nil
}

// checkRightWorker: a worker is connected, and given tasks of its tenant, or of one that has
// granted that, and its actions only.
func (m *model) checkRightWorker(a *core.Assignment, t *task, w *worker) *Violation {
	if w == nil || w.away > 0 {
		return broken(rightWorker, "task %d is given to worker %d, which is not connected", a.Task, a.Worker)
	}
	if by := m.pausedBy(t); w.paused || by != nil {
		return broken(pausesKept, "task %d is given to worker %d; paused are it (%v) or %v", a.Task, a.Worker, w.paused, by)
	}
	if v := m.checkGrant(a, t, w); v != nil {
		return v
	}
	if !m.inHand(w, t) {
		return broken(handsKept, "task %d of key %q is given to worker %d, which is not in hand %d", a.Task, t.shareKey(), w.id, m.hand(t))
	}
	if t.only != 0 && t.only != w.id {
		return broken(stickyKept, "task %d is given to worker %d, and is for worker %d only", a.Task, w.id, t.only)
	}
	if !m.serves(w, t) {
		return broken(rightWorker, "task %d of tenant %d, %s, is given to worker %d of tenant %d, %v",
			a.Task, t.row.Tenant, t.def.Action, w.id, w.tenant, w.actions)
	}
	return nil
}

// checkSlotsKept: no worker is given more than its slots, or anything if it is spared.
func (m *model) checkSlotsKept(a *core.Assignment, t *task, w *worker) *Violation {
	if w.spared {
		return broken(slotsKept, "task %d is given to worker %d, which is to be given nothing", a.Task, w.id)
	}
	if !w.has(t.slots()) {
		return broken(slotsKept, "task %d (%v) is given to worker %d, %d of %d slots in use, and %d of %d of the other type",
			a.Task, t.slots(), w.id, w.inUse(""), w.slots, w.inUse(slotType), w.typed)
	}
	return nil
}

// checkLaneOrder: no ready task of the lane, in memory or not, goes before the one
// that is assigned.
func (m *model) checkLaneOrder(a *core.Assignment, t *task) *Violation {
	for _, other := range m.tasks {
		if other.lane == t.lane && other.state == core.OpenReady && m.pausedBy(other) == nil && other.order().Before(t.order()) {
			return broken(laneOrder, "task %d (priority %d) is assigned before task %d (priority %d)",
				a.Task, t.row.Priority, other.row.ID, other.row.Priority)
		}
	}
	return nil
}

// shareName is a key of a queue.
type shareName struct {
	tenant id.ID
	queue  string
	key    string
}

func (t *task) share() shareName { return shareName{t.row.Tenant, t.queue(), t.shareKey()} }

// checkKeysTakeTurns: while a task of a key waits that the worker could be given as
// well, another key of its queue is served as often as its weight allows: of two alike,
// once. A lane whose window is being loaded misses its turn, and by cost it is time that
// is shared.
func (m *model) checkKeysTakeTurns(a *core.Assignment, t *task, w *worker) *Violation {
	own := t.share()
	delete(m.waits, own)
	if m.setting(core.SettingQueue, own.tenant, own.queue).Queue.ByCost {
		return nil
	}
	if m.draws {
		return nil // a key whose units are lacking lets others go
	}
	counted := map[shareName]bool{}
	for _, other := range m.tasks {
		name := other.share()
		if other.state != core.OpenReady || !other.inClass() || name == own || name.tenant != own.tenant || name.queue != own.queue ||
			other.def.Batch != nil || !m.serves(w, other) || !w.free(other) || m.maybeKept(w, other) || m.loading(other.lane) || counted[name] || m.pausedBy(other) != nil {
			continue
		}
		counted[name] = true
		if m.waits[name] == nil {
			m.waits[name] = map[shareName]int{}
		}
		m.waits[name][own]++
		mine, its := m.weight(own), m.weight(name)
		most := 1
		if mine != its {
			most = int(mine/its) + 2
		}
		if n := m.waits[name][own]; n > most {
			return broken(keysTakeTurns, "key %q is served %d times (task %d) while key %q waits", own.key, n, a.Task, name.key)
		}
	}
	return nil
}

// weight is how much a key gets beside others.
func (m *model) weight(s shareName) int64 {
	if own, ok := m.settingOf(core.SettingQueue, s.tenant, s.queue, s.key); ok && own.Queue.Weight > 0 {
		return int64(own.Queue.Weight)
	}
	return core.WeightDefault
}

// forgetShares drops what is known of the keys of a queue that works otherwise from now.
func (m *model) forgetShares(tenant id.ID, queue string) {
	for name := range m.waits {
		if name.tenant == tenant && name.queue == queue {
			delete(m.waits, name)
		}
	}
}

// forgetServed drops the waits of keys that wait for a load, or may have been empty
// for a moment: their place in the order is a new one.
func (m *model) forgetServed() {
	if len(m.waits) == 0 {
		return
	}
	ready, loading := map[shareName]bool{}, map[shareName]bool{}
	for _, t := range m.tasks {
		if t.state != core.OpenReady || !t.inClass() {
			continue
		}
		if !t.readied && t.def.Batch == nil { // a batch that is not full has nothing to give
			ready[t.share()] = true
		}
		if m.loading(t.lane) {
			loading[t.share()] = true
		}
	}
	for name := range m.waits {
		if !ready[name] || loading[name] {
			delete(m.waits, name)
		}
	}
}

// offer is a worker's place in the line of a class.
type offer struct {
	worker id.ID
	tenant id.ID
	class  string
}

// turn is who was served by a class while a worker waits there, and a task of the class.
type turn struct {
	of     *task
	served map[id.ID]bool
}

// checkWorkersTakeTurns: while a worker with free slots waits for a class, no other
// one is served twice by it, but for those that a task would rather have.
func (m *model) checkWorkersTakeTurns(a *core.Assignment, t *task) *Violation {
	class := m.class(t)
	delete(m.waiting, offer{a.Worker, class.tenant, class.queue})
	if t.def.Sticky == core.StickyPrefer && t.wants == a.Worker {
		return nil
	}
	served := m.workers[a.Worker]
	best, _ := served.score(t)
	for _, w := range m.workers {
		if score, _ := w.score(t); w.id == a.Worker || score != best || w.isAtHome(t) != served.isAtHome(t) || t.def.Batch != nil || !w.free(t) || !m.serves(w, t) {
			continue
		}
		place := offer{w.id, class.tenant, class.queue}
		if m.maybeKept(w, t) {
			delete(m.waiting, place) // it lines up anew
			continue
		}
		if m.waiting[place] == nil {
			m.waiting[place] = &turn{t, map[id.ID]bool{}}
		}
		if m.waiting[place].served[a.Worker] {
			return broken(workersTurns, "worker %d is served twice (task %d) while worker %d waits", a.Worker, a.Task, w.id)
		}
		m.waiting[place].served[a.Worker] = true
	}
	return nil
}

// forgetBusy drops the waits of workers that have no free slots, or may be given nothing of
// the class: they line up anew.
func (m *model) forgetBusy() {
	for place, turn := range m.waiting {
		if w := m.workers[place.worker]; w == nil || !w.free(turn.of) || !m.serves(w, turn.of) || m.maybeKept(w, turn.of) {
			delete(m.waiting, place)
		}
	}
}

// forgetClasses drops the waits of classes that were empty for a moment, and are not those
// of a definition: nothing is remembered of them.
func (m *model) forgetClasses() {
	if len(m.waiting) == 0 {
		return
	}
	stays := map[lane]bool{}
	for _, t := range m.tasks {
		if t.state == core.OpenRunning || t.state == core.OpenReady && !t.readied {
			stays[m.class(t)] = true
		}
	}
	for place := range m.waiting {
		if class := laneOf(place.tenant, place.class, ""); !stays[class] && !m.usual[class] {
			delete(m.waiting, place)
		}
	}
}

// forgetTurns drops all waits of a worker that joins, again or for the first time.
func (m *model) forgetTurns(w *worker) {
	for place := range m.waiting {
		if place.worker == w.id {
			delete(m.waiting, place)
		}
	}
}
