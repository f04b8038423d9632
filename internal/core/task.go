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

	flow *Flow // nil if nothing is said of it
	lane *lane // that it is ready in, or runs from; nil while it is delayed or waits
	*running

	due Time   // as OpenTask.Due; while stopping: the end of the stop's grace
	seq uint64 // as Assignment.Seq; 0 if that is committed for sure

	share    string // as NewTask.Key
	rank     int64  // its place in lane, see Order
	priority int32
	passed   int32 // how many of its limits it has a place in
	attempt  int32
	failures int32
	node     int32            // with run
	seats    [seatCount]int32 // its index in each timeline; -1 = not in it
	lined    bool             // with lane: it is in its line

	arrived Time // in a lane that gathers: when it came

	state OpenState
	saved bool // has a checkpoint row
	ripe  bool // with arrived: it has waited for the interval
	dirty bool // its checkpoint row is behind, and it is in the ledger for it
	// An attempt ended: its row and the checkpoint are one commit, or a new owner
	// would count the attempt, and its failure, anew.
	counted bool

	entries int32 // of a durable task: the size of its log
	rests   int32 // as OpenTask.Suspensions
	young   bool  // submitted to this owner, and in memory since: it knows all its children
	binds   bool  // as OpenTask.Binds
	kin     *kin  // its children; nil until it spawns one
}

// running is what there is of a task only while it runs: a million may wait, and those that
// run are few.
type running struct {
	worker     *worker
	prev, next *task // neighbours in its worker's list of running attempts
	batch      *batch
	tenancy    *tenancy // whom its worker's time is counted for; nil = nobody

	token     Token
	assigned  Time
	started   Time
	charged   int64  // what its share was charged for it, see queue.charge
	tariff    uint64 // of that, see queue.tariff
	advance   int64  // likewise its tenancy, in that era
	era       uint64
	cancelled string // as OpenTask.Cancel

	stop     StopReason // told to stop, and why
	released bool       // it has given its slots back
	told     int32      // Mets that its worker was told since the assignment, or toldUnknown
	written  written
}

// idle is what all tasks have that do not run. It is never written to.
var idle = &running{}

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

// engage gives t what it needs to run, if it has not got that yet.
func (s *Shard) engage(t *task) {
	if t.running == idle {
		t.running = s.runsFree.get()
	}
}

// disengage takes it back.
func (s *Shard) disengage(t *task) {
	if t.running != idle {
		*t.running = running{}
		s.runsFree.put(t.running)
		t.running = idle
	}
}

// newTask is an empty task that does not run.
func (s *Shard) newTask() *task {
	t := s.tasksFree.get()
	t.running, t.seats = idle, noSeats
	return t
}

// pool lends structs again: at tens of thousands a second they would be a large part of
// the garbage. Those that come back are empty.
type pool[T any] struct{ free []*T }

const poolMax = 8_192

func (p *pool[T]) get() *T {
	n := len(p.free)
	if n == 0 {
		return new(T)
	}
	one := p.free[n-1]
	p.free = p.free[:n-1]
	return one
}

func (p *pool[T]) put(one *T) {
	if len(p.free) < poolMax {
		p.free = append(p.free, one)
	}
}
