package core

import "github.com/adzehq/adze/internal/base/id"

func (s *Shard) cancel(in *Cancel) {
	s.cancelEach(Load{Tenant: in.Tenant, Tasks: in.Tasks, Ref: in.Ref, Text: cancelText(in.Reason), Tree: in.Tree})
}

// cancelEach cancels tasks or runs wherever they are: what is not in memory is asked for
// and cancelled then.
func (s *Shard) cancelEach(of Load) {
	var elsewhere []id.ID
	for _, target := range of.Tasks {
		if !s.cancelHere(of.Tenant, target, of.Ref, of.Text, of.Tree) {
			elsewhere = append(elsewhere, target)
		}
	}
	if len(elsewhere) > 0 {
		of.Kind, of.Tasks = LoadTasks, elsewhere
		s.request(of)
	}
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
	s.answerCancel(ref, task, s.cancelQuietly(t, text))
}

// answerCancel answers whoever asked; with no ref that is the run of the task, which
// hears of its end as of any other.
func (s *Shard) answerCancel(ref uint64, task id.ID, kind AnswerKind) {
	if ref != 0 {
		s.out.Answers = append(s.out.Answers, Answer{Ref: ref, Task: task, Kind: kind})
	}
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
	rows := make(map[id.ID]*OpenTask, len(in.Rows))
	for i := range in.Rows {
		rows[in.Rows[i].ID] = &in.Rows[i]
	}
	var again []id.ID
	for _, task := range in.Load.Tasks {
		row, how := rows[task], s.loads.since(in.Load, task)
		switch {
		case s.cancelHere(in.Load.Tenant, task, in.Load.Ref, in.Load.Text, in.Load.Tree):
		case how == stored: // what was read may be behind
			again = append(again, task)
		case s.tasks[task] != nil || row == nil || row.Tenant != in.Load.Tenant || how == closed:
			s.answerCancel(in.Load.Ref, task, AnswerUnknown)
		default:
			s.recall(in, task)
			s.endStored(row, in.Load.Text, in.Load.Tree)
			s.answerCancel(in.Load.Ref, task, AnswerDone)
		}
	}
	if len(again) > 0 {
		s.request(Load{Kind: LoadTasks, Tenant: in.Load.Tenant, Tasks: again, Ref: in.Load.Ref, Text: in.Load.Text, Tree: in.Load.Tree})
	}
}

func cancelText(reason string) string {
	if reason == "" {
		return "cancelled"
	}
	return "cancelled: " + reason
}
