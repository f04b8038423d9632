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
	var elsewhere []id.ID
	for _, task := range in.Tasks {
		if !s.wakeHere(in.Ref, in.Tenant, task) {
			elsewhere = append(elsewhere, task)
		}
	}
	if len(elsewhere) > 0 {
		s.request(Load{Kind: LoadWake, Tenant: in.Tenant, Tasks: elsewhere, Ref: in.Ref})
	}
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
	s.out.Answers = append(s.out.Answers, Answer{Ref: ref, Task: task, Kind: kind})
	return true
}

// suspended tells whether t waits amid its function, and not for its turn in a graph.
func (s *Shard) suspended(t *task) bool {
	return t.state == OpenWaiting &&
		!slices.ContainsFunc(s.waits.of[t.id], func(w *wait) bool { return w.Index == 0 })
}

// loadedWake goes on with a Wake whose tasks were not in memory.
func (s *Shard) loadedWake(in *Loaded) {
	var again []id.ID
	for _, task := range in.Load.Tasks {
		at := slices.IndexFunc(in.Rows, func(o OpenTask) bool { return o.ID == task })
		how := s.loads.since(in.Load, task)
		switch {
		case s.wakeHere(in.Load.Ref, in.Load.Tenant, task):
		case how == stored: // what was read may be behind
			again = append(again, task)
		case at < 0 || how == closed || in.Rows[at].Tenant != in.Load.Tenant:
			s.out.Answers = append(s.out.Answers, Answer{Ref: in.Load.Ref, Task: task, Kind: AnswerUnknown})
		case in.Rows[at].State != OpenWaiting || slices.ContainsFunc(in.Waits, func(w Wait) bool { return w.Task == task && w.Index == 0 }):
			s.out.Answers = append(s.out.Answers, Answer{Ref: in.Load.Ref, Task: task, Kind: AnswerStale})
		default:
			s.delayed.stored--
			t := s.revive(&in.Rows[at])
			s.recall(in, task)
			t.counted = true
			s.goOn(t)
			s.out.Answers = append(s.out.Answers, Answer{Ref: in.Load.Ref, Task: task, Kind: AnswerDone})
		}
	}
	if len(again) > 0 {
		s.request(Load{Kind: LoadWake, Tenant: in.Load.Tenant, Tasks: again, Ref: in.Load.Ref})
	}
}
