package guest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// errEvicted ends an invocation that another one goes on for.
var errEvicted = errors.New("evicted")

// ChildError is how a child of a durable task ended that gave no output.
type ChildError struct{ Reason string }

// Error implements error.
func (e *ChildError) Error() string { return e.Reason }

// Wait is what a durable task waits for: conditions of one group are alternatives.
type Wait struct {
	Key   string // under which its data comes
	Group string

	Sleep string // a span of time; or
	Event string // an event of this key
	Scope string
	If    string // of the event
	Since time.Time
}

func (t *Task) invocation() invocation {
	return invocation{t.ID(), t.Action.GetDurableTaskInvocationCount()}
}

// Sleep waits for a span of time, which goes on while the engine or the worker is away.
func (t *Task) Sleep(ctx context.Context, span string) error {
	_, err := t.WaitFor(ctx, Wait{Key: "sleep", Group: "sleep", Sleep: span})
	return err
}

// WaitFor waits until one condition of each group is met, and gives the data of those
// that were.
func (t *Task) WaitFor(ctx context.Context, waits ...Wait) (map[string][]json.RawMessage, error) {
	of := t.invocation()
	response, err := t.shift.durable.ask(ctx, of, &wire.DurableTaskRequest{Message: &wire.DurableTaskRequest_WaitFor{
		WaitFor: &wire.DurableTaskWaitForRequest{
			InvocationCount: of.count, DurableTaskExternalId: of.task, WaitForConditions: conditionsOf(waits),
		},
	}})
	if err != nil {
		return nil, err
	}
	entry, err := t.completed(ctx, placeOf(response.GetWaitForAck().GetRef()))
	if err != nil {
		return nil, err
	}
	var met struct{ CREATE map[string][]json.RawMessage }
	if err := json.Unmarshal(entry.Payload, &met); err != nil {
		return nil, fmt.Errorf("read wait: %w", err)
	}
	return met.CREATE, nil
}

func conditionsOf(waits []Wait) *wire.DurableEventListenerConditions {
	conditions := &wire.DurableEventListenerConditions{}
	for _, w := range waits {
		base := &wire.BaseMatchCondition{
			ReadableDataKey: w.Key, Action: wire.Action_ACTION_CREATE, OrGroupId: w.Group, Expression: w.If,
		}
		if w.Sleep != "" {
			conditions.SleepConditions = append(conditions.SleepConditions, &wire.SleepMatchCondition{Base: base, SleepFor: w.Sleep})
			continue
		}
		conditions.UserEventConditions = append(conditions.UserEventConditions, eventCondition(base, w))
	}
	return conditions
}

// Memo gives what make made, the first time that it was asked with this key.
func (t *Task) Memo(ctx context.Context, key string, make func() (any, error)) (json.RawMessage, error) {
	of := t.invocation()
	response, err := t.shift.durable.ask(ctx, of, &wire.DurableTaskRequest{Message: &wire.DurableTaskRequest_Memo{
		Memo: &wire.DurableTaskMemoRequest{InvocationCount: of.count, DurableTaskExternalId: of.task, Key: []byte(key)},
	}})
	if err != nil {
		return nil, err
	}
	ack := response.GetMemoAck()
	if ack.GetMemoAlreadyExisted() {
		return ack.GetMemoResultPayload(), nil
	}
	made, err := make()
	if err != nil {
		return nil, err
	}
	payload := []byte(text(made))
	return payload, t.shift.durable.tell(ctx, &wire.DurableTaskRequest{Message: &wire.DurableTaskRequest_CompleteMemo{
		CompleteMemo: &wire.DurableTaskCompleteMemoRequest{Ref: ack.GetRef(), Payload: payload, MemoKey: []byte(key)},
	}})
}

// Children runs children and waits for their outputs, in their order. The first that
// fails is the error.
func (t *Task) Children(ctx context.Context, children ...Child) ([]json.RawMessage, error) {
	of := t.invocation()
	request := &wire.DurableTaskTriggerRunsRequest{InvocationCount: of.count, DurableTaskExternalId: of.task}
	for _, child := range children {
		request.TriggerOpts = append(request.TriggerOpts, t.childRequest(child))
	}
	response, err := t.shift.durable.ask(ctx, of, &wire.DurableTaskRequest{
		Message: &wire.DurableTaskRequest_TriggerRuns{TriggerRuns: request},
	})
	if err != nil {
		return nil, err
	}
	outputs := make([]json.RawMessage, len(children))
	for i, run := range response.GetTriggerRunsAck().GetRunEntries() {
		entry, err := t.completed(ctx, place{of.task, of.count, run.BranchId, run.NodeId})
		if err != nil {
			return nil, err
		}
		if entry.IsFailure {
			return nil, &ChildError{entry.GetErrorMessage()}
		}
		outputs[i] = entry.Payload
	}
	return outputs, nil
}

// completed waits for an entry. If that takes longer than the worker's patience, the
// invocation gives its place up, and another goes on when there is something to do.
func (t *Task) completed(ctx context.Context, at place) (*wire.DurableTaskEventLogEntryCompletedResponse, error) {
	came := t.shift.durable.await(at)
	defer t.shift.durable.forget(at)
	var impatient <-chan time.Time
	if t.shift.EvictAfter > 0 {
		impatient = time.After(t.shift.EvictAfter)
	}
	select {
	case entry := <-came:
		return entry, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-impatient:
		return nil, t.Evict(ctx)
	}
}

// Evict gives the place up. The handler must return the error, which says that it has.
func (t *Task) Evict(ctx context.Context) error {
	of := t.invocation()
	_, err := t.shift.durable.ask(ctx, of, &wire.DurableTaskRequest{Message: &wire.DurableTaskRequest_EvictInvocation{
		EvictInvocation: &wire.DurableTaskEvictInvocationRequest{InvocationCount: of.count, DurableTaskExternalId: of.task},
	}})
	if err != nil {
		return err
	}
	return errEvicted
}

func eventCondition(base *wire.BaseMatchCondition, w Wait) *wire.UserEventMatchCondition {
	condition := &wire.UserEventMatchCondition{Base: base, UserEventKey: w.Event}
	if w.Scope != "" {
		condition.EventScope = &w.Scope
	}
	if !w.Since.IsZero() {
		condition.ConsiderEventsSince = timestamppb.New(w.Since)
	}
	return condition
}
