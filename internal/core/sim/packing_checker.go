package sim

import (
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// The promises of batches.
const (
	batchesWhole   promise = "the members of a batch are of one key, given to one worker and told together"
	batchesBounded promise = "a batch has at most its size, and its bytes or one task"
	batchesSlots   promise = "a batch takes up one slot, until its worker has let go of all of it"
	batchesRunning promise = "so many batches of a key run at a time as its rule says"
	batchesOnTime  promise = "no task waits for a batch that is full, or longer than its interval, while a slot is free"
	batchesWait    promise = "a batch that is not full waits for its interval"
	batchesApart   promise = "how a member ends leaves the others alone"
)

// apply hands one input to the core, and holds what comes of it against the rules.
func (p *packing) apply(in core.Input) *Violation {
	out := p.take(in)
	if _, tick := in.(*core.Tick); tick {
		p.ticked = p.now
	}
	p.hear(in, out)
	if v := first(p.written.apply(out), p.checkApart(in, out), p.checkGiven(out)); v != nil {
		return v
	}
	p.told = append(p.told, out.Assigned...)
	p.observe(out)
	return first(p.tell(), p.checkSlots(), p.checkRunning(), p.checkOnTime())
}

// hear counts what workers have by their own words.
func (p *packing) hear(in core.Input, out *core.Effects) {
	switch in := in.(type) {
	case *core.Join:
		w := p.packer(in.Worker)
		w.known, w.holds = true, map[core.Token]core.Token{}
		delete(p.expected, w.id)
		for _, c := range in.Running {
			w.holds[c.Token] = c.Batch
			if live := p.shard.Live(c.Task); live.Worker == w.id && live.Attempt == c.Attempt {
				p.tasks[c.Task].batch = c.Batch
			}
		}
	case *core.Report:
		for _, item := range in.Items {
			delete(p.packer(in.Worker).holds, item.Token)
		}
	}
	for _, gone := range out.Absent {
		w := p.packer(gone.Worker)
		w.known, w.holds = false, nil
		delete(p.expected, w.id)
	}
}

// checkGiven holds each batch of a step against its rule.
func (p *packing) checkGiven(out *core.Effects) *Violation {
	for list := out.Assigned; len(list) > 0; {
		n := 1
		for n < len(list) && list[n].Batch == list[0].Batch {
			n++
		}
		if v := p.checkBatch(list[:n]); v != nil {
			return v
		}
		list = list[n:]
	}
	return nil
}

func (p *packing) checkBatch(members []core.Assignment) *Violation {
	lead := members[0]
	head := p.tasks[lead.Task]
	if head == nil {
		return broken(rightCause, "task %d is given, and not open", lead.Task)
	}
	if p.batches[lead.Batch] != nil || lead.Batch != lead.Token {
		return broken(batchesWhole, "batch %d begins with attempt %d, or was given before", lead.Batch, lead.Token)
	}
	b := &packet{worker: lead.Worker}
	bytes := int64(0)
	for _, a := range members {
		t := p.tasks[a.Task]
		if t == nil || t.row.Flow.Batch != head.row.Flow.Batch || *t.rule != *head.rule || a.Worker != lead.Worker || a.Seq != lead.Seq {
			return broken(batchesWhole, "task %d goes with task %d", a.Task, lead.Task)
		}
		bytes += int64(t.row.Flow.Size)
		b.members = append(b.members, a.Task)
	}
	if len(members) > int(head.rule.SizeMax) || head.rule.BytesMax > 0 && bytes > head.rule.BytesMax && len(members) > 1 {
		return broken(batchesBounded, "a batch has %d tasks and %d bytes, with %+v", len(members), bytes, *head.rule)
	}
	if len(members) < int(head.rule.SizeMax) && head.rule.BytesMax == 0 && !p.ripe(head) {
		return broken(batchesWait, "a batch of %d tasks is given, with %+v", len(members), *head.rule)
	}
	w := p.packer(lead.Worker)
	if used := w.used(); used >= int(w.slots) {
		return broken(batchesSlots, "worker %d has %d of %d slots in use, and is given a batch", w.id, used, w.slots)
	}
	p.batches[lead.Batch] = b
	for _, a := range members {
		w.holds[a.Token] = lead.Batch
		p.tasks[a.Task].batch = lead.Batch
	}
	return nil
}

// ripe tells whether the lane of t need not wait: for its interval, or for what is not in
// memory.
func (p *packing) ripe(t *packed) bool {
	for target, other := range p.tasks {
		if other.lane() == t.lane() && (other.since > 0 && p.now >= other.since+core.Time(t.rule.IntervalMS) || p.shard.Live(target).State == 0) {
			return true
		}
	}
	return false
}

// used is how many slots are taken up: one for each batch.
func (w *packer) used() int {
	batches := map[core.Token]bool{}
	for _, batch := range w.holds {
		batches[batch] = true
	}
	return len(batches)
}

// observe notes where tasks stand after a step.
func (p *packing) observe(out *core.Effects) {
	for _, r := range out.Results {
		delete(p.tasks, r.Task)
	}
	for target, t := range p.tasks {
		t.state = p.shard.Live(target).State
		switch {
		case t.state != core.OpenReady:
			t.since = 0
		case t.since == 0:
			t.since = p.now
		}
	}
	for _, a := range out.Attempts { // it may have become ready again in the same step
		if t := p.tasks[a.Task]; t != nil && t.state == core.OpenReady {
			t.since = p.now
		}
	}
}

// checkApart: a step ends, or stops, the tasks that it is about, and no others.
func (p *packing) checkApart(in core.Input, out *core.Effects) *Violation {
	var about []id.ID
	switch in := in.(type) {
	case *core.Report:
		for _, item := range in.Items {
			about = append(about, item.Task)
		}
	case *core.Cancel:
		about = in.Tasks
	default:
		return nil
	}
	for _, r := range out.Results {
		if !slices.Contains(about, r.Task) {
			return broken(batchesApart, "task %d ends with %v, by what others did", r.Task, r.Status)
		}
	}
	for _, s := range out.Stopped {
		if !slices.Contains(about, s.Task) {
			return broken(batchesApart, "task %d is stopped, by what was done to others", s.Task)
		}
	}
	return nil
}

func (p *packing) checkSlots() *Violation {
	used := 0
	for _, w := range p.packers {
		used += w.used()
	}
	if stats := p.shard.Stats(); stats.SlotsUsed != used {
		return broken(batchesSlots, "%d slots in use, %d batches outstanding", stats.SlotsUsed, used)
	}
	return nil
}

// packLane is where tasks wait for each other.
type packLane struct {
	rule core.BatchRule
	key  string
}

func (t *packed) lane() packLane { return packLane{*t.rule, t.row.Flow.Batch} }

func (p *packing) runningIn(l packLane) int {
	batches := map[core.Token]bool{}
	for _, t := range p.tasks {
		if t.state == core.OpenRunning && t.lane() == l {
			batches[t.batch] = true
		}
	}
	return len(batches)
}

func (p *packing) checkRunning() *Violation {
	for _, t := range p.tasks {
		if most := int(t.rule.RunningMax); t.state == core.OpenRunning && most > 0 && p.runningIn(t.lane()) > most {
			return broken(batchesRunning, "%d batches of key %q run, %d may", p.runningIn(t.lane()), t.row.Flow.Batch, most)
		}
	}
	return nil
}

// checkOnTime: what may go has gone, and the next tick is asked for when the next may.
func (p *packing) checkOnTime() *Violation {
	size, bytes, next := map[packLane]int{}, map[packLane]int64{}, p.shard.NextDue()
	for _, t := range p.tasks {
		if t.since > 0 {
			size[t.lane()]++
			bytes[t.lane()] += int64(t.row.Flow.Size)
		}
	}
	for target, t := range p.tasks {
		if t.since == 0 || p.loading(t) {
			continue
		}
		due := t.since + core.Time(t.rule.IntervalMS)
		if due > p.ticked && (next == 0 || next > due) {
			return broken(batchesOnTime, "task %d has waited for its interval at %d, the next tick is at %d", target, due, next)
		}
		full := size[t.lane()] >= int(t.rule.SizeMax) || t.rule.BytesMax > 0 && bytes[t.lane()] >= t.rule.BytesMax
		if (full || due <= p.ticked) && p.mayGo(t) {
			return broken(batchesOnTime, "task %d is ready since %d (%d of them, %d bytes), a slot is free, and it stays: %+v",
				target, t.since, size[t.lane()], bytes[t.lane()], *t.rule)
		}
	}
	return nil
}

// mayGo tells whether a batch with t could run now.
func (p *packing) mayGo(t *packed) bool {
	if most := int(t.rule.RunningMax); most > 0 && (p.runningIn(t.lane()) >= most || len(p.expected) > 0) {
		return false
	}
	return slices.ContainsFunc(p.packers, func(w *packer) bool { return w.joined && w.used() < int(w.slots) })
}

// loading tells whether a part of t's lane is on its way from Postgres.
func (p *packing) loading(t *packed) bool {
	return slices.ContainsFunc(p.loads, func(l core.Load) bool { return l.Kind == core.LoadLane && l.Key == t.row.Flow.Batch })
}

func (p *packing) checkEnded() *Violation {
	if len(p.tasks) > 0 || len(p.committed.open) > 0 {
		return broken(everythingEnd, "%d tasks are open, %d rows are left", len(p.tasks), len(p.committed.open))
	}
	if stats := p.shard.Stats(); stats.Resident+int(stats.Stored)+stats.Loads > 0 {
		return broken(everythingEnd, "the core holds %+v", stats)
	}
	return nil
}
