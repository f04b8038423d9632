package sim

import (
	"fmt"
	"hash"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// history is one run of the simulator. Everything in it follows from the seed.
type history struct {
	seed uint64
	rand *rand.Rand

	shard   *core.Shard
	window  int
	windows int // of all lanes together
	lent    int // as core.Shard.LendRoom
	onceMax int // once keys that the core keeps in memory
	epoch   int64
	now     core.Time
	model   *model

	entries   []entry // all steps, of all owners
	durable   int     // how many of them are committed or were lost in a crash
	bySeq     map[uint64]int
	written   *store // has the effects of all steps
	committed *store // has those of the durable ones

	accepted []id.ID
	scripts  map[id.ID]script       // by the task that was first to follow it
	origins  map[id.ID]id.ID        // of forks: that task
	spawns   map[uint64]*core.Spawn // by Ref
	toAsk    []*core.Spawn          // to be asked for again
	toReplay []id.ID                // runs that are to be repeated when they have ended
	asked    map[uint64]int         // by Ref: answers that are awaited
	held     []held                 // assignments that wait for a commit
	toRead   []core.Load            // committed, to be read
	toAnswer []*core.Loaded         // read, to be answered
	agents   []*agent
	said     []word              // reports so far, to be repeated
	wrote    map[core.Token]pen  // by attempt that its worker ended
	torn     map[core.Token]bool // attempts that a worker speaks for without what they wrote

	present      map[id.ID]attendance // the rows of workers
	typeShare    int                  // of 8 definitions, how many take up slots of another type
	labelShare   int                  // and how many want a label
	stickyShare  int                  // and how many want a certain worker
	batchShare   int                  // and how many go in batches
	batchOf      map[core.Token]core.Token
	rateShare    int // of 8 rate limits, how many a definition draws from
	meters       map[core.RateName]*meter
	limitShare   int             // of 8 limits, how many a definition has
	worded       map[string]bool // limits and rate limits of which runs say the maximum
	queueing     bool            // limits have those wait whom they have no place for
	oneQueue     bool            // actions share a queue
	definitions  []core.Definition
	graphs       []*core.Graph
	graphShare   int                     // how many of 8 submits are runs of graphs
	failShare    int                     // how many of 8 attempts of a bustle fail
	plans        map[id.ID]core.Schedule // as they were put last
	ripe         []core.Ripe             // committed, to be answered
	lastSchedule id.ID
	startedBy    map[id.ID][]id.ID // the runs of each event that was pushed
	runs         []id.ID           // of graphs, as submitted
	places       map[id.ID]place   // of all their tasks
	durables     int               // how many of 8 definitions are durable
	own          []id.ID           // tasks that are runs of their own, as submitted
	lastTask     id.ID
	lastWorker   id.ID
	lastRef      uint64
	weights      [actions]int
	calmed       bool // in the quiet phase

	digest hash.Hash64                // of all effects; nil = not asked for
	tamper func(h *history, st *step) // breaks a step, to see a checker find it
	watch  func(what any)             // sees each input, and then its effects; nil = nobody does
}

type entry struct {
	step
	sessions map[id.ID]int // of the workers that are told something, when it was decided
}

type held struct {
	core.Assignment
	session int
	mets    int // of a durable task: how many there were when it was decided
}

type word struct {
	agent *agent
	item  core.ReportItem
}

// Ids are small and tell by their size what they name: a trace is to be read.
const (
	firstTenant   id.ID = 1
	firstVersion  id.ID = 100
	firstGraph    id.ID = 500
	firstWorker   id.ID = 1_000
	firstSchedule id.ID = 50_000
	firstTask     id.ID = 100_000
	startOfTime         = core.Time(10_000_000)
	shardNumber         = 7
)

func newHistory(seed uint64) *history {
	h := &history{
		seed: seed, rand: rand.New(rand.NewPCG(seed, 0xad2e)),
		now: startOfTime, model: newModel(),
		bySeq: map[uint64]int{}, written: newStore(), committed: newStore(),
		asked: map[uint64]int{}, wrote: map[core.Token]pen{}, torn: map[core.Token]bool{}, lastTask: firstTask, lastWorker: firstWorker, places: map[id.ID]place{}, startedBy: map[id.ID][]id.ID{}, plans: map[id.ID]core.Schedule{}, lastSchedule: firstSchedule,
		present: map[id.ID]attendance{}, worded: map[string]bool{},
		scripts: map[id.ID]script{}, origins: map[id.ID]id.ID{}, spawns: map[uint64]*core.Spawn{},
	}
	h.window = 1 + h.rand.IntN(6)
	if h.rand.IntN(4) == 0 {
		h.window = core.WindowMax
	}
	h.windows = pick(h, []int{1, 3, windowsUsual, windowsUsual})
	h.lent = pick(h, []int{0, 0, 0, 2, 8, 300})
	h.onceMax = pick(h, []int{1, 2, 4, 100})
	h.graphShare, h.failShare = pick(h, []int{0, 1, 2, 4, 8}), pick(h, []int{0, 1, 4})
	h.durables = pick(h, []int{0, 2, 4, 8})
	h.limitShare, h.queueing, h.oneQueue = pick(h, []int{0, 0, 1, 3, 6}), h.rand.IntN(2) == 0, h.rand.IntN(2) == 0
	h.typeShare, h.labelShare, h.stickyShare = pick(h, []int{0, 0, 2, 4}), pick(h, []int{0, 0, 2, 4}), pick(h, []int{0, 0, 2, 4})
	h.batchShare, h.batchOf = pick(h, []int{0, 0, 2, 6}), map[core.Token]core.Token{}
	h.rateShare, h.meters = pick(h, []int{0, 0, 1, 4}), map[core.RateName]*meter{}
	for _, name := range slices.Concat(taskLimits, runLimits, rateNames) {
		h.worded[name] = h.rand.IntN(4) == 0
	}
	for i := range h.weights {
		h.weights[i] = usual[i] * h.rand.IntN(4) // what a history never does is as telling as what it does
	}
	h.weights[doCrash] *= pick(h, []int{1, 1, 6})
	h.weights[doGrant] *= pick(h, []int{0, 0, 1, 4}) // many tenants share no workers
	return h
}

// run plays the history to its quiet end.
func (h *history) run(stepsMax int) *Violation {
	if v := h.open(); v != nil {
		return v
	}
	for range stepsMax {
		if v := h.act(); v != nil {
			return v
		}
	}
	return h.quiet()
}

// open starts the first owner and registers the definitions.
func (h *history) open() *Violation {
	h.shard = core.NewSized(shardNumber, h.window)
	h.shard.LendRoom(h.lent)
	for range tenants + h.rand.IntN(4) {
		h.newDefinition()
	}
	for range 1 + h.rand.IntN(3) {
		h.newGraph()
	}
	return first(h.takeOver(), h.declare(), h.declareRates(), h.declareQueue())
}

// takeOver has a new owner restore what is committed.
func (h *history) takeOver() *Violation {
	h.epoch++
	h.shard = core.NewSized(shardNumber, h.window)
	h.shard.LendRoom(h.lent)
	h.shard.KeepOnce(h.onceMax)
	h.shard.KeepWindows(h.windows)
	h.bySeq = map[uint64]int{}
	var none core.Effects
	for i := range h.definitions {
		h.model.definitions[h.definitions[i].Version] = h.definitions[i]
		h.shard.Apply(h.now, &core.Define{Definition: h.definitions[i]}, &none)
	}
	for _, g := range h.graphs {
		h.model.graphs[g.Version] = g
		h.shard.Apply(h.now, &core.DefineGraph{Graph: *g}, &none)
	}
	restore := h.committed.restore(h.epoch)
	h.committed.restoreRates(restore)
	h.committed.restoreFlow(restore, h.present)
	h.committed.restoreOnce(restore, h.onceMax)
	h.model = h.model.recover(h.committed, restore, h.now)
	return h.apply(restore)
}

// crash loses what is not committed, and all that was in memory.
func (h *history) crash() *Violation {
	h.recoverMeters()
	h.durable = len(h.entries)
	h.written = h.committed.clone()
	h.asked, h.held, h.toRead, h.toAnswer, h.ripe = map[uint64]int{}, nil, nil, nil, nil
	h.plans = maps.Clone(h.committed.schedules.rows)
	clear(h.spawns)
	h.toAsk, h.toReplay = nil, nil
	for _, a := range h.agents {
		a.disconnect()
	}
	if v := h.takeOver(); v != nil {
		return v
	}
	return h.comeBack()
}

// crashWith is a crash with all committed that happened.
func (h *history) crashWith() *Violation {
	for h.durable < len(h.entries) {
		if v := h.commit(); v != nil {
			return v
		}
	}
	return h.crash()
}

// comeBack has some workers find the new owner at once.
func (h *history) comeBack() *Violation {
	for _, a := range h.agents {
		parent := slices.ContainsFunc(a.running, func(r *run) bool { return h.model.hasChildren(r.Task) })
		if a.dead || h.rand.IntN(2) == 0 && !parent {
			continue
		}
		if v := h.rejoin(a); v != nil {
			return v
		}
		if a.joined && (parent || h.rand.IntN(3) == 0) { // the new owner does not know which children there are
			if v := h.spawn(a); v != nil {
				return v
			}
		}
	}
	return nil
}

// apply hands one input to the core and judges what comes of it.
func (h *history) apply(in core.Input) *Violation {
	e := entry{step: step{now: h.now, in: in, out: &core.Effects{}, live: h.shard.Live, row: h.rowOf, resident: map[id.ID]bool{}}}
	st := &e.step
	for _, target := range h.model.named(max(h.now, h.model.now), in) {
		st.resident[target] = h.shard.Live(target).State != 0
	}
	h.look(in)
	before := h.digested(in)
	h.shard.Apply(h.now, in, st.out)
	h.look(st.out)
	st.seq = h.shard.Seq()
	if h.tamper != nil {
		h.tamper(h, st)
	}
	e.sessions = h.sessions()
	h.bySeq[st.seq] = len(h.entries)
	h.entries = append(h.entries, e)
	st = &h.entries[len(h.entries)-1].step
	if h.digested(in) != before {
		return broken(inputsKept, "an input was %s, and is now %s", before, show(in))
	}
	if h.digest != nil {
		fmt.Fprintln(h.digest, h.digested(st.out))
	}
	if v := first(h.written.apply(st.out), h.followed(st), h.check(st)); v != nil {
		return v
	}
	for _, a := range st.out.Assigned {
		h.held = append(h.held, held{a, e.sessions[a.Worker], len(h.written.mets[a.Task])})
	}
	h.tellAssigned()
	return nil
}

// digested is all that a digest is made of: what is pointed to, not where it is.
func (h *history) digested(what any) string {
	if h.digest == nil {
		return ""
	}
	return show(what)
}

func (h *history) look(what any) {
	if h.watch != nil {
		h.watch(what)
	}
}

func (h *history) rowOf(target id.ID) (core.OpenTask, bool) {
	o, ok := h.written.open[target]
	return o, ok
}

func (h *history) sessions() map[id.ID]int {
	sessions := make(map[id.ID]int, len(h.agents))
	for _, a := range h.agents {
		sessions[a.id] = a.session
	}
	return sessions
}

// commit makes the next step durable and tells what waited for it.
func (h *history) commit() *Violation {
	e := &h.entries[h.durable]
	h.durable++
	if v := h.committed.apply(e.out); v != nil {
		return v
	}
	if v := first(h.checkWrittenWhole(e), h.checkEvents(e.out)); v != nil {
		return v
	}
	for _, t := range e.out.Tasks {
		h.accepted = append(h.accepted, t.ID)
	}
	for _, s := range e.out.Stopped {
		h.tell(s.Worker, e.sessions[s.Worker], message{stop: s})
	}
	for _, m := range e.out.Mets {
		h.tell(m.Worker, e.sessions[m.Worker], message{met: m})
	}
	for _, s := range e.out.Settled {
		h.tell(s.Worker, e.sessions[s.Worker], message{settled: s})
	}
	for _, m := range e.out.Emitted {
		h.tell(m.Worker, e.sessions[m.Worker], message{emitted: m})
	}
	for _, a := range e.out.Answers {
		if a.Kind == core.AnswerAgain {
			h.askAgain(a)
		}
		if h.asked[a.Ref]--; h.asked[a.Ref] == 0 {
			delete(h.asked, a.Ref)
		}
	}
	h.depart(e.out.Absent)
	h.rest(e.out.Paused)
	h.toRead = append(h.toRead, e.out.Loads...)
	h.ripe = append(h.ripe, e.out.Ripe...)
	h.tellAssigned()
	return nil
}

// tellAssigned sends the assignments whose submit is committed by now.
func (h *history) tellAssigned() {
	waiting := h.held[:0]
	for _, a := range h.held {
		if a.Seq > 0 && h.bySeq[a.Seq] >= h.durable {
			waiting = append(waiting, a)
			continue
		}
		h.tell(a.Worker, a.session, message{
			assigned: a.Assignment, metsMin: a.mets,
			log: h.committed.logs[a.Task], mets: h.committed.mets[a.Task],
		})
	}
	h.held = waiting
}

func (h *history) tell(worker id.ID, session int, m message) {
	for _, a := range h.agents {
		if a.id == worker && a.session == session && a.joined {
			a.inbox = append(a.inbox, m)
		}
	}
}

// quietStepsMax bounds the quiet phase: a history has some hundred tasks, rarely a
// thousand, and each ends within a few steps once nothing goes wrong any more.
const quietStepsMax = 15_000

// quiet lets everything succeed, and everything must end.
func (h *history) quiet() *Violation {
	if v := h.calm(); v != nil {
		return v
	}
	h.calmed = true
	for range quietStepsMax {
		idle, v := h.quietStep()
		if v != nil {
			return v
		}
		if idle {
			if waiting := h.model.sortedAwaited(); len(waiting) > 0 && h.rand.IntN(2) == 0 {
				if v := h.satisfy(pick(h, waiting)); v != nil {
					return v
				}
				continue
			}
			next := h.shard.NextDue()
			if next == 0 && len(h.model.awaited) > 0 {
				continue
			}
			if next == 0 {
				break
			}
			h.now = max(h.now, next)
			if v := h.apply(&core.Tick{}); v != nil {
				return v
			}
		}
	}
	return h.checkEverythingEnded()
}

// calm sends some workers away, for ever; the others say what they kept back, and
// good ones come.
func (h *history) calm() *Violation {
	for _, a := range h.agents {
		a.dead = true
		if a.joined && h.rand.IntN(2) == 0 {
			if v := h.report(a, a.outbox...); v != nil {
				return v
			}
			continue
		}
		if v := h.leave(a, core.LeaveSilent); v != nil {
			return v
		}
	}
	if v := first(h.pauseSchedules(), h.declareRates(), h.endPauses()); v != nil { // what was declared may be lost
		return v
	}
	for tenant := range tenants {
		for _, zone := range zones {
			a := h.newAgent(firstTenant+id.ID(tenant), allActions, 100)
			a.typed, a.labels = 100, map[string]string{zoneLabel: zone, sizeLabel: sizeMax}
			if v := h.join(a, nil); v != nil {
				return v
			}
		}
	}
	return nil
}

// quietStep commits, reads, answers, delivers and completes all there is.
func (h *history) quietStep() (idle bool, v *Violation) {
	idle = true
	for h.durable < len(h.entries) {
		idle = false
		if v := h.commit(); v != nil {
			return false, v
		}
	}
	for len(h.toRead) > 0 {
		h.read(0)
	}
	for len(h.toAnswer) > 0 {
		idle = false
		if v := h.answer(0); v != nil {
			return false, v
		}
	}
	for len(h.toAsk) > 0 {
		idle = false
		if v := h.respawn(); v != nil {
			return false, v
		}
	}
	for _, a := range h.agents {
		for len(a.inbox) > 0 {
			idle = false
			if v := a.receive(h); v != nil {
				return false, v
			}
		}
		if a.joined && len(a.running) > 0 {
			idle = false
			if v := h.report(a, a.finishHalf(h)...); v != nil {
				return false, v
			}
		}
	}
	return idle, nil
}

// newDigest is what two runs of a seed are compared by.
func newDigest() hash.Hash64 { return fnv.New64a() }

// followed has the model follow, and notes what was drawn.
func (h *history) followed(st *step) *Violation {
	for _, a := range st.out.Assigned {
		h.batchOf[a.Token] = a.Batch
	}
	rescale := h.followRules(st)
	v := h.model.follow(st)
	rescale()
	h.followDraws(st)
	return v
}
