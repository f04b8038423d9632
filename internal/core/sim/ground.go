package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// ground is what the small histories stand on: one core, whose steps become durable later
// and in order, or are lost with it.
type ground struct {
	rand   *rand.Rand
	shard  *core.Shard
	window int
	now    core.Time
	epoch  int64

	entries   []groundStep
	bySeq     map[uint64]int
	durable   int
	written   *store
	committed *store
	told      []core.Assignment // that wait for a commit
	loads     []core.Load       // asked for, and not answered
	toRead    []core.Load

	lastTask, lastWorker id.ID
	// To see a checker find what is broken.
	tamper func(in core.Input, out *core.Effects)
}

type groundStep struct {
	in  core.Input
	out *core.Effects
	now core.Time
}

// newGround is that of a kind of histories, of which one in so many has narrow windows.
func newGround(seed, kind uint64, narrow int) ground {
	g := ground{
		rand: rand.New(rand.NewPCG(seed, kind)), now: startOfTime,
		written: newStore(), committed: newStore(), lastTask: firstTask, lastWorker: firstWorker,
	}
	g.window = 1 + g.rand.IntN(8)
	if g.rand.IntN(narrow) > 0 {
		g.window = core.WindowMax
	}
	return g
}

// take has the core take an input in.
func (g *ground) take(in core.Input) *core.Effects {
	out := &core.Effects{}
	g.shard.Apply(g.now, in, out)
	if g.tamper != nil {
		g.tamper(in, out)
	}
	g.bySeq[g.shard.Seq()] = len(g.entries)
	g.entries = append(g.entries, groundStep{in, out, g.now})
	g.loads = append(g.loads, out.Loads...)
	return out
}

// commitNext makes the next step durable; nil if all are.
func (g *ground) commitNext() (*core.Effects, *Violation) {
	if g.durable == len(g.entries) {
		return nil, nil
	}
	out := g.entries[g.durable].out
	g.durable++
	g.toRead = append(g.toRead, out.Loads...)
	return out, g.committed.apply(out)
}

// due are the assignments that wait for no commit any more.
func (g *ground) due() (due []core.Assignment, v *Violation) {
	waiting := g.told[:0]
	for _, a := range g.told {
		if a.Seq > 0 && g.bySeq[a.Seq] >= g.durable {
			waiting = append(waiting, a)
			continue
		}
		if _, stored := g.committed.tasks[a.Task]; !stored {
			return nil, broken(storedFirst, "worker %d is told of task %d before that is committed", a.Worker, a.Task)
		}
		due = append(due, a)
	}
	g.told = waiting
	return due, nil
}

// read reads what was asked for first; nil if nothing was.
func (g *ground) read() *core.Loaded {
	if len(g.toRead) == 0 {
		return nil
	}
	load := g.toRead[0]
	g.toRead = g.toRead[1:]
	g.loads = slices.DeleteFunc(g.loads, func(l core.Load) bool {
		return l.Seq == load.Seq && l.Kind == load.Kind && l.Tenant == load.Tenant && l.Key == load.Key && l.Queue == load.Queue
	})
	return g.committed.load(load)
}

// lose loses what is not committed, and all that was in memory.
func (g *ground) lose() {
	g.entries = g.entries[:g.durable]
	g.written = g.committed.clone()
	g.told, g.loads, g.toRead = nil, nil, nil
}

// renew is a new owner that knows definitions; it is to be restored next.
func (g *ground) renew(definitions []core.Definition) *core.Restore {
	g.epoch++
	g.shard = core.NewSized(shardNumber, g.window)
	g.shard.LendRoom(0)
	g.bySeq = map[uint64]int{}
	var none core.Effects
	for i := range definitions {
		g.shard.Apply(g.now, &core.Define{Definition: definitions[i]}, &none)
	}
	return g.committed.restore(g.epoch)
}

// someTask is a task that may have been submitted.
func (g *ground) someTask() id.ID {
	return firstTask + 1 + id.ID(g.rand.IntN(int(g.lastTask-firstTask)+1))
}

func (g *ground) trace() (text string) {
	for _, s := range g.entries[max(0, len(g.entries)-traceSteps):] {
		text += fmt.Sprintf("\n%d: %s\n     %s", s.now, show(s.in), show(s.out))
	}
	return text
}

// anyOf picks one of those that fit; nil if none does.
func anyOf[W any](r *rand.Rand, from []*W, fits func(*W) bool) *W {
	var all []*W
	for _, w := range from {
		if fits(w) {
			all = append(all, w)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all[r.IntN(len(all))]
}

// ended is what a worker says of an attempt that is over.
func ended(c core.Claim, well bool) core.ReportItem {
	item := core.ReportItem{Task: c.Task, Attempt: c.Attempt, Token: c.Token, Kind: core.ReportCompleted, Output: core.Payload("1")}
	if !well {
		item.Kind, item.Output, item.Error = core.ReportFailed, nil, "it broke"
	}
	return item
}
