package core

import (
	"slices"

	"github.com/adzehq/adze/internal/base/id"
)

// loads watches over the loads in flight. What a load brings was read some time
// ago: meanwhile a task may have come to memory, have ended, or have been stored
// again. The first is seen in Shard.tasks, the others are remembered here for as
// long as any load is in flight, with the Apply: a load that was asked for later has
// read what came of it.
type loads struct {
	flying int
	gone   map[id.ID]departure
	over   map[WaitKey]uint64 // waits of which the same is true: the Apply that ended them
}

type departure struct {
	how departed
	seq uint64
}

type departed uint8

const (
	closed departed = iota + 1 // it ended
	stored                     // it is in Postgres only, in a newer state than may have been read
)

func (s *Shard) left(task id.ID, how departed) {
	if s.loads.flying > 0 {
		s.loads.gone[task] = departure{how, s.seq}
	}
}

// since is how a task left memory since load was asked for; 0 if it did not.
func (l *loads) since(load Load, task id.ID) departed {
	if d := l.gone[task]; d.seq > load.Seq {
		return d.how
	}
	return 0
}

func (s *Shard) request(load Load) {
	if s.loads.flying == 0 {
		s.loads.gone, s.loads.over = map[id.ID]departure{}, map[WaitKey]uint64{}
	}
	s.loads.flying++
	load.Seq = s.seq
	s.out.Loads = append(s.out.Loads, load)
}

func (s *Shard) loaded(in *Loaded) {
	if !s.recallRuns(in) { // asked again, with the same bounds
		s.loads.flying--
		return
	}
	s.cancelReplacedRuns(in.Runs)
	switch in.Load.Kind {
	case LoadLane:
		s.loadedLane(in)
	case LoadDue:
		s.loadedDue(in)
	case LoadTasks:
		s.loadedTasks(in)
	case LoadPast:
		s.loadedPast(in)
	case LoadEnded:
		s.loadedEnded(in)
	case LoadKeys:
		s.loadedKeys(in)
	case LoadChildren:
		s.loadedChildren(in)
	case LoadWake:
		s.loadedWake(in)
	case LoadWhy:
		s.loadedWhy(in)
	case LoadOnce:
		s.loadedOnce(in)
	case LoadOnceDue:
		s.loadedOnceDue(in)
	case LoadOnceEnded:
		s.loadedOnceEnded(in)
	}
	s.loads.flying--
	if s.loads.flying == 0 {
		s.loads.gone, s.loads.over = nil, nil
	}
}

// seek has here deal with the tasks that an input names, and asks for those that it does
// not find in memory: of is the Load for them.
func (s *Shard) seek(of Load, here func(task id.ID) bool) {
	var elsewhere []id.ID
	for _, task := range of.Tasks {
		if !here(task) {
			elsewhere = append(elsewhere, task)
		}
	}
	if of.Tasks = elsewhere; len(elsewhere) > 0 {
		s.request(of)
	}
}

// found goes on with what seek has asked for: here deals with what is in memory by now, and
// inPostgres with what is in Postgres only, row by row. What was written since it was read is
// asked for again; the others are unknown to the tenant.
func (s *Shard) found(in *Loaded, here func(task id.ID) bool, inPostgres func(row *OpenTask, at int)) {
	rows := in.byID()
	s.seek(in.Load, func(task id.ID) bool {
		at, read := rows[task]
		how := s.loads.since(in.Load, task)
		switch {
		case here(task):
		case how == stored:
			return false
		case !read || how == closed || in.Rows[at].Tenant != in.Load.Tenant:
			s.answer(in.Load.Ref, task, AnswerUnknown)
		default:
			inPostgres(&in.Rows[at], at)
		}
		return true
	})
}

// byID is where the row of each task is.
func (in *Loaded) byID() map[id.ID]int {
	rows := make(map[id.ID]int, len(in.Rows))
	for i := range in.Rows {
		rows[in.Rows[i].ID] = i
	}
	return rows
}

// answer answers an input, if anybody asked: the core itself hears of an end as of any other.
func (s *Shard) answer(ref uint64, task id.ID, kind AnswerKind) {
	if ref != 0 {
		s.out.Answers = append(s.out.Answers, Answer{Ref: ref, Task: task, Kind: kind})
	}
}

// recallRuns brings the runs of what was loaded to memory. If one of them has been here
// and gone since, what was read of it is old: all is asked for again.
func (s *Shard) recallRuns(in *Loaded) bool {
	old := func(run id.ID) bool { return s.runs[run] == nil && s.loads.since(in.Load, run) == stored }
	if slices.ContainsFunc(in.Runs, func(r OpenRun) bool { return old(r.ID) }) ||
		slices.ContainsFunc(in.Rows, func(o OpenTask) bool { return old(o.Run) }) { // it may have had no row then
		s.request(in.Load)
		return false
	}
	for _, row := range in.Runs {
		if s.runs[row.ID] == nil && s.loads.since(in.Load, row.ID) == 0 {
			row.Saved = true
			s.resumeRun(&row)
			s.resting = append(s.resting, row.ID)
		}
	}
	return true
}

// restRuns leaves the runs to their checkpoint rows that nothing in memory has to do
// with any more: none of their open tasks is here, none of these waits for more than a
// time.
func (s *Shard) restRuns() {
	for _, run := range s.resting {
		if r := s.runs[run]; r != nil && s.atRest(r) {
			if !r.saved {
				s.saveRun(r)
			}
			s.left(r.id, stored)
			delete(s.runs, r.id)
			if r.cancelled != "" {
				s.markStopping(r.id, r.graph.Tenant, r.graph.Limits, r.flow, r.passed)
			}
		}
	}
	s.resting = s.resting[:0]
}

func (s *Shard) atRest(r *run) bool {
	for i, state := range r.nodes {
		task := r.task(int32(i))
		if state == nodeOpen && (s.tasks[task] != nil || len(s.waits.of[task]) > 0) {
			return false
		}
	}
	return true
}

// absent tells whether a row that was read is still in Postgres only.
func (s *Shard) absent(load Load, task id.ID) bool {
	_, here := s.tasks[task]
	return !here && s.loads.since(load, task) == 0
}

// revive brings a checkpoint row to memory; its place is the caller's to give.
func (s *Shard) revive(row *OpenTask) *task {
	t := s.newTask()
	t.id, t.def = row.ID, s.definition(row.Version, row.Run, row.Node)
	t.run, t.node = s.runs[row.Run], row.Node
	t.priority, t.attempt, t.failures = row.Priority, row.Attempt, row.Failures
	t.state, t.due, t.saved = row.State, row.Due, true
	t.entries, t.rests, t.binds = row.Entries, row.Suspensions, row.Binds
	t.flow, t.passed, t.rank, t.share = row.Flow, row.Passed, row.Rank, row.share()
	if t.entries > 0 || row.Waits > 0 {
		t.seq = s.seq // a condition may have been met just now: its worker has to read that
	}
	s.remember(t)
	if t.state == OpenReady || t.state == OpenRunning {
		s.moveTo(t, s.lane(row.Tenant, row.Queue, row.Key))
	}
	if t.state == OpenReady {
		if _, limited := t.lane.place.(*group); limited { // one behind a pause has yet to come there
			s.heed(t.id, t.def.Tenant, t.def.Limits, t.flow, t.passed)
		}
	}
	return t
}
