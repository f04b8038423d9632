package sim

import (
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// The promises of workers that are shared.
const (
	sharedGranted   promise = "a worker is given tasks of its home, and of who has granted that, and of nobody else"
	sharedConserved promise = "no slot is free while a task that its worker may have is ready"
	sharedTurns     promise = "nobody is given a home's workers ahead of one that waits for them and had less of their time"
	sharedLimits    promise = "a limit is kept by all workers that its tenant's tasks may run at, through restarts"
	sharedSlots     promise = "slots in use are the attempts that workers have, whosever tasks they are"
)

// shareSlack is how many tasks a tenant may be ahead of another one.
const shareSlack = 4

// stint is an attempt at a worker of a home, as far as the owner counts it.
type stint struct {
	pact
	token      core.Token
	step       int       // it was given in
	begin, end core.Time // end 0: it goes on
}

// apply hands one input to the core, and holds what comes of it against the rules.
func (p *sharing) apply(in core.Input) *Violation {
	p.steps++
	out := p.take(in)
	p.hear(in, out)
	if v := first(p.written.apply(out), p.checkGiven(out)); v != nil {
		return v
	}
	p.told = append(p.told, out.Assigned...)
	p.observe(out)
	if v := first(p.tell(), p.checkSlots(), p.checkConserved(), p.checkLimits(in)); v != nil {
		return v
	}
	p.noteWaiting(in)
	return nil
}

// hear counts what workers have by their own words.
func (p *sharing) hear(in core.Input, out *core.Effects) {
	switch in := in.(type) {
	case *core.Join:
		w := p.hand(in.Worker)
		w.holds, w.stopped = map[core.Token]id.ID{}, map[core.Token]bool{}
		for _, c := range in.Running {
			w.holds[c.Token] = c.Task
			if live := p.shard.Live(c.Task); live.Worker == w.id && live.Token == c.Token {
				p.begin(w, live.Tenant, c.Token)
			}
		}
	case *core.Report:
		for _, item := range in.Items {
			delete(p.hand(in.Worker).holds, item.Token)
		}
	}
	for _, gone := range out.Absent {
		w := p.hand(gone.Worker)
		w.holds, w.awaited = map[core.Token]id.ID{}, false
	}
	for _, s := range out.Stopped {
		p.hand(s.Worker).stopped[s.Token] = true
	}
	for i := range p.attempts {
		if s := &p.attempts[i]; s.end == 0 && !p.isHeld(s.token) {
			s.end = p.now
		}
	}
}

func (p *sharing) isHeld(token core.Token) bool {
	return slices.ContainsFunc(p.hands, func(w *hand) bool { return w.holds[token] != 0 })
}

// begin counts an attempt, once.
func (p *sharing) begin(w *hand, tenant id.ID, token core.Token) {
	if !slices.ContainsFunc(p.attempts, func(s stint) bool { return s.token == token && s.end == 0 }) {
		p.attempts = append(p.attempts, stint{pact{tenant, w.home}, token, p.steps, p.now, 0})
	}
}

func (p *sharing) serves(w *hand, t *shared) bool {
	_, granted := p.grants[pact{t.row.Tenant, w.home}]
	return (granted || w.home == t.row.Tenant) && slices.Contains(w.actions, p.definition(t).Action)
}

// checkGiven holds what workers are given against the grants, and the turns of tenants.
func (p *sharing) checkGiven(out *core.Effects) *Violation {
	for _, a := range out.Assigned {
		w, t := p.hand(a.Worker), p.tasks[a.Task]
		switch {
		case t == nil:
			return broken(rightCause, "task %d is given, and not open", a.Task)
		case !w.joined || !p.serves(w, t):
			return broken(sharedGranted, "worker %d of %d is given task %d of %d", w.id, w.home, a.Task, t.row.Tenant)
		case len(w.holds) >= int(w.slots):
			return broken(sharedSlots, "worker %d has %d of %d slots in use, and is given a task", w.id, len(w.holds), w.slots)
		}
		if v := p.checkTurn(w, pact{t.row.Tenant, w.home}); v != nil {
			return v
		}
		w.holds[a.Token] = a.Task
		p.begin(w, t.row.Tenant, a.Token)
	}
	return nil
}

// checkTurn: who is given a worker now has had no more of the home's workers, since another
// one waits for them, than that one had in all; but for shareSlack of the longest tasks: one
// that who comes in waits for, and what was charged for each and turned out otherwise.
func (p *sharing) checkTurn(w *hand, to pact) *Violation {
	for other, since := range p.waiting {
		if other.home != to.home || other.tenant == to.tenant || !slices.Contains(w.actions, other.action) {
			continue
		}
		had, waited, longest := p.had(to, since), p.had(other.pact, 0), p.longest(to.home)
		least := min(p.weight(to), p.weight(other.pact))
		if had*core.WeightDefault/p.weight(to) > waited*core.WeightDefault/p.weight(other.pact)+shareSlack*longest*core.WeightDefault/least {
			return broken(sharedTurns, "%+v is served: it had %d ms since step %d, when %+v began to wait, who had %d ms in all; the longest took %d ms",
				to, had, since, other, waited, longest)
		}
	}
	return nil
}

func (p *sharing) weight(of pact) int64 {
	if weight, there := p.grants[of]; there {
		return int64(weight)
	}
	return core.WeightDefault
}

// had is how much time attempts took that were given in that step or later.
func (p *sharing) had(of pact, since int) (ms int64) {
	for i := range p.attempts {
		if s := &p.attempts[i]; s.pact == of && s.step >= since {
			ms += p.took(s)
		}
	}
	return ms
}

func (p *sharing) took(s *stint) int64 {
	if s.end == 0 {
		return max(1, int64(p.now-s.begin))
	}
	return max(1, int64(s.end-s.begin))
}

func (p *sharing) longest(home id.ID) (ms int64) {
	for i := range p.attempts {
		if s := &p.attempts[i]; s.home == home {
			ms = max(ms, p.took(s))
		}
	}
	return max(ms, 1)
}

// observe notes where tasks stand after a step.
func (p *sharing) observe(out *core.Effects) {
	for _, r := range out.Results {
		delete(p.tasks, r.Task)
	}
	for target, t := range p.tasks {
		live := p.shard.Live(target)
		def := p.definition(t)
		t.state = live.State
		t.free = live.State == core.OpenReady && int(live.Passed) == len(def.Limits) && !p.loading(t.row.Tenant) &&
			(def.Queue != sharedQueue || !p.paused[def.Tenant])
	}
}

// loading tells whether something of a tenant is on its way from Postgres.
func (p *sharing) loading(tenant id.ID) bool {
	return slices.ContainsFunc(p.loads, func(l core.Load) bool { return l.Kind == core.LoadLane && l.Tenant == tenant })
}

// noteWaiting notes who waits for whose workers. Where workers come or go, all begin anew.
func (p *sharing) noteWaiting(in core.Input) {
	switch in.(type) {
	case *core.Join, *core.Leave, *core.Restore:
		p.waiting = map[want]int{}
	}
	waits := map[want]bool{}
	for _, t := range p.tasks {
		for _, w := range p.hands {
			if t.free && w.joined && p.serves(w, t) {
				waits[want{pact{t.row.Tenant, w.home}, p.definition(t).Action}] = true
			}
		}
	}
	for of := range p.waiting {
		if !waits[of] {
			delete(p.waiting, of)
		}
	}
	for of := range waits {
		if _, before := p.waiting[of]; !before {
			p.waiting[of] = p.steps + 1
		}
	}
}

func (p *sharing) checkSlots() *Violation {
	used := 0
	for _, w := range p.hands {
		used += len(w.holds)
	}
	if stats := p.shard.Stats(); stats.SlotsUsed != used {
		return broken(sharedSlots, "%d slots in use, %d attempts outstanding", stats.SlotsUsed, used)
	}
	return nil
}

func (p *sharing) checkConserved() *Violation {
	for target, t := range p.tasks {
		if !t.free {
			continue
		}
		for _, w := range p.hands {
			if w.joined && p.serves(w, t) && len(w.holds) < int(w.slots) {
				return broken(sharedConserved, "task %d of %d is ready, and worker %d of %d has a free slot", target, t.row.Tenant, w.id, w.home)
			}
		}
	}
	return nil
}

// checkLimits: while workers are awaited that may run a tenant's tasks, nobody is given a
// place in its limits but who goes on with what such a worker has.
func (p *sharing) checkLimits(in core.Input) *Violation {
	for i := range p.definitions {
		def := &p.definitions[i]
		if len(def.Limits) == 0 {
			continue
		}
		held := p.held(def.Tenant)
		if len(held) > int(shareLimitMax) {
			return broken(sharedLimits, "%d tasks of %d have places, %d may", len(held), def.Tenant, shareLimitMax)
		}
		_, restored := in.(*core.Restore)
		for _, task := range held {
			if !restored && p.awaits(def) && !slices.Contains(p.holding[def.Tenant], task) && p.shard.Live(task).State != core.OpenRunning {
				return broken(sharedLimits, "task %d of %d is given a place, and a worker of before may run something", task, def.Tenant)
			}
		}
		p.holding[def.Tenant] = held
	}
	return nil
}

// held are the tasks of a tenant that have places.
func (p *sharing) held(tenant id.ID) (tasks []id.ID) {
	for _, h := range p.shard.Holdings(tenant, shareLimit) {
		tasks = append(tasks, h.Held...)
	}
	return tasks
}

// awaits tells whether a worker is not back that may run something of a tenant: by what was
// granted when the owner took over, or by its own word.
func (p *sharing) awaits(def *core.Definition) bool {
	return slices.ContainsFunc(p.hands, func(w *hand) bool {
		return w.awaited && (w.home == def.Tenant || p.restored[pact{def.Tenant, w.home}] ||
			slices.ContainsFunc(w.running, func(c begun) bool { return c.tenant == def.Tenant && p.goesOn(c.Claim) }))
	})
}

// goesOn tells whether an attempt that no row tells of may still go on where it is.
func (p *sharing) goesOn(c core.Claim) bool {
	live := p.shard.Live(c.Task)
	return p.tasks[c.Task] != nil && live.State != core.OpenRunning && live.Attempt == c.Attempt
}

func (p *sharing) checkEnded() *Violation {
	if len(p.tasks) > 0 || len(p.committed.open) > 0 {
		return broken(everythingEnd, "%d tasks are open, %d rows are left", len(p.tasks), len(p.committed.open))
	}
	if stats := p.shard.Stats(); stats.Resident+int(stats.Stored)+stats.Loads+stats.Held > 0 {
		return broken(everythingEnd, "the core holds %+v", stats)
	}
	return nil
}
