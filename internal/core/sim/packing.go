package sim

import (
	"fmt"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// packing is a history of tasks that go in batches, and of nothing else: the same core and
// the same store, a world that is small enough to say exactly which batch must go when.
type packing struct {
	ground
	definitions []core.Definition
	keys        []string
	tasks       map[id.ID]*packed
	packers     []*packer
	batches     map[core.Token]*packet // all that were ever given
	expected    map[id.ID]bool         // workers of the owner before
	ticked      core.Time
	// To see a checker find what is broken: what the core takes for the rules.
	lie func(*core.BatchRule)
}

// packed is an open task.
type packed struct {
	row   core.NewTask
	rule  *core.BatchRule
	state core.OpenState
	since core.Time  // ready in memory; 0 = it is not
	batch core.Token // that it was given with last
}

// packet is a batch as it was given.
type packet struct {
	worker  id.ID
	members []id.ID
}

// packer is a worker.
type packer struct {
	id      id.ID
	slots   int32
	joined  bool
	known   bool // to the owner: connected or expected back
	running []core.Claim
	outbox  []core.ReportItem         // said, and not settled
	holds   map[core.Token]core.Token // what the owner counts: batches by attempt
}

const (
	packTenant  id.ID = 1
	packAction        = "pack"
	packersMax        = 4
	packQuietly       = 4_000 // steps of the quiet end at most
)

// Pack plays the history of seed for so many steps; nil if it keeps all promises.
func Pack(seed uint64, steps int) *Failure {
	p := newPacking(seed)
	if v := p.run(steps); v != nil {
		return &Failure{Seed: seed, Steps: steps, At: len(p.entries), Violation: v, Trace: p.trace()}
	}
	return nil
}

func newPacking(seed uint64) *packing {
	p := &packing{
		ground: newGround(seed, 0xba7c, 2),
		tasks:  map[id.ID]*packed{}, batches: map[core.Token]*packet{}, expected: map[id.ID]bool{},
	}
	p.keys = []string{"", "a", "b"}[:1+p.rand.IntN(3)]
	for i := range 1 + p.rand.IntN(2) {
		p.definitions = append(p.definitions, core.Definition{
			Version: firstVersion + id.ID(i), Tenant: packTenant, Action: packAction,
			Retries: int32(p.rand.IntN(3)), ExecutionTimeoutMS: int64(p.rand.IntN(2)) * 4_000,
			Batch: &core.BatchRule{
				SizeMax: int32(1 + p.rand.IntN(5)), BytesMax: int64(p.rand.IntN(2)) * 100,
				IntervalMS: int64(1 + p.rand.IntN(2_000)), RunningMax: int32(p.rand.IntN(3)),
			},
		})
	}
	return p
}

func (p *packing) run(steps int) *Violation {
	if v := p.takeOver(); v != nil {
		return v
	}
	for range steps {
		if v := p.act(); v != nil {
			return v
		}
	}
	return p.quiet()
}

// act does the next thing.
func (p *packing) act() *Violation {
	switch n := p.rand.IntN(100); {
	case n < 20:
		return p.submit(1 + p.rand.IntN(6))
	case n < 35:
		p.now += core.Time(p.rand.IntN(1_500))
		return p.apply(&core.Tick{})
	case n < 60:
		return p.commit()
	case n < 70:
		return p.answer()
	case n < 85:
		return p.report()
	case n < 90:
		return p.come()
	case n < 93:
		return p.part()
	case n < 97:
		return p.cancel()
	case n < 99:
		return p.resize()
	default:
		return p.crash()
	}
}

func (p *packing) submit(n int) *Violation {
	in := &core.Submit{}
	for range n {
		p.lastTask++
		def := p.definitions[p.rand.IntN(len(p.definitions))]
		row := core.NewTask{
			ID: p.lastTask, Tenant: packTenant, Version: def.Version, Priority: int32(p.rand.IntN(2)),
			Flow: &core.Flow{Batch: p.keys[p.rand.IntN(len(p.keys))], Size: int32(p.rand.IntN(120))},
		}
		p.tasks[row.ID] = &packed{row: row, rule: def.Batch}
		in.Tasks = append(in.Tasks, row)
	}
	return p.apply(in)
}

// report has a worker say how some of what it runs ended: not all of a batch at once.
func (p *packing) report() *Violation {
	w := p.some(func(w *packer) bool { return w.joined && len(w.running) > 0 })
	if w == nil {
		return nil
	}
	in := &core.Report{Worker: w.id}
	for range 1 + p.rand.IntN(len(w.running)) {
		at := p.rand.IntN(len(w.running))
		in.Items = append(in.Items, w.finish(at, p.rand.IntN(4) > 0))
	}
	return p.apply(in)
}

func (w *packer) finish(at int, well bool) core.ReportItem {
	c := w.running[at]
	w.running = slices.Delete(w.running, at, at+1)
	item := ended(c, well)
	w.outbox = append(w.outbox, item)
	return item
}

// come has a new worker join, or one that was gone.
func (p *packing) come() *Violation {
	w := p.some(func(w *packer) bool { return !w.joined })
	if w == nil || p.rand.IntN(3) == 0 && len(p.packers) < packersMax {
		p.lastWorker++
		w = &packer{id: p.lastWorker, slots: int32(1 + p.rand.IntN(3))}
		p.packers = append(p.packers, w)
	}
	return p.join(w)
}

func (p *packing) join(w *packer) *Violation {
	in := &core.Join{Worker: w.id, Tenant: packTenant, Actions: []string{packAction}, Slots: w.slots, Running: slices.Clone(w.running)}
	for _, item := range w.outbox {
		batch := core.Token(0)
		for number, b := range p.batches {
			if slices.Contains(b.members, item.Task) && number <= item.Token && item.Token < number+core.Token(len(b.members)) {
				batch = number
			}
		}
		in.Running = append(in.Running, core.Claim{Task: item.Task, Attempt: item.Attempt, Token: item.Token, Batch: batch})
	}
	w.joined = true
	if v := p.apply(in); v != nil || len(w.outbox) == 0 {
		return v
	}
	return p.apply(&core.Report{Worker: w.id, Items: slices.Clone(w.outbox)})
}

// part ends the stream of a worker.
func (p *packing) part() *Violation {
	w := p.some(func(w *packer) bool { return w.joined })
	if w == nil {
		return nil
	}
	w.joined = false
	return p.apply(&core.Leave{Worker: w.id, Reason: core.LeaveReason(p.rand.IntN(3))})
}

func (p *packing) resize() *Violation {
	w := p.some(func(w *packer) bool { return w.joined })
	if w == nil {
		return nil
	}
	w.slots = int32(p.rand.IntN(4))
	return p.apply(&core.Resize{Worker: w.id, Slots: w.slots})
}

func (p *packing) cancel() *Violation {
	return p.apply(&core.Cancel{Ref: 1, Tenant: packTenant, Tasks: []id.ID{p.someTask()}})
}

func (p *packing) some(fits func(*packer) bool) *packer { return anyOf(p.rand, p.packers, fits) }

// commit makes the next step durable, and tells what waited for it.
func (p *packing) commit() *Violation {
	out, v := p.commitNext()
	if out == nil || v != nil {
		return v
	}
	for _, s := range out.Settled {
		for _, w := range p.packers {
			if w.id == s.Worker && w.joined {
				w.outbox = slices.DeleteFunc(w.outbox, func(i core.ReportItem) bool { return i.Token == s.Token })
			}
		}
	}
	return p.tell()
}

// tell sends the assignments that wait for no commit any more: those of a batch together.
func (p *packing) tell() *Violation {
	due, v := p.due()
	if v != nil {
		return v
	}
	sent := map[core.Token]int{}
	for _, a := range due {
		sent[a.Batch]++
		for _, w := range p.packers {
			if w.id == a.Worker && w.joined && w.holds[a.Token] != 0 {
				w.running = append(w.running, core.Claim{Task: a.Task, Attempt: a.Attempt, Token: a.Token, Batch: a.Batch})
			}
		}
	}
	for number, n := range sent {
		if b := p.batches[number]; n != len(b.members) {
			return broken(batchesWhole, "%d of %d members of batch %d are told", n, len(b.members), number)
		}
	}
	return nil
}

// answer reads and brings in what was asked for.
func (p *packing) answer() *Violation {
	if loaded := p.read(); loaded != nil {
		return p.apply(loaded)
	}
	return nil
}

// crash loses what is not committed, and all that was in memory.
func (p *packing) crash() *Violation {
	p.lose()
	for _, w := range p.packers {
		w.joined = false
	}
	return p.takeOver()
}

// takeOver has a new owner restore what is committed.
func (p *packing) takeOver() *Violation {
	definitions := slices.Clone(p.definitions)
	for i := range definitions {
		if p.lie != nil {
			rule := *definitions[i].Batch
			p.lie(&rule)
			definitions[i].Batch = &rule
		}
	}
	restore := p.renew(definitions)
	p.expected = map[id.ID]bool{}
	for _, w := range p.packers {
		if w.holds = map[core.Token]core.Token{}; w.known {
			restore.Workers = append(restore.Workers, core.Present{Worker: w.id, Tenant: packTenant})
			p.expected[w.id] = true
		}
	}
	for _, o := range restore.Running {
		p.packer(o.Worker).holds[o.Token] = o.Batch
	}
	p.tasks = map[id.ID]*packed{}
	for target, row := range p.committed.tasks {
		if _, ended := p.committed.results[target]; !ended {
			rule := p.definitions[row.Version-firstVersion].Batch
			p.tasks[target] = &packed{row: row, rule: rule, batch: p.committed.open[target].Batch}
		}
	}
	return p.apply(restore)
}

func (p *packing) packer(worker id.ID) *packer {
	at := slices.IndexFunc(p.packers, func(w *packer) bool { return w.id == worker })
	return p.packers[at]
}

// quiet lets everything succeed, and everything must end.
func (p *packing) quiet() *Violation {
	for _, w := range p.packers {
		if w.joined {
			w.joined = false
			if v := p.apply(&core.Leave{Worker: w.id, Reason: core.LeaveSilent}); v != nil {
				return v
			}
		}
	}
	p.lastWorker++
	good := &packer{id: p.lastWorker, slots: 100}
	p.packers = append(p.packers, good)
	if v := p.join(good); v != nil {
		return v
	}
	for range packQuietly {
		for p.durable < len(p.entries) {
			if v := p.commit(); v != nil {
				return v
			}
		}
		idle := len(p.toRead) == 0 && len(good.running) == 0
		if v := p.answer(); v != nil {
			return v
		}
		if len(good.running) > 0 {
			if v := p.apply(&core.Report{Worker: good.id, Items: []core.ReportItem{good.finish(0, true)}}); v != nil {
				return v
			}
		}
		next := p.shard.NextDue()
		if idle && next == 0 && p.durable == len(p.entries) {
			break
		}
		if idle && next > 0 {
			p.now = max(p.now, next)
			if v := p.apply(&core.Tick{}); v != nil {
				return v
			}
		}
	}
	return p.checkEnded()
}

func (p *packing) trace() string {
	text := fmt.Sprintf("window %d, rules", p.window)
	for i := range p.definitions {
		text += " " + show(p.definitions[i].Batch)
	}
	return text + p.ground.trace()
}
