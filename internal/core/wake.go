package core

import (
	"slices"

	"github.com/adzehq/adze/internal/base/id"
)

// Wake has suspended tasks go on before what they wait for has come: they suspend again
// if they still wait. The worker of one that runs is told which of its times have come,
// which it might also watch itself. Each is answered under Ref with AnswerDone, AnswerStale if it is
// open and not suspended, or AnswerUnknown; one that is not in memory after a Load of its
// checkpoint row. A task of another tenant is unknown.
type Wake struct {
	Ref    uint64
	Tenant id.ID
	Tasks  []id.ID
}

func (*Wake) input() {}

func (s *Shard) wakeSuspended(in *Wake) {
	of := Load{Kind: LoadWake, Tenant: in.Tenant, Tasks: in.Tasks, Ref: in.Ref}
	s.seek(of, func(task id.ID) bool { return s.wakeHere(in.Ref, in.Tenant, task) })
}

// wakeHere answers for a task that is in memory, if it is.
func (s *Shard) wakeHere(ref uint64, tenant, task id.ID) bool {
	t := s.tasks[task]
	if t == nil || t.def.Tenant != tenant {
		return false
	}
	kind := AnswerStale
	switch {
	case t.state == OpenRunning:
		for _, w := range slices.Clone(s.waits.of[task]) {
			s.endSleeps(w)
		}
	case s.suspended(t):
		kind = AnswerDone
		s.unplace(t)
		t.counted = true // whoever asked is told: a crash must not lose it
		s.goOn(t)
	}
	s.answer(ref, task, kind)
	return true
}

// suspended tells whether t waits amid its function, and not for its turn in a graph.
func (s *Shard) suspended(t *task) bool {
	return t.state == OpenWaiting &&
		!slices.ContainsFunc(s.waits.of[t.id], func(w *wait) bool { return w.Index == 0 })
}

// loadedWake goes on with a Wake whose tasks were not in memory.
func (s *Shard) loadedWake(in *Loaded) {
	here := func(task id.ID) bool { return s.wakeHere(in.Load.Ref, in.Load.Tenant, task) }
	s.found(in, here, func(row *OpenTask, _ int) {
		if row.State != OpenWaiting || slices.ContainsFunc(in.Waits, func(w Wait) bool { return w.Task == row.ID && w.Index == 0 }) {
			s.answer(in.Load.Ref, row.ID, AnswerStale)
			return
		}
		s.delayed.stored--
		t := s.revive(row)
		s.recall(in, row.ID)
		t.counted = true
		s.goOn(t)
		s.answer(in.Load.Ref, row.ID, AnswerDone)
	})
}
