package sim

import (
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// action is a kind of thing that may happen next.
type action int

const (
	doSubmit action = iota
	doBurst
	doPush
	doSchedule
	doFire
	doOnce
	doAdvance
	doJump
	doTick
	doCommit
	doRead
	doAnswer
	doReceive
	doReport
	doWrite
	doBustle
	doRepeat
	doHire
	doDrop
	doRejoin
	doFlap
	doResize
	doSpare
	doRelabel
	doCancel
	doRefresh
	doRelease
	doAsk
	doWake
	doSpawn
	doRespawn
	doFork
	doReplay
	doDefine
	doSet
	doPause
	doGrant
	doCrash
	actions
)

// usual is how often each happens; a history multiplies each by 0 to 3.
var usual = [actions]int{
	doSubmit: 12, doOnce: 8, doBurst: 2, doPush: 6, doSchedule: 3, doFire: 20, doAdvance: 12, doJump: 2, doTick: 6, doCommit: 20, doRead: 8, doAnswer: 8,
	doReceive: 20, doReport: 20, doWrite: 6, doBustle: 4, doRepeat: 2, doHire: 3, doDrop: 4, doRejoin: 6, doFlap: 1, doResize: 2, doRelabel: 1, doSpare: 2,
	doSpawn: 10, doRespawn: 2, doFork: 4, doReplay: 12,
	doCancel: 4, doRefresh: 2, doRelease: 4, doAsk: 6, doWake: 2, doDefine: 1, doSet: 3, doPause: 3, doGrant: 2, doCrash: 1,
}

const (
	tenants    = 2
	agentsMax  = 8
	definesMax = 10
)

var (
	allActions = []string{"bake", "fry", "boil"}
	keys       = []string{"", "", "a", "b", "c"}
	priorities = []int32{0, 0, 0, 1, -1, 5}
)

func pick[T any](h *history, from []T) T { return from[h.rand.IntN(len(from))] }

// act does the next thing.
func (h *history) act() *Violation {
	total := 0
	for _, w := range h.weights {
		total += w
	}
	if total == 0 {
		return h.submit(1)
	}
	at := h.rand.IntN(total)
	for a, w := range h.weights {
		if at < w {
			return h.do(action(a))
		}
		at -= w
	}
	return nil
}

func (h *history) do(a action) *Violation {
	switch a {
	case doSubmit:
		return h.submit(1 + h.rand.IntN(4))
	case doBurst:
		return h.submit(5 + h.rand.IntN(20))
	case doPush:
		return h.push()
	case doSchedule:
		return h.schedule()
	case doFire:
		return h.fire()
	case doOnce:
		return h.once()
	case doAdvance:
		return h.advance(core.Time(h.rand.IntN(pick(h, []int{10, 300, 3_000}))))
	case doJump:
		return h.advance(core.Time(h.rand.IntN(60_000) - 2_000))
	case doTick:
		return h.apply(&core.Tick{})
	case doCommit:
		return h.commitSome()
	case doRead:
		if len(h.toRead) > 0 {
			h.read(h.rand.IntN(len(h.toRead)))
		}
	case doAnswer:
		if len(h.toAnswer) > 0 {
			return h.answer(h.rand.IntN(len(h.toAnswer)))
		}
	case doBustle:
		return h.bustle()
	case doCancel:
		return h.cancel()
	case doAsk:
		return h.wonder()
	case doWake:
		return h.nudge()
	case doRespawn:
		return h.respawn()
	case doFork:
		return h.fork()
	case doReplay:
		return h.replay()
	case doDefine:
		return h.define()
	case doSet:
		return h.set()
	case doPause:
		return h.pause()
	case doGrant:
		return h.grant()
	case doCrash:
		return h.crash()
	default:
		return h.doFleet(a)
	}
	return nil
}

func (h *history) doFleet(a action) *Violation {
	if a == doHire {
		return h.hire()
	}
	if len(h.agents) == 0 {
		return nil
	}
	w := pick(h, h.agents)
	if a == doSpawn || a == doRefresh || a == doRelease {
		w = h.busy(w)
	}
	switch {
	case a == doRejoin && !w.dead:
		return h.rejoin(w)
	case a == doRepeat:
		return h.repeat()
	case !w.joined:
		return nil
	case a == doFlap:
		return h.flap(w)
	case a == doReceive:
		return h.receiveSome(w)
	case a == doReport:
		return h.reportSome(w)
	case a == doWrite && h.rand.IntN(4) == 0:
		return h.call(w)
	case a == doWrite:
		return h.write(w)
	case a == doDrop:
		return h.drop(w)
	case a == doResize:
		w.slots = int32(h.rand.IntN(4))
		return h.apply(&core.Resize{Worker: w.id, Slots: w.slots})
	case a == doSpare:
		w.spared = h.rand.IntN(2) == 0
		return h.apply(&core.Spare{Tenant: w.tenant, Worker: w.id, Spared: w.spared})
	case a == doRelabel:
		return h.relabel(w)
	case a == doSpawn && h.rand.IntN(orphansOneIn) == 0:
		return first(h.spawn(w), h.crashWith())
	case a == doSpawn:
		return h.spawn(w)
	case a == doRefresh:
		return h.refresh(w)
	case a == doRelease:
		return h.release(w)
	}
	return nil
}

// busy is an agent that runs something; other if none does.
func (h *history) busy(other *agent) *agent {
	var busy []*agent
	for _, a := range h.agents {
		if !a.joined || len(a.running) == 0 {
			continue
		}
		busy = append(busy, a)
		if slices.ContainsFunc(a.running, func(r *run) bool { return h.model.hasChildren(r.Task) }) {
			busy = append(busy, a)
		}
	}
	if len(busy) == 0 {
		return other
	}
	return pick(h, busy)
}

// define makes a workflow of one task, or of several, known.
func (h *history) define() *Violation {
	switch graph := h.rand.IntN(2) == 0; {
	case graph && len(h.graphs) < graphsMax:
		return h.apply(&core.DefineGraph{Graph: *h.newGraph()})
	case !graph && len(h.definitions) < definesMax:
		return h.apply(&core.Define{Definition: h.newDefinition()})
	}
	return nil
}

func (h *history) newDefinition() core.Definition {
	n := len(h.definitions)
	tenant := h.rand.IntN(tenants)
	if n < tenants {
		tenant = n // each has one
	}
	d := h.drawDefinition(firstVersion+id.ID(n), firstTenant+id.ID(tenant))
	h.definitions = append(h.definitions, d)
	return d
}

func (h *history) drawDefinition(version, tenant id.ID) core.Definition {
	action := pick(h, allActions)
	d := core.Definition{
		Version: version, Tenant: tenant, Queue: queueOf(h, action), Limits: h.drawLimits(taskLimits), Rates: h.drawRates(),
		Workflow: pick(h, workflows), Action: action, Retries: int32(h.rand.IntN(4)),
		BackoffMS: pick(h, []int64{0, 1, 100, 1_500}), BackoffMaxMS: pick(h, []int64{1, 1_000, 10_000}),
		BackoffFactor:      pick(h, []float64{1, 2, 3.5}),
		BackoffExact:       pick(h, []bool{false, true}),
		ScheduleTimeoutMS:  pick(h, []int64{0, 0, 1, 3_000, 30_000}),
		ExecutionTimeoutMS: pick(h, []int64{0, 0, 1, 2_000, 20_000}),
		Durable:            h.rand.IntN(8) < h.durables,
	}
	h.drawNeed(&d)
	return d
}

// submit brings tasks and runs of graphs, with ids in between each other.
func (h *history) submit(n int) *Violation {
	in := &core.Submit{}
	for range n {
		if h.rand.IntN(8) < h.graphShare {
			in.Runs = append(in.Runs, h.newSubmit())
			continue
		}
		in.Tasks = append(in.Tasks, h.newTask(pick(h, h.definitions)))
	}
	return h.apply(in)
}

func (h *history) newTask(d core.Definition) core.NewTask {
	h.lastTask++
	row := core.NewTask{ID: h.lastTask, Tenant: d.Tenant, Version: d.Version}
	h.drawRow(&row)
	row.Flow = h.withRates(h.drawFlow(d.Limits, row.Key), d.Rates, row.Key)
	row.Flow = h.withBatch(row.Flow, &d, row.Key)
	row.Flow = h.withRoute(row.Flow, d.Sticky != core.StickyNone, &row)
	h.doom(&row)
	h.own = append(h.own, row.ID)
	return row
}

// definitionOf draws one of a tenant's.
func (h *history) definitionOf(tenant id.ID) core.Definition {
	var own []core.Definition
	for _, d := range h.definitions {
		if d.Tenant == tenant {
			own = append(own, d)
		}
	}
	return pick(h, own)
}

// graphOf draws one of a tenant's; nil if it has none.
func (h *history) graphOf(tenant id.ID) *core.Graph {
	var own []*core.Graph
	for _, g := range h.graphs {
		if g.Tenant == tenant {
			own = append(own, g)
		}
	}
	if len(own) == 0 {
		return nil
	}
	return pick(h, own)
}

func (h *history) drawRow(row *core.NewTask) {
	row.Key, row.Priority, row.Input = pick(h, keys), pick(h, priorities), core.Payload("{}")
	if h.rand.IntN(4) == 0 {
		row.Metadata = core.Payload(`{"by":"history"}`)
	}
	if h.rand.IntN(4) == 0 {
		row.RunAt = max(1, h.now+core.Time(h.rand.IntN(8_000)-1_000))
	}
}

// advance lets time pass; the owner is mostly awake when something is due.
func (h *history) advance(by core.Time) *Violation {
	h.now += by
	if next := h.shard.NextDue(); next > 0 && next <= h.now && h.rand.IntN(4) > 0 {
		return h.apply(&core.Tick{})
	}
	return nil
}

func (h *history) commitSome() *Violation {
	for range h.rand.IntN(len(h.entries) - h.durable + 1) {
		if v := h.commit(); v != nil {
			return v
		}
	}
	return nil
}

func (h *history) read(at int) {
	load := h.toRead[at]
	h.toRead = slices.Delete(h.toRead, at, at+1)
	h.toAnswer = append(h.toAnswer, h.committed.load(load))
}

func (h *history) answer(at int) *Violation {
	loaded := h.toAnswer[at]
	h.toAnswer = slices.Delete(h.toAnswer, at, at+1)
	return h.apply(loaded)
}

// cancel asks for some tasks and runs, open or not, known or not.
func (h *history) cancel() *Violation {
	in := &core.Cancel{Reason: "changed my mind", Tree: h.rand.IntN(3) == 0}
	for range 1 + h.rand.IntN(3) {
		target := h.someTarget()
		if !slices.Contains(in.Tasks, target) {
			in.Tasks = append(in.Tasks, target)
		}
	}
	h.lastRef++
	in.Ref, in.Tenant = h.lastRef, h.tenantOf(in.Tasks[0])
	h.asked[in.Ref] = len(in.Tasks)
	return h.apply(in)
}

// tenantOf is whose task or run it is, and anybody's if that is not known.
func (h *history) tenantOf(target id.ID) id.ID {
	if t := h.model.tasks[target]; t != nil {
		return t.row.Tenant
	}
	if r := h.model.runs[target]; r != nil {
		return r.row.Tenant
	}
	return firstTenant
}

func (h *history) newAgent(tenant id.ID, offers []string, slots int32) *agent {
	h.lastWorker++
	a := &agent{id: h.lastWorker, tenant: tenant, actions: offers, slots: slots}
	h.agents = append(h.agents, a)
	return a
}

func (h *history) hire() *Violation {
	if len(h.agents) >= agentsMax {
		return nil
	}
	var offers []string
	for _, action := range allActions {
		if h.rand.IntN(3) > 0 {
			offers = append(offers, action)
		}
	}
	a := h.newAgent(firstTenant+id.ID(h.rand.IntN(tenants)), offers, int32(1+h.rand.IntN(4)))
	a.typed, a.labels = int32(h.rand.IntN(3)), h.drawLabels()
	return h.join(a, nil)
}

func (h *history) join(a *agent, claims []core.Claim) *Violation {
	a.disconnect()
	a.joined = true
	paused := h.present[a.id].paused
	h.present[a.id] = attendance{tenant: a.tenant, since: h.now, paused: paused}
	return h.apply(&core.Join{Paused: paused, Worker: a.id, Tenant: a.tenant, Actions: a.actions, Slots: a.slots, Running: claims, Spared: a.spared, Labels: a.labels, Types: []core.SlotUse{{Type: slotType, Units: a.typed}}})
}

// rejoin brings a worker back: mostly with all it has, sometimes as a process that
// remembers nothing, or not all, or too much.
func (h *history) rejoin(a *agent) *Violation {
	if a.joined && h.rand.IntN(3) > 0 {
		return nil
	}
	switch h.rand.IntN(6) {
	case 0:
		h.restart(a)
	case 1:
		a.running = a.running[:len(a.running)/2]
	}
	h.giveUp(a)
	claims := a.claims(h)
	if h.rand.IntN(6) == 0 {
		claims = nil // and reports all the same
	}
	if len(claims) > 0 && h.rand.IntN(6) == 0 {
		claims = append(claims, claims[0])
	}
	if len(h.said) > 0 && h.rand.IntN(6) == 0 {
		old := pick(h, h.said).item
		claim := core.Claim{Task: old.Task, Attempt: old.Attempt, Token: old.Token, Batch: h.batchOf[old.Token]}
		if !slices.Contains(claims, claim) {
			a.running = append(a.running, &run{Claim: claim}) // if it was durable: it has forgotten its log
			h.torn[claim.Token] = true
			claims = append(claims, claim)
		}
	}
	if v := first(h.join(a, claims), h.emit(a)); v != nil {
		return v
	}
	if len(a.outbox) > 0 && h.rand.IntN(4) > 0 {
		return h.report(a, a.outbox...)
	}
	return nil
}

// restart has a worker remember nothing. What it wrote and the engine has not stored is
// lost; its old words may be heard again all the same.
func (h *history) restart(a *agent) {
	for i := range a.unstored.lines {
		h.torn[a.unstored.lines[i].Token] = true
	}
	for i := range a.unstored.chunks {
		h.torn[a.unstored.chunks[i].Token] = true
	}
	a.running, a.outbox, a.unstored = nil, nil, unstored{}
}

// flap has a worker's process restart time and again, as a task may make it.
func (h *history) flap(a *agent) *Violation {
	for range 1 + h.rand.IntN(core.LossesMax+2) {
		h.restart(a)
		if v := h.join(a, nil); v != nil {
			return v
		}
	}
	return nil
}

func (h *history) drop(a *agent) *Violation {
	a.dead = h.rand.IntN(4) == 0
	reason := pick(h, []core.LeaveReason{core.LeaveClosed, core.LeaveClosed, core.LeaveSilent, core.LeaveDrained})
	return h.leave(a, reason)
}

// leave ends a worker's stream, if the core has heard of it at all.
func (h *history) leave(a *agent, reason core.LeaveReason) *Violation {
	a.disconnect()
	if h.model.workers[a.id] == nil {
		return nil
	}
	return h.apply(&core.Leave{Worker: a.id, Reason: reason})
}

func (h *history) receiveSome(a *agent) *Violation {
	for range h.rand.IntN(len(a.inbox) + 1) {
		if v := a.receive(h); v != nil {
			return v
		}
	}
	return nil
}

// reportSome has a worker say what became of some of its attempts.
func (h *history) reportSome(a *agent) *Violation {
	var items []core.ReportItem
	for range 1 + h.rand.IntN(3) {
		if len(a.running) == 0 {
			break
		}
		at := h.rand.IntN(len(a.running))
		r := a.running[at]
		switch what := h.rand.IntN(10); {
		case r.book != nil && what < 9:
			items = append(items, h.proceed(a, r)...)
		case !r.started && what < 4:
			r.started = true
			items = append(items, core.ReportItem{Task: r.Task, Attempt: r.Attempt, Token: r.Token, Kind: core.ReportStarted})
		case r.stopped && what < 8, what == 8:
			items = append(items, a.finish(h, at, core.ReportFailed, h.rand.IntN(5) == 0))
		case what < 8:
			items = append(items, a.finish(h, at, core.ReportCompleted, false))
		}
	}
	if len(items) > 0 && h.rand.IntN(10) == 0 {
		items = append(items, items[len(items)-1]) // twice in one breath
	}
	return h.report(a, items...)
}

func (h *history) report(a *agent, items ...core.ReportItem) *Violation {
	if len(items) == 0 {
		return nil
	}
	if v := h.emit(a); v != nil {
		return v
	}
	for _, i := range items {
		h.said = append(h.said, word{a, i})
	}
	return h.apply(&core.Report{Worker: a.id, Items: slices.Clone(items)})
}

// repeat says something again that was said at any time, by whoever said it or by
// another worker.
func (h *history) repeat() *Violation {
	if len(h.said) == 0 {
		return nil
	}
	w := pick(h, h.said)
	a := w.agent
	if h.rand.IntN(5) == 0 {
		a = pick(h, h.agents)
	}
	if !a.joined && h.rand.IntN(4) > 0 {
		return nil
	}
	if w.item.Entry != nil {
		w.item.Entry = h.again(w.item.Entry)
	}
	return h.apply(&core.Report{Worker: a.id, Items: []core.ReportItem{w.item}})
}
