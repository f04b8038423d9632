package guest

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// NonRetryableError fails a task for good.
type NonRetryableError struct{ Reason string }

// Error implements error.
func (e *NonRetryableError) Error() string { return e.Reason }

// Task is an attempt of a task, as its handler sees it.
type Task struct {
	Action   *wire.AssignedAction
	Payload  Payload
	Metadata map[string]any // of the run
	WorkerID string

	shift   *shift
	spawned atomic.Int32
	emitted atomic.Int64
}

// Payload is what an attempt is given.
type Payload struct {
	Input       json.RawMessage            `json:"input"`
	Parents     map[string]json.RawMessage `json:"parents"`
	TriggeredBy string                     `json:"triggered_by"`
	Triggers    map[string]json.RawMessage `json:"triggers"`
	StepErrors  map[string]string          `json:"step_run_errors"`
}

func newTask(s *shift, action *wire.AssignedAction) (*Task, error) {
	t := &Task{Action: action, WorkerID: s.id, shift: s}
	if err := json.Unmarshal([]byte(action.ActionPayload), &t.Payload); err != nil {
		return nil, fmt.Errorf("read payload: %w", err)
	}
	if said := action.GetAdditionalMetadata(); said != "" {
		if err := json.Unmarshal([]byte(said), &t.Metadata); err != nil {
			return nil, fmt.Errorf("read metadata: %w", err)
		}
	}
	return t, nil
}

// ID is the task's id: of the run as well, if it is the run's only one.
func (t *Task) ID() string { return t.Action.TaskRunExternalId }

// Retry is how many attempts came before.
func (t *Task) Retry() int32 { return t.Action.RetryCount }

// Input decodes the run's input.
func (t *Task) Input(into any) error { return json.Unmarshal(t.Payload.Input, into) }

// Parent decodes the output of a parent.
func (t *Task) Parent(name string, into any) error {
	return json.Unmarshal(t.Payload.Parents[name], into)
}

// Log writes a line that belongs to the attempt.
func (t *Task) Log(ctx context.Context, level, message string) error {
	_, err := t.shift.Client.Events.PutLog(ctx, &wire.PutLogRequest{
		TaskRunExternalId: t.ID(),
		CreatedAt:         timestamppb.Now(),
		Message:           message,
		Level:             &level,
		TaskRetryCount:    &t.Action.RetryCount,
	})
	return err
}

// Emit sends a piece of the task's stream.
func (t *Task) Emit(ctx context.Context, piece string) error {
	_, err := t.shift.Client.Events.PutStreamEvent(ctx, &wire.PutStreamEventRequest{
		TaskRunExternalId: t.ID(),
		CreatedAt:         timestamppb.Now(),
		Message:           []byte(piece),
		EventIndex:        proto.Int64(t.emitted.Add(1) - 1),
	})
	return err
}

// Extend moves the deadline of the attempt.
func (t *Task) Extend(ctx context.Context, by time.Duration) error {
	_, err := t.shift.Client.Dispatcher.RefreshTimeout(ctx, &wire.RefreshTimeoutRequest{
		TaskRunExternalId: t.ID(), IncrementTimeoutBy: by.String(),
	})
	return err
}

// Release gives the slot back while the task goes on.
func (t *Task) Release(ctx context.Context) error {
	_, err := t.shift.Client.Dispatcher.ReleaseSlot(ctx, &wire.ReleaseSlotRequest{TaskRunExternalId: t.ID()})
	return err
}

// Child is a run that a task starts.
type Child struct {
	Workflow string
	Input    any
	Key      string // names it among the task's children; "" = its place does
	Sticky   bool   // on this worker
	Metadata map[string]any
}

// Spawn starts a child and returns its run's id: that of the one there is, if an earlier
// attempt has started it.
func (t *Task) Spawn(ctx context.Context, child Child) (string, error) {
	response, err := t.shift.Client.Workflows.TriggerWorkflow(ctx, t.childRequest(child))
	if err != nil {
		return "", err
	}
	return response.WorkflowRunId, nil
}

// SpawnMany starts several in one call.
func (t *Task) SpawnMany(ctx context.Context, children []Child) ([]string, error) {
	request := &wire.BulkTriggerWorkflowRequest{}
	for _, child := range children {
		request.Workflows = append(request.Workflows, t.childRequest(child))
	}
	response, err := t.shift.Client.Workflows.BulkTriggerWorkflow(ctx, request)
	if err != nil {
		return nil, err
	}
	return response.WorkflowRunIds, nil
}

func (t *Task) childRequest(child Child) *wire.TriggerWorkflowRequest {
	request := &wire.TriggerWorkflowRequest{
		Name:                    child.Workflow,
		Input:                   text(child.Input),
		ParentId:                proto.String(t.Action.WorkflowRunId),
		ParentTaskRunExternalId: proto.String(t.ID()),
		ChildIndex:              proto.Int32(t.spawned.Add(1) - 1),
	}
	if child.Key != "" {
		request.ChildKey = &child.Key
	}
	if child.Sticky {
		request.DesiredWorkerId = &t.WorkerID
	}
	if child.Metadata != nil {
		request.AdditionalMetadata = proto.String(text(child.Metadata))
	}
	return request
}
