package core

import "github.com/adzehq/adze/internal/base/id"

func (s *Shard) cancel(in *Cancel) {
	s.cancelEach(Load{Tenant: in.Tenant, Tasks: in.Tasks, Ref: in.Ref, Text: cancelText(in.Reason), Tree: in.Tree})
}

// cancelEach cancels tasks or runs wherever they are: what is not in memory is asked for
// and cancelled then.
func (s *Shard) cancelEach(of Load) {
	of.Kind = LoadTasks
	s.seek(of, func(target id.ID) bool { return s.cancelHere(of.Tenant, target, of.Ref, of.Text, of.Tree) })
}

// cancelHere cancels a task or a run of the tenant that is in memory, if it is; with
// tree, what they spawned too.
func (s *Shard) cancelHere(tenant, target id.ID, ref uint64, text string, tree bool) bool {
	if t := s.tasks[target]; t != nil && t.def.Tenant == tenant {
		if tree {
			s.closeChildren(Closing{Task: t.id, Tenant: tenant, Whole: true, Reason: text})
		}
		s.cancelTask(t, ref, text)
		return true
	}
	if r := s.runs[target]; r != nil && r.graph.Tenant == tenant {
		if tree {
			s.closeTree(r, text)
		}
		s.cancelRun(r, ref, text)
		return true
	}
	return false
}

// cancelTask cancels a task in memory, and answers.
func (s *Shard) cancelTask(t *task, ref uint64, text string) {
	task := t.id
	s.answer(ref, task, s.cancelQuietly(t, text))
}

// cancelQuietly cancels a task in memory.
func (s *Shard) cancelQuietly(t *task, text string) AnswerKind {
	if t.state != OpenRunning {
		s.finish(t, Cancelled, text, nil)
		return AnswerDone
	}
	if t.stop != StopCancelled {
		t.cancelled = text
		s.stopRunning(t, StopCancelled)
		t.dirty = true // whoever asked is told that it is stopping: that must survive a crash
		s.save(t)
	}
	return AnswerStarted
}

// loadedTasks goes on with a Cancel whose tasks were not in memory.
func (s *Shard) loadedTasks(in *Loaded) {
	of := in.Load
	here := func(target id.ID) bool { return s.cancelHere(of.Tenant, target, of.Ref, of.Text, of.Tree) }
	s.found(in, here, func(row *OpenTask, _ int) {
		s.recall(in, row.ID)
		s.endStored(row, of.Text, of.Tree)
		s.answer(of.Ref, row.ID, AnswerDone)
	})
}

func cancelText(reason string) string {
	if reason == "" {
		return "cancelled"
	}
	return "cancelled: " + reason
}
