package hatchet_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/adzehq/adze/internal/edge/hatchettest"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// happening is an event of a task as REST has it.
type happening struct{ kind, message string }

// history are the events of a run.
func history(t *testing.T, s *hatchettest.Stage, run string) (events []happening) {
	t.Helper()
	code, answer := s.REST(t, http.MethodGet, "/api/v1/stable/workflow-runs/"+run, nil)
	require.Equal(t, http.StatusOK, code, answer)
	for _, e := range answer.(map[string]any)["taskEvents"].([]any) {
		event := e.(map[string]any)
		events = append(events, happening{event["eventType"].(string), event["message"].(string)})
	}
	return events
}

func TestMovedDeadlinesAndReleasedSlotsAreInTheHistory(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	define(t, s, "one", func(task *wire.CreateTaskOpts) { task.Timeout, task.Retries = "10s", 1 })
	p := register(t, s, &wire.WorkerRegisterRequest{WorkerName: "w", Actions: []string{"one:step"}, Slots: proto.Int32(1)})
	p.listen()
	run := start(t, s, "one", `{}`)
	begun := p.next()
	p.started(begun)
	for range 2 {
		_, err := s.Dispatcher.ReleaseSlot(s.Ctx, &wire.ReleaseSlotRequest{TaskRunExternalId: run})
		require.NoError(t, err, "the second time there is none")
	}
	require.Equal(t, []happening{{"CREATED", ""}, {"QUEUED", ""}, {"ASSIGNED", ""}, {"SENT_TO_WORKER", ""}, {"STARTED", ""}, {"SLOT_RELEASED", ""}},
		history(t, s, run), "what is answered is committed")
	require.NoError(t, p.say(begun, failed, "no"))
	second := p.next()
	p.started(second)
	_, err := s.Dispatcher.RefreshTimeout(s.Ctx, &wire.RefreshTimeoutRequest{TaskRunExternalId: run, IncrementTimeoutBy: "30s"})
	require.NoError(t, err)
	p.completed(second, `{}`)
	awaitRun(t, s, run)
	require.Equal(t, []happening{
		{"CREATED", ""},
		{"QUEUED", ""},
		{"ASSIGNED", ""},
		{"SENT_TO_WORKER", ""},
		{"STARTED", ""},
		{"SLOT_RELEASED", ""},
		{"FAILED", "no"},
		{"RETRYING", ""},
		{"ASSIGNED", ""},
		{"SENT_TO_WORKER", ""},
		{"STARTED", ""},
		{"TIMEOUT_REFRESHED", "Timeout refreshed by 30s"},
		{"FINISHED", ""},
	}, history(t, s, run))
}

func TestEachEvictionIsInTheHistoryWhenItHappened(t *testing.T) {
	t.Parallel()
	s, m := thinker(t)
	run := start(t, s, "deep", `{}`)
	for i, key := range []string{"first", "second"} {
		code := m.begin(int32(i) + 1)
		for _, before := range []string{"first", "second"}[:i+1] {
			code.wait(events(eventOf(before, "g", before, "")))
			if before != key {
				code.completed(1)
			}
		}
		code.evict()
		push(t, s, key, `{}`, nil)
	}
	code := m.begin(3)
	code.end(`{}`)
	awaitRun(t, s, run)
	var kinds []string
	for _, e := range history(t, s, run) {
		kinds = append(kinds, e.kind)
	}
	require.Equal(t, []string{
		"CREATED", "QUEUED", "ASSIGNED", "SENT_TO_WORKER", "STARTED", "DURABLE_EVICTED", "DURABLE_RESTORING", "ASSIGNED", "SENT_TO_WORKER", "STARTED", "DURABLE_EVICTED",
		"DURABLE_RESTORING", "ASSIGNED", "SENT_TO_WORKER", "STARTED", "FINISHED",
	}, kinds)
}

// Trap 8: the SDKs send that a task began and that it ended in calls of their own, which may
// overtake each other.
func TestATaskThatEndedBeganEvenIfThatIsSaidTooLate(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	define(t, s, "one", func(task *wire.CreateTaskOpts) { task.Retries = 1 })
	p := work(t, s, "one:step")
	run := start(t, s, "one", `{}`)
	first := p.next()
	require.NoError(t, p.say(first, failed, "no"))
	p.started(first)
	second := p.next()
	p.completed(second, `{}`)
	p.started(second)
	awaitRun(t, s, run)
	require.Equal(t, []happening{
		{"CREATED", ""},
		{"QUEUED", ""},
		{"ASSIGNED", ""},
		{"SENT_TO_WORKER", ""},
		{"STARTED", ""},
		{"FAILED", "no"},
		{"RETRYING", ""},
		{"ASSIGNED", ""},
		{"SENT_TO_WORKER", ""},
		{"STARTED", ""},
		{"FINISHED", ""},
	}, history(t, s, run))
}
