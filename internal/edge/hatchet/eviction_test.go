package hatchet_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/edge/hatchettest"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

func TestEvictedTaskGoesOnWhenItsSleepIsOver(t *testing.T) {
	t.Parallel()
	s, m := thinker(t)
	run := start(t, s, "deep", `{}`)
	c := m.begin(1)
	ref := c.wait(sleeping("s", "2s"))
	require.EqualValues(t, 1, ref.NodeId)
	require.EqualValues(t, 1, ref.BranchId)
	c.evict()
	d := details(t, s, run)
	require.True(t, d.IsEvicted)
	require.False(t, d.Done)
	require.Equal(t, wire.RunStatus_RUN_STATUS_RUNNING, d.Status)

	c = m.begin(2)
	require.Zero(t, c.action.RetryCount, "it is the same attempt")
	c.wait(sleeping("s", "2s"))
	require.JSONEq(t, `{"CREATE":{"s":[{"sleep_duration":"2s"}]}}`, string(c.completed(1).Payload))
	c.end(`{"ok":true}`)
	d = details(t, s, run)
	require.Equal(t, wire.RunStatus_RUN_STATUS_COMPLETED, d.Status)
	require.False(t, d.IsEvicted)
}

// The Go SDK may report that an invocation failed which it has just given up, and by its
// number that is the next one.
func TestAnEvictedInvocationCannotFailTheNextOne(t *testing.T) {
	t.Parallel()
	s, m := thinker(t)
	run := start(t, s, "deep", `{}`)
	c := m.begin(1)
	c.wait(sleeping("s", "1h"))
	c.evict()
	_, err := s.Dispatcher.RestoreEvictedTask(s.Ctx, &wire.RestoreEvictedTaskRequest{TaskRunExternalId: run})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return !details(t, s, run).IsEvicted }, hatchettest.Patience, time.Millisecond)
	require.NoError(t, m.program.say(c.action, wire.StepActionEventType_STEP_EVENT_TYPE_FAILED, "state cleaned up after eviction"))
	c = m.begin(2)
	c.wait(sleeping("s", "1h"))
	c.end(`{"ok":true}`)
	require.Equal(t, wire.RunStatus_RUN_STATUS_COMPLETED, details(t, s, run).Status)
}
