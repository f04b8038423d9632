package core

import (
	"cmp"

	"github.com/adzehq/adze/internal/base/id"
)

// Effects is what follows from inputs: rows to write in one transaction, and
// what is told to others once it is committed.
//
// It is a struct of lists, not a list of effects: rows of one kind are written
// by one statement, and the order between kinds does not show. The order within
// a list is the order of the decisions. It is reused: Reset keeps the room.
type Effects struct {
	// Rows, all in one transaction.
	Tasks      []NewTask   // insert task
	Results    []Result    // insert task_result
	Attempts   []Attempt   // insert attempt
	Moments    []Moment    // insert moment, unless it is there
	Open       []OpenTask  // insert or update open_task; the last of an id counts
	Closed     []id.ID     // delete open_task, after Open
	Runs       []NewTask   // insert run
	RunResults []RunResult // insert run_result
	OpenRuns   []OpenRun   // insert or update open_run; Ended is not stored
	ClosedRuns []id.ID     // delete open_run, after OpenRuns
	Events     []NewEvent  // insert event
	EventRuns  []EventRun  // insert event_run
	Lines      []LogLine   // insert log_line, unless it is there
	Chunks     []Chunk     // insert stream_chunk, unless it is there
	LowWater   id.ID       // update low_water; 0 = unchanged

	Entries        []Entry     // insert durable_entry
	Replies        []Reply     // insert reply, unless there is one
	Values         []Value     // insert or update durable_value; the last of a name counts
	Mets           []Met       // insert condition_met; also told after the commit if Worker is set
	Waits          []Wait      // insert wait
	ClosedWaits    []WaitKey   // delete wait, after Waits
	Due            []DueChange // update open_task set due_at where it waits, after Open
	Children       []Child     // insert child
	Closing        []Closing   // insert closing
	ClosedChildren []id.ID     // delete closing, after Closing

	Schedules       []Schedule      // insert or update schedule; the last of an id counts
	ScheduleStates  []ScheduleState // insert or update schedule_state; the last of an id counts
	ClosedSchedules []id.ID         // delete schedule and schedule_state, after both

	OnceKeys       []OnceKey      // insert or update idempotency; the last of a run counts
	ClosedOnceKeys []id.ID        // delete idempotency by run, after OnceKeys
	Settings       []Setting      // insert, update or delete setting; the last of a name counts
	Absent         []Absence      // update worker
	Paused         []PausedWorker // update worker
	Rates          []RateState    // insert or update rate_state; the last of a name counts
	ClosedRates    []RateName     // delete rate_state; after Rates, none of which has its name

	// Told after the commit, but for an Assignment: see Assignment.Seq.
	Assigned []Assignment
	Stopped  []Stop
	Settled  []Settlement
	Emitted  []Emitted // what was written, however far
	Answers  []Answer
	Loads    []Load // to be read after the commit of everything before
	Ripe     []Ripe // likewise
}

// Reset empties the lists and keeps their room.
func (e *Effects) Reset() {
	clear(e.Tasks) // lets go of the payloads
	clear(e.Results)
	clear(e.Runs)
	clear(e.Events)
	clear(e.Entries)
	clear(e.Values)
	clear(e.Replies)
	clear(e.Mets)
	clear(e.Lines)
	clear(e.Schedules)
	clear(e.Chunks)
	clear(e.OnceKeys)
	clear(e.Open)
	clear(e.OpenRuns)
	clear(e.Rates)
	clear(e.ClosedRates)
	*e = Effects{
		Tasks: e.Tasks[:0], Results: e.Results[:0], Attempts: e.Attempts[:0], Moments: e.Moments[:0],
		Open: e.Open[:0], Closed: e.Closed[:0],
		Runs: e.Runs[:0], RunResults: e.RunResults[:0], OpenRuns: e.OpenRuns[:0], ClosedRuns: e.ClosedRuns[:0],
		Events: e.Events[:0], EventRuns: e.EventRuns[:0],
		Entries: e.Entries[:0], Values: e.Values[:0], Replies: e.Replies[:0], Mets: e.Mets[:0], Waits: e.Waits[:0], ClosedWaits: e.ClosedWaits[:0],
		Due: e.Due[:0], Children: e.Children[:0], Closing: e.Closing[:0], ClosedChildren: e.ClosedChildren[:0],
		Lines: e.Lines[:0], Chunks: e.Chunks[:0], Emitted: e.Emitted[:0],
		Assigned: e.Assigned[:0], Stopped: e.Stopped[:0], Settled: e.Settled[:0],
		Answers: e.Answers[:0], Loads: e.Loads[:0], Ripe: e.Ripe[:0],
		Schedules: e.Schedules[:0], ScheduleStates: e.ScheduleStates[:0], ClosedSchedules: e.ClosedSchedules[:0],
		OnceKeys: e.OnceKeys[:0], ClosedOnceKeys: e.ClosedOnceKeys[:0],
		Settings: e.Settings[:0], Absent: e.Absent[:0], Paused: e.Paused[:0],
		Rates: e.Rates[:0], ClosedRates: e.ClosedRates[:0],
	}
}

// Rows is how many rows the effects write.
func (e *Effects) Rows() int {
	n := len(e.Tasks) + len(e.Results) + len(e.Attempts) + len(e.Moments) + len(e.Open) + len(e.Closed) +
		len(e.Runs) + len(e.RunResults) + len(e.OpenRuns) + len(e.ClosedRuns) +
		len(e.Events) + len(e.EventRuns) +
		len(e.Entries) + len(e.Values) + len(e.Replies) + len(e.Mets) + len(e.Waits) + len(e.ClosedWaits) +
		len(e.Due) + len(e.Children) + len(e.Closing) + len(e.ClosedChildren) +
		len(e.Lines) + len(e.Chunks) +
		len(e.Schedules) + len(e.ScheduleStates) + len(e.ClosedSchedules) +
		len(e.OnceKeys) + len(e.ClosedOnceKeys) +
		len(e.Settings) + len(e.Absent) + len(e.Paused) +
		len(e.Rates) + len(e.ClosedRates)
	if e.LowWater != 0 {
		n++
	}
	return n
}

// Absence is a worker that is not expected back.
type Absence struct {
	Worker id.ID
	Since  Time
}

// PausedWorker is a worker that is given nothing new, or something again.
type PausedWorker struct {
	Worker id.ID
	Paused bool
}

// Status is how a task ended.
type Status uint8

// The terminal statuses.
const (
	Succeeded Status = iota + 1
	Failed
	Cancelled
	Skipped // of a task of a graph: it did not have to run
)

func (s Status) String() string {
	return [...]string{"", "succeeded", "failed", "cancelled", "skipped"}[s]
}

// Result is the one terminal result of a task.
type Result struct {
	Task        id.ID
	Tenant      id.ID
	Version     id.ID
	Status      Status
	Attempt     int32 // the attempt that ended it, 1-based; 0 if none was started
	Suspensions int32 // as OpenTask.Suspensions
	Worker      id.ID // who ran that attempt; 0 if none
	Assigned    Time  // of that attempt; 0 if none
	Started     Time  // of that attempt, as the worker said; 0 if it did not
	Finished    Time
	Error       string    // for people; empty when it succeeded
	Output      Payload   // JSON; nil unless it succeeded
	Run         id.ID     // of a task of a graph: its run; 0 otherwise
	Node        int32     // with Run
	Verdicts    []Verdict // with Run: as its worker's report brought them
}

// Attempt is an attempt that ended without ending its task.
type Attempt struct {
	Task     id.ID
	Tenant   id.ID
	Number   int32 // 1-based
	Outcome  AttemptOutcome
	Worker   id.ID
	Assigned Time
	Started  Time // 0 if the worker did not say
	Finished Time
	RetryAt  Time   // when the next attempt is ready
	Error    string // for people
}

// AttemptOutcome is why an attempt ended.
type AttemptOutcome uint8

// Outcomes of attempts that are followed by another one.
const (
	AttemptFailed   AttemptOutcome = iota + 1 // the task's code failed
	AttemptTimedOut                           // it ran too long
	AttemptLost                               // its worker went away
)

func (o AttemptOutcome) String() string {
	return [...]string{"", "failed", "timed_out", "lost"}[o]
}

// OpenTask is a checkpoint row: all the core needs to go on with a task.
type OpenTask struct {
	ID       id.ID
	Tenant   id.ID
	Version  id.ID
	Run      id.ID // of a task of a graph: its run; 0 otherwise
	Worker   id.ID // with OpenRunning; else 0
	Token    Token // with OpenRunning; else 0
	Batch    Token // with OpenRunning, as Assignment.Batch
	Due      Time  // ready: end of the schedule timeout, 0 = none; delayed: when it is ready; waiting: when the first time that it waits for comes, 0 = none; running: end of the execution timeout, 0 = none
	Assigned Time  // with OpenRunning
	Priority int32
	Attempt  int32 // the current attempt, or the next one if none runs; 1-based
	Failures int32 // attempts so far that count against the retries
	Node     int32 // with Run
	Entries  int32 // of a durable task: the size of its log; behind with OpenRunning
	// Suspensions is how often its worker gave it back to wait: an assignment is the
	// Attempt+Suspensions'th.
	Suspensions int32
	Waits       int32 // how many Waits it has
	State       OpenState
	Binds       bool   // it has children to be cancelled when it ends; behind with OpenRunning
	Passed      int32  // how many limits it has a place in
	Rank        int64  // its Order.Rank in its lane
	Queue       string // where its lane is: a class, or what holds it back
	Key         string // of its lane
	Flow        *Flow
	Cancel      string // with OpenRunning: it was cancelled and its worker told; the error of its result. Empty otherwise
}

// share is its NewTask.Key: that of its lane, but where the lane is a limit's or a
// pause's.
func (o *OpenTask) share() string {
	if o.Flow != nil {
		return o.Flow.Share
	}
	share, _ := readLaneKey(o.Key)
	return share
}

// OpenState is where an open task stands.
type OpenState uint8

// The states of an open task.
const (
	OpenReady   OpenState = iota + 1 // waits in its lane for a worker
	OpenDelayed                      // waits for a time: run-at, or back-off
	OpenRunning                      // a worker has it
	OpenWaiting                      // waits for what its Waits say
)

func (s OpenState) String() string {
	return [...]string{"", "ready", "delayed", "running", "waiting"}[s]
}

// ParseOpenState is the inverse of String; 0 if the name is unknown.
func ParseOpenState(name string) OpenState {
	for s := OpenReady; s <= OpenWaiting; s++ {
		if s.String() == name {
			return s
		}
	}
	return 0
}

// Assignment gives an attempt to a worker.
type Assignment struct {
	Worker      id.ID
	Task        id.ID
	Version     id.ID
	Run         id.ID // of a task of a graph: its run; 0 otherwise
	Token       Token
	Attempt     int32
	Node        int32  // with Run
	Deadline    Time   // when it times out; 0 = never
	Entries     int32  // of a durable task: the size of its log
	Suspensions int32  // as OpenTask.Suspensions
	Batch       Token  // it goes with those of the same number, as one batch; 0 = alone
	BatchKey    string // with Batch: by what they were gathered
	// Seq is the Apply that submitted the task, that last added to its log, that drew its
	// units from rate limits, or that granted its worker to its tenant (Shard.Seq), whichever
	// was last: the assignment may be sent as soon as that one is committed, it waits for
	// nothing else.
	Seq uint64
}

// Stop tells a worker to stop an attempt. The worker answers with a report.
type Stop struct {
	Worker id.ID
	Task   id.ID
	Token  Token
	Reason StopReason
}

// StopReason is why an attempt must stop.
type StopReason uint8

// Why an attempt must stop.
const (
	StopCancelled StopReason = iota + 1 // someone cancelled the task
	StopTimedOut                        // it ran too long
	StopForeign                         // it is not, or no longer, this worker's
)

// Settlement tells a worker that a report of it is dealt with for good, and
// need not be kept or sent again.
type Settlement struct {
	Worker id.ID
	Task   id.ID
	Token  Token
	Stale  bool // it was of an old attempt and was refused
	// Of a ReportEntry: its index, and what was recorded. The attempt goes on.
	Entry int32
	At    Time
	Error string // why children were refused
	Data  Payload
}

// Answer replies to the input with that Ref, one for each task it named.
type Answer struct {
	Ref      uint64
	Task     id.ID
	Kind     AnswerKind
	Deadline Time    // with Refresh
	Item     int32   // with Spawn: which of its items; with Submit: NewOnceKey.Item
	Reason   *Reason // with Ask
}

// AnswerKind is what came of a request.
type AnswerKind uint8

// What can come of a request.
const (
	AnswerDone    AnswerKind = iota + 1 // it is done: the task is cancelled, the deadline moved, the child submitted
	AnswerStarted                       // the worker is told; the result follows
	AnswerUnknown                       // no such open task: it ended, or never was
	AnswerStale                         // the attempt is not the current one; with Wake: it is not suspended
	AnswerExists                        // with Spawn: the child was spawned before; with a once key: Task holds it, and is the answer
	AnswerAgain                         // with Spawn: ask again, with new ids
	AnswerFull                          // with PutSchedules: there would be too many
	AnswerHeld                          // with a once key: Task holds it, and the run was not started
)

// Load asks for checkpoint rows that are not in memory. It is read after the
// commit of everything before it, and answered with Loaded.
type Load struct {
	Kind   LoadKind
	Tenant id.ID      // lane, task and once load
	Queue  string     // lane load
	Key    string     // lane load
	After  Order      // lane and due load: rows strictly after it
	ByID   bool       // lane load: ranks do not count, the order is that of ids
	Until  Time       // due and once due load: rows due by then
	Limit  int        // lane, due and once due load
	Tasks  []id.ID    // task load
	Keys   []string   // once load
	Ref    uint64     // task load: the Cancel that it serves; 0 = it ends the tasks of a cancelled run
	Text   string     // task load: the error of the results, as of that Cancel
	Tree   bool       // task load: as Cancel.Tree
	Past   []Lookback // past load
	Seq    uint64     // the Apply that asked
}

// LoadKind is which rows a Load asks for.
type LoadKind uint8

// The loads.
const (
	LoadLane      LoadKind = iota + 1 // ready rows of a lane, in lane order: rank, id, or Load.ByID
	LoadDue                           // ready, delayed and waiting rows with a due time, in the order (due, id)
	LoadTasks                         // the rows of Tasks, in any order
	LoadPast                          // for each Lookback the event that meets its condition
	LoadEnded                         // which of Tasks have ended
	LoadChildren                      // the children of Tasks[0] that have not ended, with their rows
	LoadKeys                          // the keys of the children of Tasks[0]
	LoadOnce                          // the rows of the once keys Keys
	LoadOnceDue                       // rows of once keys that are free by Until, by that time
	LoadOnceEnded                     // the rows of the once keys that Tasks, which are runs, held until they ended
	LoadWhy                           // the rows of Tasks, in any order, with Loaded.Ahead
	LoadWake                          // the rows of Tasks, in any order
)

// Order is a place in a line: lower Rank first, then lower ID. In a lane the rank is
// the negated priority, one before the highest for what was begun before, so that
// higher priorities and then older tasks go first, and more where waiting counts
// (QueueSetting.AgeMS, LimitSetting.AgeMS); where priority does not matter it is taken
// for 0. Among delayed tasks it is the due time. The zero Order is before all delayed
// tasks; LaneStart is before all tasks of a lane.
type Order struct {
	Rank int64
	ID   id.ID
}

// LaneStart comes before every task of a lane.
var LaneStart = Order{Rank: -PriorityMax - 2}

// Before tells whether o goes first.
func (o Order) Before(p Order) bool {
	return o.Rank < p.Rank || o.Rank == p.Rank && o.ID < p.ID
}

func (o Order) compare(p Order) int {
	if o.Rank != p.Rank {
		return cmp.Compare(o.Rank, p.Rank)
	}
	return cmp.Compare(o.ID, p.ID)
}

// Live is where an open task stands right now.
type Live struct {
	State       OpenState // 0: not open, or in Postgres only
	Tenant      id.ID
	Attempt     int32 // current, or next
	Worker      id.ID // with OpenRunning
	Token       Token // with OpenRunning
	Assigned    Time  // with OpenRunning
	Started     Time  // with OpenRunning; 0 until its worker says so
	Due         Time  // as OpenTask.Due
	Version     id.ID
	Run         id.ID  // of a task of a graph: its run; 0 otherwise
	Node        int32  // with Run
	Passed      int32  // as OpenTask.Passed
	Suspensions int32  // as OpenTask.Suspensions
	Paused      string // with OpenReady: what of it is paused, or was until now, and it waits behind: "queue x", "workflow x"
}
