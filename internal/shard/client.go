package shard

import (
	"context"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// Client is the seam between the edges and a shard, wherever its owner runs: in
// this process (Runtime), or in another one, behind peer. Everything a tenant can
// ask of the engine's mind passes here; reads of committed rows do not (history).
//
// What comes in is validated (edge/admit). Every error is a *fault.Error or the
// context's.
type Client interface {
	// Define registers definitions of one tenant, all or none, and answers in order.
	Define(ctx context.Context, tenant id.ID, definitions []Definition) ([]Defined, error)
	// DropWorkflow takes a workflow away, with its schedules and filters, and tells whether
	// there was one. Its runs go on, and stay; registering it again brings it back.
	DropWorkflow(ctx context.Context, tenant id.ID, name string) (bool, error)
	// Submit stores the runs in one transaction. A nil error means they survive a
	// crash; the answers are in the order of runs. It waits while the journal is full
	// and gives up with ctx, or at once with NoWait (fault.Exhausted).
	Submit(ctx context.Context, tenant id.ID, runs []NewRun, wait Wait) ([]Submitted, error)
	// Await calls deliver once per id with its outcome, in any order, from any
	// goroutine, until ctx ends. It returns without waiting. An id that is not
	// this tenant's gets an Outcome with Status 0.
	Await(ctx context.Context, tenant id.ID, ids []id.ID, deliver func(Outcome)) error
	// Spawn submits children of a running task, as Submit does runs; one whose key is
	// taken is answered with the run that has it.
	Spawn(ctx context.Context, tenant id.ID, parent Parent, children []NewRun, wait Wait) ([]Submitted, error)
	// Cancel answers in the order of ids; with tree, all that the runs spawned is
	// cancelled too.
	Cancel(ctx context.Context, tenant id.ID, ids []id.ID, reason string, tree bool) ([]Cancelled, error)
	// Replay submits runs again with their input, and answers in order; an id that
	// is unknown or has not ended refuses all. With fromFailed, tasks of a graph that
	// succeeded keep their outputs and do not run again, if the workflow is unchanged.
	Replay(ctx context.Context, tenant id.ID, ids []id.ID, fromFailed bool) ([]id.ID, error)
	// Repeat replays runs that have ended, each named once, if nobody did before. It answers in
	// order: with the replay that there is now, or 0 if there was one that does not do what is
	// wanted here.
	Repeat(ctx context.Context, tenant id.ID, wanted []Repeat) ([]id.ID, error)
	// Latest follows each run to the newest replay of it, and of that, and so on; a run that
	// was not replayed is its own, and so is what is no run. It answers in the order of ids.
	Latest(ctx context.Context, tenant id.ID, ids []id.ID) ([]id.ID, error)
	// Redrive replays runs that failed, as a filter says: at most a step of them, each for
	// itself. A run that was replayed before is skipped, whoever asks and how often, unless
	// it says otherwise.
	Redrive(ctx context.Context, tenant id.ID, want Redrive) (Redriven, error)
	// Fork submits a durable run again with its log up to the entry at index, which is
	// the first not kept (0 = all is kept); input nil = the run's.
	Fork(ctx context.Context, tenant, run id.ID, index int32, input []byte) (id.ID, error)
	// Wake has suspended durable runs go on before what they wait for has come, and
	// answers in the order of ids.
	Wake(ctx context.Context, tenant id.ID, ids []id.ID) ([]Woken, error)
	// Value reads what a durable run published under name; Task is 0 if nothing.
	Value(ctx context.Context, tenant, run id.ID, name string) (core.Value, error)
	// Push stores events and starts their runs, all in one transaction, and answers in
	// order. It waits as Submit does.
	Push(ctx context.Context, tenant id.ID, events []NewEvent, wait Wait) ([]Pushed, error)
	// ReplayEvents pushes events again, as new ones, and answers in order; an id that is
	// unknown refuses all.
	ReplayEvents(ctx context.Context, tenant id.ID, ids []id.ID) ([]Pushed, error)
	// PutFilter adds a filter, or changes the one of its id, and returns its id. Events that
	// are pushed from now on meet it.
	PutFilter(ctx context.Context, tenant id.ID, filter Filter) (id.ID, error)
	// DeleteFilters takes filters away, and tells in the order of ids which there were.
	DeleteFilters(ctx context.Context, tenant id.ID, ids []id.ID) ([]bool, error)
	// Keyless tells of which runs the idempotency key that their workflow declares cannot be
	// worked out: Submit and Spawn refuse those. What else may be wrong with them it ignores.
	Keyless(ctx context.Context, tenant id.ID, runs []NewRun) ([]bool, error)
	// PutSchedules stores schedules, all or none, and answers in order: with an ID or a
	// Name that there is, it takes the place of what was there.
	PutSchedules(ctx context.Context, tenant id.ID, schedules []core.Schedule) ([]id.ID, error)
	// AddSchedules is PutSchedules for new ones only: one whose name is taken refuses all
	// with fault.Conflict. Of several callers with one name, one adds it.
	AddSchedules(ctx context.Context, tenant id.ID, schedules []core.Schedule) ([]id.ID, error)
	// ChangeSchedules pauses, resumes or moves schedules, all or none.
	ChangeSchedules(ctx context.Context, tenant id.ID, ids []id.ID, change ScheduleChange) error
	// DropSchedules ends schedules, and tells in the order of ids which there were.
	DropSchedules(ctx context.Context, tenant id.ID, ids []id.ID) ([]bool, error)
	// TriggerSchedules starts a run of each now, and answers in order; an id that is
	// unknown refuses all.
	TriggerSchedules(ctx context.Context, tenant id.ID, ids []id.ID) ([]id.ID, error)
	// PutSettings changes how queues and limits work from now on, all or none.
	PutSettings(ctx context.Context, tenant id.ID, changes []SettingChange) error
	// Refresh moves the deadline of a running attempt and returns it; 0 = it has none.
	// Ref and Tenant of the order are the shard's to say.
	Refresh(ctx context.Context, tenant id.ID, order core.Refresh) (core.Time, error)
	// Release has a running attempt go on and gives its slots back; it may have before.
	Release(ctx context.Context, tenant id.ID, task id.ID, token core.Token) error
	// Introduce makes a worker known that attaches later, or changes what is known of one
	// (hello.Worker), and returns its id. It is given nothing by that.
	Introduce(ctx context.Context, tenant id.ID, hello Hello) (id.ID, error)
	// Held tells what the engine has a worker running, as it was assigned, without payloads:
	// for one that does not know after an engine's restart. Attach takes it as Running.
	Held(ctx context.Context, tenant, worker id.ID) ([]Held, error)
	// SpareWorker has a worker be given nothing new for as long as it cannot be reached, or
	// something again; its session goes on.
	SpareWorker(ctx context.Context, tenant, worker id.ID, spared bool) error
	// Write stores lines and chunks of tasks of the tenant, which the caller has checked to
	// be there (core.Write). A nil error means they survive a crash.
	Write(ctx context.Context, tenant id.ID, lines []core.LogLine, chunks []core.Chunk) error
	// Attach begins a worker's session. Close it with Session.Close.
	Attach(ctx context.Context, tenant id.ID, hello Hello) (Session, error)
	// Bearer is whose task it is that a worker of the home runs under a token; 0 = none does.
	// With its answer, a worker asks for what is the task's.
	Bearer(ctx context.Context, home, task id.ID, token core.Token) (id.ID, error)
	// Lodger is whose task it is that a worker of the home runs, where tenants share workers;
	// 0 = none does, or none share any.
	Lodger(ctx context.Context, home, task id.ID) (id.ID, error)
	// Follow tells of what is written of tasks from now on, once it is committed.
	Follow(ctx context.Context, tenant id.ID, tasks []id.ID, kinds ...Written) (Follower, error)
	// Live tells where open tasks stand, in the order of ids; one that is not open
	// (or waits in Postgres only) has State 0.
	Live(ctx context.Context, tenant id.ID, ids []id.ID) ([]core.Live, error)
	// Given tells what a run was submitted with; one that is unknown has Run 0.
	Given(ctx context.Context, tenant, run id.ID) (Given, error)
	// Why tells why a run is not done yet: of each of its tasks, what it waits for.
	Why(ctx context.Context, tenant, run id.ID) (Explained, error)
	// Workers tells which workers are connected, or expected back, oldest first: the
	// tenant's, and those of others that run its tasks too.
	Workers(ctx context.Context, tenant id.ID) ([]Worker, error)
	// PauseWorkers has workers be given nothing new, or something again, and tells in the
	// order of ids which are known. For one that is not there it holds when it comes.
	PauseWorkers(ctx context.Context, tenant id.ID, ids []id.ID, paused bool) ([]bool, error)
	// Overview tells where the tenant's queues and limits stand, by name.
	Overview(ctx context.Context, tenant id.ID) (Overview, error)
}

// Definition is a workflow as it is registered.
type Definition struct {
	Name string
	JSON []byte          // canonical form; equal bytes are the same version
	Core core.Definition // of a workflow of one task; without Version and Tenant
	// Graph is of a workflow of several tasks, or of one that waits; else nil; likewise.
	Graph    *Graph
	Triggers []Trigger
	Crons    []Cron
	Filters  []DeclaredFilter
	Flow     *Flow // nil: nothing is said
	Keyed
}

// ScheduleChange is what is to be different about schedules; nil = as it is.
type ScheduleChange struct {
	Paused *bool
	At     *core.Time // of one-offs
}

// Graph is a workflow of several tasks, or of one that waits, with what the shard
// evaluates for the core.
type Graph struct {
	core.Graph
	Conditions []Condition
	Scopes     []Scope // of the scoped conditions, in the order of core.NewTask
	Names      []ConditionName
}

// ConditionName is what a task knows one of its conditions by.
type ConditionName struct {
	Node  int32
	Place int32 // among the node's Conditions
	Name  string
}

// Condition decides about a node by the output of one of its parents: outright, or as
// one of the node's Conditions.
type Condition struct {
	Node       int32
	Parent     int32
	Action     core.WaitAction
	Part       bool  // it is one of the node's Conditions,
	Place      int32 // at this place
	Lenient    bool  // what cannot be evaluated does not hold
	Expression string
}

// Scope is what the scope of an event must be that a node waits for: an expression over
// the input of the run (expr.Input).
type Scope struct {
	Node       int32
	Expression string
}

// Defined is what came of a Definition.
type Defined struct {
	Workflow id.ID
	Version  id.ID
	Created  bool // false: it was the current version already
}

// NewRun is a run as it is submitted.
type NewRun struct {
	Workflow string
	Input    []byte           // JSON
	Metadata []byte           // JSON object, or nil
	Priority int32            // 0 = the workflow's
	Labels   []Label          // take the place of those of the same key that its tasks have
	Worker   id.ID            // whom its sticky tasks go to that have no parent; 0 = any
	FairKey  string           // whose share of its queue it counts for; "" = what the workflow's expression gives
	RunAt    core.Time        // 0 = at once
	DelayMS  int64            // instead of RunAt: counted from the submit
	Key      string           // of a child: unique among those of its parent
	Given    []byte           // of a child: what its attempts are told besides, JSON; or nil. A replay is told it too
	Policy   core.ClosePolicy // of a child
	Once     *Once            // its idempotency key; nil = the one that the workflow declares, if it does
}

// Parent is the attempt that spawns.
type Parent struct {
	Task  id.ID
	Token core.Token // 0: the one that runs, whichever that is
}

// Submitted is what came of a run.
type Submitted struct {
	ID      id.ID // 0: it was refused
	Existed bool  // it was there before: the child of that key, or the run that holds the idempotency key
	Err     error // why it was refused: another run holds its idempotency key. The others are stored
}

// NewEvent is an event as it is pushed.
type NewEvent struct {
	Key      string
	Scope    string // "" = none
	Payload  []byte // JSON: the input of the runs
	Metadata []byte // JSON object, or nil: that of the runs too
	Priority int32  // of the runs
	Target   id.ID  // the open run that it is addressed to; 0 = whom it may concern
}

// Given is what a run was submitted with.
type Given struct {
	Run      id.ID
	ReplayOf id.ID // the run that it repeats; 0 if none
	Input    []byte
	Metadata []byte
}

// Pushed is what came of an event.
type Pushed struct {
	ID   id.ID
	Runs []id.ID // that it started
	// Warning is why a run that it might have started was not: a condition that could
	// not be evaluated. Empty if all is well.
	Warning string
}

// Filter says which events of a scope start runs of a workflow, and what these are
// given besides.
type Filter struct {
	ID         id.ID // of one that there is, whose place it takes; 0 = a new one
	Workflow   string
	Scope      string
	Expression string // a condition over the event (expr.Event); "" = always
	Payload    []byte // JSON, or nil
	Declared   bool   // with its workflow
}

// Wait says what Submit does while the journal is full.
type Wait bool

// The two ways to meet a full journal.
const (
	WaitForRoom Wait = true
	NoWait      Wait = false
)

// Outcome is how a run ended.
type Outcome struct {
	ID      id.ID
	Task    string      // of a run of one task that ended just now: its task's name; else empty
	Status  core.Status // 0: no such run
	Attempt int32
	Error   string
	Output  []byte
}

// Cancelled is what came of a request to cancel.
type Cancelled uint8

// What can come of a request to cancel.
const (
	CancelUnknown  Cancelled = iota // no such run
	CancelDone                      // it waited, and is cancelled
	CancelStopping                  // its worker is told
	CancelEnded                     // it had ended before
)

// Woken is what came of a request to wake.
type Woken uint8

// What can come of a request to wake.
const (
	WakeUnknown Woken = iota // no such open run
	WakeDone                 // it was suspended, and goes on
	WakeAwake                // it is open, and not suspended
)

// Hello begins a worker's session.
type Hello struct {
	Worker  id.ID // from the session before; 0 the first time
	Name    string
	SDK     string
	Actions []string
	Slots   int32
	Running []core.Claim
	Labels  map[string]string
	Types   []SlotUse         // slots of other types than the default one
	Runtime map[string]string // what it runs on, for people
	Spared  bool              // it is given nothing until SpareWorker says otherwise
}

// Session is one stream of a worker. Recv is for one goroutine, the rest for any.
type Session interface {
	// Worker is the worker's id, made at its first session.
	Worker() id.ID
	// Recv waits for something to tell the worker. It fails when the session is
	// over: closed, replaced by a newer one of the same worker, or the shard lost.
	Recv(ctx context.Context) (Down, error)
	// Report hands over what the worker says, and waits while the journal is full.
	// What is dealt with comes back as a Settlement. The children of an entry that
	// spawns are in spawns.
	Report(ctx context.Context, items []core.ReportItem, spawns ...EntrySpawn) error
	// Emit hands over what attempts wrote; each attempt's comes to the core before the
	// reports of it that follow. It does not wait for room at the journal. How far it is
	// stored comes back as core.Emitted.
	Emit(ctx context.Context, lines []core.LogLine, chunks []core.Chunk) error
	// Resize changes the slots; 0 drains.
	Resize(ctx context.Context, slots int32) error
	// Relabel changes the worker's labels.
	Relabel(ctx context.Context, labels map[string]string) error
	// Close ends the session. Only the first reason counts.
	Close(reason core.LeaveReason)
}

// EntrySpawn is the children of an entry of a durable task.
type EntrySpawn struct {
	Item int // the place of the entry among the items of the report
	Runs []NewRun
}

// Down is what the engine tells a worker. The slices are the receiver's.
type Down struct {
	Mets        []core.Met
	Assignments []Assignment
	Stops       []core.Stop
	Settled     []core.Settlement
	Emitted     []core.Emitted
}

// Assignment is an attempt with all that its worker needs.
type Assignment struct {
	core.Assignment
	Owner      id.ID  // whose task it is
	Tenant     string // the name of the owner, where that is another tenant than the worker's
	Action     string
	Workflow   string
	WorkflowID id.ID
	Name       string // of the task in the workflow
	ReplayOf   id.ID  // the run that its run repeats; 0 if none
	Parent     id.ID  // the task that spawned its run; 0 if none
	Given      []byte // of a child: NewRun.Given
	Priority   int32
	Durable    bool
	Input      []byte
	Metadata   []byte
	Parents    []ParentOutput // of a task of a graph: its parents that succeeded; of a handler: all that did
	Skipped    []string       // its parents that did not have to run
	Failures   []TaskFailure  // of a handler of failures: the tasks that failed
	Log        []core.Entry   // of a durable task, by index
	Mets       []core.Met     // likewise, by order
	Event      *Event         // that started the run, or nil
	Came       []CameEvent    // of a task of a graph: the events that it waited for and that came, in their order
	Slept      []string       // of a task of a graph: the names of times that it waited for and that passed, the shortest first
}

// Held is an attempt that a worker has.
type Held struct {
	Assignment      // without payloads
	Released   bool // it has given its slots back
}

// Claim is a worker's word that it runs it.
func (h *Held) Claim() core.Claim {
	return core.Claim{Task: h.Task, Attempt: h.Attempt, Token: h.Token, Batch: h.Batch, Released: h.Released}
}

// CameEvent is an event that a task waited for before it began.
type CameEvent struct {
	ID      id.ID
	Key     string   // empty: the event was deleted since
	Names   []string // of the conditions that it met
	Scope   string
	Payload []byte // JSON
	At      core.Time
}

// Event is an event as a run sees it that it started.
type Event struct {
	ID    id.ID
	Key   string
	Scope string
	Given []byte // the payload of the filter that chose it, JSON; or nil
}

// TaskFailure is a task of a run that failed.
type TaskFailure struct {
	Task  string
	Error string
}

// ParentOutput is what a parent gave that succeeded.
type ParentOutput struct {
	Task   string
	Output []byte // JSON
}
