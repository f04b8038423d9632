package core

import (
	"fmt"
	"time"

	"github.com/adzehq/adze/internal/base/id"
)

func (s *Shard) report(in *Report) {
	w := s.workers[in.Worker]
	for i := range in.Items {
		s.reportItem(w, in, &in.Items[i])
	}
}

func (s *Shard) reportItem(w *worker, in *Report, item *ReportItem) {
	t := s.tasks[item.Task]
	current := s.attempt(in.Worker, item.Task, item.Token) != nil
	if item.Kind == ReportStarted {
		if current && t.started == 0 {
			t.started = s.now
		}
		return
	}
	if item.Kind == ReportReleased {
		s.reportReleased(w, t, current, item)
		return
	}
	if item.Kind == ReportEntry {
		s.reportEntry(in.Worker, t, current, item)
		return
	}
	if w != nil {
		s.forgetAbandoned(w, item.Token)
	}
	s.out.Settled = append(s.out.Settled, Settlement{
		Worker: in.Worker, Task: item.Task, Token: item.Token, Stale: !current,
	})
	switch {
	case !current:
	case item.Kind == ReportSuspended:
		s.suspend(t, item.Heard)
	default:
		s.end(t, item)
	}
}

// reportEntry adds to the log of a task, if it is its worker who says so.
func (s *Shard) reportEntry(worker id.ID, t *task, current bool, item *ReportItem) {
	e := item.Entry
	if e.Kind == EntrySpawn { // see spawnLogged: an input stays as it came
		own := *e
		e = &own
	}
	settled := Settlement{Worker: worker, Task: item.Task, Token: item.Token, Entry: e.Index, At: s.now}
	if settled.Stale = !current || !s.record(t, e); !settled.Stale {
		settled.Data = e.answer()
		if e.Kind == EntrySpawn {
			settled.Error = e.Error
		}
	}
	s.out.Settled = append(s.out.Settled, settled)
}

// forgetAbandoned frees the slot of an attempt that was settled without its worker.
func (s *Shard) forgetAbandoned(w *worker, token Token) {
	if g, ok := w.abandoned[token]; ok {
		delete(w.abandoned, token)
		s.freeSlots(w, g)
	}
}

// reportReleased gives the slots of an attempt back that goes on without.
func (s *Shard) reportReleased(w *worker, t *task, current bool, item *ReportItem) {
	switch {
	case current:
		s.releaseSlots(t)
	case w != nil:
		s.forgetAbandoned(w, item.Token)
	}
}

// end ends the current attempt of t by its worker's word.
func (s *Shard) end(t *task, item *ReportItem) {
	switch {
	case t.stop == StopTimedOut:
		s.timedOut(t)
	case item.Kind == ReportCompleted:
		s.finishJudged(t, Succeeded, "", item.Output, item.Verdicts)
	case t.stop == StopCancelled:
		s.finish(t, Cancelled, t.cancelled, nil)
	default:
		s.fail(t, AttemptFailed, item.Error, !item.NonRetryable, item.RetryAfterMS)
	}
}

// fail ends the current attempt, which counts against the retries. The next one is ready
// after its back-off, and not before afterMS.
func (s *Shard) fail(t *task, outcome AttemptOutcome, text string, retry bool, afterMS int64) {
	if !retry || t.failures >= t.def.Retries {
		s.finish(t, Failed, text, nil)
		return
	}
	t.failures++
	pause := max(s.backoff(t), Time(afterMS))
	s.retreat(t, outcome, text, s.now+pause)
	if pause > 0 {
		s.delay(t, s.now+pause)
		return
	}
	s.makeReady(t)
}

// lose ends the current attempt because its worker is gone. It does not count
// against the retries, but it is bounded.
func (s *Shard) lose(t *task) {
	switch {
	case t.stop == StopCancelled:
		s.finish(t, Cancelled, t.cancelled, nil)
	case t.stop == StopTimedOut:
		s.timedOut(t)
	case t.losses() >= LossesMax:
		s.finish(t, Failed, fmt.Sprint(LossesPrefix, LossesMax+1, " times"), nil)
	default:
		s.retreat(t, AttemptLost, "worker lost", s.now)
		s.makeReady(t)
	}
}

func (s *Shard) timedOut(t *task) {
	text := ExecutionTimeoutPrefix + ms(t.def.ExecutionTimeoutMS).String()
	s.fail(t, AttemptTimedOut, text, true, 0)
}

// retreat writes the attempt down that ended, takes t from its worker and counts on.
func (s *Shard) retreat(t *task, outcome AttemptOutcome, text string, retryAt Time) {
	s.out.Attempts = append(s.out.Attempts, Attempt{
		Task: t.id, Tenant: t.def.Tenant, Number: t.attempt, Outcome: outcome,
		Worker: t.worker.id, Assigned: t.assigned, Started: t.started, Finished: s.now,
		RetryAt: retryAt, Error: text,
	})
	s.unplace(t)
	s.giveBack(t)
	s.disengage(t)
	t.attempt++
	t.counted = true
}

// backoff is the pause before the next attempt, in milliseconds, after t.failures.
// The jitter takes up to half of it away, by a hash of the task and the attempt:
// tasks that failed together come back apart, and a replay does the same. A definition
// may do without.
func (s *Shard) backoff(t *task) Time {
	pause, limit := float64(t.def.BackoffMS), float64(t.def.BackoffMaxMS)
	for i := int32(1); i < t.failures && pause < limit; i++ {
		pause = float64(pause * t.def.BackoffFactor)
	}
	pause = min(pause, limit)
	if t.def.BackoffExact {
		return Time(pause)
	}
	share := float64(id.Mix(uint64(t.id)+uint64(t.attempt))>>11) / (1 << 53)
	return Time(pause - float64(pause*share)/2)
}

// stopRunning tells the worker of t to stop, and gives it StopGraceMS to answer.
func (s *Shard) stopRunning(t *task, reason StopReason) {
	t.stop = reason
	s.setDue(t, s.now+StopGraceMS)
	s.tellStop(t)
}

func (s *Shard) tellStop(t *task) {
	s.out.Stopped = append(s.out.Stopped, Stop{Worker: t.worker.id, Task: t.id, Token: t.token, Reason: t.stop})
}

// LossesPrefix is what the error of a task begins with whose worker was lost more than
// LossesMax times; then comes how often.
const LossesPrefix = "worker lost "

// What the errors of tasks begin with that took too long; then comes the limit.
const (
	ScheduleTimeoutPrefix  = "schedule timeout: waited longer than "
	ExecutionTimeoutPrefix = "execution timeout: ran longer than "
)

func scheduleTimeoutText(def *Definition) string {
	return fmt.Sprintf(ScheduleTimeoutPrefix+"%s for a worker", ms(def.ScheduleTimeoutMS))
}

func ms(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
