package sim

import (
	"cmp"

	"github.com/adzehq/adze/internal/core"
)

// hold is what an attempt takes up of its worker; those of a batch share it.
type hold struct {
	uses  []core.SlotUse
	batch core.Token // 0: it was given alone
	// Its task left the memory in the step in which it was claimed: whether the core still
	// knew what it takes up is not said. If not, it counts as one slot.
	doubtful bool
}

var batchKeys = []string{"", "a", "b"}

// batchBytesMax is how large the input of a task is at most, where batches look at it.
const batchBytesMax = 60

// drawBatchSetting draws what is different about the batches of an action, or of a key.
func (h *history) drawBatchSetting() core.BatchSetting {
	return core.BatchSetting{
		SizeMax: int32(h.rand.IntN(5)), BytesMax: int64(h.rand.IntN(3)) * batchBytesMax,
		IntervalMS: pick(h, []int64{0, 1, 500, 5_000}), RunningMax: int32(h.rand.IntN(3)),
	}
}

// batchRule is when batches of t's key go: as is set for the key, else for all of its
// action, else as its definition says.
func (m *model) batchRule(t *task) core.BatchRule {
	own, all := m.layers(core.SettingBatch, t.row.Tenant, t.def.Action, t.shareKey())
	return core.BatchRule{
		SizeMax:    cmp.Or(own.Batch.SizeMax, all.Batch.SizeMax, t.def.Batch.SizeMax),
		BytesMax:   cmp.Or(own.Batch.BytesMax, all.Batch.BytesMax, t.def.Batch.BytesMax),
		IntervalMS: cmp.Or(own.Batch.IntervalMS, all.Batch.IntervalMS, t.def.Batch.IntervalMS),
		RunningMax: cmp.Or(own.Batch.RunningMax, all.Batch.RunningMax, t.def.Batch.RunningMax),
	}
}

// drawBatch draws how tasks go together.
func (h *history) drawBatch(d *core.Definition) {
	if h.rand.IntN(8) >= h.batchShare || d.Durable {
		return
	}
	d.Batch = &core.BatchRule{
		SizeMax: int32(1 + h.rand.IntN(4)), BytesMax: int64(h.rand.IntN(2)) * 2 * batchBytesMax,
		IntervalMS: int64(1 + h.rand.IntN(2_000)), RunningMax: int32(h.rand.IntN(3)),
	}
}

// withBatch adds to what is said of a task which batches it may go in.
func (h *history) withBatch(flow *core.Flow, d *core.Definition, share string) *core.Flow {
	if d.Batch == nil || h.rand.IntN(8) == 0 {
		return flow
	}
	if flow == nil {
		flow = &core.Flow{Share: share}
	}
	flow.Batch, flow.Size = pick(h, batchKeys), int32(h.rand.IntN(batchBytesMax))
	return flow
}

// shareKey is whose turns t takes in its queue: those of its key or, if it goes in batches, of
// that of its batch.
func (t *task) shareKey() string {
	switch {
	case t.def.Batch == nil:
		return t.row.Key
	case t.flow == nil:
		return ""
	}
	return t.flow.Batch
}

// bytes is what t counts in a batch.
func (t *task) bytes() int64 {
	if t.flow == nil {
		return 0
	}
	return int64(t.flow.Size)
}

// grip is what an attempt of t takes up.
func (t *task) grip() hold { return hold{uses: t.slots(), batch: t.batch} }

// hold has w hold an attempt. Of a batch, the first one says what it takes up.
func (w *worker) hold(token core.Token, h hold) {
	if h.batch != 0 {
		for _, other := range w.held {
			if other.batch == h.batch {
				h.uses = other.uses
			}
		}
	}
	w.held[token] = h
}

// inUse counts the slots of a type that w may still use: those of a batch once.
func (w *worker) inUse(typ string) (n int32) {
	return w.sum(typ, func(h hold) []core.SlotUse { return h.uses })
}

// certain is inUse if the core knows nothing of what is doubtful.
func (w *worker) certain(typ string) (n int32) {
	return w.sum(typ, func(h hold) []core.SlotUse {
		if h.doubtful {
			return oneSlot
		}
		return h.uses
	})
}

func (w *worker) sum(typ string, uses func(hold) []core.SlotUse) (n int32) {
	for token, h := range w.held {
		if h.batch != 0 && !w.leads(token, h.batch) {
			continue
		}
		for _, use := range uses(h) {
			if use.Type == typ {
				n += use.Units
			}
		}
	}
	return n
}

// leads tells whether an attempt is the first of those of a batch that w holds.
func (w *worker) leads(token, batch core.Token) bool {
	for other, h := range w.held {
		if h.batch == batch && other < token {
			return false
		}
	}
	return true
}

// runningIn are the batches that run of a lane.
func (m *model) runningIn(l lane) map[core.Token]bool {
	batches := map[core.Token]bool{}
	for _, t := range m.tasks {
		if t.state == core.OpenRunning && t.batch != 0 && t.lane == l {
			batches[t.batch] = true
		}
	}
	return batches
}

// mayJoin tells whether w may go on with t as a member of a batch: it runs already, or
// another one of its key may.
func (m *model) mayJoin(w *worker, t *task, number core.Token) bool {
	if t.def.Batch == nil {
		return true
	}
	most := int(m.batchRule(t).RunningMax)
	if most == 0 {
		return true
	}
	for _, other := range m.at(w) {
		if number != 0 && other.batch == number {
			return true
		}
	}
	there := *t
	there.passed, there.held = int32(len(t.limits)), ""
	return len(m.runningIn(m.laneFor(&there))) < most
}

// checkBatch: what is given together is of one lane, for one worker, and told at once; it
// is no larger than its rule says, and no smaller before its time.
func (m *model) checkBatch(st *step, members []core.Assignment) *Violation {
	lead := members[0]
	first := m.tasks[lead.Task]
	if first == nil || (first.def.Batch == nil) != (lead.Batch == 0) || lead.Batch != 0 && lead.Batch != lead.Token {
		return broken(batchesWhole, "task %d is given as batch %d", lead.Task, lead.Batch)
	}
	if first.def.Batch == nil {
		return nil
	}
	rule := m.batchRule(first)
	bytes := int64(0)
	for _, a := range members {
		t := m.tasks[a.Task]
		if t == nil || t.lane != first.lane || a.Worker != lead.Worker || a.Seq != lead.Seq {
			return broken(batchesWhole, "task %d goes with task %d", a.Task, lead.Task)
		}
		bytes += t.bytes()
	}
	if len(members) > int(rule.SizeMax) || rule.BytesMax > 0 && bytes > rule.BytesMax && len(members) > 1 {
		return broken(batchesBounded, "a batch has %d tasks and %d bytes, with %+v", len(members), bytes, rule)
	}
	if len(members) < int(rule.SizeMax) && rule.BytesMax == 0 && len(first.def.Rates) == 0 && !m.mayHurry(st, first) {
		return broken(batchesWait, "a batch of %d tasks is given with task %d, with %+v", len(members), lead.Task, rule)
	}
	return nil
}

// mayHurry tells whether the lane of t need not wait for a full batch: one of it has waited
// for the interval, a part of it is not in memory, or one of it is paused, and passed by.
func (m *model) mayHurry(st *step, t *task) bool {
	for target, other := range m.tasks {
		if other.lane != t.lane || other.state != core.OpenReady && other.state != core.OpenRunning {
			continue
		}
		if other.ripe || other.arrived > 0 && m.now >= m.ripens(other) || m.pausedBy(other) != nil || other.state == core.OpenReady && st.live(target).State == 0 {
			return true
		}
	}
	return false
}

// checkBatches looks at what is given in batches.
func (m *model) checkBatches(st *step) *Violation {
	for list := st.out.Assigned; len(list) > 0; {
		n := 1
		for n < len(list) && list[0].Batch != 0 && list[n].Batch == list[0].Batch {
			n++
		}
		if v := m.checkBatch(st, list[:n]); v != nil {
			return v
		}
		list = list[n:]
	}
	return nil
}

// ripens is when t has waited for its interval.
func (m *model) ripens(t *task) core.Time { return t.arrived + core.Time(m.batchRule(t).IntervalMS) }

// noteArrivals notes since when tasks that go in batches wait for each other in memory, and
// which of them a tick has found to have waited for long enough: those stay so, whatever
// interval is set then.
func (h *history) noteArrivals(st *step) {
	_, tick := st.in.(*core.Tick)
	for target, t := range h.model.tasks {
		if t.def.Batch == nil {
			continue
		}
		switch waits := t.state == core.OpenReady && t.inClass() && h.shard.Live(target).State != 0; {
		case !waits:
			t.arrived, t.ripe = 0, false
		case t.arrived == 0 || t.readied && t.arrived < h.model.now:
			t.arrived, t.ripe = h.model.now, false
		}
		t.ripe = t.ripe || tick && t.arrived > 0 && h.model.ripens(t) <= h.model.now
	}
}

// gathered is what waits in a lane for a batch.
type gathered struct {
	head  *task
	size  int
	bytes int64
	due   core.Time // when the next of it has waited for the interval; 0 = none will
	ripe  bool      // one of it has
	apart bool      // something of it is paused, or in Postgres only
}

// checkBatchesGo: no batch is given when as many of its key run as may, and what may go has
// gone: a batch that is full, or has waited for its interval.
func (h *history) checkBatchesGo(st *step) *Violation {
	if h.batchShare == 0 {
		return nil
	}
	for _, a := range st.out.Assigned {
		t := h.model.tasks[a.Task]
		if t == nil || t.def.Batch == nil {
			continue
		}
		if most, n := int(h.model.batchRule(t).RunningMax), len(h.model.runningIn(t.lane)); most > 0 && n > most {
			return broken(batchesRunning, "%d batches of %v run, %d may", n, t.lane, most)
		}
	}
	lanes := map[lane]*gathered{}
	for target, t := range h.model.tasks {
		if t.def.Batch == nil || t.state != core.OpenReady || !t.inClass() {
			continue
		}
		g := lanes[t.lane]
		if g == nil {
			g = &gathered{head: t}
			lanes[t.lane] = g
		}
		g.apart = g.apart || h.model.pausedBy(t) != nil || h.shard.Live(target).State == 0
		g.add(t, h.model.ripens(t))
	}
	for l, g := range lanes {
		if v := h.checkGathered(l, g); v != nil {
			return v
		}
	}
	return nil
}

func (g *gathered) add(t *task, ripens core.Time) {
	g.size++
	g.bytes += t.bytes()
	if g.ripe = g.ripe || t.ripe; !t.ripe && t.arrived > 0 && (g.due == 0 || ripens < g.due) {
		g.due = ripens
	}
	if t.order().Before(g.head.order()) {
		g.head = t
	}
}

func (h *history) checkGathered(l lane, g *gathered) *Violation {
	rule, m := h.model.batchRule(g.head), h.model
	if g.apart || m.loading(l) {
		return nil
	}
	if next := h.shard.NextDue(); g.due > 0 && (next == 0 || next > g.due) {
		return broken(batchesOnTime, "%v has waited for its interval at %d, the next tick is at %d", l, g.due, next)
	}
	full := g.size >= int(rule.SizeMax) || rule.BytesMax > 0 && g.bytes >= rule.BytesMax
	if !full && !g.ripe {
		return nil
	}
	if most := int(rule.RunningMax); most > 0 && (len(m.runningIn(l)) >= most || m.awaits(l.tenant)) {
		return nil
	}
	if m.freeFor(g.head, true) != nil && h.mayDraw(g.head, m.heads()) {
		return broken(batchesOnTime, "%d tasks of %v (%d bytes) wait, a slot is free, and they stay: %+v", g.size, l, g.bytes, rule)
	}
	return nil
}

// leads are the assignments that take up slots, and a turn: of those of a batch, the first.
func leads(all []core.Assignment, i int) bool {
	return all[i].Batch == 0 || i == 0 || all[i-1].Batch != all[i].Batch
}
