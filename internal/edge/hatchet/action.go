package hatchet

import (
	"fmt"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/hatchet/view"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// run sends one errand.
func (w *worker) run(st *stream, e *errand, to grpc.ServerStreamingServer[wire.AssignedAction]) error {
	message, about := w.message(st, e)
	if message == nil {
		return nil
	}
	if size := proto.Size(message); size > clientBytesMax && e.cancel == nil {
		return w.refuse(about, size)
	}
	return to.Send(message)
}

// message is what says an errand, and the attempts that it is about; nil if they are
// settled meanwhile.
func (w *worker) message(st *stream, e *errand) (*wire.AssignedAction, []*attempt) {
	if e.cancel != nil {
		return w.action(e.cancel, wire.ActionType_ACTION_TYPE_CANCEL_STEP_RUN), nil
	}
	open := make([]*attempt, 0, len(e.start))
	w.mu.Lock()
	for _, a := range e.start {
		if w.given[a.Token] == a && !a.started {
			a.sent, a.reached, a.place = st, true, int32(len(open))
			open = append(open, a)
		}
	}
	for _, a := range open {
		a.beside = int32(len(open))
	}
	w.mu.Unlock()
	switch {
	case len(open) == 0:
		return nil, nil
	case open[0].Batch != 0:
		return w.batch(open), open
	}
	message := w.action(open[0], wire.ActionType_ACTION_TYPE_START_STEP_RUN)
	message.ActionPayload = string(view.Payload(open[0].assignment()))
	return message, open
}

// assignment is the attempt's with its payloads, or without once it has begun.
func (a *attempt) assignment() *shard.Assignment {
	a.worker.mu.Lock()
	defer a.worker.mu.Unlock()
	return a.Assignment
}

// refuse fails attempts whose action no client would take: sent, it would break the
// stream, and come again with the next one.
func (w *worker) refuse(about []*attempt, size int) error {
	items := make([]core.ReportItem, len(about))
	for i, a := range about {
		items[i] = core.ReportItem{
			Task: a.Task, Attempt: a.Attempt, Token: a.Token, Kind: core.ReportFailed, NonRetryable: true,
			Error: fmt.Sprintf("the task's input and the outputs of its parents make a message of %d bytes, and workers take at most %d", size, clientBytesMax),
		}
	}
	return w.session.Report(w.roster.life, items)
}

// action is what the wire says of an attempt whatever is to be done about it.
func (w *worker) action(of *attempt, kind wire.ActionType) *wire.AssignedAction {
	a := of.assignment()
	task, step := of.external.String(), view.StepID(a.Version, a.Name).String()
	cause := view.Cause{Tick: of.tick}
	if a.Event != nil {
		cause.Event, cause.Key = a.Event.ID, a.Event.Key
	}
	metadata := string(view.Metadata(a.Metadata, cause))
	message := &wire.AssignedAction{
		TenantId:           of.owner,
		WorkflowRunId:      of.run.String(),
		JobId:              step,
		JobName:            a.Name,
		JobRunId:           task,
		TaskId:             step,
		TaskRunExternalId:  task,
		ActionId:           a.Action,
		ActionType:         kind,
		TaskName:           a.Name,
		RetryCount:         of.retry,
		AdditionalMetadata: &metadata,
		Priority:           max(a.Priority, 1),
		WorkflowId:         proto.String(a.WorkflowID.String()),
		WorkflowVersionId:  proto.String(a.Version.String()),
		TaskInsertedAt:     timestamppb.New(a.Task.Time()),
	}
	if a.Parent != 0 {
		message.ParentWorkflowRunId = proto.String(a.Parent.String())
		tellBirth(message, a.Given)
	}
	if a.Durable {
		message.DurableTaskInvocationCount = proto.Int32(of.number())
	}
	if a.Batch != 0 {
		w.tellBatch(message, of, a)
	}
	if a.Event != nil {
		message.TriggeringEventExternalId = proto.String(a.Event.ID.String())
		message.TriggeringEventKey = proto.String(a.Event.Key)
	}
	return message
}

// batchKeyDefault is the key of batches whose tasks are gathered by none.
const batchKeyDefault = "default"

// tellBatch says which batch an attempt goes with, and its place there.
func (w *worker) tellBatch(message *wire.AssignedAction, of *attempt, a *shard.Assignment) {
	w.mu.Lock()
	place, size := of.place, of.beside
	w.mu.Unlock()
	message.BatchId = proto.String(id.ID(a.Batch).String())
	message.BatchIndex, message.BatchSize = &place, &size
	key := a.BatchKey
	version, err := w.server().runs.Version(w.roster.life, a.Version)
	if err != nil {
		w.server().Log.Warn("definition of a batch was not read", "version", a.Version, "error", err)
	} else if task := version.Task(a.Name); task != nil && task.Batch != nil && task.Batch.Key == "" {
		key = batchKeyDefault
	}
	if key != "" {
		message.BatchKey = &key
	}
}

// batch is the one action for attempts that go together. Its fields of a single task are
// those of the first.
func (w *worker) batch(open []*attempt) *wire.AssignedAction {
	message := w.action(open[0], wire.ActionType_ACTION_TYPE_START_BATCH)
	var text strings.Builder
	text.WriteByte('{')
	for i, of := range open {
		if i > 0 {
			text.WriteByte(',')
		}
		fmt.Fprintf(&text, `%q:{"workflow_run_id":%q,"payload":%s}`, of.external.String(), of.run.String(), view.Payload(of.assignment()))
	}
	text.WriteByte('}')
	message.ActionPayload = text.String()
	message.BatchStartPayload = &wire.BatchStartPayload{
		TriggerReason: "the batch is full, or its first task has waited for the interval",
		TriggerTime:   timestamppb.New(w.server().Clock.Now()),
		ExpectedSize:  int32(len(open)),
	}
	return message
}
