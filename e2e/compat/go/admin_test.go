package compat_test

import (
	"net/http"
	"testing"

	hatchet "github.com/hatchet-dev/hatchet/sdks/go"
	"github.com/stretchr/testify/require"
)

func TestTheEngineTellsItsVersion(t *testing.T) {
	s := begin(t)
	var version struct{ Version string }
	require.Equal(t, http.StatusOK, s.call(http.MethodGet, "/api/v1/version", nil, &version))
	require.Regexp(t, `^v\d+\.\d+\.\d+$`, version.Version)
}

func TestWorkflowsAreListed(t *testing.T) {
	s := begin(t)
	s.know(s.sdk.NewStandaloneTask(s.name("listed"), echo))
	list, err := s.sdk.Workflows().List(s.ctx, nil)
	require.NoError(t, err)
	require.NotEmpty(t, *list.Rows)
	workflow, err := s.sdk.Workflows().Get(s.ctx, s.name("listed"))
	require.NoError(t, err)
	require.Equal(t, s.name("listed"), workflow.Name)
}

func TestADeletedWorkflowIsGone(t *testing.T) {
	s := begin(t)
	task := s.sdk.NewStandaloneTask(s.name("gone"), echo)
	s.know(task)
	_, _ = s.sdk.Workflows().Delete(s.ctx, s.name("gone")) // it takes the 204 for an error
	_, err := s.sdk.RunNoWait(s.ctx, s.name("gone"), object{})
	require.Error(t, err)
	s.work(task)
	_, err = s.ended(s.start(s.name("gone"), object{}))
	require.NoError(t, err, "it is registered again")
}

func TestAPausedWorkflowKeepsItsRuns(t *testing.T) {
	s := begin(t)
	s.work(s.sdk.NewStandaloneTask(s.name("paused"), echo))
	id, err := s.sdk.Workflows().GetId(s.ctx, s.name("paused"))
	require.NoError(t, err)
	path := "/api/v1/workflows/" + id.String()
	require.Equal(t, http.StatusOK, s.call(http.MethodPatch, path, object{"pause": object{"action": "pause"}}, nil))
	ref := s.start(s.name("paused"), object{})
	require.Equal(t, "QUEUED", s.status(ref.RunId))
	require.Equal(t, http.StatusOK, s.call(http.MethodPatch, path, object{"pause": object{"action": "unpause"}}, nil))
	_, err = s.ended(ref)
	require.NoError(t, err)
}

func TestExpressionsAreTried(t *testing.T) {
	s := begin(t)
	answer, err := s.sdk.CEL().Debug(s.ctx, "input.n > 1 && payload.min == 2.0", object{"n": 2}, nil, &map[string]any{"min": 2})
	require.NoError(t, err)
	require.EqualValues(t, "SUCCESS", answer.Status)
	require.True(t, *answer.Output)
	answer, err = s.sdk.CEL().Debug(s.ctx, "input.", object{}, nil, nil)
	require.NoError(t, err)
	require.EqualValues(t, "ERROR", answer.Status)
	require.NotEmpty(t, *answer.Error)
}

func TestQueuesAreMeasured(t *testing.T) {
	s := begin(t)
	s.know(s.sdk.NewStandaloneTask(s.name("queued"), echo))
	s.start(s.name("queued"), object{})
	metrics, err := s.sdk.Metrics().GetTaskQueueMetrics(s.ctx)
	require.NoError(t, err)
	require.NotNil(t, metrics.Queues)
	_, err = s.sdk.Metrics().GetQueueMetrics(s.ctx, nil)
	require.NoError(t, err)
}

func TestAnotherTenantsPathIsForbidden(t *testing.T) {
	s := begin(t)
	require.Equal(t, http.StatusForbidden, s.call(http.MethodGet, "/api/v1/tenants/00000000-0000-4000-8000-000000000001", nil, nil))
}

func TestMiddlewareSeesEachTask(t *testing.T) {
	s := begin(t)
	seen := make(chan string, 4)
	task := s.sdk.NewStandaloneTask(s.name("middle"), echo)
	worker, err := s.sdk.NewWorker(s.name("worker"), hatchet.WithWorkflows(task))
	require.NoError(t, err)
	worker.Use(func(ctx hatchet.Context, next func(hatchet.Context) error) error {
		seen <- ctx.StepName()
		return next(ctx)
	})
	stop, err := worker.Start()
	require.NoError(t, err)
	_, err = task.Run(s.ctx, object{})
	require.NoError(t, err)
	require.Equal(t, s.name("middle"), took(s, seen))
	require.NoError(t, stop())
}
