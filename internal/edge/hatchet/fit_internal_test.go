package hatchet

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/adzehq/adze/internal/base/fault"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// full fills a message to a size by one of its texts.
func full(t *testing.T, message proto.Message, size int, fill func(n int)) {
	t.Helper()
	fill(size)
	fill(2*size - proto.Size(message)) // what stands around it counts too
	require.Equal(t, size, proto.Size(message))
}

func TestDetailsThatFitAreWholeAndAByteMoreCostsTheInput(t *testing.T) {
	t.Parallel()
	for over, kept := range []bool{true, false} {
		details := &wire.GetRunDetailsResponse{Done: true, TaskRuns: map[string]*wire.TaskRunDetail{"step": {Output: []byte(`{}`)}}}
		full(t, details, clientBytesMax+over, func(n int) { details.Input = make([]byte, n) })
		require.NoError(t, fitDetails(details))
		require.Equal(t, kept, details.Input != nil)
		require.Equal(t, []byte(`{}`), details.TaskRuns["step"].Output)
	}
}

func TestOutputsThatDoNotFitAreRefusedAsAWhole(t *testing.T) {
	t.Parallel()
	for over, fits := range []bool{true, false} {
		details := &wire.GetRunDetailsResponse{
			Done: true, Status: wire.RunStatus_RUN_STATUS_COMPLETED, AdditionalMetadata: []byte(`{}`),
		}
		full(t, details, clientBytesMax+over, func(n int) {
			details.TaskRuns = map[string]*wire.TaskRunDetail{"step": {Output: make([]byte, n)}}
		})
		err := fitDetails(details)
		if fits {
			require.NoError(t, err)
			continue
		}
		require.Equal(t, fault.Exhausted, fault.KindOf(err))
		require.ErrorContains(t, err, "Read it over REST")
	}
}

func TestRunThatFailedIsToldWithoutOutputsThatDoNotFit(t *testing.T) {
	t.Parallel()
	text := "bad"
	details := &wire.GetRunDetailsResponse{Status: wire.RunStatus_RUN_STATUS_FAILED, TaskRuns: map[string]*wire.TaskRunDetail{
		"large": {Output: make([]byte, clientBytesMax)}, "failed": {Error: &text},
	}}
	require.NoError(t, fitDetails(details))
	require.Empty(t, details.TaskRuns["large"].Output)
	require.Equal(t, "bad", details.TaskRuns["failed"].GetError())
}

func TestAnswerToAPushLeavesOutWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	events := &wire.Events{}
	for range 1_000 {
		events.Events = append(events.Events, &wire.Event{EventId: "id", Payload: `{"a":"` + strings.Repeat("x", 8_000) + `"}`})
	}
	fitEvents(events.Events)
	require.LessOrEqual(t, proto.Size(events), clientBytesMax)
	require.Greater(t, proto.Size(events), clientBytesMax-32_000, "and no more")
	require.Len(t, events.Events[0].Payload, 8_008)
	require.Equal(t, `{}`, events.Events[999].Payload)
	require.Equal(t, "id", events.Events[999].EventId)
}

func TestDurableTaskIsToldThatWhatItWaitedForDoesNotFit(t *testing.T) {
	t.Parallel()
	ref := &wire.DurableEventLogEntryRef{NodeId: 3}
	completed := &wire.DurableTaskEventLogEntryCompletedResponse{Ref: ref}
	end := &wire.DurableTaskResponse{Message: &wire.DurableTaskResponse_EntryCompleted{EntryCompleted: completed}}
	fill := func(n int) { completed.Payload = make([]byte, n) }
	full(t, end, clientBytesMax, fill)
	require.Same(t, end, fitDurable(end))
	full(t, end, clientBytesMax+1, fill)
	told := fitDurable(end).GetEntryCompleted()
	require.True(t, told.IsFailure)
	require.Contains(t, told.GetErrorMessage(), "too large")
	require.Equal(t, ref, told.Ref)

	memo := &wire.DurableTaskResponse{Message: &wire.DurableTaskResponse_MemoAck{
		MemoAck: &wire.DurableTaskEventMemoAckResponse{Ref: ref, MemoResultPayload: make([]byte, clientBytesMax)},
	}}
	require.Contains(t, fitDurable(memo).GetError().ErrorMessage, "The memo")
}

func TestEventOfARunSaysThatWhatItTellsDoesNotFit(t *testing.T) {
	t.Parallel()
	event := &wire.WorkflowEvent{ResourceId: "id"}
	fill := func(n int) { event.EventPayload = strings.Repeat("x", n) }
	full(t, event, clientBytesMax, fill)
	fitProgress(event)
	require.Greater(t, len(event.EventPayload), clientBytesMax-100)
	full(t, event, clientBytesMax+1, fill)
	fitProgress(event)
	require.Contains(t, event.EventPayload, `{"error":"What the task gave`)
}
