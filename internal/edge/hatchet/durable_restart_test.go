package hatchet_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/adzehq/adze/internal/edge/hatchettest"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

func TestDurableTaskOutlivesTheEngine(t *testing.T) {
	t.Parallel()
	s, m := thinker(t)
	run := start(t, s, "deep", `{}`)
	c := m.begin(1)
	c.completeMemo(c.memo("a"), "a", `1`)
	c.wait(events(eventOf("e", "1", "go", "")))
	s.Stop(t)

	s = hatchettest.StartOn(t, s.URL)
	m.program.stage = s
	m.program.listen()
	require.NoError(t, m.program.beat())
	*m = *m.program.think()
	c.waitsFor(2)
	notice := c.next().GetServerEvict()
	require.Equal(t, run, notice.GetDurableTaskExternalId())
	require.EqualValues(t, 1, notice.GetInvocationCount())
	c = m.begin(2)
	require.True(t, c.memo("a").MemoAlreadyExisted)
	c.wait(events(eventOf("e", "1", "go", "")))
	push(t, s, "go", `{}`, nil)
	c.completed(2)
	c.end(`{}`)
}

func TestDurableTaskBeginsWhenItsWorkerCanAskAgain(t *testing.T) {
	t.Parallel()
	s, m := thinker(t, "plain:step")
	define(t, s, "plain", nil)
	s.Stop(t)

	s = hatchettest.StartOn(t, s.URL)
	m.program.stage = s
	m.program.listen()
	run := start(t, s, "deep", `{}`)
	require.Eventually(t, func() bool { // it is the worker's
		return details(t, s, run).Status == wire.RunStatus_RUN_STATUS_RUNNING
	}, hatchettest.Patience, 10*time.Millisecond)
	start(t, s, "plain", `{}`)
	require.Equal(t, "plain:step", m.program.next().ActionId, "it needs no stream")
	_, err := s.Dispatcher.SendStepActionEvent(s.Ctx, &wire.StepActionEvent{
		WorkerId: m.program.id, TaskRunExternalId: run, RetryCount: proto.Int32(0),
		EventType: wire.StepActionEventType_STEP_EVENT_TYPE_FAILED, EventPayload: "the stream broke",
	})
	require.NoError(t, err)
	*m = *m.program.think()
	c := m.begin(1)
	require.Zero(t, c.action.RetryCount, "what failed before it was started counts not")
	c.end(`{}`)
}

func TestFailureAtAnotherWorkerIsNotTheAttempts(t *testing.T) {
	t.Parallel()
	s, m := thinker(t)
	other := register(t, s, &wire.WorkerRegisterRequest{WorkerName: "other", Actions: []string{"deep:step"}})
	run := start(t, s, "deep", `{}`)
	c := m.begin(1)
	require.NoError(t, other.say(c.action, wire.StepActionEventType_STEP_EVENT_TYPE_FAILED, "lost"))
	c.end(`{"n":1}`)
	require.JSONEq(t, `{"n":1}`, string(details(t, s, run).TaskRuns["step"].Output))
	require.Zero(t, c.action.RetryCount)
}

// The Python SDK of half a year ago may lose the first request on a stream: that says whose
// the stream is.
func TestAStreamThatDoesNotSayWhoseItIsIsThatOfTheTaskThatAsks(t *testing.T) {
	t.Parallel()
	s, m := thinker(t)
	start(t, s, "deep", `{}`)
	c := m.begin(1)
	m.stop()
	*m = *m.program.thinkUnsaid()
	c.wait(events(eventOf("e", "1", "go", "")))
	push(t, s, "go", `{}`, nil)
	c.completed(1)
	c.end(`{}`)
}
