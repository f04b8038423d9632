package sim

import (
	"testing"

	"github.com/adzehq/adze/internal/core"
)

// shareShare is how many histories of all kinds are played for one of shared workers.
const shareShare = 4

func TestSharedWorkersKeepTheirPromises(t *testing.T) {
	t.Parallel()
	playSmall(t, shareShare, Share)
}

// shareSabotage breaks a promise of shared workers: in what the core takes for the grants,
// or in what it says.
type shareSabotage struct {
	broken promise
	lie    func(*core.Setting)
	tamper func(p *sharing, in core.Input, out *core.Effects)
}

var shareSabotages = map[string]shareSabotage{
	"a grant does not end":          {broken: sharedGranted, lie: func(s *core.Setting) { s.Dropped = false }},
	"a grant is to somebody else":   {broken: sharedGranted, lie: func(s *core.Setting) { s.Name = core.GrantName(firstTenant) }},
	"a grant counts for nothing":    {broken: sharedConserved, lie: func(s *core.Setting) { s.Dropped = true }},
	"a tenant gets next to nothing": {broken: sharedTurns, lie: func(s *core.Setting) { s.Grant.Weight = 1 }},
	"a slot is given twice":         {broken: sharedSlots, tamper: giveTwice},
	"limits do not wait":            {broken: sharedLimits, tamper: arriveEarly},
}

// giveTwice has a worker be given what another one was given.
func giveTwice(p *sharing, _ core.Input, out *core.Effects) {
	for i := range out.Assigned {
		for _, w := range p.hands {
			if w.joined && w.id != out.Assigned[i].Worker && p.serves(w, p.tasks[out.Assigned[i].Task]) {
				out.Assigned[i].Worker = w.id
				return
			}
		}
	}
}

// arriveEarly has all workers of before be given up at once: limits no longer wait for them.
func arriveEarly(p *sharing, in core.Input, _ *core.Effects) {
	if _, restored := in.(*core.Restore); !restored {
		return
	}
	for _, w := range p.hands {
		p.shard.Apply(p.now, &core.Leave{Worker: w.id, Reason: core.LeaveSilent}, &core.Effects{})
	}
}

func TestCheckersCatchEachBrokenPromiseOfSharedWorkers(t *testing.T) {
	t.Parallel()
	for name, s := range shareSabotages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mustCatch(t, s.broken, func(seed uint64) *Violation {
				p := newSharing(seed)
				p.lie = s.lie
				if s.tamper != nil {
					p.tamper = func(in core.Input, out *core.Effects) { s.tamper(p, in, out) }
				}
				return p.run(StepsUsual)
			})
		})
	}
}
