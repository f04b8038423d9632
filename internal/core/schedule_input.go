package core

import "github.com/adzehq/adze/internal/base/id"

// SchedulesMax is how many schedules a shard may have: some 20 MB of memory.
const SchedulesMax = 100_000

// RipeMax is how many schedules one Tick asks for; the others are asked for with the
// next one, at once.
const RipeMax = 1_000

// Schedule says when runs of a workflow start by themselves: once, or by an
// expression. It is the row that is stored. The core keeps a few words of it only:
// which ticks there are is for the runtime to say.
type Schedule struct {
	ID         id.ID
	Tenant     id.ID
	At         Time  // of a one-off; 0 = by Expression
	JitterMS   int64 // a tick fires up to so much later
	Priority   int32 // of the runs
	CatchUpMax int32 // with CatchUpAll
	Overlap    Overlap
	CatchUp    CatchUp
	Paused     bool
	Declared   bool // in the code of its workflow: registered with it, and gone with its next version
	Workflow   string
	Name       string // of a cron, unique in the tenant; empty for one-offs
	Expression string
	Zone       string  // IANA; empty = UTC
	Input      Payload // JSON
	Metadata   Payload // JSON object, or nil
}

// Once tells whether s fires once and is gone.
func (s *Schedule) Once() bool { return s.At != 0 }

// Overlap is what becomes of a tick while the run of the one before is open.
type Overlap uint8

// The overlap policies.
const (
	OverlapAllow     Overlap = iota // it starts a run besides
	OverlapSkip                     // nothing
	OverlapQueue                    // one waits until the run has ended, more are skipped
	OverlapCancelOld                // the run is cancelled, and the new one starts as soon as it has ended
)

var overlaps = [...]string{"allow", "skip", "queue", "cancel_old"}

func (o Overlap) String() string { return overlaps[o] }

// ParseOverlap is the inverse of String.
func ParseOverlap(name string) (Overlap, bool) {
	for i, n := range overlaps {
		if n == name {
			return Overlap(i), true
		}
	}
	return 0, false
}

// CatchUp is what becomes of ticks that were missed because nobody was there.
type CatchUp uint8

// The catch-up policies.
const (
	CatchUpLast CatchUp = iota // the last one fires
	CatchUpNone                // none does, but one that is hardly late
	CatchUpAll                 // all do, of more than CatchUpMax the last ones
)

var catchUps = [...]string{"last", "none", "all"}

func (c CatchUp) String() string { return catchUps[c] }

// ParseCatchUp is the inverse of String.
func ParseCatchUp(name string) (CatchUp, bool) {
	for i, n := range catchUps {
		if n == name {
			return CatchUp(i), true
		}
	}
	return 0, false
}

// ScheduleState is where a schedule stands: the row that changes as it fires.
type ScheduleState struct {
	ID       id.ID
	Tenant   id.ID
	Due      Time  // when it fires next; 0 = not before it is changed
	Last     Time  // ticks up to here are dealt with
	LastRun  id.ID // the newest run that it started; 0 = none
	Running  id.ID // but for OverlapAllow, that run while it is open; 0 = none
	Queued   Time  // the tick that waits for Running to end; 0 = none
	Skipped  int64 // ticks that started nothing, by one policy or another
	Revision int32 // grows with each change of Due

	Overlap Overlap // with Restore: of its Schedule, as the next one
	Once    bool
}

// PutSchedules brings new schedules and changed ones, and ends others, whose runs go on.
// Each is answered under Ref: AnswerDone; AnswerUnknown for one of another tenant, or to
// be ended that there is not; AnswerFull for all, and nothing is done, when there would
// be more than SchedulesMax.
type PutSchedules struct {
	Ref    uint64
	Tenant id.ID
	Items  []PutSchedule
	Drops  []id.ID
}

// PutSchedule is a schedule as it is to be. Of one that is there, Due and Last count
// with Rearm only.
type PutSchedule struct {
	Schedule Schedule
	Due      Time
	Last     Time // Due is the first tick after it; of a one-off, of no account
	Rearm    bool
}

// Fire answers a Ripe with the runs that are to start, ids ascending and above all
// seen so far, each for the tick that is its RunAt. It is refused whole if the
// schedule has another Revision by now. With Ref it is a request to run now: it starts
// its one run whatever the Revision and the overlap, leaves the ticks alone, and is
// answered with AnswerDone or AnswerUnknown, or with AnswerHeld and the run that holds its key.
type Fire struct {
	Ref      uint64
	Schedule id.ID
	Revision int32
	Last     Time  // ticks up to here are dealt with
	Next     Time  // when it fires next; 0 = never
	Skipped  int64 // ticks missed that are not caught up on
	Runs     []Fired
}

// Fired is a run for a tick.
type Fired struct {
	Run    NewRun // of a workflow of one task: Task only
	Graph  bool
	Queued bool        // it is the one that waited
	Once   *NewOnceKey // that the run wants to hold; nil = none. Not one with OnceQuiet: a tick has its time
}

// Ripe is a schedule whose time has come. It is told after the commit of everything
// before, and answered with Fire.
type Ripe struct {
	Schedule id.ID
	Revision int32
	Due      Time // as ScheduleState.Due: later if it is about Queued only
	Last     Time
	Queued   Time // the tick whose run may start now; 0 = none
	Now      Time // when it was asked for: what is due then is due, whatever a clock says
}

func (*PutSchedules) input() {}
func (*Fire) input()         {}
