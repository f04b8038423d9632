package core

import (
	"cmp"

	"github.com/adzehq/adze/internal/base/id"
)

// Ask asks why tasks, or runs of graphs, are not done yet. Each is answered under Ref
// with a Reason; one that is not in memory after a Load of its checkpoint row. A task of
// another tenant is unknown.
type Ask struct {
	Ref    uint64
	Tenant id.ID
	Tasks  []id.ID
}

func (*Ask) input() {}

// Cause is what an open task waits for.
type Cause uint8

// The causes.
const (
	CauseRunning   Cause = iota + 1 // nothing: a worker has it
	CauseStopping                   // its worker, which was told to stop it
	CauseTime                       // a time: run-at, or the pause before a retry
	CauseWaits                      // what it waits for itself: times, events, ends of runs
	CauseTasks                      // of a run of a graph: its open tasks
	CauseLimit                      // a place in a limit
	CauseReturning                  // workers of before a restart: one of them may have its place
	CausePaused                     // its queue or workflow is paused, or all workers that may have it are
	CauseNoWorker                   // a worker that offers its action
	CauseNoMatch                    // a worker with the labels or slots that it needs, or the one worker that it is for
	CauseBusy                       // a free slot
	CauseRate                       // units of a rate limit
	CauseBatch                      // others of its batch
)

// Reason is why a task is not done yet.
type Reason struct {
	Task     id.ID
	Version  id.ID
	Run      id.ID // of a task of a graph
	Node     int32 // with Run
	State    OpenState
	Attempt  int32 // current, or next
	Priority int32
	Cause    Cause
	Since    Time // it is assigned; 0 if it is not
	Until    Time // when it goes on, or is given up with Expires; 0 = not known
	Expires  Time // end of its schedule timeout; 0 = none

	Queue   string  // it is in, or will be
	Name    string  // of the limit or rate limit
	Key     string  // of it in the limit or rate limit, or its share of the queue
	Max     int     // places, or units in a period, of that key; 0 = a rate limit that is not known
	Holders []id.ID // who have the places; HoldersMax at most
	Held    int     // how many have; of a rate limit: units that are spent

	Ahead   int64 // how many of its line go before it
	Others  int   // keys that share the queue with its own, and have something waiting
	Worker  id.ID // that runs it, or that it is for
	Offered int   // workers that are connected and offer its action
	Fitting int   // of them, those that it may be given to
	Paused  int   // and those that it might, were they not paused
	Slots   int   // of those that fit in all, of the types that it takes up
	Tenants int   // where workers are shared: other tenants that wait for them
	Theirs  int   // and how many tasks of others those workers have
	// EstimateMS is when it will begin, by the last minute; 0 = nobody can say.
	EstimateMS int64

	Need   Need        // of the worker
	Unmet  []Label     // with CauseNoMatch: of those it requires, what no worker is
	Scarce []SlotUse   // with CauseNoMatch: of the slots that it takes up, what no worker has
	Away   bool        // with CauseNoMatch: Need.Worker is not connected
	Quiet  bool        // with CauseTime: it is put off, or replaced, by the next run of its once key
	Waits  []Condition // with CauseWaits: those not met yet
	Open   []id.ID     // with CauseTasks
	Next   []Awaiting  // with CauseTasks: those that have not begun
}

// Awaiting is a node of a run that has not begun, and the parents that have not ended.
type Awaiting struct {
	Node    int32
	Parents []int32 // of a handler none: it waits for all tasks
}

// HoldersMax bounds Reason.Holders.
const HoldersMax = 20

// ask answers why.
func (s *Shard) ask(in *Ask) {
	of := Load{Kind: LoadWhy, Tenant: in.Tenant, Tasks: in.Tasks, Ref: in.Ref}
	s.seek(of, func(task id.ID) bool { return s.answerWhy(in.Ref, in.Tenant, task) })
}

// answerWhy answers for a task or run that is in memory, if it is.
func (s *Shard) answerWhy(ref uint64, tenant, task id.ID) bool {
	var reason *Reason
	if t := s.tasks[task]; t != nil && t.def.Tenant == tenant {
		row := s.rowOf(t)
		reason = s.why(&row, t, Ahead{})
	} else if r := s.runs[task]; r != nil && r.graph.Tenant == tenant {
		reason = s.whyRun(r)
	}
	if reason == nil {
		return false
	}
	s.out.Answers = append(s.out.Answers, Answer{Ref: ref, Task: task, Kind: AnswerDone, Reason: reason})
	return true
}

// loadedWhy goes on with an Ask whose tasks were not in memory.
func (s *Shard) loadedWhy(in *Loaded) {
	here := func(task id.ID) bool { return s.answerWhy(in.Load.Ref, in.Load.Tenant, task) }
	s.found(in, here, func(row *OpenTask, at int) {
		reason := s.why(row, nil, in.Ahead[at])
		if reason.Cause == CauseWaits && len(reason.Waits) == 0 {
			reason.Waits = conditionsIn(in.Waits, row.ID)
		}
		s.out.Answers = append(s.out.Answers, Answer{Ref: in.Load.Ref, Task: row.ID, Kind: AnswerDone, Reason: reason})
	})
}

// whyRun is why an open run of a graph has not ended: its open tasks.
func (s *Shard) whyRun(r *run) *Reason {
	reason := &Reason{Task: r.id, Version: r.graph.Version, State: OpenRunning, Cause: CauseTasks, Priority: r.priority}
	for node, state := range r.nodes {
		switch state {
		case nodeOpen:
			reason.Open = append(reason.Open, r.task(int32(node)))
		case nodeWaits:
			reason.Next = append(reason.Next, r.awaiting(int32(node)))
		}
	}
	return reason
}

// awaiting is what a node waits for that has not begun.
func (r *run) awaiting(node int32) Awaiting {
	a := Awaiting{Node: node}
	for _, parent := range r.graph.Nodes[node].Parents {
		if !r.nodes[parent].ended() {
			a.Parents = append(a.Parents, parent)
		}
	}
	return a
}

// why is why the task of a row is not done yet. t is nil if it is in Postgres only, with
// so many rows of its lane before it.
func (s *Shard) why(row *OpenTask, t *task, before Ahead) *Reason {
	def := s.definition(row.Version, row.Run, row.Node)
	r := &Reason{
		Task: row.ID, Version: row.Version, Run: row.Run, Node: row.Node, State: row.State,
		Attempt: row.Attempt, Priority: row.Priority, Queue: queueOf(def),
	}
	switch row.State {
	case OpenRunning:
		r.Cause, r.Worker, r.Since, r.Until = CauseRunning, row.Worker, row.Assigned, row.Due
		if t != nil && t.stop != 0 {
			r.Cause = CauseStopping
		}
	case OpenDelayed:
		r.Cause, r.Until = CauseTime, row.Due
		if k := s.once.byRun[cmp.Or(row.Run, row.ID)]; k != nil {
			r.Quiet = k.Hold == OnceQuiet && row.Attempt == 1
		}
	case OpenWaiting:
		r.Cause, r.Until, r.Waits = CauseWaits, row.Due, s.waitsOf(row.ID)
	case OpenReady:
		r.Expires = row.Due
		s.whyReady(r, row, def, t, before)
	}
	return r
}

func queueOf(def *Definition) string {
	if def.Queue != "" {
		return def.Queue
	}
	return def.Action
}

// waitsOf are the conditions that a task waits for, of those in memory.
func (s *Shard) waitsOf(task id.ID) []Condition {
	var left []Condition
	for _, w := range s.waits.of[task] {
		for i := range w.parts {
			if !w.parts[i].met {
				left = append(left, w.parts[i].Condition)
			}
		}
	}
	return left
}

// conditionsIn are those of a task among waits that were read.
func conditionsIn(waits []Wait, task id.ID) (all []Condition) {
	for i := range waits {
		if waits[i].Task == task {
			all = append(all, waits[i].Conditions...)
		}
	}
	return all
}

// whyReady is why nobody has begun a task that is ready.
func (s *Shard) whyReady(r *Reason, row *OpenTask, def *Definition, t *task, before Ahead) {
	l := s.lane(row.Tenant, row.Queue, row.Key)
	r.Key, r.Ahead = l.key, l.ahead(row, t, before)
	if p := s.pauseOn(def); p != nil { // others of its lane may go on, and pass it by
		p.explain(r, l)
		p.limit(r, row)
	} else {
		l.place.explain(r, l)
	}
	l.retire() // it may have been made to be looked at
}

// ahead is how many go before the task of a row in l.
func (l *lane) ahead(row *OpenTask, t *task, before Ahead) int64 {
	order := l.orderOf(row.Rank, row.ID)
	n := int64(l.line.ahead(order))
	if t == nil {
		stored := before.ByRank
		if l.byID {
			stored = before.ByID
		}
		n += min(stored, max(l.stored-1, 0))
	}
	return n + l.beside(order)
}

// beside is how many go before that order in other lanes of the same key whose tasks the
// same workers may have, of those in memory: they differ in what they draw from rate limits.
func (l *lane) beside(order Order) (n int64) {
	if l.share == nil || l.blocked != nil || l.gathers() {
		return 0
	}
	for _, other := range l.share.lanes {
		if other == l || other.class != l.class || other.seat < 0 || other.blocked != nil {
			continue
		}
		n += int64(other.line.ahead(order))
	}
	return n
}

// explain implements place.
func (g *group) explain(r *Reason, _ *lane) {
	r.Cause, r.Name, r.Max, r.Held = CauseLimit, g.limit.name, g.bound(), len(g.held)
	for _, h := range g.held[:min(len(g.held), HoldersMax)] {
		r.Holders = append(r.Holders, h.id)
	}
	if g.limit.shard.awaits(g.limit.tenant) {
		r.Cause, r.Until = CauseReturning, g.limit.shard.returning(g.limit.tenant)
	}
	r.estimate(r.Ahead+1, g.out.pace(g.limit.shard.now))
}

// returning is until when workers of before a restart are awaited.
func (s *Shard) returning(tenant id.ID) (until Time) {
	for _, w := range s.away {
		if w.awaited && s.mayHave(w.tenant, tenant) {
			until = max(until, w.until)
		}
	}
	return until
}
