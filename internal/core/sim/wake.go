package sim

import (
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// nudge wakes some tasks, suspended or not, known or not.
func (h *history) nudge() *Violation {
	in := &core.Wake{}
	for range 1 + h.rand.IntN(3) {
		target := h.someTarget()
		if waiting := h.model.sortedAwaited(); len(waiting) > 0 && h.rand.IntN(2) == 0 {
			target = pick(h, waiting).Task // suspended, or at a worker who waits with it
		}
		if !slices.Contains(in.Tasks, target) {
			in.Tasks = append(in.Tasks, target)
		}
	}
	h.lastRef++
	in.Ref, in.Tenant = h.lastRef, h.tenantOf(in.Tasks[0])
	h.asked[in.Ref] = len(in.Tasks)
	return h.apply(in)
}

// takeWake has suspended tasks go on. What was not in memory is answered when it has been
// read.
func (m *model) takeWake(st *step, ref uint64, tenant id.ID, tasks []id.ID) *Violation {
	later := st.asksFor(core.LoadWake, ref)
	for _, target := range tasks {
		t := m.tasks[target]
		known := t != nil && t.row.Tenant == tenant
		if slices.Contains(later, target) {
			if known && st.stayed(target) && !st.askedAgain() {
				return broken(answered, "the wake of %d is put off, though it is in memory", target)
			}
			continue
		}
		kind := core.AnswerUnknown
		switch {
		case known && t.roused && slices.Contains(st.out.Answers, core.Answer{Ref: ref, Task: target, Kind: core.AnswerStale}):
			kind = core.AnswerStale // it was read when it still waited for its turn, and goes on by itself
		case known && t.state == core.OpenWaiting && m.awaited[core.WaitKey{Task: target}] == nil:
			kind = core.AnswerDone
			if t.row.Run != 0 && t.row.RunAt > st.now {
				t.delay(st.now, t.row.RunAt)
				break
			}
			t.ready(st.now)
		case known:
			kind = core.AnswerStale
		}
		st.answers = append(st.answers, core.Answer{Ref: ref, Task: target, Kind: kind})
	}
	return nil
}
