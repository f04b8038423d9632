package core

import "github.com/adzehq/adze/internal/base/id"

// Moment is something that happened to an attempt on its way and that no other row
// tells: how it ended is its Result's or its Attempt's to say.
type Moment struct {
	Task     id.ID
	Tenant   id.ID
	Worker   id.ID // that had it
	Token    Token // of the assignment
	At       Time
	Deadline Time  // with MomentPostponed: where it is now; else 0
	ByMS     int64 // with MomentPostponed: how much later than before
	Assigned Time  // with MomentSuspended: when the worker was given it
	Started  Time  // with MomentSuspended: when it said that it began; 0 if it did not
	Attempt  int32
	Kind     MomentKind
}

// MomentKind is what happened.
type MomentKind uint8

// What can happen to an attempt on its way. Of one assignment, the deadline moves to a
// time once, and the others happen once: with that, a moment that is told again by who
// did not hear that it is stored is the same row.
const (
	MomentPostponed MomentKind = iota + 1 // its deadline was moved
	MomentReleased                        // it gave its slots back and went on
	MomentSuspended                       // it waits, and gave its worker back
)

var momentKinds = [...]string{"", "postponed", "released", "suspended"}

func (k MomentKind) String() string { return momentKinds[k] }

// ParseMomentKind is the inverse of String; 0 if the name is unknown.
func ParseMomentKind(name string) MomentKind {
	for k := MomentPostponed; k <= MomentSuspended; k++ {
		if k.String() == name {
			return k
		}
	}
	return 0
}

// Release has a running attempt go on and gives its slots back, as ReportReleased does,
// for who wants to know. It is answered with AnswerDone or AnswerStale.
type Release struct {
	Ref    uint64
	Tenant id.ID
	Task   id.ID
	Token  Token
}

func (*Release) input() {}

// mark writes down what happens to the attempt that runs, before it does.
func (s *Shard) mark(t *task, kind MomentKind) *Moment {
	s.out.Moments = append(s.out.Moments, Moment{
		Task: t.id, Tenant: t.def.Tenant, Worker: t.worker.id, Token: t.token,
		At: s.now, Attempt: t.attempt, Kind: kind,
	})
	return &s.out.Moments[len(s.out.Moments)-1]
}

// ordered is the running task of an order that names an attempt of it; nil if that is not
// the current one, or is being stopped.
func (s *Shard) ordered(tenant, target id.ID, token Token) *task {
	t := s.tasks[target]
	if t == nil || t.state != OpenRunning || t.token != token || t.def.Tenant != tenant || t.stop != 0 {
		return nil
	}
	return t
}

func (s *Shard) refresh(in *Refresh) {
	answer := Answer{Ref: in.Ref, Task: in.Task, Kind: AnswerStale}
	if t := s.ordered(in.Tenant, in.Task, in.Token); t != nil {
		from := s.now
		if in.Further {
			from = t.due
		}
		s.extend(t, from+Time(in.ByMS))
		answer.Kind, answer.Deadline = AnswerDone, t.due
	}
	s.out.Answers = append(s.out.Answers, answer)
}

// extend moves the deadline of t to a later time. Its checkpoint row goes with the
// answer: a new owner keeps the deadline that was told.
func (s *Shard) extend(t *task, to Time) {
	if t.due == 0 || to <= t.due {
		return
	}
	moved := s.mark(t, MomentPostponed)
	moved.Deadline, moved.ByMS = to, int64(to-t.due)
	s.setDue(t, to)
	t.dirty = true
	s.save(t)
}

// releaseOrdered writes the checkpoint row of the task with the answer: a new owner finds
// the attempt, of which the moment says that it holds no slots.
func (s *Shard) releaseOrdered(in *Release) {
	answer := Answer{Ref: in.Ref, Task: in.Task, Kind: AnswerStale}
	if t := s.ordered(in.Tenant, in.Task, in.Token); t != nil {
		if !t.released {
			s.releaseSlots(t)
			t.dirty = true
			s.save(t)
		}
		answer.Kind = AnswerDone
	}
	s.out.Answers = append(s.out.Answers, answer)
}

// releaseSlots gives the slots of t back, which goes on without.
func (s *Shard) releaseSlots(t *task) {
	if !t.released {
		s.mark(t, MomentReleased)
		t.released = true
		s.settleShare(t)
		s.freeSlots(t.worker, t.grip())
	}
}
