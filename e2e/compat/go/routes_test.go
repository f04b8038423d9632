package compat_test

import (
	"testing"
	"time"

	"github.com/hatchet-dev/hatchet/pkg/client/rest"
	"github.com/hatchet-dev/hatchet/pkg/client/types"
	hatchet "github.com/hatchet-dev/hatchet/sdks/go"
	"github.com/stretchr/testify/require"
)

// where tells which worker ran it.
func where(ctx hatchet.Context, _ object) (object, error) {
	return object{"worker": ctx.Worker().ID(), "labels": ctx.Worker().GetLabels()}, nil
}

// desired is a run that must go to a worker with a label.
func desired(key string, value any) hatchet.RunOptFunc {
	return hatchet.WithDesiredWorkerLabels(map[string]*hatchet.DesiredWorkerLabel{key: {Value: value, Required: true}})
}

func TestRequiredLabelsChooseTheWorker(t *testing.T) {
	s := begin(t)
	task := s.sdk.NewStandaloneTask(s.name("labels"), where)
	for _, model := range []string{"small", "big"} {
		s.worker(hatchet.WithWorkflows(task), hatchet.WithLabels(map[string]any{"model": model}))
	}
	for _, model := range []string{"big", "small", "big", "small"} {
		// By the task: the older SDK loses the labels of a run that is started by a name.
		ref, err := task.RunNoWait(s.ctx, object{}, desired("model", model))
		require.NoError(t, err)
		var out struct{ Labels map[string]string }
		s.output(ref, s.name("labels"), &out)
		require.Equal(t, model, out.Labels["model"])
	}
}

func TestLabelsThatChangeCount(t *testing.T) {
	s := begin(t)
	grow := s.sdk.NewStandaloneTask(s.name("grow"), func(ctx hatchet.Context, _ object) (object, error) {
		return object{}, ctx.Worker().UpsertLabels(map[string]any{"memory": 512})
	})
	needs := s.sdk.NewStandaloneTask(s.name("needs"), echo)
	s.work(grow, needs)
	ref, err := needs.RunNoWait(s.ctx, object{}, hatchet.WithDesiredWorkerLabels(map[string]*hatchet.DesiredWorkerLabel{
		"memory": {Value: 100, Required: true, Comparator: types.ComparatorPtr(types.WorkerLabelComparator_GREATER_THAN)},
	}))
	require.NoError(t, err)
	require.Equal(t, "QUEUED", s.status(ref.RunId))
	_, err = grow.Run(s.ctx, object{})
	require.NoError(t, err)
	_, err = s.ended(ref)
	require.NoError(t, err)
}

func TestAStickyRunStaysOnItsWorker(t *testing.T) {
	s := begin(t)
	flow := s.sdk.NewWorkflow(s.name("sticky"), hatchet.WithWorkflowStickyStrategy(types.StickyStrategy_HARD))
	a := flow.NewTask("a", where)
	b := flow.NewTask("b", where, hatchet.WithParents(a))
	flow.NewTask("c", where, hatchet.WithParents(b))
	s.work(flow)
	s.work(flow)
	for range 4 {
		result, err := s.ended(s.start(s.name("sticky"), object{}))
		require.NoError(t, err)
		workers := map[string]bool{}
		for _, task := range []string{"a", "b", "c"} {
			var out struct{ Worker string }
			require.NoError(t, result.TaskOutput(task).Into(&out))
			workers[out.Worker] = true
		}
		require.Len(t, workers, 1)
	}
}

func TestAStickyChildRunsWhereItsParentDoes(t *testing.T) {
	s := begin(t)
	child := s.sdk.NewWorkflow(s.name("child"), hatchet.WithWorkflowStickyStrategy(types.StickyStrategy_HARD))
	child.NewTask("run", where)
	parent := s.sdk.NewStandaloneTask(s.name("parent"), func(ctx hatchet.Context, _ object) (object, error) {
		result, err := child.Run(ctx, object{}, hatchet.WithRunSticky(true))
		if err != nil {
			return nil, err
		}
		var out struct{ Worker string }
		err = result.TaskOutput("run").Into(&out)
		return object{"same": out.Worker == ctx.Worker().ID()}, err
	})
	s.work(parent, child)
	s.work(parent, child)
	for range 4 {
		var out object
		s.output(s.start(s.name("parent"), object{}), s.name("parent"), &out)
		require.Equal(t, object{"same": true}, out)
	}
}

// mine finds the scenario's worker over REST.
func (s *scene) mine() *rest.Worker {
	s.Helper()
	var found *rest.Worker
	s.eventually("the worker is listed", func() bool {
		list, err := s.sdk.Workers().List(s.ctx)
		require.NoError(s, err)
		for i, w := range *list.Rows {
			if w.Name == s.name("worker") {
				found = &(*list.Rows)[i]
			}
		}
		return found != nil
	})
	return found
}

func TestWorkersAreShownAsTheyAre(t *testing.T) {
	s := begin(t)
	task := s.sdk.NewStandaloneTask(s.name("shown"), echo)
	stop := s.worker(hatchet.WithWorkflows(task), hatchet.WithSlots(7), hatchet.WithLabels(map[string]any{"model": "big"}))
	_, err := task.Run(s.ctx, object{})
	require.NoError(t, err)
	w, err := s.sdk.Workers().Get(s.ctx, s.mine().Metadata.Id)
	require.NoError(t, err)
	require.Equal(t, s.name("worker"), w.Name)
	require.EqualValues(t, "ACTIVE", *w.Status)
	require.Equal(t, 7, (*w.SlotConfig)["default"].Limit)
	require.NotEmpty(t, *w.Labels)
	require.NotEmpty(t, *w.Actions)
	require.EqualValues(t, "GOLANG", *w.RuntimeInfo.Language)
	stop()
	s.eventually("it is gone", func() bool {
		w, err := s.sdk.Workers().Get(s.ctx, w.Metadata.Id)
		require.NoError(t, err)
		return *w.Status == "INACTIVE"
	})
}

func TestAPausedWorkerGetsNothingNewAndEndsWhatItRuns(t *testing.T) {
	s := begin(t)
	started, letGo := make(chan string, 2), make(chan struct{})
	s.work(s.sdk.NewStandaloneTask(s.name("paused"), holding(started, letGo)))
	first := s.start(s.name("paused"), object{})
	id := took(s, started)
	w, err := s.sdk.Workers().Pause(s.ctx, id)
	require.NoError(t, err)
	require.EqualValues(t, "PAUSED", *w.Status)
	second := s.start(s.name("paused"), object{})
	close(letGo)
	_, err = s.ended(first)
	require.NoError(t, err)
	require.Equal(t, "QUEUED", s.status(second.RunId))
	_, err = s.sdk.Workers().Unpause(s.ctx, id)
	require.NoError(t, err)
	_, err = s.ended(second)
	require.NoError(t, err)
}

func TestWorkIsSharedByWorkers(t *testing.T) {
	s := begin(t)
	task := s.sdk.NewStandaloneTask(s.name("shared"), func(ctx hatchet.Context, _ object) (object, error) {
		time.Sleep(5 * time.Millisecond) // so that one has no room for all
		return object{"worker": ctx.Worker().ID()}, nil
	})
	s.worker(hatchet.WithWorkflows(task), hatchet.WithSlots(2))
	s.worker(hatchet.WithWorkflows(task), hatchet.WithSlots(2))
	_, err := task.Run(s.ctx, object{})
	require.NoError(t, err)
	workers := map[string]bool{}
	s.eventually("both work", func() bool {
		inputs := make([]hatchet.RunManyOpt, 20)
		for i := range inputs {
			inputs[i].Input = object{}
		}
		refs, err := task.RunMany(s.ctx, inputs)
		require.NoError(t, err)
		for i := range refs {
			var out struct{ Worker string }
			s.output(&refs[i], s.name("shared"), &out)
			workers[out.Worker] = true
		}
		return len(workers) == 2
	})
}
