package view

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/history"
	"github.com/adzehq/adze/internal/record/moment"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// toldReplaysMax is how many of the runs that a run repeats are told of with it: the newest.
const toldReplaysMax = 20

// The kinds of events, as REST names them.
const (
	EventCreated          = "CREATED"
	EventQueued           = "QUEUED"
	EventAssigned         = "ASSIGNED"
	EventSent             = "SENT_TO_WORKER"
	EventStarted          = "STARTED"
	EventFinished         = "FINISHED"
	EventFailed           = "FAILED"
	EventTimedOut         = "TIMED_OUT"
	EventReassigned       = "REASSIGNED"
	EventRetrying         = "RETRYING"
	EventCancelled        = "CANCELLED"
	EventSkipped          = "SKIPPED"
	EventScheduleTimedOut = "SCHEDULING_TIMED_OUT"
	EventRetriedByUser    = "RETRIED_BY_USER"
	EventEvicted          = "DURABLE_EVICTED"
	EventWaitingForBatch  = "WAITING_FOR_BATCH"
	EventBatchFlushed     = "BATCH_FLUSHED"
	EventRestoring        = "DURABLE_RESTORING"
	EventRefreshed        = "TIMEOUT_REFRESHED"
	EventReleased         = "SLOT_RELEASED"
	textOfLoss            = "Worker did not send a heartbeat for 30 seconds"
)

// Event is something that happened to a task. Events are not stored: they follow from
// attempts and their moments, results and what is open, and so agree with them.
type Event struct {
	Task    *Task
	Kind    string
	At      core.Time
	Retries int32
	Worker  id.ID
	Text    string
}

// Events are those of the tasks of a run, in the order of time, and those of the runs that
// it repeats.
func (r *Reader) Events(ctx context.Context, tenant id.ID, run *Run) (events []Event, err error) {
	runs := []*Run{run}
	for c := run.chain; c != nil && len(runs) <= toldReplaysMax; c = c.before {
		earlier, err := r.run(ctx, tenant, c.Last, false)
		if gone(err) {
			break
		}
		if err != nil {
			return nil, err
		}
		runs = append(runs, earlier)
	}
	moments, err := r.moments(ctx, tenant, runs)
	if err != nil {
		return nil, err
	}
	for _, one := range slices.Backward(runs) {
		for i := range one.Tasks {
			t := &one.Tasks[i]
			attempts, err := r.attempts(ctx, tenant, t)
			if err != nil {
				return nil, err
			}
			events = append(events, t.events(one, attempts, moments[t.ID])...)
		}
	}
	slices.SortStableFunc(events, func(a, b Event) int { return cmp.Compare(a.At, b.At) })
	return events, nil
}

// moments are those of the tasks of runs, by task.
func (r *Reader) moments(ctx context.Context, tenant id.ID, runs []*Run) (map[id.ID][]core.Moment, error) {
	var tasks []id.ID
	for _, run := range runs {
		for i := range run.Tasks {
			tasks = append(tasks, run.Tasks[i].ID)
		}
	}
	all, err := moment.Of(ctx, r.DB, tenant, tasks...)
	if err != nil {
		return nil, err
	}
	of := map[id.ID][]core.Moment{}
	for i := range all {
		of[all[i].Task] = append(of[all[i].Task], all[i])
	}
	return of, nil
}

// attempts are those of a task that did not end it. One that did not begin twice has none.
func (r *Reader) attempts(ctx context.Context, tenant id.ID, t *Task) ([]core.Attempt, error) {
	if t.Attempt <= 1 && t.TaskRun.Status != 0 {
		return nil, nil
	}
	return history.Attempts(ctx, r.DB, tenant, t.ID)
}

// events are those of a task in one run.
func (t *Task) events(run *Run, attempts []core.Attempt, moments []core.Moment) []Event {
	base := t.Retries - max(t.Attempt-1, 0)
	e := &events{task: t, retries: base, moments: moments}
	created := core.Time(run.ID.UnixMilli())
	if run.chain == nil {
		e.add(EventCreated, created, 0, "")
	} else {
		e.add(EventRetriedByUser, created, 0, "")
	}
	e.ready = max(created, run.RunAt)
	e.add(EventQueued, e.ready, 0, "")
	e.batched = run.Version != nil && run.Version.Task(t.Name).Batch != nil
	for i := range attempts {
		e.retries = base + attempts[i].Number - 1
		e.ended(&attempts[i])
	}
	e.lived(int32(len(attempts))+1, stint{t.Assigned, t.Started, t.Worker})
	e.end()
	return e.list
}

// events are those of one task as they are told.
type events struct {
	task    *Task
	retries int32
	moments []core.Moment // of the task that are still to be told
	ready   core.Time     // since when the attempt waits for a worker
	batched bool          // the task goes to workers in batches
	list    []Event
}

// stint is what an attempt does at one worker, until it ends or is suspended.
type stint struct {
	assigned core.Time // 0: it has no worker
	started  core.Time // 0: its worker did not say so
	worker   id.ID
}

func (e *events) add(kind string, at core.Time, worker id.ID, text string) {
	e.list = append(e.list, Event{Task: e.task, Kind: kind, At: at, Retries: e.retries, Worker: worker, Text: text})
}

// ended adds all of an attempt that was followed by another one.
func (e *events) ended(a *core.Attempt) {
	e.lived(a.Number, stint{a.Assigned, a.Started, a.Worker})
	e.ready = a.RetryAt
	switch a.Outcome {
	case core.AttemptLost:
		e.add(EventReassigned, a.Finished, a.Worker, textOfLoss)
		e.retries++
		return
	case core.AttemptTimedOut:
		e.add(EventTimedOut, a.Finished, a.Worker, ErrorText(a.Error))
	default:
		e.add(EventFailed, a.Finished, a.Worker, ErrorText(a.Error))
	}
	e.retries++
	e.add(EventRetrying, a.Finished, 0, "")
}

// lived adds what an attempt did before its end: all its stints, of which last is the last.
// Of one that a crash of the engine ended no more is known than its moments.
func (e *events) lived(number int32, last stint) {
	rested, lasts := false, false
	for one := e.nextStint(number); len(one) > 0; one = e.nextStint(number) {
		rest := one[len(one)-1]
		if rest.Kind == core.MomentSuspended {
			e.begun(number, stint{rest.Assigned, rest.Started, rest.Worker}, rested)
			rested = true
		} else if lasts = !e.more(number); lasts {
			e.begun(number, last, rested)
		}
		e.happened(one)
	}
	if !lasts {
		e.begun(number, last, rested)
	}
}

// more tells whether there are moments of the attempt, or of one before, to be told.
func (e *events) more(number int32) bool {
	return len(e.moments) > 0 && e.moments[0].Attempt <= number
}

// nextStint takes the moments of the next stint of an attempt; none if there is none.
func (e *events) nextStint(number int32) []core.Moment {
	if !e.more(number) {
		return nil
	}
	n := 1
	for n < len(e.moments) && e.moments[n].Token == e.moments[0].Token {
		n++
	}
	one := e.moments[:n]
	e.moments = e.moments[n:]
	return one
}

// happened adds moments.
func (e *events) happened(moments []core.Moment) {
	for i := range moments {
		m := &moments[i]
		switch m.Kind {
		case core.MomentPostponed:
			e.add(EventRefreshed, m.At, m.Worker, "Timeout refreshed by "+(time.Duration(m.ByMS)*time.Millisecond).String())
		case core.MomentReleased:
			e.add(EventReleased, m.At, m.Worker, "")
		case core.MomentSuspended:
			e.add(EventEvicted, m.At, m.Worker, "")
		}
	}
}

// begun adds what a stint begins with, maybe after a rest. A batch is complete when it is
// given to a worker.
func (e *events) begun(number int32, s stint, rested bool) {
	if rested && s.assigned != 0 {
		e.add(EventRestoring, s.assigned, 0, "")
	}
	if e.batched && (number == 1 || s.assigned != 0) {
		e.add(EventWaitingForBatch, e.ready, 0, "")
	}
	if s.assigned != 0 {
		if e.batched {
			e.add(EventBatchFlushed, s.assigned, 0, "")
		}
		e.add(EventAssigned, s.assigned, s.worker, "")
	}
	if s.started != 0 {
		e.add(EventSent, s.started, s.worker, "") // by then it was
		e.add(EventStarted, s.started, s.worker, "")
	}
}

// end adds where the task stands now.
func (e *events) end() {
	t := e.task
	switch {
	case t.TaskRun.Status == core.Skipped:
		e.add(EventSkipped, t.Finished, 0, "")
	case t.Status == wire.RunStatus_RUN_STATUS_COMPLETED:
		e.add(EventFinished, t.Finished, t.Worker, "")
	case strings.HasPrefix(t.TaskRun.Error, core.ScheduleTimeoutPrefix):
		e.add(EventScheduleTimedOut, t.Finished, 0, t.TaskRun.Error)
	case t.Status == wire.RunStatus_RUN_STATUS_CANCELLED:
		e.add(EventCancelled, t.Finished, t.Worker, t.TaskRun.Error)
	case t.Status == wire.RunStatus_RUN_STATUS_FAILED:
		kind := EventFailed
		if strings.HasPrefix(t.TaskRun.Error, core.ExecutionTimeoutPrefix) {
			kind = EventTimedOut
		}
		e.add(kind, t.Finished, t.Worker, ErrorText(t.TaskRun.Error))
	}
}

// Children are how many runs each task of some runs spawned, by its own id.
func (r *Reader) Children(ctx context.Context, tenant id.ID, runs ...*Run) (map[id.ID]int64, error) {
	var parents []id.ID
	for _, run := range runs {
		for i := range run.Tasks {
			parents = append(parents, run.Tasks[i].ID)
			parents = append(parents, run.chain.Earlier(run.Tasks[i].Name)...)
		}
	}
	counts, err := history.ChildCounts(ctx, r.DB, tenant, parents)
	if err != nil {
		return nil, err
	}
	for _, run := range runs {
		for i := range run.Tasks {
			for _, earlier := range run.chain.Earlier(run.Tasks[i].Name) {
				counts[run.Tasks[i].ID] += counts[earlier]
			}
		}
	}
	return counts, nil
}
