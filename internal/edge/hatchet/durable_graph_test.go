package hatchet_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/adzehq/adze/internal/edge/hatchettest"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// deepGraph is a workflow of a task, a durable one after it, and a worker for both.
func deepGraph(t *testing.T, s *hatchettest.Stage) *mind {
	t.Helper()
	first := &wire.CreateTaskOpts{ReadableId: "first", Action: "line:first", Timeout: "60s", Inputs: "{}"}
	deep := &wire.CreateTaskOpts{ReadableId: "deep", Action: "line:deep", Timeout: "60s", Inputs: "{}", Parents: []string{"first"}}
	durable(deep)
	_, err := s.Admin.PutWorkflow(s.Ctx, &wire.CreateWorkflowVersionRequest{Name: "line", Tasks: []*wire.CreateTaskOpts{first, deep}})
	require.NoError(t, err)
	p := register(t, s, &wire.WorkerRegisterRequest{
		WorkerName: "w", Actions: []string{"line:first", "line:deep"}, SlotConfig: map[string]int32{"default": 10, "durable": 10},
	})
	p.listen()
	return p.think()
}

func TestDurableTaskOfAGraphIsReplayedOnItsLog(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	m := deepGraph(t, s)
	run := start(t, s, "line", `{}`)
	m.program.completed(m.program.next(), `{}`)
	c := m.begin(1)
	c.completeMemo(c.memo("a"), "a", `1`)
	c.wait(events(eventOf("e", "1", "go", "")))
	c.wait(sleeping("s", "1h")) // nobody waits for its end
	push(t, s, "go", `{"n":1}`, nil)
	c.completed(2)
	c.end(`{"n":1}`)
	results(t, s, run)
	task := details(t, s, run).TaskRuns["deep"].ExternalId

	goOn := func(c *code) {
		require.Equal(t, task, c.action.TaskRunExternalId)
		require.True(t, c.memo("a").MemoAlreadyExisted)
		c.wait(events(eventOf("e", "1", "go", "")))
		require.JSONEq(t, `{"CREATE":{"e":[{"n":1}]}}`, string(c.completed(2).Payload))
		c.wait(sleeping("s", "1s")) // what was not over is no part of the log
		c.completed(3)
		c.end(`{"n":2}`)
		results(t, s, run)
	}
	require.Equal(t, []string{task}, replay(t, s, task))
	goOn(m.begin(2))

	m.program.stop()
	require.Error(t, <-m.program.over)
	replay(t, s, run)
	s.Stop(t) // before its turn comes
	s = hatchettest.StartOn(t, s.URL)
	m.program.stage = s
	m.program.listen()
	require.NoError(t, m.program.beat())
	*m = *m.program.think()
	m.program.completed(m.program.next(), `{}`)
	goOn(m.begin(3))
}

func TestDurableTaskOfAGraphIsBranched(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	m := deepGraph(t, s)
	run := start(t, s, "line", `{}`)
	m.program.completed(m.program.next(), `{}`)
	c := m.begin(1)
	for _, key := range []string{"a", "b"} {
		c.completeMemo(c.memo(key), key, `"`+key+`"`)
	}
	c.end(`{"n":1}`)
	results(t, s, run)
	tasks := details(t, s, run).TaskRuns
	branch, err := s.Admin.BranchDurableTask(s.Ctx, &wire.BranchDurableTaskRequest{TaskExternalId: tasks["deep"].ExternalId, NodeId: 2, BranchId: 1})
	require.NoError(t, err)
	require.EqualValues(t, 2, branch.BranchId)
	c = m.begin(2)
	require.True(t, c.memo("a").MemoAlreadyExisted)
	ack := c.memo("c")
	require.False(t, ack.MemoAlreadyExisted)
	require.EqualValues(t, 2, ack.GetRef().GetBranchId())
	c.end(`{"n":2}`)
	results(t, s, run)
	require.JSONEq(t, `{"n":2}`, string(details(t, s, run).TaskRuns["deep"].Output))
	_, err = s.Admin.BranchDurableTask(s.Ctx, &wire.BranchDurableTaskRequest{TaskExternalId: tasks["first"].ExternalId, NodeId: 1, BranchId: 1})
	require.Equal(t, codes.InvalidArgument, status.Code(err))
}
