package compat_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hatchet-dev/hatchet/pkg/client"
	"github.com/hatchet-dev/hatchet/pkg/client/rest"
	hatchet "github.com/hatchet-dev/hatchet/sdks/go"
	"github.com/stretchr/testify/require"
)

func TestAResultComesBackAsItWasGiven(t *testing.T) {
	s := begin(t)
	task := s.sdk.NewStandaloneTask(s.name("echo"), echo)
	s.work(task)
	in := object{"text": "größer\n\"", "n": 12.5, "list": []any{1.0, nil, true}, "deep": object{"a": object{}}}
	result, err := task.Run(s.ctx, in)
	require.NoError(t, err)
	var out object
	require.NoError(t, result.Into(&out))
	require.Equal(t, in, out)
}

func TestRESTShowsTheRunAfterwards(t *testing.T) {
	s := begin(t)
	task := s.sdk.NewStandaloneTask(s.name("shown"), echo)
	s.work(task)
	ref := s.start(s.name("shown"), object{"x": 1}, hatchet.WithRunMetadata(map[string]string{"team": "red"}))
	_, err := s.ended(ref)
	require.NoError(t, err)
	details := s.details(ref.RunId)
	require.Equal(t, rest.V1TaskStatusCOMPLETED, details.Run.Status)
	require.Equal(t, object{"x": 1.0}, object(details.Run.Input))
	require.Equal(t, "red", (*details.Run.AdditionalMetadata)["team"])
	require.Len(t, details.Tasks, 1)
	require.Equal(t, ref.RunId, details.Tasks[0].TaskExternalId.String(), "one task: it has the run's id")
	require.Equal(t, object{"x": 1.0}, object(details.Tasks[0].Output))
	require.Equal(t, 1, count(details, rest.V1TaskEventTypeFINISHED))
	require.Equal(t, "COMPLETED", s.status(ref.RunId))
}

func TestARunIsSeenBeforeAnyWorkerIsThere(t *testing.T) {
	s := begin(t)
	task := s.sdk.NewStandaloneTask(s.name("early"), echo)
	s.know(task)
	ref := s.start(s.name("early"), object{"x": 1})
	run, err := s.sdk.Runs().GetDetails(s.ctx, (*ids(s, ref.RunId))[0])
	require.NoError(t, err)
	require.Equal(t, rest.V1TaskStatusQUEUED, run.Status)
	require.False(t, run.Done)
	require.JSONEq(t, `{"x":1}`, string(run.Input))
	s.work(task)
	_, err = s.ended(ref)
	require.NoError(t, err)
	run, err = s.sdk.Runs().GetDetails(s.ctx, (*ids(s, ref.RunId))[0])
	require.NoError(t, err)
	require.True(t, run.Done)
	require.Equal(t, rest.V1TaskStatusCOMPLETED, run.Status)
	require.Len(t, run.TaskRuns, 1)
}

func TestManyRunsAtOnceAllAnswer(t *testing.T) {
	s := begin(t)
	task := s.sdk.NewStandaloneTask(s.name("bulk"), func(_ hatchet.Context, in number) (number, error) { return in, nil })
	s.work(task)
	const many = 500
	inputs := make([]hatchet.RunManyOpt, many)
	for i := range inputs {
		inputs[i].Input = number{i}
	}
	refs, err := task.RunMany(s.ctx, inputs)
	require.NoError(t, err)
	require.Len(t, refs, many)
	seen := map[int]bool{} // the SDK gives them in the order that they were stored
	for i := range refs {
		var out number
		s.output(&refs[i], s.name("bulk"), &out)
		seen[out.N] = true
	}
	require.Len(t, seen, many)
}

func TestManyRunsInOneCallKeepTheirOrder(t *testing.T) {
	s := begin(t)
	s.work(s.sdk.NewStandaloneTask(s.name("call"), func(_ hatchet.Context, in number) (number, error) { return in, nil }))
	plain, err := client.New(client.WithToken(s.engine.token)) // the SDK itself starts many one at a time
	require.NoError(t, err)
	inputs := make([]*client.WorkflowRun, 100)
	for i := range inputs {
		inputs[i] = &client.WorkflowRun{Name: s.name("call"), Input: number{i}}
	}
	runs, err := plain.Admin().BulkRunWorkflow(inputs)
	require.NoError(t, err)
	require.Len(t, runs, len(inputs))
	for i, run := range runs {
		s.becomes(run, "COMPLETED")
		require.InDelta(t, i, s.details(run).Tasks[0].Output["n"], 0)
	}
}

func TestResultsOfEndedRunsAreToldAgain(t *testing.T) {
	s := begin(t)
	s.work(s.sdk.NewStandaloneTask(s.name("again"), echo))
	ref := s.start(s.name("again"), object{"x": 1})
	for range 3 {
		var out object
		s.output(ref, s.name("again"), &out)
		require.Equal(t, object{"x": 1.0}, out)
	}
}

func TestUnknownWorkflowIsRefused(t *testing.T) {
	s := begin(t)
	_, err := s.sdk.RunNoWait(s.ctx, s.name("nobody"), object{})
	require.ErrorContains(t, err, s.name("nobody"))
}

func TestMetadataReachesTheTask(t *testing.T) {
	s := begin(t)
	seen := make(chan map[string]string, 1)
	s.work(s.sdk.NewStandaloneTask(s.name("meta"), func(ctx hatchet.Context, _ object) (object, error) {
		seen <- ctx.AdditionalMetadata()
		return object{}, nil
	}))
	s.start(s.name("meta"), object{}, hatchet.WithRunMetadata(map[string]string{"team": "red"}))
	require.Equal(t, "red", took(s, seen)["team"])
}

func TestTheContextKnowsItsRun(t *testing.T) {
	s := begin(t)
	task := s.sdk.NewStandaloneTask(s.name("context"), func(ctx hatchet.Context, _ object) (object, error) {
		return object{
			"run": ctx.WorkflowRunId(), "step": ctx.StepRunId(), "name": ctx.StepName(), "retry": ctx.RetryCount(),
			"priority": ctx.Priority(), "event": ctx.TriggeredByEvent(), "tenant": ctx.TenantId(), "action": ctx.ActionId(),
		}, nil
	})
	s.work(task)
	ref := s.start(s.name("context"), object{}, hatchet.WithRunPriority(hatchet.RunPriority(3)))
	var out object
	s.output(ref, s.name("context"), &out)
	require.Equal(t, ref.RunId, out["run"])
	require.Equal(t, ref.RunId, out["step"])
	require.Equal(t, s.name("context"), out["name"])
	require.InDelta(t, 3, out["priority"], 0)
	require.Equal(t, false, out["event"])
	require.NotEmpty(t, out["tenant"])
	require.Contains(t, out["action"], s.name("context"))
}

func TestOutputsOfAMegabyteComeBack(t *testing.T) {
	s := begin(t)
	s.work(s.sdk.NewStandaloneTask(s.name("large"), func(hatchet.Context, object) (object, error) {
		return object{"text": strings.Repeat("x", 1<<20)}, nil
	}))
	var out object
	s.output(s.start(s.name("large"), object{}), s.name("large"), &out)
	require.Len(t, out["text"], 1<<20)
}

func TestASecondWorkerOfTheSameProgramChangesNothing(t *testing.T) {
	s := begin(t)
	var ran atomic.Int32
	task := s.sdk.NewStandaloneTask(s.name("twice"), func(hatchet.Context, object) (object, error) {
		ran.Add(1)
		return object{}, nil
	})
	s.work(task)
	id, err := s.sdk.Workflows().GetId(s.ctx, s.name("twice"))
	require.NoError(t, err)
	s.work(task)
	again, err := s.sdk.Workflows().GetId(s.ctx, s.name("twice"))
	require.NoError(t, err)
	require.Equal(t, id, again)
	for range 10 {
		_, err := task.Run(s.ctx, object{})
		require.NoError(t, err)
	}
	require.EqualValues(t, 10, ran.Load())
}

func TestNamespacesKeepProgramsApart(t *testing.T) {
	s := begin(t)
	other := s.client(client.WithNamespace("ns-1." + s.prefix))
	task := other.NewStandaloneTask(s.name("apart"), echo)
	worker, err := other.NewWorker(s.name("apart"), hatchet.WithWorkflows(task))
	require.NoError(t, err)
	stop, err := worker.Start()
	require.NoError(t, err)
	t.Cleanup(func() { _ = stop() })
	ref, err := task.RunNoWait(s.ctx, object{"x": 1})
	require.NoError(t, err)
	s.becomes(ref.RunId, "COMPLETED")
	_, err = s.sdk.RunNoWait(s.ctx, s.name("apart"), object{})
	require.Error(t, err, "it is known in its namespace only")
}

func TestRunsAreFoundByTheirMetadata(t *testing.T) {
	s := begin(t)
	s.work(s.sdk.NewStandaloneTask(s.name("found"), echo))
	ref := s.start(s.name("found"), object{}, hatchet.WithRunMetadata(map[string]string{"case": s.prefix}))
	s.start(s.name("found"), object{}, hatchet.WithRunMetadata(map[string]string{"case": "other"}))
	_, err := s.ended(ref)
	require.NoError(t, err)
	list, err := s.sdk.Runs().List(s.ctx, rest.V1WorkflowRunListParams{
		Since: time.Now().Add(-time.Hour), AdditionalMetadata: &[]string{"case:" + s.prefix},
	})
	require.NoError(t, err)
	require.Len(t, list.Rows, 1)
	require.Equal(t, ref.RunId, list.Rows[0].WorkflowRunExternalId.String())
}

func TestRunsAreFoundByTheirStatus(t *testing.T) {
	s := begin(t)
	started, letGo := make(chan string, 1), make(chan struct{})
	s.work(s.sdk.NewStandaloneTask(s.name("status"), holding(started, letGo)))
	ref := s.start(s.name("status"), object{})
	took(s, started)
	id, err := s.sdk.Workflows().GetId(s.ctx, s.name("status"))
	require.NoError(t, err)
	listed := func(status rest.V1TaskStatus) int {
		list, err := s.sdk.Runs().List(s.ctx, rest.V1WorkflowRunListParams{
			Since: time.Now().Add(-time.Hour), Statuses: &[]rest.V1TaskStatus{status}, WorkflowIds: ids(s, id.String()),
		})
		require.NoError(t, err)
		return len(list.Rows)
	}
	s.eventually("it is listed as running", func() bool { return listed(rest.V1TaskStatusRUNNING) == 1 })
	close(letGo)
	_, err = s.ended(ref)
	require.NoError(t, err)
	require.Zero(t, listed(rest.V1TaskStatusRUNNING))
	require.Equal(t, 1, listed(rest.V1TaskStatusCOMPLETED))
}

func TestACallerThatGivesUpLeavesTheRunAlone(t *testing.T) {
	s := begin(t)
	started, letGo := make(chan string, 1), make(chan struct{})
	s.work(s.sdk.NewStandaloneTask(s.name("left"), holding(started, letGo)))
	ctx, giveUp := context.WithCancel(s.ctx)
	ref, err := s.sdk.RunNoWait(ctx, s.name("left"), object{})
	require.NoError(t, err)
	took(s, started)
	giveUp()
	close(letGo)
	s.becomes(ref.RunId, "COMPLETED")
}
