package core

import "github.com/adzehq/adze/internal/base/id"

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
	Entries []Entry // by index; the waits among them are over
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
