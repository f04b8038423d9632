package core

import (
	"cmp"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
)

// Condition is one part of a wait.
type Condition struct {
	Kind   ConditionKind
	Action WaitAction
	// Group: one condition of a group suffices; an action follows when all its groups
	// are met.
	Group  int32
	Signal bool // event: only one that is addressed to the task's run
	Scoped bool // event: only one with this Scope

	Due    Time    // sleep: when it is over
	ForMS  int64   // sleep, instead of Due: how long, from when the entry is recorded or the parents of a node have ended
	Key    string  // event
	Scope  string  // event, with Scoped
	Filter string  // event: CEL over it; the core does not read it, see Hold
	After  id.ID   // event: one with a larger id counts, also if it came before the wait; 0 = only from now on
	Newest bool    // event, with After, no signal: of those that came before, the newest counts and not the first
	Runs   []id.ID // runs: all of them have ended
	Parent int32   // parent of a node: its Verdict says whether it holds
}

// ConditionKind is what a condition is about.
type ConditionKind uint8

// What can be waited for.
const (
	OnSleep  ConditionKind = iota + 1 // a time
	OnEvent                           // an event
	OnRuns                            // the end of runs
	OnParent                          // of a node only: the output of a parent
)

// WaitAction is what follows from a wait. A durable task only ever goes on.
type WaitAction uint8

// What can follow, from the weakest to the strongest.
const (
	WaitGo WaitAction = iota
	WaitCancel
	WaitSkip
)

// Bounds of waits.
const (
	ConditionsMax = 30     // of one wait, or of one node
	RunsMax       = 10_000 // of one condition
)

// Wait is what an open task waits for: a durable task since an entry of its log, or a
// task of a graph before it begins. It is a row until it is fulfilled.
type Wait struct {
	Task       id.ID
	Tenant     id.ID
	Run        id.ID // of a task of a graph: its run; 0 otherwise
	Index      int32 // of the log entry; 0 = of a task of a graph that has not begun
	Conditions []Condition
	Met        []int32 // with Restore and Loaded: the places of the conditions that are met
}

// WaitKey names a Wait.
type WaitKey struct {
	Task  id.ID
	Index int32
}

// Met says that a condition of a wait is fulfilled. With Worker, that one runs the
// task and is told.
type Met struct {
	Task      id.ID
	Tenant    id.ID
	Event     id.ID // that did it; 0 = it is no event's
	Order     int64 // grows from one to the next in a shard
	At        Time
	Index     int32   // as Wait.Index
	Condition int32   // its place in Wait.Conditions
	Data      Payload // the event's payload
	Worker    id.ID
	Token     Token
}

// Hold says that the Filter of a condition holds for an event. Filters are evaluated
// outside: Shard.Filters names those to evaluate.
type Hold struct {
	WaitKey
	Condition int32
}

// Lookback asks for the first event after Condition.After that meets a condition, or for the
// newest one (Condition.Newest).
type Lookback struct {
	WaitKey
	Place     int32 // of the condition
	Tenant    id.ID
	Target    id.ID // of a signal: the run it is addressed to; 0 otherwise
	Condition Condition
}

// DueChange moves the due time of a checkpoint row in state waiting; others are left.
type DueChange struct {
	Task id.ID
	Due  Time
}

// wait is an open Wait.
type wait struct {
	WaitKey
	run    id.ID
	tenant id.ID
	seq    uint64 // the Apply that it began in; 0 = it was read
	parts  []part
}

// part is a condition with how far it has come.
type part struct {
	Condition
	met     bool
	looking bool  // a Lookback is on its way: what comes meanwhile is in came
	came    Past  // the first of that; Event 0 = none
	left    int32 // runs: how many have not ended
	seat    int32 // event: its index in the list of its key
}

// waits are the open waits of the shard, but for those of tasks that are in Postgres
// only and wait for nothing but a time.
type waits struct {
	of     map[id.ID][]*wait // by task, by index
	events map[eventKey][]ref
	runs   map[id.ID][]ref
}

// eventKey is what an event is looked up by: what looks at all scopes has none.
type eventKey struct {
	tenant id.ID
	target id.ID // of a signal: its run; 0 otherwise
	key    string
	scope  string
	scoped bool
}

// ref is a part of a wait.
type ref struct {
	wait  *wait
	place int32
}

func (r ref) part() *part { return &r.wait.parts[r.place] }

func newWaits() waits {
	return waits{of: map[id.ID][]*wait{}, events: map[eventKey][]ref{}, runs: map[id.ID][]ref{}}
}

func (w *wait) key(p *part) eventKey {
	key := eventKey{tenant: w.tenant, key: p.Key, scope: p.Scope, scoped: p.Scoped}
	if p.Signal {
		key.target = w.target()
	}
	return key
}

// target is the run that signals to the task of w are addressed to.
func (w *wait) target() id.ID {
	if w.run != 0 {
		return w.run
	}
	return w.Task
}

// timed tells whether w is for times alone.
func (w *wait) timed() bool {
	for i := range w.parts {
		if w.parts[i].Kind != OnSleep {
			return false
		}
	}
	return true
}

// await opens a new wait of t, and looks at what is met already.
func (s *Shard) await(t *task, index int32, conditions []Condition) {
	row := Wait{Task: t.id, Tenant: t.def.Tenant, Run: t.runID(), Index: index, Conditions: conditions}
	s.out.Waits = append(s.out.Waits, row)
	w := s.openWait(&row)
	w.seq = s.seq
	s.lookBack(w)
	s.endSleeps(w)
}

// openWait brings a wait to memory.
func (s *Shard) openWait(row *Wait) *wait {
	w := &wait{WaitKey: WaitKey{row.Task, row.Index}, run: row.Run, tenant: row.Tenant, parts: make([]part, len(row.Conditions))}
	for i := range row.Conditions {
		w.parts[i].Condition = row.Conditions[i]
	}
	for _, place := range row.Met {
		w.parts[place].met = true
	}
	s.waits.of[w.Task] = append(s.waits.of[w.Task], w)
	for i := range w.parts {
		if !w.parts[i].met {
			s.waits.list(w, int32(i))
		}
	}
	return w
}

// list has a part found by what it is about.
func (ws *waits) list(w *wait, place int32) {
	p := &w.parts[place]
	switch p.Kind {
	case OnEvent:
		key := w.key(p)
		p.seat = int32(len(ws.events[key]))
		ws.events[key] = append(ws.events[key], ref{w, place})
	case OnRuns:
		for _, run := range p.Runs {
			if !slices.Contains(ws.runs[run], ref{w, place}) { // one that is named twice ends once
				ws.runs[run] = append(ws.runs[run], ref{w, place})
				p.left++
			}
		}
	}
}

// unlist undoes list, for a part that is not met.
func (ws *waits) unlist(w *wait, place int32) {
	p := &w.parts[place]
	switch p.Kind {
	case OnEvent:
		key := w.key(p)
		refs := ws.events[key]
		last := refs[len(refs)-1]
		last.part().seat = p.seat
		refs[p.seat] = last
		if refs = refs[:len(refs)-1]; len(refs) == 0 {
			delete(ws.events, key)
			return
		}
		ws.events[key] = refs
	case OnRuns:
		for _, run := range p.Runs {
			refs := slices.DeleteFunc(ws.runs[run], func(r ref) bool { return r == ref{w, place} })
			if len(refs) == 0 {
				delete(ws.runs, run)
				continue
			}
			ws.runs[run] = refs
		}
	}
}

// lookBack asks for what may have happened before the waits were there: events, and
// the ends of runs that are not in memory.
func (s *Shard) lookBack(opened ...*wait) {
	var past []Lookback
	var elsewhere []id.ID
	for _, w := range opened {
		for i := range w.parts {
			p := &w.parts[i]
			switch {
			case p.met:
			case p.Kind == OnEvent && p.After != 0:
				p.looking = true
				past = append(past, Lookback{WaitKey: w.WaitKey, Place: int32(i), Target: w.key(p).target, Tenant: w.tenant, Condition: p.Condition})
			case p.Kind == OnRuns:
				elsewhere = append(elsewhere, s.unknown(p.Runs)...)
			}
		}
	}
	for part := range slices.Chunk(past, lookMax) {
		s.request(Load{Kind: LoadPast, Past: part})
	}
	for part := range slices.Chunk(elsewhere, lookMax) {
		s.request(Load{Kind: LoadEnded, Tasks: part})
	}
}

// lookMax bounds what one load looks back for.
const lookMax = 1_000

// unknown are those of runs that are not in memory.
func (s *Shard) unknown(runs []id.ID) []id.ID {
	var unknown []id.ID
	for _, run := range runs {
		if s.tasks[run] == nil && s.runs[run] == nil {
			unknown = append(unknown, run)
		}
	}
	return unknown
}

func (s *Shard) loadedPast(in *Loaded) {
	for i := range in.Load.Past {
		asked, found := &in.Load.Past[i], in.Past[i]
		w := s.waits.find(asked.WaitKey)
		if w == nil || w.parts[asked.Place].met {
			continue
		}
		p := &w.parts[asked.Place]
		p.looking = false
		if found.Event == 0 {
			found = p.came
		}
		p.came = Past{}
		if found.Event != 0 {
			s.meet(w, asked.Place, found)
		}
	}
}

func (ws *waits) find(key WaitKey) *wait {
	for _, w := range ws.of[key.Task] {
		if w.Index == key.Index {
			return w
		}
	}
	return nil
}

// Filtered is a condition whose filter decides whether an event meets it.
type Filtered struct {
	Hold
	Filter string
}

// Filters are the filters that an event may meet the condition of, with it as it stands now.
func (s *Shard) Filters(e *NewEvent) []Filtered {
	var filtered []Filtered
	for _, r := range s.candidates(e) {
		if p := r.part(); p.Filter != "" {
			filtered = append(filtered, Filtered{Hold{r.wait.WaitKey, r.place}, p.Filter})
		}
	}
	return filtered
}

// candidates are the parts that wait for an event like e, in the order of their tasks.
func (s *Shard) candidates(e *NewEvent) []ref {
	if len(s.waits.events) == 0 {
		return nil
	}
	key := eventKey{tenant: e.Tenant, target: e.Target, key: e.Key}
	refs := slices.Clone(s.waits.events[key])
	key.scope, key.scoped = e.Scope, true
	refs = append(refs, s.waits.events[key]...)
	slices.SortFunc(refs, func(a, b ref) int {
		return cmp.Or(cmp.Compare(a.wait.Task, b.wait.Task), cmp.Compare(a.wait.Index, b.wait.Index), cmp.Compare(a.place, b.place))
	})
	return refs
}

// happen meets the conditions that wait for e. What waits because of the same push does
// not: all that it brings came before.
func (s *Shard) happen(e *NewEvent) {
	for _, r := range s.candidates(e) {
		p := r.part()
		switch {
		case s.waits.find(r.wait.WaitKey) != r.wait || p.met: // over by an earlier one
		case r.wait.seq == s.seq: // it began by what was pushed: nobody has asked its filter
		case p.Filter != "" && !slices.Contains(e.Holds, Hold{r.wait.WaitKey, r.place}):
		case p.After >= e.ID:
		case p.looking:
			if p.came.Event == 0 {
				p.came = Past{e.ID, e.Payload}
			}
		default:
			s.meet(r.wait, r.place, Past{e.ID, e.Payload})
		}
	}
}

// ended meets the conditions that wait for the end of a run.
func (s *Shard) ended(run id.ID) {
	s.scheduledEnded(run)
	s.onceEnded(run)
	refs := s.waits.runs[run]
	delete(s.waits.runs, run)
	for _, r := range refs {
		p := r.part()
		if p.left--; p.left == 0 && !p.met && s.waits.find(r.wait.WaitKey) == r.wait {
			s.meet(r.wait, r.place, Past{})
		}
	}
}

func (s *Shard) loadedEnded(in *Loaded) {
	for _, run := range in.Ended {
		s.ended(run)
	}
}

// endSleeps meets the times of w that have come.
func (s *Shard) endSleeps(w *wait) {
	for i := range w.parts {
		if p := &w.parts[i]; p.Kind == OnSleep && !p.met && p.Due <= s.now && s.waits.find(w.WaitKey) == w {
			s.meet(w, int32(i), Past{})
		}
	}
}

// nextSleep is when the first time comes that t waits for; 0 = none.
func (s *Shard) nextSleep(t *task) Time {
	var next Time
	for _, w := range s.waits.of[t.id] {
		for i := range w.parts {
			if p := &w.parts[i]; p.Kind == OnSleep && !p.met && (next == 0 || p.Due < next) {
				next = p.Due
			}
		}
	}
	return next
}

// meet notes that a condition is met, tells the worker of a running task, and goes on
// with the task if nothing more is waited for.
func (s *Shard) meet(w *wait, place int32, by Past) {
	p := &w.parts[place]
	s.waits.unlist(w, place)
	p.met = true
	met := Met{
		Task: w.Task, Tenant: w.tenant, Index: w.Index, Condition: place,
		Event: by.Event, Data: by.Payload, Order: int64(s.token()), At: s.now,
	}
	t := s.tasks[w.Task]
	if t != nil {
		t.seq = s.seq // its worker has to read it
		if t.state == OpenRunning {
			met.Worker, met.Token = t.worker.id, t.token
			t.told++
		}
	}
	s.out.Mets = append(s.out.Mets, met)
	if action, over := w.outcome(); over {
		s.closeWait(w)
		s.fulfil(w, t, action)
	}
}

// outcome is what follows from w by now, if anything does: the strongest action of
// which each group has a condition that is met.
func (w *wait) outcome() (action WaitAction, over bool) {
	var needed, have [WaitSkip + 1]uint64
	for i := range w.parts {
		p := &w.parts[i]
		needed[p.Action] |= 1 << p.Group
		if p.met {
			have[p.Action] |= 1 << p.Group
		}
	}
	for a := WaitSkip; ; a-- {
		if needed[a] != 0 && needed[a] == have[a] {
			return a, true
		}
		if a == WaitGo {
			return 0, false
		}
	}
}

// closeWait forgets a wait and its row.
func (s *Shard) closeWait(w *wait) {
	s.dropWait(w)
	if s.loads.flying > 0 {
		s.loads.over[w.WaitKey] = s.seq
	}
	s.out.ClosedWaits = append(s.out.ClosedWaits, w.WaitKey)
}

// dropWait takes a wait out of memory.
func (s *Shard) dropWait(w *wait) {
	for i := range w.parts {
		if !w.parts[i].met {
			s.waits.unlist(w, int32(i))
		}
	}
	left := slices.DeleteFunc(s.waits.of[w.Task], func(other *wait) bool { return other == w })
	if len(left) == 0 {
		delete(s.waits.of, w.Task)
		return
	}
	s.waits.of[w.Task] = left
}

// closeWaits forgets all waits of a task that ended.
func (s *Shard) closeWaits(task id.ID) {
	for _, w := range slices.Clone(s.waits.of[task]) {
		s.closeWait(w)
	}
}

// fulfil goes on with the task of a wait that is over. t is nil if it is in Postgres
// only: if it waits there, it is due now, and a crash cannot lose that.
func (s *Shard) fulfil(w *wait, t *task, action WaitAction) {
	switch {
	case t == nil && action == WaitGo:
		s.out.Due = append(s.out.Due, DueChange{w.Task, s.now})
		s.delayed.awaits(s.now, w.Task)
		s.requestDue()
	case t == nil:
		s.endNodeStored(w, action)
	case t.state != OpenWaiting: // its worker is told, or will read it
	case action == WaitGo:
		s.unplace(t)
		t.counted = true // or a crash would lose the wake-up
		s.goOn(t)
	default:
		s.finish(t, waitStatus(action), waitText(action), nil)
	}
}

// goOn makes a task ready that has waited. One of a graph may have to wait for the time
// of its run, too.
func (s *Shard) goOn(t *task) {
	if t.run != nil && t.run.runAt > s.now {
		s.delay(t, t.run.runAt)
		return
	}
	s.makeReady(t)
}

func waitStatus(action WaitAction) Status {
	if action == WaitSkip {
		return Skipped
	}
	return Cancelled
}

func waitText(action WaitAction) string {
	if action == WaitSkip {
		return ""
	}
	return textCondition
}

// endNodeStored ends a task of a graph that waits in Postgres only.
func (s *Shard) endNodeStored(w *wait, action WaitAction) {
	r := s.runs[w.run]
	s.delayed.stored--
	s.out.Results = append(s.out.Results, Result{
		Task: w.Task, Tenant: w.tenant, Version: r.graph.Version, Run: r.id, Node: r.node(w.Task),
		Status: waitStatus(action), Finished: s.now, Error: waitText(action),
	})
	s.out.Closed = append(s.out.Closed, w.Task)
	s.left(w.Task, closed)
	s.nodeEnded(r, r.node(w.Task), waitStatus(action))
}
