package guest

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"google.golang.org/protobuf/types/known/timestamppb"

	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// batchMember is one task of a batch, as the assignment tells of it.
type batchMember struct {
	Run     string  `json:"workflow_run_id"`
	Payload Payload `json:"payload"`
}

// startBatch runs the handler for each member and reports all of them in one call.
func (s *shift) startBatch(ctx context.Context, action *wire.AssignedAction) {
	s.running.Go(func() {
		var members map[string]batchMember
		if err := json.Unmarshal([]byte(action.ActionPayload), &members); err != nil {
			return // no member to tell of
		}
		s.reportBatch(ctx, action, wire.StepActionEventType_STEP_EVENT_TYPE_STARTED, itemsOf(members, nil))
		outputs, failures := map[string]string{}, map[string]string{}
		for id, member := range members {
			output, err := s.callMember(ctx, action, id, member, len(members))
			if err != nil {
				failures[id] = text(err.Error())
				continue
			}
			outputs[id] = text(output)
		}
		s.reportBatch(ctx, action, wire.StepActionEventType_STEP_EVENT_TYPE_COMPLETED, itemsOf(outputs, outputs))
		s.reportBatch(ctx, action, wire.StepActionEventType_STEP_EVENT_TYPE_FAILED, itemsOf(failures, failures))
	})
}

func (s *shift) callMember(
	ctx context.Context, batch *wire.AssignedAction, id string, member batchMember, size int,
) (any, error) {
	own := &wire.AssignedAction{
		WorkflowRunId:     member.Run,
		TaskRunExternalId: id,
		ActionId:          batch.ActionId,
		BatchId:           batch.BatchId,
		BatchKey:          batch.BatchKey,
		BatchSize:         new(int32(size)),
	}
	return s.call(ctx, &Task{Action: own, Payload: member.Payload, WorkerID: s.id, shift: s})
}

func (s *shift) reportBatch(
	ctx context.Context, action *wire.AssignedAction, kind wire.StepActionEventType, items []*wire.BatchActionEventItem,
) {
	if len(items) == 0 {
		return
	}
	event := &wire.BatchActionEvent{
		WorkerId:       s.id,
		JobId:          action.JobId,
		ActionId:       action.ActionId,
		BatchId:        action.BatchId,
		EventTimestamp: timestamppb.Now(),
		EventType:      kind,
		Items:          items,
	}
	retried(ctx, func(ctx context.Context) error {
		_, err := s.Client.Dispatcher.SendBatchActionEvent(ctx, event)
		return err
	})
}

// itemsOf are the keys of a map in order, each with its payload.
func itemsOf[V any](of map[string]V, payloads map[string]string) (items []*wire.BatchActionEventItem) {
	for _, id := range slices.Sorted(maps.Keys(of)) {
		items = append(items, &wire.BatchActionEventItem{TaskRunExternalId: id, EventPayload: payloads[id]})
	}
	return items
}
