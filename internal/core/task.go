package core

import (
	"math"

	"github.com/adzehq/adze/internal/base/id"
)

// task is an open task in memory. It sits in exactly one place: a lane (ready),
// the delayed line (delayed, waiting), or a worker (running).
type task struct {
	id  id.ID
	def *Definition
	run *run // of a graph; nil otherwise

	flow   *Flow   // nil if nothing is said of it
	lane   *lane   // that it is ready in, or runs from; nil while it is delayed or waits
	worker *worker // with OpenRunning
	// Neighbours in its worker's list of running attempts.
	prev, next *task

	token    Token
	due      Time // as OpenTask.Due; while stopping: the end of the stop's grace
	assigned Time
	started  Time
	seq      uint64 // as Assignment.Seq; 0 if that is committed for sure

	share    string // as NewTask.Key
	rank     int64  // its place in lane, see Order
	charged  int64  // with OpenRunning: what its share was charged for it, see queue.charge
	tariff   uint64 // of that, see queue.tariff
	advance  int64  // likewise its tenancy, in that era
	era      uint64
	tenancy  *tenancy // with OpenRunning: whom its worker's time is counted for; nil = nobody
	priority int32
	passed   int32 // how many of its limits it has a place in
	attempt  int32
	failures int32
	node     int32            // with run
	seats    [seatCount]int32 // its index in each timeline; -1 = not in it
	lined    bool             // with lane: it is in its line

	arrived Time   // in a lane that gathers: when it came
	batch   *batch // with OpenRunning; nil: it was given alone

	state OpenState
	stop  StopReason // with OpenRunning: told to stop, and why
	saved bool       // has a checkpoint row
	ripe  bool       // with arrived: it has waited for the interval
	dirty bool       // its checkpoint row is behind, and it is in the ledger for it
	// An attempt ended: its row and the checkpoint are one commit, or a new owner
	// would count the attempt, and its failure, anew.
	counted bool

	cancelled string  // as OpenTask.Cancel
	written   written // by the current attempt

	entries  int32 // of a durable task: the size of its log
	rests    int32 // as OpenTask.Suspensions
	told     int32 // with OpenRunning: Mets that its worker was told since the assignment, or toldUnknown
	released bool  // with OpenRunning: it has given its slots back
	young    bool  // submitted to this owner, and in memory since: it knows all its children
	binds    bool  // as OpenTask.Binds
	kin      *kin  // its children; nil until it spawns one
}

// toldUnknown is of a task that the owner before assigned: what that one told is not
// known.
const toldUnknown = math.MaxInt32 / 2

// losses is how many of its workers were lost.
func (t *task) losses() int32 { return t.attempt - 1 - t.failures }

// byPriority is the rank of t by priority alone. What was begun before goes before what is
// new.
func (t *task) byPriority() int64 {
	if t.attempt > 1 {
		return -PriorityMax - 1
	}
	return -int64(t.priority)
}

func (t *task) runID() id.ID {
	if t.run == nil {
		return 0
	}
	return t.run.id
}

// rowOf is the checkpoint row of t as it stands.
func (s *Shard) rowOf(t *task) OpenTask {
	row := OpenTask{
		Entries: t.entries, Suspensions: t.rests, Waits: int32(len(s.waits.of[t.id])), Binds: t.binds,
		ID: t.id, Tenant: t.def.Tenant, Version: t.def.Version,
		Due: t.due, Priority: t.priority, Attempt: t.attempt, Failures: t.failures,
		State: t.state, Passed: t.passed, Rank: t.rank, Queue: t.def.Action, Key: t.share, Flow: t.flow,
	}
	if t.lane != nil {
		row.Queue, row.Key = t.lane.queue, t.lane.key
		if t.flow == nil && row.share() != t.share { // it waits behind a pause
			row.Flow = &Flow{Share: t.share}
		}
	}
	if t.run != nil {
		row.Run, row.Node = t.run.id, t.node
	}
	if t.state == OpenRunning {
		row.Worker, row.Token, row.Assigned, row.Cancel = t.worker.id, t.token, t.assigned, t.cancelled
		if t.batch != nil {
			row.Batch = t.batch.id
		}
	}
	return row
}

// taskPool lends task structs again: at tens of thousands a second they would be
// a large part of the garbage.
type taskPool struct{ free []*task }

const taskPoolMax = 8_192

func (p *taskPool) get() *task {
	if n := len(p.free); n > 0 {
		t := p.free[n-1]
		p.free = p.free[:n-1]
		return t
	}
	return &task{seats: noSeats}
}

func (p *taskPool) put(t *task) {
	if len(p.free) < taskPoolMax {
		*t = task{seats: noSeats}
		p.free = append(p.free, t)
	}
}
