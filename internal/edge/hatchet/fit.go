package hatchet

import (
	"encoding/json"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/adzehq/adze/internal/base/fault"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// clientBytesMax is the largest message that the SDKs take. A larger one fails their call,
// or ends their stream for all who wait on it.
const clientBytesMax = 4 << 20

// lost says that something does not fit, and where it is found.
func lost(what string, bytes int) string {
	return fmt.Sprintf("%s of %d bytes is too large for the %d MiB of a message that clients take. Read it over REST.", what, bytes, clientBytesMax>>20)
}

// fitDetails makes details of a run fit into a message: without the run's input, if that
// suffices, for who asks waits for outputs. Those of a run that completed are told whole, or
// the call is refused; of another one, status and errors are what counts.
func fitDetails(details *wire.GetRunDetailsResponse) error {
	size := proto.Size(details)
	if size <= clientBytesMax {
		return nil
	}
	details.Input = nil
	if details.Status != wire.RunStatus_RUN_STATUS_COMPLETED && proto.Size(details) > clientBytesMax {
		for _, t := range details.TaskRuns {
			t.Output = nil
		}
	}
	if rest := proto.Size(details); rest > clientBytesMax {
		return fault.New(fault.Exhausted, "", "%s", lost("What is to be told of the run", size))
	}
	return nil
}

// fitEvents makes an answer to a push fit into a message. Who pushed has what is left out.
func fitEvents(events []*wire.Event) {
	left := clientBytesMax
	given := func(e *wire.Event) int { return len(e.Payload) + len(e.GetAdditionalMetadata()) }
	for _, e := range events {
		left -= proto.Size(e) - given(e) + itemBytes
	}
	for _, e := range events {
		if left -= given(e); left < 0 {
			left += given(e)
			e.Payload, e.AdditionalMetadata = string(emptyObject), nil
		}
	}
}

// itemBytes is what a message adds to each of its items at most, and to texts in them.
const itemBytes = 16

// fitDurable makes what a durable task is told fit into a message: an entry whose value
// does not, has failed for it.
func fitDurable(response *wire.DurableTaskResponse) *wire.DurableTaskResponse {
	size := proto.Size(response)
	if size <= clientBytesMax {
		return response
	}
	switch m := response.Message.(type) {
	case *wire.DurableTaskResponse_EntryCompleted:
		text := lost("What the task waited for", size)
		return &wire.DurableTaskResponse{Message: &wire.DurableTaskResponse_EntryCompleted{
			EntryCompleted: &wire.DurableTaskEventLogEntryCompletedResponse{
				Ref: m.EntryCompleted.Ref, IsFailure: true, ErrorMessage: &text, SatisfiedOrder: m.EntryCompleted.SatisfiedOrder,
			},
		}}
	case *wire.DurableTaskResponse_MemoAck:
		return failed(m.MemoAck.Ref, lost("The memo", size))
	}
	return response // the others have no payloads
}

// fitProgress makes an event of a run fit into a message.
func fitProgress(event *wire.WorkflowEvent) {
	if size := proto.Size(event); size > clientBytesMax {
		text, _ := json.Marshal(map[string]string{"error": lost("What the task gave", size)}) // texts never fail
		event.EventPayload = string(text)
	}
}
