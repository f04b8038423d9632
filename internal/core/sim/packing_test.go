package sim

import (
	"testing"

	"github.com/adzehq/adze/internal/core"
)

// packShare is how many histories of all kinds are played for one of batches.
const packShare = 2

func TestBatchesKeepTheirPromises(t *testing.T) {
	t.Parallel()
	playSmall(t, packShare, Pack)
}

// packSabotage breaks a promise of batches: in what the core takes for the rule, or in what
// it says.
type packSabotage struct {
	broken promise
	lie    func(*core.BatchRule)
	tamper func(p *packing, in core.Input, out *core.Effects)
}

var packSabotages = map[string]packSabotage{
	"a batch is too large":      {broken: batchesBounded, lie: func(r *core.BatchRule) { r.SizeMax++ }},
	"a batch has too much":      {broken: batchesBounded, lie: func(r *core.BatchRule) { r.BytesMax = 0 }},
	"too many batches run":      {broken: batchesRunning, lie: func(r *core.BatchRule) { r.RunningMax = 0 }},
	"a batch comes late":        {broken: batchesOnTime, lie: func(r *core.BatchRule) { r.IntervalMS *= 2 }},
	"a full batch stays":        {broken: batchesOnTime, lie: func(r *core.BatchRule) { r.SizeMax *= 2 }},
	"a batch does not wait":     {broken: batchesWait, lie: func(r *core.BatchRule) { r.IntervalMS = 1 }},
	"a member is left out":      {broken: batchesWhole, tamper: ofMembers(func(a, b *core.Assignment) { b.Batch = b.Token + 1 })},
	"a member is told apart":    {broken: batchesWhole, tamper: ofMembers(func(a, b *core.Assignment) { b.Seq++ })},
	"a member goes elsewhere":   {broken: batchesWhole, tamper: ofMembers(func(a, b *core.Assignment) { b.Worker++ })},
	"keys are mixed":            {broken: batchesWhole, tamper: mixKeys},
	"a slot is free too early":  {broken: batchesSlots, tamper: forgetBatch},
	"an end takes others along": {broken: batchesApart, tamper: stopAnother},
}

// ofMembers breaks something between two members of a batch.
func ofMembers(spoil func(a, b *core.Assignment)) func(*packing, core.Input, *core.Effects) {
	return func(_ *packing, _ core.Input, out *core.Effects) {
		for i := 1; i < len(out.Assigned); i++ {
			if a, b := &out.Assigned[i-1], &out.Assigned[i]; a.Batch == b.Batch {
				spoil(a, b)
				return
			}
		}
	}
}

func mixKeys(p *packing, _ core.Input, out *core.Effects) {
	for i := 1; i < len(out.Assigned); i++ {
		a, b := &out.Assigned[i-1], &out.Assigned[i]
		if p.tasks[a.Task].row.Flow.Batch != p.tasks[b.Task].row.Flow.Batch {
			b.Batch = a.Batch
			return
		}
	}
}

// forgetBatch has the world take a batch for ended of which one member is.
func forgetBatch(p *packing, in core.Input, _ *core.Effects) {
	report, is := in.(*core.Report)
	if !is {
		return
	}
	holds := p.packer(report.Worker).holds
	ended := holds[report.Items[0].Token]
	for token, batch := range holds {
		if batch == ended {
			delete(holds, token)
		}
	}
}

func stopAnother(p *packing, in core.Input, out *core.Effects) {
	cancel, is := in.(*core.Cancel)
	if !is {
		return
	}
	for target, t := range p.tasks {
		if t.state == core.OpenRunning && target != cancel.Tasks[0] {
			out.Stopped = append(out.Stopped, core.Stop{Task: target, Reason: core.StopCancelled})
			return
		}
	}
}

func TestCheckersCatchEachBrokenPromiseOfBatches(t *testing.T) {
	t.Parallel()
	for name, s := range packSabotages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mustCatch(t, s.broken, func(seed uint64) *Violation {
				p := newPacking(seed)
				p.lie = s.lie
				if s.tamper != nil {
					p.tamper = func(in core.Input, out *core.Effects) { s.tamper(p, in, out) }
				}
				return p.run(StepsUsual)
			})
		})
	}
}
