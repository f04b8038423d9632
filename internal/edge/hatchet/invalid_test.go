package hatchet_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/edge/hatchettest"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// failure waits for a run to fail, and gives what its task failed of.
func failure(t *testing.T, s *hatchettest.Stage, workflow string) (text string) {
	t.Helper()
	started, err := s.Workflows.TriggerWorkflow(s.Ctx, &wire.TriggerWorkflowRequest{Name: workflow, Input: "{}"})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		details, err := s.Admin.GetRunDetails(s.Ctx, &wire.GetRunDetailsRequest{ExternalId: started.WorkflowRunId})
		require.NoError(t, err)
		text = details.TaskRuns["step"].GetError()
		return details.Status == wire.RunStatus_RUN_STATUS_FAILED
	}, hatchettest.Patience, 10*time.Millisecond)
	return text
}

func TestRunFailsWhoseExpressionsGiveNothing(t *testing.T) {
	t.Parallel()
	s := hatchettest.Start(t)
	for name, change := range map[string]func(*wire.CreateWorkflowVersionRequest){
		"limit": func(r *wire.CreateWorkflowVersionRequest) {
			r.ConcurrencyArr = []*wire.Concurrency{{Expression: "input.nothing"}}
		},
		"rate": func(r *wire.CreateWorkflowVersionRequest) {
			r.Tasks[0].RateLimits = []*wire.CreateTaskRateLimit{{KeyExpr: new("input.nothing")}}
		},
		"graph": func(r *wire.CreateWorkflowVersionRequest) {
			r.ConcurrencyArr = []*wire.Concurrency{{Expression: "input.nothing"}}
			r.Tasks = append(r.Tasks, &wire.CreateTaskOpts{ReadableId: "after", Action: "w:after", Parents: []string{"step"}})
		},
		"one of a graph": func(r *wire.CreateWorkflowVersionRequest) {
			r.Tasks[0].Concurrency = []*wire.Concurrency{{Expression: "input.nothing"}}
			r.Tasks = append(r.Tasks, &wire.CreateTaskOpts{ReadableId: "after", Action: "w:after", Parents: []string{"step"}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			req := simple("w-" + name[:3])
			change(req)
			put(t, s, req)
			require.Equal(t, "failed to parse step expression (input.nothing): evaluate expression: no such key: nothing", failure(t, s, req.Name))
		})
	}
	req := simple("batch")
	req.Tasks[0].Batch = &wire.TaskBatchConfig{BatchMaxSize: 2, BatchGroupKey: new("input.nothing")}
	put(t, s, req)
	require.Contains(t, failure(t, s, "batch"), "failed to parse batch group key expression (input.nothing)")
}
