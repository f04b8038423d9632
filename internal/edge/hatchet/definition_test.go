package hatchet_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/edge/hatchettest"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// simple is a workflow of one task.
func simple(name string) *wire.CreateWorkflowVersionRequest {
	return &wire.CreateWorkflowVersionRequest{Name: name, Tasks: []*wire.CreateTaskOpts{
		{ReadableId: "step", Action: name + ":step", Timeout: "60s", Inputs: "{}"},
	}}
}

// Traps 16 and 48: workers register the same workflow at once, and all are told the same.
func TestManyWorkersRegisterTheSameWorkflowAtOnce(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	const workers = 8
	var all sync.WaitGroup
	answers := make([]*wire.CreateWorkflowVersionResponse, workers)
	for i := range workers {
		all.Go(func() {
			var err error
			answers[i], err = s.Admin.PutWorkflow(s.Ctx, simple("3.10-abcdef1_foo")) // trap 46: such names
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, a := range answers {
		require.Equal(t, answers[0].Id, a.Id)
		require.Equal(t, answers[0].WorkflowId, a.WorkflowId)
	}
	changed := simple("3.10-abcdef1_foo")
	changed.Tasks[0].Retries = 1
	next, err := s.Admin.PutWorkflow(s.Ctx, changed)
	require.NoError(t, err)
	require.Equal(t, answers[0].WorkflowId, next.WorkflowId)
	require.NotEqual(t, answers[0].Id, next.Id)
}
