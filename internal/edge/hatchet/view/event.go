package view

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/history"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// toldReplaysMax is how many of the runs that a run repeats are told of with it: the newest.
const toldReplaysMax = 20

// The kinds of events, as REST names them.
const (
	EventCreated          = "CREATED"
	EventQueued           = "QUEUED"
	EventAssigned         = "ASSIGNED"
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
	textOfLoss            = "Worker did not send a heartbeat for 30 seconds"
)

// Event is something that happened to a task. Events are not stored: they follow from
// attempts, results and what is open, and so agree with them.
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
	for _, one := range slices.Backward(runs) {
		for i := range one.Tasks {
			t := &one.Tasks[i]
			attempts, err := r.attempts(ctx, tenant, t)
			if err != nil {
				return nil, err
			}
			events = append(events, t.events(one, attempts)...)
		}
	}
	slices.SortStableFunc(events, func(a, b Event) int { return cmp.Compare(a.At, b.At) })
	return events, nil
}

// attempts are those of a task that did not end it. One that did not begin twice has none.
func (r *Reader) attempts(ctx context.Context, tenant id.ID, t *Task) ([]core.Attempt, error) {
	if t.Attempt <= 1 && t.TaskRun.Status != 0 {
		return nil, nil
	}
	return history.Attempts(ctx, r.DB, tenant, t.ID)
}

// events are those of a task in one run.
func (t *Task) events(run *Run, attempts []core.Attempt) []Event {
	base := t.Retries - max(t.Attempt-1, 0)
	e := &events{task: t, retries: base}
	if run.chain == nil {
		e.add(EventCreated, core.Time(run.ID.UnixMilli()), 0, "")
	} else {
		e.add(EventRetriedByUser, core.Time(run.ID.UnixMilli()), 0, "")
	}
	e.add(EventQueued, max(core.Time(run.ID.UnixMilli()), run.RunAt), 0, "")
	batched := run.Version != nil && run.Version.Task(t.Name).Batch != nil
	if batched {
		e.add(EventWaitingForBatch, max(core.Time(run.ID.UnixMilli()), run.RunAt), 0, "")
	}
	for i := range attempts {
		a := &attempts[i]
		e.retries = base + a.Number - 1
		e.begun(a.Assigned, a.Started, a.Worker)
		switch a.Outcome {
		case core.AttemptLost:
			e.add(EventReassigned, a.Finished, a.Worker, textOfLoss)
			e.retries++
			continue
		case core.AttemptTimedOut:
			e.add(EventTimedOut, a.Finished, a.Worker, ErrorText(a.Error))
		default:
			e.add(EventFailed, a.Finished, a.Worker, ErrorText(a.Error))
		}
		e.retries++
		e.add(EventRetrying, a.Finished, 0, "")
	}
	if batched && t.Assigned != 0 {
		e.add(EventBatchFlushed, t.Assigned, 0, "")
	}
	e.rested(run)
	e.begun(t.Assigned, t.Started, t.Worker)
	e.end()
	return e.list
}

// events are those of one task as they are told.
type events struct {
	task    *Task
	retries int32
	list    []Event
}

func (e *events) add(kind string, at core.Time, worker id.ID, text string) {
	e.list = append(e.list, Event{Task: e.task, Kind: kind, At: at, Retries: e.retries, Worker: worker, Text: text})
}

// rested adds how often the task was evicted, and went on: it is not known when, but for
// the last time.
func (e *events) rested(run *Run) {
	t := e.task
	at := max(t.Assigned, core.Time(run.ID.UnixMilli()))
	for i := range t.Suspensions {
		if i == t.Suspensions-1 && t.Evicted {
			return // see end
		}
		e.add(EventEvicted, at, 0, "")
		e.add(EventRestoring, at, 0, "")
	}
}

// begun adds what an attempt begins with.
func (e *events) begun(assigned, started core.Time, worker id.ID) {
	if assigned != 0 {
		e.add(EventAssigned, assigned, worker, "")
	}
	if started != 0 {
		e.add(EventStarted, started, worker, "")
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
		if text := ErrorText(t.TaskRun.Error); text != t.TaskRun.Error {
			kind = EventTimedOut
		}
		e.add(kind, t.Finished, t.Worker, ErrorText(t.TaskRun.Error))
	case t.Evicted:
		e.add(EventEvicted, max(t.Assigned, t.Started, core.Time(t.ID.UnixMilli())), 0, "")
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
