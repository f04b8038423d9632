package core

import "github.com/adzehq/adze/internal/base/id"

// Spawn submits children of a running task. One with a key that the task has spawned
// before is not submitted again: the answer names the run that is there. Each item is
// answered under Ref.
type Spawn struct {
	Ref    uint64
	Tenant id.ID
	Parent id.ID // a task
	Token  Token // of its attempt
	Items  []SpawnItem
}

// SpawnItem is one child: a task, or a run of a graph.
type SpawnItem struct {
	Key    string // unique among the children of the parent
	Policy ClosePolicy
	Task   *NewTask
	Run    *NewRun
}

// ClosePolicy is what becomes of a child when its parent ends.
type ClosePolicy uint8

// The policies.
const (
	CloseLeave  ClosePolicy = iota // it goes on
	CloseCancel                    // it is cancelled
)

// Child is a row that links a run to the task that spawned it.
type Child struct {
	Parent id.ID
	Tenant id.ID
	Run    id.ID
	Cancel bool
	Key    string
}

// Closing is a task whose children have to be cancelled: it ended, or was cancelled
// with all its tree.
type Closing struct {
	Task   id.ID
	Tenant id.ID
	Whole  bool   // all of them; else those with CloseCancel
	Reason string // becomes part of their errors
}
