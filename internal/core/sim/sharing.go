package sim

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// sharing is a history of tenants that share workers, and of little else: the same core and
// the same store, with grants that come and go, workers that do, limits, and crashes.
type sharing struct {
	ground
	definitions []core.Definition // of each tenant one of each action
	tasks       map[id.ID]*shared // open
	hands       []*hand
	grants      map[pact]int32 // in force, with their weights

	paused   map[id.ID]bool    // tenants whose queue sharedQueue is
	restored map[pact]bool     // grants that the owner found
	holding  map[id.ID][]id.ID // by tenant: tasks with places in its limit
	steps    int
	attempts []stint      // that this owner knows of
	waiting  map[want]int // since which step a tenant waits for workers of a home
	// To see a checker find what is broken: what the core takes for the grants.
	lie func(*core.Setting)
}

// pact is a tenant's grant to a home.
type pact struct{ tenant, home id.ID }

// want is what a tenant waits for at a home: that a worker is free that runs an action.
type want struct {
	pact
	action string
}

// shared is an open task.
type shared struct {
	row   core.NewTask
	state core.OpenState
	free  bool // ready, in memory, and with its places in limits
}

// hand is a worker.
type hand struct {
	id, home id.ID
	actions  []string
	slots    int32
	joined   bool
	present  bool // by its row: connected, or expected back by a new owner
	awaited  bool // by this owner, from the one before
	since    core.Time
	running  []begun
	outbox   []core.ReportItem    // said, and not settled
	holds    map[core.Token]id.ID // what the owner counts: tasks by attempt
	stopped  map[core.Token]bool  // it was told to stop them
}

// begun is an attempt at a worker.
type begun struct {
	core.Claim
	tenant id.ID
}

const (
	shareTenants        = 3
	sharedQueue         = "both" // of tenants that have one for both actions
	handsMax            = 4
	shareQuietly        = 6_000 // steps of the quiet end at most
	shareLimitMax int32 = 2
	shareLimit          = "few"
)

var shareActions = []string{"act", "other"}

// Share plays the history of seed for so many steps; nil if it keeps all promises.
func Share(seed uint64, steps int) *Failure {
	p := newSharing(seed)
	if v := p.run(steps); v != nil {
		return &Failure{Seed: seed, Steps: steps, At: len(p.entries), Violation: v, Trace: p.trace()}
	}
	return nil
}

func newSharing(seed uint64) *sharing {
	p := &sharing{
		ground: newGround(seed, 0x5a4e, 3),
		tasks:  map[id.ID]*shared{}, grants: map[pact]int32{}, waiting: map[want]int{}, holding: map[id.ID][]id.ID{},
	}
	for i := range shareTenants {
		queue := []string{"", sharedQueue}[p.rand.IntN(2)]
		limited := p.rand.IntN(3) == 0
		for _, action := range shareActions {
			def := core.Definition{
				Version: firstVersion + id.ID(len(p.definitions)), Tenant: firstTenant + id.ID(i), Queue: queue, Action: action,
				Retries: int32(p.rand.IntN(2)),
			}
			if limited {
				def.Limits = []string{shareLimit}
			}
			p.definitions = append(p.definitions, def)
		}
	}
	return p
}

func (p *sharing) definition(t *shared) *core.Definition {
	return &p.definitions[t.row.Version-firstVersion]
}

func (p *sharing) run(steps int) *Violation {
	if v := p.takeOver(); v != nil {
		return v
	}
	for i := range shareTenants {
		limit := core.Setting{
			Tenant: firstTenant + id.ID(i), Kind: core.SettingLimit, Name: shareLimit, Limit: core.LimitSetting{Max: shareLimitMax},
		}
		if v := p.apply(&core.Set{Settings: []core.Setting{limit}}); v != nil {
			return v
		}
	}
	for range steps {
		if v := p.act(); v != nil {
			return v
		}
	}
	return p.quiet()
}

// act does the next thing.
func (p *sharing) act() *Violation {
	switch n := p.rand.IntN(100); {
	case n < 20:
		return p.submit(1 + p.rand.IntN(8))
	case n < 35:
		p.now += core.Time(p.rand.IntN(1_500))
		return p.apply(&core.Tick{})
	case n < 58:
		return p.commit()
	case n < 66:
		return p.answer()
	case n < 84:
		return p.report()
	case n < 89:
		return p.come()
	case n < 91:
		return p.part()
	case n < 93:
		return p.cancel()
	case n < 97:
		return p.grant()
	case n < 98:
		return p.pause()
	default:
		return p.crash()
	}
}

func (p *sharing) submit(n int) *Violation {
	in := &core.Submit{}
	def := &p.definitions[p.rand.IntN(len(p.definitions))]
	for range n {
		p.lastTask++
		row := core.NewTask{ID: p.lastTask, Tenant: def.Tenant, Version: def.Version, Priority: int32(p.rand.IntN(2))}
		if len(def.Limits) > 0 {
			row.Flow = &core.Flow{Limits: []core.LimitKey{{}}}
		}
		p.tasks[row.ID] = &shared{row: row}
		in.Tasks = append(in.Tasks, row)
	}
	return p.apply(in)
}

// grant has a tenant let the workers of another one run its tasks, by some weight, or takes
// that back. Now and then it is about its own weight.
func (p *sharing) grant() *Violation {
	by := pact{firstTenant + id.ID(p.rand.IntN(shareTenants)), firstTenant + id.ID(p.rand.IntN(shareTenants))}
	s := core.Setting{Tenant: by.tenant, Kind: core.SettingGrant, Name: core.GrantName(by.home)}
	if _, there := p.grants[by]; there && p.rand.IntN(2) == 0 {
		s.Dropped = true
	} else {
		s.Grant.Weight = []int32{0, 500, 2_000}[p.rand.IntN(3)]
	}
	return p.set(by, s)
}

func (p *sharing) set(by pact, s core.Setting) *Violation {
	if s.Dropped {
		delete(p.grants, by)
	} else {
		p.grants[by] = cmp.Or(s.Grant.Weight, core.WeightDefault)
	}
	p.waiting = map[want]int{} // all start anew
	if p.lie != nil {
		p.lie(&s)
	}
	return p.apply(&core.Set{Settings: []core.Setting{s}})
}

// pause has the queue that both actions of a tenant may have be paused, or go on.
func (p *sharing) pause() *Violation {
	tenant := firstTenant + id.ID(p.rand.IntN(shareTenants))
	return p.setPaused(tenant, !p.paused[tenant])
}

func (p *sharing) setPaused(tenant id.ID, paused bool) *Violation {
	p.paused[tenant] = paused
	return p.apply(&core.Set{Settings: []core.Setting{{
		Tenant: tenant, Kind: core.SettingQueue, Name: sharedQueue, Queue: core.QueueSetting{Paused: paused},
	}}})
}

// report has a worker say how some of what it runs ended.
func (p *sharing) report() *Violation {
	w := p.some(func(w *hand) bool { return w.joined && len(w.running) > 0 })
	if w == nil {
		return nil
	}
	in := &core.Report{Worker: w.id}
	for range 1 + p.rand.IntN(len(w.running)) {
		in.Items = append(in.Items, w.finish(p.rand.IntN(len(w.running)), p.rand.IntN(5) > 0))
	}
	return p.apply(in)
}

func (w *hand) finish(at int, well bool) core.ReportItem {
	item := ended(w.running[at].Claim, well)
	w.running = slices.Delete(w.running, at, at+1)
	w.outbox = append(w.outbox, item)
	return item
}

// come has a new worker join, or one that was gone.
func (p *sharing) come() *Violation {
	w := p.some(func(w *hand) bool { return !w.joined })
	if w == nil || p.rand.IntN(3) == 0 && len(p.hands) < handsMax {
		p.lastWorker++
		home := firstTenant + id.ID(p.rand.IntN(shareTenants))
		w = &hand{id: p.lastWorker, home: home, actions: shareActions[p.rand.IntN(2):], slots: int32(1 + p.rand.IntN(4))}
		p.hands = append(p.hands, w)
	}
	return p.join(w)
}

func (p *sharing) join(w *hand) *Violation {
	in := &core.Join{Worker: w.id, Tenant: w.home, Actions: w.actions, Slots: w.slots}
	for _, c := range w.running {
		in.Running = append(in.Running, c.Claim)
	}
	for _, item := range w.outbox {
		in.Running = append(in.Running, core.Claim{Task: item.Task, Attempt: item.Attempt, Token: item.Token})
	}
	w.joined, w.present, w.awaited, w.since = true, true, false, p.now
	if v := p.apply(in); v != nil || len(w.outbox) == 0 {
		return v
	}
	return p.apply(&core.Report{Worker: w.id, Items: slices.Clone(w.outbox)})
}

// part ends the stream of a worker.
func (p *sharing) part() *Violation {
	w := p.some(func(w *hand) bool { return w.joined })
	if w == nil {
		return nil
	}
	w.joined = false
	return p.apply(&core.Leave{Worker: w.id, Reason: core.LeaveReason(p.rand.IntN(3))})
}

func (p *sharing) cancel() *Violation {
	target := p.someTask()
	tenant := firstTenant + id.ID(p.rand.IntN(shareTenants))
	return p.apply(&core.Cancel{Ref: 1, Tenant: tenant, Tasks: []id.ID{target}})
}

func (p *sharing) some(fits func(*hand) bool) *hand { return anyOf(p.rand, p.hands, fits) }

// commit makes the next step durable, and tells what waited for it.
func (p *sharing) commit() *Violation {
	out, v := p.commitNext()
	if out == nil || v != nil {
		return v
	}
	for _, s := range out.Settled {
		for _, w := range p.hands {
			if w.id == s.Worker && w.joined {
				w.outbox = slices.DeleteFunc(w.outbox, func(i core.ReportItem) bool { return i.Token == s.Token })
			}
		}
	}
	for _, gone := range out.Absent {
		if w := p.hand(gone.Worker); w.since < gone.Since {
			w.present = false
		}
	}
	for _, s := range out.Stopped {
		if v := p.stop(s); v != nil {
			return v
		}
	}
	return p.tell()
}

// stop has a worker end an attempt that it is told to stop.
func (p *sharing) stop(s core.Stop) *Violation {
	w := p.hand(s.Worker)
	at := slices.IndexFunc(w.running, func(c begun) bool { return c.Token == s.Token })
	if !w.joined || at < 0 {
		return nil
	}
	return p.apply(&core.Report{Worker: w.id, Items: []core.ReportItem{w.finish(at, false)}})
}

// tell sends the assignments that wait for no commit any more.
func (p *sharing) tell() *Violation {
	due, v := p.due()
	if v != nil {
		return v
	}
	for _, a := range due {
		if w := p.hand(a.Worker); w.joined && w.holds[a.Token] != 0 {
			w.running = append(w.running, begun{core.Claim{Task: a.Task, Attempt: a.Attempt, Token: a.Token}, p.committed.tasks[a.Task].Tenant})
		}
	}
	return nil
}

// answer reads and brings in what was asked for.
func (p *sharing) answer() *Violation {
	if loaded := p.read(); loaded != nil {
		return p.apply(loaded)
	}
	return nil
}

// crash loses what is not committed, and all that was in memory.
func (p *sharing) crash() *Violation {
	p.lose()
	p.attempts = nil
	for _, w := range p.hands {
		w.joined = false
	}
	return p.takeOver()
}

// takeOver has a new owner restore what is committed.
func (p *sharing) takeOver() *Violation {
	restore := p.renew(p.definitions)
	p.committed.restoreFlow(restore, nil)
	p.grants, p.waiting, p.restored, p.paused = map[pact]int32{}, map[want]int{}, map[pact]bool{}, map[id.ID]bool{}
	for _, s := range restore.Settings {
		if s.Kind == core.SettingQueue {
			p.paused[s.Tenant] = s.Queue.Paused
		}
		if home, err := id.Parse(s.Name); s.Kind == core.SettingGrant && err == nil {
			by := pact{s.Tenant, home}
			p.grants[by], p.restored[by] = cmp.Or(s.Grant.Weight, core.WeightDefault), true
		}
	}
	for _, w := range p.hands {
		w.holds, w.stopped = map[core.Token]id.ID{}, map[core.Token]bool{}
		if w.awaited = w.present; w.awaited {
			restore.Workers = append(restore.Workers, core.Present{Worker: w.id, Tenant: w.home})
		}
	}
	for _, o := range restore.Running {
		p.hand(o.Worker).holds[o.Token] = o.ID
	}
	p.tasks = map[id.ID]*shared{}
	for target, row := range p.committed.tasks {
		if _, ended := p.committed.results[target]; !ended {
			p.tasks[target] = &shared{row: row}
		}
	}
	return p.apply(restore)
}

func (p *sharing) hand(worker id.ID) *hand {
	at := slices.IndexFunc(p.hands, func(w *hand) bool { return w.id == worker })
	return p.hands[at]
}

// quiet gives each tenant a worker of its own, lets everything succeed, and everything must
// end.
func (p *sharing) quiet() *Violation {
	for _, w := range p.hands {
		if w.joined {
			w.joined = false
			if v := p.apply(&core.Leave{Worker: w.id, Reason: core.LeaveSilent}); v != nil {
				return v
			}
		}
	}
	var good []*hand
	for i := range shareTenants {
		p.lastWorker++
		w := &hand{id: p.lastWorker, home: firstTenant + id.ID(i), actions: shareActions, slots: 20}
		p.hands, good = append(p.hands, w), append(good, w)
		if v := first(p.join(w), p.setPaused(w.home, false)); v != nil {
			return v
		}
	}
	for range shareQuietly {
		if done, v := p.calm(good); done || v != nil {
			return first(v, p.checkEnded())
		}
	}
	return p.checkEnded()
}

// calm is a step of the quiet end; done if there is nothing left to do.
func (p *sharing) calm(good []*hand) (done bool, v *Violation) {
	for p.durable < len(p.entries) {
		if v := p.commit(); v != nil {
			return false, v
		}
	}
	idle := len(p.toRead) == 0
	if v := p.answer(); v != nil {
		return false, v
	}
	for _, w := range good {
		if !w.joined {
			idle = false
			if v := p.join(w); v != nil {
				return false, v
			}
		}
		if len(w.running) > 0 {
			idle = false
			if v := p.apply(&core.Report{Worker: w.id, Items: []core.ReportItem{w.finish(0, true)}}); v != nil {
				return false, v
			}
		}
	}
	next := p.shard.NextDue()
	if !idle || p.durable < len(p.entries) {
		return false, nil
	}
	if next == 0 {
		return true, nil
	}
	p.now = max(p.now, next)
	return false, p.apply(&core.Tick{})
}

func (p *sharing) trace() string { return fmt.Sprintf("window %d", p.window) + p.ground.trace() }
