package core

import "github.com/adzehq/adze/internal/base/id"

// Time is an instant in milliseconds since the Unix epoch. Zero means "none".
type Time int64

// Definition is one version of a task's definition: all that the core must know
// of it to run it. It never changes; a changed workflow is a new version.
type Definition struct {
	Version  id.ID  // the workflow version it belongs to; the key
	Tenant   id.ID  // whose it is
	Workflow string // the workflow's name
	Task     string // the task's own in it
	Action   string // what a worker must offer to be given the task; its tasks wait in the tenant's queue of that name

	// Retries is how many failed attempts are followed by another one. A lost
	// worker is not a failed attempt, see LossesMax.
	Retries int32
	// The pause before retry n (1-based) is BackoffMS × BackoffFactor^(n-1), at
	// most BackoffMaxMS, less up to half of it by jitter.
	BackoffMS     int64
	BackoffMaxMS  int64
	BackoffFactor float64
	BackoffExact  bool // without jitter

	ScheduleTimeoutMS  int64 // longest wait in a queue, per readiness; 0 = no limit
	ExecutionTimeoutMS int64 // longest run of an attempt, or of what it runs between two waits; 0 = no limit

	// Flow control, see Flow for what is said of each run.
	Queue  string     // that its tasks wait in, with those of other actions; "" = one of its own, named as Action
	Limits []string   // names of the concurrency limits that it must have a place in, taken in this order; of a task of a graph: its own, the run's are the Graph's
	Rates  []RateUse  // what it draws from, all at once
	Slots  []SlotUse  // by type; nil = one of the default type
	Labels []Label    // by key
	Sticky Sticky     // of a task of a graph: to the worker of one of its parents
	Batch  *BatchRule // nil: tasks are given one by one

	// Durable tasks keep a log of what they did, and may give their worker back while
	// they wait: another one goes on from the log.
	Durable bool

	class *class // of tasks of whose run nothing else is said; nil until there was one
}

// Bounds of the core. Each is enforced here and tested at the number and past it.
const (
	// LossesMax is how many times a task's worker may be lost before the task
	// fails: a task that kills its workers must not wander for ever.
	LossesMax = 10

	// GraceMS is how long a worker whose stream closed may take to come back
	// before its tasks run elsewhere.
	GraceMS = 5_000

	// RecoveryGraceMS is GraceMS for workers that were connected to the owner
	// before: they have to find the new one first.
	RecoveryGraceMS = 10_000

	// StopGraceMS is how long a worker that was told to stop an attempt may take
	// to answer before the core goes on without it.
	StopGraceMS = 5_000

	// CheckpointAgeMS is how long a task is open, or in a new state, before that
	// is written to open_task. Short tasks end before and never touch it.
	CheckpointAgeMS = 1_000

	// CheckpointRowsMax bounds the rows of one checkpoint, so that no batch of
	// the journal is long; what is left is written with the next tick.
	CheckpointRowsMax = 1_000

	// WindowMax is how many tasks of a lane are read from Postgres at once. A
	// lane keeps at most twice as many in memory, or laneShare; the rest is there.
	WindowMax = 2_048

	// windowsMax windows of tasks are in memory before lanes are held short: those of
	// which something is in Postgres share what room is left,
	windowsMax = 128
	// but 16 tasks of a lane are read at least: one read alone costs several times as much.
	windowShrinkMax = 128

	// laneShare: a lane may have an eighth of the room that is left.
	laneShare = 8

	// strikesMax is after how many cancellations by limits those of other keys are left to
	// the next Apply: each costs some 4 µs, and other inputs come in between.
	strikesMax = 2_048

	// hurryMax is how often the lead of a lane is doubled at most, see Shard.lead.
	hurryMax = 2
)

// Priorities: a higher one goes first.
const (
	PriorityMin     = -1_000
	PriorityMax     = 1_000
	PriorityDefault = 0
)
