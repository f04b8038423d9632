package core

import (
	"slices"

	"github.com/adzehq/adze/internal/base/id"
)

// NewEntry is what a durable task adds to its log, in the order of its code.
type NewEntry struct {
	Index int32 // its place: one more than the log has
	Kind  EntryKind
	Name  string
	Error string  // of a step that failed, and the function went on
	Data  Payload // JSON: what a step gave, a value, an answer; the ids of the runs that were spawned

	Conditions []Condition // with EntryWait
	Spawned    *Submit     // with EntrySpawn: children, each with Parent
	Policy     ClosePolicy // with EntrySpawn
	Event      id.ID       // with EntryAnswer: the request, an event
}

// EntryKind is what a durable task did.
type EntryKind uint8

// What a durable task can do.
const (
	EntryStep   EntryKind = iota + 1 // ran a function to its end
	EntryWait                        // waits, or waited: see the Mets of its conditions
	EntrySpawn                       // submitted children
	EntryValue                       // published a value
	EntryPatch                       // took the new side of changed code
	EntryAnswer                      // answered a request
)

var entryKinds = [...]string{"", "step", "wait", "spawn", "value", "patch", "answer"}

func (k EntryKind) String() string { return entryKinds[k] }

// ParseEntryKind is the inverse of String; 0 if the name is unknown.
func ParseEntryKind(name string) EntryKind {
	for k := EntryStep; k <= EntryAnswer; k++ {
		if k.String() == name {
			return k
		}
	}
	return 0
}

// Entry is a row of a log.
type Entry struct {
	Task   id.ID
	Tenant id.ID
	At     Time
	Index  int32 // 1-based
	Kind   EntryKind
	Name   string
	Error  string
	Data   Payload
	// Conditions are those of a wait: what a worker must know to say which of its
	// parts the Mets fulfil.
	Conditions []Condition
}

// Reply is what a durable task answered to a request, an event addressed to its run.
type Reply struct {
	Event  id.ID
	Tenant id.ID
	At     Time
	Error  string  // why it was refused; empty otherwise
	Data   Payload // JSON
}

// Fork brings a new durable task with the beginning of the log of another one. Its id
// is as in Submit.
type Fork struct {
	Task    NewTask
	Entries []Entry // by index; the waits among them that are not over go on
	Mets    []Met
}

func (*Fork) input() {}

// Value is what a durable task published under a name.
type Value struct {
	Task   id.ID
	Tenant id.ID
	At     Time
	Name   string
	Data   Payload // JSON
}

// record adds an entry to the log of t, which runs, if it is the next one. It tells
// whether it was.
func (s *Shard) record(t *task, e *NewEntry) bool {
	if !t.def.Durable || e.Index != t.entries+1 || t.stop != 0 {
		return false
	}
	for _, w := range slices.Clone(s.waits.of[t.id]) { // it may have slept through in its place
		s.endSleeps(w)
	}
	t.entries++
	t.seq = s.seq // who goes on from here has to read it
	conditions := s.dated(e.Conditions)
	if t.saved {
		s.save(t) // a row that says running has its log counted anew after a crash, no other
	}
	if e.Kind == EntrySpawn {
		s.spawnLogged(t, e) // first: it may change what the entry says
	}
	s.out.Entries = append(s.out.Entries, Entry{
		Task: t.id, Tenant: t.def.Tenant, At: s.now, Index: e.Index, Kind: e.Kind,
		Name: e.Name, Error: e.Error, Data: e.Data, Conditions: conditions,
	})
	switch e.Kind {
	case EntryWait:
		s.await(t, e.Index, conditions)
	case EntryValue:
		s.out.Values = append(s.out.Values, Value{Task: t.id, Tenant: t.def.Tenant, At: s.now, Name: e.Name, Data: e.Data})
	case EntryAnswer:
		s.out.Replies = append(s.out.Replies, Reply{Event: e.Event, Tenant: t.def.Tenant, At: s.now, Error: e.Error, Data: e.Data})
	}
	return true
}

// dated are conditions of which those that last for a while say until when.
func (s *Shard) dated(conditions []Condition) []Condition {
	dated := slices.Clone(conditions)
	for i := range dated {
		if c := &dated[i]; c.ForMS > 0 {
			c.Due, c.ForMS = s.now+Time(c.ForMS), 0
		}
	}
	return dated
}

// suspend takes a task that waits from its worker. If the worker has not heard all,
// it is ready again at once.
func (s *Shard) suspend(t *task, heard int32) {
	if t.stop != 0 {
		s.lose(t)
		return
	}
	news := heard < t.told || len(s.waits.of[t.id]) == 0
	rested := s.mark(t, MomentSuspended)
	rested.Assigned, rested.Started = t.assigned, t.started
	t.rests++
	s.unplace(t)
	s.disengage(t)
	if news {
		t.counted = true // no attempt was lost
		s.makeReady(t)
		return
	}
	s.park(t)
}

// fork opens a task that goes on from the beginning of another one's log.
func (s *Shard) fork(in *Fork) {
	s.out.Tasks = append(s.out.Tasks, in.Task)
	s.carryLog(in.Task.ID, in.Entries, in.Mets)
	s.enter(&in.Task, s.seq, int32(len(in.Entries)))
	if in.Task.Flow.doomed() && in.Task.RunAt <= s.now {
		return // it failed at once, and waits for nothing
	}
	for i := range in.Entries {
		if e := &in.Entries[i]; e.Kind == EntryWait && !Fulfilled(e, in.Mets) {
			s.awaitAgain(in.Task.ID, e, in.Mets)
		}
	}
	if s.tasks[in.Task.ID] == nil {
		s.restForked(in.Task.ID)
	}
}

// restForked leaves the waits of a fork to Postgres that there was no room for in its lane.
// Its row was written before they were opened.
func (s *Shard) restForked(fork id.ID) {
	for i := range s.out.Open {
		if row := &s.out.Open[i]; row.ID == fork {
			row.Waits = int32(len(s.waits.of[fork]))
		}
	}
	s.rest(fork)
}

// awaitAgain opens a wait of a log that is forked where it stood.
func (s *Shard) awaitAgain(fork id.ID, e *Entry, mets []Met) {
	row := Wait{Task: fork, Tenant: e.Tenant, Index: e.Index, Conditions: e.Conditions}
	s.out.Waits = append(s.out.Waits, row)
	for i := range mets {
		if mets[i].Index == e.Index {
			row.Met = append(row.Met, mets[i].Condition)
		}
	}
	w := s.openWait(&row)
	w.seq = s.seq
	s.lookBack(w)
	s.endSleeps(w)
}

// answer is what the worker does not know yet of its entry: the ids of the children.
func (e *NewEntry) answer() Payload {
	if e.Kind == EntrySpawn {
		return e.Data
	}
	return nil
}

// Fulfilled tells whether a wait is over by what was met of it.
func Fulfilled(e *Entry, mets []Met) bool {
	w := wait{parts: make([]part, len(e.Conditions))}
	for i := range e.Conditions {
		w.parts[i].Condition = e.Conditions[i]
	}
	for i := range mets {
		if mets[i].Index == e.Index {
			w.parts[mets[i].Condition].met = true
		}
	}
	_, over := w.outcome()
	return over
}
