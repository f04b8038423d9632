package core

import "github.com/adzehq/adze/internal/base/id"

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
	ForMS  int64   // sleep of a node: how long, from when its parents have ended
	Key    string  // event
	Scope  string  // event, with Scoped
	Filter string  // event: CEL over it; the core does not read it, see Hold
	After  id.ID   // event: one with a larger id counts, also if it came before the wait; 0 = only from now on
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

// Lookback asks for the first event after Condition.After that meets a condition.
type Lookback struct {
	WaitKey
	Place     int32 // of the condition
	Tenant    id.ID
	Condition Condition
}

// DueChange moves the due time of a checkpoint row.
type DueChange struct {
	Task id.ID
	Due  Time
}
