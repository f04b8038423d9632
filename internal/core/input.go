package core

import "github.com/adzehq/adze/internal/base/id"

// Input is something that happened. The shard's runtime makes it, stamps the
// time and hands it to Shard.Apply; nothing else changes the core.
type Input interface{ input() }

// Payload is bytes that the core passes on and neither reads nor keeps.
type Payload []byte

// Define makes a definition known. It must come before the first task of that
// version; a version that is known already is left as it is.
type Define struct{ Definition Definition }

// DefineGraph is Define for a workflow of several tasks.
type DefineGraph struct{ Graph Graph }

// Submit brings new tasks, and new runs of graphs, ids ascending in each of the lists
// and above all ids seen so far.
type Submit struct {
	Tasks []NewTask
	Runs  []NewRun
	Once  []NewOnceKey // of those that have one, ascending by Run; none is Missing
	Ref   uint64       // with Once: each of these is answered under it
}

// NewTask is a task as it is submitted, and the row of it that is stored.
type NewTask struct {
	ID       id.ID
	Tenant   id.ID
	Version  id.ID  // a Definition's
	ReplayOf id.ID  // the run that this one repeats; 0 if none
	Event    id.ID  // the event that started it; 0 if none
	Schedule id.ID  // the schedule that did; 0 if none. Then RunAt is the tick
	Run      id.ID  // of a task of a graph: its run; 0 otherwise
	RunAt    Time   // not before; 0 = now
	Key      string // whose share of the queue it counts for; "" for the one of a queue without keys
	Flow     *Flow  // of a run: nil if nothing is said of it, and then of its row
	Priority int32
	Node     int32   // with Run: its place in the graph
	Parent   id.ID   // the task that spawned it; 0 if none
	Input    Payload // JSON; nil with Run: the run's row has it
	Metadata Payload // JSON object, or nil
	// Scopes are of a run of a graph: those of the scoped conditions of its nodes, in the
	// order of the nodes and of their conditions.
	Scopes []string
	Given  Payload // what its attempts are told besides, JSON; or nil. With Event: what the filter that chose it adds, a copy because it may be gone before the run begins
}

// Join brings a worker, for the first time or again. Running is what a worker
// that comes back says it still runs: what it does not name, it has lost; what
// is named and no longer its own, it is told to stop.
type Join struct {
	Worker  id.ID
	Tenant  id.ID
	Actions []string
	Slots   int32 // how many tasks it runs at once
	Running []Claim
	Labels  map[string]string
	Types   []SlotUse // how many slots it has of other types than the default one
	Spared  bool      // as Spare
	Paused  bool      // by its row: it counts for a worker that is not known, as it was away
}

// Claim is a worker's word that it runs an attempt.
type Claim struct {
	Task    id.ID
	Attempt int32
	Token   Token
	Batch   Token // as Assignment.Batch
	// Released says that it has given its slots back: it holds none.
	Released bool
}

// Relabel changes a worker's labels.
type Relabel struct {
	Worker id.ID
	Labels map[string]string
}

// PauseWorkers has workers be given nothing new, from outside, or something again. Each is
// answered under Ref with AnswerDone or AnswerUnknown.
type PauseWorkers struct {
	Ref     uint64
	Tenant  id.ID
	Workers []id.ID
	Paused  bool
}

// Resize changes a worker's slots. With 0 it is given nothing new: it drains.
type Resize struct {
	Worker id.ID
	Slots  int32
}

// Spare has a worker be given nothing new for as long as it cannot be reached, though its
// session goes on; or something again.
type Spare struct {
	Tenant id.ID
	Worker id.ID
	Spared bool
}

// Leave says that a worker's stream ended.
type Leave struct {
	Worker id.ID
	Reason LeaveReason
}

// LeaveReason is why a worker's stream ended.
type LeaveReason uint8

// How a worker leaves decides whether its tasks wait for it.
const (
	LeaveClosed  LeaveReason = iota // the stream broke: grace, it may come back
	LeaveSilent                     // nothing was heard for too long: its tasks run elsewhere now
	LeaveDrained                    // it said goodbye: its tasks run elsewhere now
)

// Report is what a worker says about its attempts, in the order it happened.
type Report struct {
	Worker id.ID
	Items  []ReportItem
}

// ReportItem is one thing that happened to an attempt.
type ReportItem struct {
	Task         id.ID
	Attempt      int32
	Token        Token
	Kind         ReportKind
	NonRetryable bool      // with ReportFailed: do not try again
	RetryAfterMS int64     // with ReportFailed: do not try again before
	Error        string    // with ReportFailed: for people
	Output       Payload   // with ReportCompleted: JSON
	Verdicts     []Verdict // with ReportCompleted, of a task of a graph: what conditions say of its output
	Entry        *NewEntry // with ReportEntry
	Heard        int32     // with ReportSuspended: how many Mets the worker was told since the assignment
}

// ReportKind is what happened.
type ReportKind uint8

// What can happen to an attempt.
const (
	ReportStarted   ReportKind = iota + 1 // the task's code runs
	ReportCompleted                       // it returned
	ReportFailed                          // it returned an error, panicked, or was stopped
	ReportEntry                           // a durable task adds to its log
	ReportSuspended                       // a durable task waits, and gives its slot back
	ReportReleased                        // it goes on, and gives its slots back
)

// Token names one assignment: the owner's epoch in the high 24 bits and a
// number in the low 40. It tells a late report of an old attempt from the
// current one.
type Token int64

// Refresh moves the deadline of a running attempt to at least now + ByMS.
// It is answered with AnswerDone or AnswerStale.
type Refresh struct {
	Ref     uint64
	Tenant  id.ID
	Task    id.ID
	Token   Token
	ByMS    int64
	Further bool // ByMS counts from where the deadline is
}

// Cancel ends tasks that wait, and stops those that run. Each is answered under
// Ref; one that is not in memory after a Load of its checkpoint row. Reason is for
// people and becomes part of the result's error.
// A task of another tenant is unknown.
type Cancel struct {
	Ref    uint64
	Tenant id.ID
	Tasks  []id.ID
	Tree   bool // and all that they spawned, and so on
	Reason string
}

// Tick lets time pass: timers that are due fire, the checkpoint is brought up
// to date. Shard.NextDue says when the next one is needed.
type Tick struct{}

// Loaded answers a Load with checkpoint rows in the order that it asked for, read
// after all effects before that Load were committed. Every Load is answered once.
type Loaded struct {
	Load Load
	Rows []OpenTask // fewer than Load.Limit: there are no more
	// NextDue is the due time of the first row that a due load left out because
	// it lies after Load.Until; 0 = there is none. Likewise of a once due load.
	NextDue  Time
	Runs     []OpenRun  // those of the rows, and those among Load.Tasks of a task load; each has a row
	Waits    []Wait     // lane, due and task load: those of the rows that have some, by (task, index)
	Past     []Past     // events load: for each Lookback, in order
	Ahead    []Ahead    // why load: how many rows of its lane go before each of Rows
	Ended    []id.ID    // ended load: those of Load.Tasks that have a result
	Children []ChildRun // children and keys load; of the former, Rows has their checkpoint rows
	Once     []OnceKey  // once load: those of Load.Keys that have a row. Once due load: rows with Until up to Load.Until, by it. Once ended load: as it says
}

// Ahead is how many rows of its lane go before one: in lane order, and where ranks do not
// count.
type Ahead struct{ ByRank, ByID int64 }

// Past answers a Lookback: the event that meets its condition.
type Past struct {
	Event   id.ID // 0: there is none
	Payload Payload
}

// ChildRun is a child as a children load finds it.
type ChildRun struct {
	Run    id.ID
	Cancel bool   // it is cancelled when its parent ends
	Key    string // with a keys load
}

// Restore is the state of the shard that a new owner reads from Postgres. It is
// the first input, after the definitions, and comes once.
type Restore struct {
	Epoch    int64      // of the new lease; part of each Token
	LowWater id.ID      // as stored
	LastID   id.ID      // no task of the shard has a larger id; for whoever makes the next ones
	Running  []OpenTask // checkpoint rows in state running
	Holding  []OpenTask // checkpoint rows that have places in limits, and do not run
	Workers  []Present  // workers that were connected to the owner before
	Settings []Setting
	Rates    []RateState
	Fresh    []NewTask // tasks above the low-water mark with neither result nor checkpoint row; ids ascending; payloads nil
	// Runs are open runs of graphs, from the checkpoint or above the low-water mark, ids
	// ascending. Of those with a row it needs only the cancelled ones, and those with a
	// task among Running or in Waits: the others come with what is loaded of them.
	Runs       []OpenRun
	Logs       []LogSize // of the durable ones among Running and Fresh that have a log
	Waits      []Wait    // all but those for time alone of tasks that wait for nothing else; by (task, index)
	Closing    []Closing // whose children are still to be cancelled
	Lanes      []LaneDepth
	Schedules  []ScheduleState
	Once       []OnceKey // at most OnceKeysMax that are held, and all runs that were replaced
	OnceStored int64     // how many more are held
	OnceDue    Time      // when the first of those is free; 0 = none by time
	Delayed    int64     // how many checkpoint rows are in state delayed or waiting
	NextDue    Time      // the smallest due time of all rows that are ready, delayed or waiting; 0 = none
}

// Present is a worker that was connected to the owner before, and is expected back.
type Present struct {
	Worker id.ID
	Tenant id.ID
	Paused bool
}

// LogSize is how many entries the log of a durable task has.
type LogSize struct {
	Task    id.ID
	Entries int32
}

// LaneDepth is how many checkpoint rows of a lane are ready.
type LaneDepth struct {
	Tenant id.ID
	Queue  string
	Key    string
	Depth  int64
}

func (*Define) input()       {}
func (*DefineGraph) input()  {}
func (*Submit) input()       {}
func (*Join) input()         {}
func (*Resize) input()       {}
func (*Spare) input()        {}
func (*Relabel) input()      {}
func (*PauseWorkers) input() {}
func (*Leave) input()        {}
func (*Report) input()       {}
func (*Emit) input()         {}
func (*Refresh) input()      {}
func (*Cancel) input()       {}
func (*Tick) input()         {}
func (*Loaded) input()       {}
func (*Restore) input()      {}
func (*Spawn) input()        {}
