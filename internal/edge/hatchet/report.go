package hatchet

import (
	"context"
	"fmt"
	"strings"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/edge/hatchet/view"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// SendStepActionEvent implements the Dispatcher. What ends an attempt is answered once it
// is committed; what comes of one that is not the current one is ignored.
func (s *Server) SendStepActionEvent(ctx context.Context, e *wire.StepActionEvent) (*wire.ActionEventResponse, error) {
	item := &wire.BatchActionEventItem{
		TaskRunExternalId: e.TaskRunExternalId, EventPayload: e.EventPayload,
		RetryCount: e.RetryCount, ShouldNotRetry: e.ShouldNotRetry, RetryAfterMs: e.RetryAfterMs,
	}
	a, err := s.reported(ctx, e.WorkerId, e.EventType, item)
	if err == nil && a != nil {
		err = a.wait(ctx)
	}
	if err != nil {
		return nil, s.Status(err)
	}
	return &wire.ActionEventResponse{TenantId: auth.CallerOf(ctx).UUID.String(), WorkerId: e.WorkerId}, nil
}

// SendBatchActionEvent implements the Dispatcher. Its items are events of their own, and
// are committed together as it comes.
func (s *Server) SendBatchActionEvent(ctx context.Context, e *wire.BatchActionEvent) (*wire.ActionEventResponse, error) {
	if len(e.Items) > batchItemsMax {
		return nil, s.Status(fault.New(fault.Invalid, "items", "has %d entries, at most %d go in one call", len(e.Items), batchItemsMax))
	}
	var pending []*attempt
	for i, item := range e.Items {
		a, err := s.reported(ctx, e.WorkerId, e.EventType, item)
		if err != nil {
			return nil, s.Status(fault.At(fmt.Sprintf("items[%d]", i), err))
		}
		if a != nil {
			pending = append(pending, a)
		}
	}
	for _, a := range pending {
		if err := a.wait(ctx); err != nil {
			return nil, s.Status(err)
		}
	}
	return &wire.ActionEventResponse{TenantId: auth.CallerOf(ctx).UUID.String(), WorkerId: e.WorkerId}, nil
}

// batchItemsMax is the largest batch that there is (admit).
const batchItemsMax = 100_000

// reported hands over one event. The attempt that is returned is settled by it; nil: there
// is nothing to wait for.
func (s *Server) reported(ctx context.Context, by string, kind wire.StepActionEventType, e *wire.BatchActionEventItem) (*attempt, error) {
	a, err := s.attemptOf(ctx, e.TaskRunExternalId)
	if err != nil || a == nil || e.RetryCount != nil && *e.RetryCount != a.retry {
		return nil, err
	}
	if kind == wire.StepActionEventType_STEP_EVENT_TYPE_FAILED && !a.mayFail(by) {
		return nil, nil
	}
	if kind == wire.StepActionEventType_STEP_EVENT_TYPE_FAILED && a.invocation != nil && a.invocation.lost && !e.GetShouldNotRetry() {
		a.invocation.restart() // what it asked for was lost with the engine before: that it fails by
		return nil, nil
	}
	item := core.ReportItem{Task: a.Task, Attempt: a.Attempt, Token: a.Token}
	switch kind {
	case wire.StepActionEventType_STEP_EVENT_TYPE_ACKNOWLEDGED:
		a.worker.begun(a)
		return nil, nil
	case wire.StepActionEventType_STEP_EVENT_TYPE_STARTED:
		a.worker.begun(a)
		item.Kind = core.ReportStarted
	case wire.StepActionEventType_STEP_EVENT_TYPE_COMPLETED:
		item.Kind, item.Output = core.ReportCompleted, []byte(e.EventPayload)
		if strings.TrimSpace(e.EventPayload) == "" { // of a task that gave nothing
			item.Output = []byte("null")
		}
	case wire.StepActionEventType_STEP_EVENT_TYPE_FAILED:
		item.Kind, item.Error, item.NonRetryable = core.ReportFailed, e.EventPayload, e.GetShouldNotRetry()
		item.RetryAfterMS = e.GetRetryAfterMs()
	case wire.StepActionEventType_STEP_EVENT_TYPE_CANCELLED:
		return a, s.cancelled(ctx, a)
	default:
		return nil, fault.New(fault.Invalid, "event_type", "is unknown; say STARTED, COMPLETED, FAILED, CANCELLED or ACKNOWLEDGED")
	}
	if err := s.Limits.Report(&item, nil); err != nil {
		return nil, err
	}
	if a.invocation != nil && item.Kind != core.ReportStarted {
		a.invocation.awaitMemos(ctx)
	}
	if item.Kind != core.ReportStarted {
		s.turns.flush(ctx, a.Task)
	}
	if err := a.worker.session.Report(ctx, a.withStart(item)); err != nil {
		return nil, err
	}
	if item.Kind == core.ReportStarted {
		a.toldStarted()
		return nil, nil
	}
	return a, nil
}

// withStart is what the shard is told: that an attempt ended says that it began, too, if
// the shard was not told that before. The SDKs send both in calls of their own, and the one
// that began may come last (Trap 8), when it is too late.
func (a *attempt) withStart(item core.ReportItem) []core.ReportItem {
	a.worker.mu.Lock()
	defer a.worker.mu.Unlock()
	if a.told || item.Kind == core.ReportStarted {
		return []core.ReportItem{item}
	}
	return []core.ReportItem{{Task: a.Task, Attempt: a.Attempt, Token: a.Token, Kind: core.ReportStarted}, item}
}

// toldStarted notes that the shard is told that the attempt began, ahead of what follows.
func (a *attempt) toldStarted() {
	a.worker.mu.Lock()
	defer a.worker.mu.Unlock()
	a.told = true
}

// mayFail tells whether a failure that a worker reports may be one of this attempt. An
// engine that was killed may have given the task out before without a trace, under the same
// number, and an evicted invocation has the number of the next one; what came of that has no
// say in this attempt unless it succeeded.
func (a *attempt) mayFail(by string) bool {
	if sender, err := view.ParseID("worker_id", by); err == nil && sender != 0 && sender != a.worker.id {
		return false // else it may be a name: Trap 7
	}
	a.worker.mu.Lock()
	defer a.worker.mu.Unlock()
	return a.started || a.reached
}

// cancelled cancels a task whose worker says that it was. That is answered for the worker
// as any cancellation is.
func (s *Server) cancelled(ctx context.Context, a *attempt) error {
	_, err := s.Shards.Cancel(ctx, a.Owner, []id.ID{a.Task}, "cancelled by its worker", false)
	return err
}

// attemptOf is the current attempt of a task, nil if it has none at a worker. Who sends the
// event is not asked: the SDKs do not always say that by id.
func (s *Server) attemptOf(ctx context.Context, text string) (*attempt, error) {
	caller := auth.CallerOf(ctx)
	task, err := taskID(text)
	if err != nil {
		return nil, err
	}
	a, known := s.roster.attempts.find(task)
	switch {
	case a != nil && a.worker.tenant == caller.Tenant:
		return a, nil
	case a != nil:
		return nil, unknownTask(text)
	case known:
		return nil, nil
	}
	return s.recall(ctx, caller, task)
}

// recall finds an attempt that was assigned before this engine knew its worker: the worker
// is attached by that.
func (s *Server) recall(ctx context.Context, caller auth.Caller, task id.ID) (*attempt, error) {
	of, err := s.bearer(ctx, task)
	if err != nil {
		return nil, err
	}
	place, err := s.runs.Locate(ctx, of, task)
	if fault.KindOf(err) == fault.NotFound {
		return nil, unknownTask(task.String())
	}
	if err != nil || place.Task == 0 {
		return nil, err
	}
	live, err := s.Shards.Live(ctx, of, []id.ID{place.Task})
	if err != nil {
		return nil, err
	}
	if live[0].State == core.OpenRunning && live[0].Worker != 0 {
		if _, err := s.roster.attend(ctx, caller, live[0].Worker); err != nil {
			return nil, err
		}
		a, _ := s.roster.attempts.find(task)
		return a, nil
	}
	return nil, nil
}

func taskID(text string) (id.ID, error) {
	task, err := view.ParseID("task_run_external_id", text)
	if err == nil && task == 0 {
		err = unknownTask(text)
	}
	return task, err
}

func unknownTask(text string) error {
	return fault.New(fault.Invalid, "task_run_external_id", "there is no task %s", text)
}
