package compat_test

import (
	"errors"
	"testing"
	"time"

	"github.com/hatchet-dev/hatchet/pkg/client/rest"
	hatchet "github.com/hatchet-dev/hatchet/sdks/go"
	"github.com/stretchr/testify/require"
)

func TestAParentGetsTheResultsOfItsChildren(t *testing.T) {
	s := begin(t)
	child := s.sdk.NewStandaloneTask(s.name("child"), func(_ hatchet.Context, in number) (number, error) { return in, nil })
	parent := s.sdk.NewStandaloneTask(s.name("parent"), func(ctx hatchet.Context, _ object) (total number, err error) {
		for n := range 5 {
			result, err := child.Run(ctx, number{n})
			if err != nil {
				return total, err
			}
			var out number
			if err := result.Into(&out); err != nil {
				return total, err
			}
			total.N += out.N
		}
		return total, nil
	})
	s.work(child, parent)
	ref := s.start(s.name("parent"), object{})
	var out number
	s.output(ref, s.name("parent"), &out)
	require.Equal(t, 10, out.N)
	require.Equal(t, 5, s.details(ref.RunId).Tasks[0].NumSpawnedChildren)
	list, err := s.sdk.Runs().List(s.ctx, rest.V1WorkflowRunListParams{
		Since: time.Now().Add(-time.Hour), ParentTaskExternalId: &(*ids(s, ref.RunId))[0],
	})
	require.NoError(t, err)
	require.Len(t, list.Rows, 5)
}

func TestChildrenAreStartedInOneCall(t *testing.T) {
	s := begin(t)
	child := s.sdk.NewStandaloneTask(s.name("child"), func(_ hatchet.Context, in number) (number, error) { return in, nil })
	parent := s.sdk.NewStandaloneTask(s.name("parent"), func(ctx hatchet.Context, _ object) (total number, err error) {
		inputs := make([]hatchet.RunManyOpt, 20)
		for i := range inputs {
			inputs[i].Input = number{1}
		}
		refs, err := child.RunMany(ctx, inputs)
		if err != nil {
			return total, err
		}
		for i := range refs {
			if _, err := refs[i].Result(); err != nil {
				return total, err
			}
			total.N++
		}
		return total, nil
	})
	s.work(child, parent)
	var out number
	s.output(s.start(s.name("parent"), object{}), s.name("parent"), &out)
	require.Equal(t, 20, out.N)
}

func TestARetryFindsTheChildrenThereAre(t *testing.T) {
	s := begin(t)
	runs := make(chan string, 4)
	child := s.sdk.NewStandaloneTask(s.name("child"), echo)
	parent := s.sdk.NewStandaloneTask(s.name("parent"), func(ctx hatchet.Context, _ object) (object, error) {
		ref, err := child.RunNoWait(ctx, object{})
		if err != nil {
			return nil, err
		}
		runs <- ref.RunId
		if ctx.RetryCount() == 0 {
			return nil, errors.New("not yet")
		}
		return object{}, nil
	}, hatchet.WithRetries(1))
	s.work(child, parent)
	_, err := s.ended(s.start(s.name("parent"), object{}))
	require.NoError(t, err)
	require.Equal(t, took(s, runs), took(s, runs))
}

func TestAKeyNamesAChild(t *testing.T) {
	s := begin(t)
	child := s.sdk.NewStandaloneTask(s.name("child"), echo)
	parent := s.sdk.NewStandaloneTask(s.name("parent"), func(ctx hatchet.Context, _ object) (object, error) {
		var runs []string
		for _, key := range []string{"a", "b", "a"} {
			ref, err := child.RunNoWait(ctx, object{}, hatchet.WithRunKey(key))
			if err != nil {
				return nil, err
			}
			runs = append(runs, ref.RunId)
		}
		return object{"same": runs[0] == runs[2], "other": runs[0] != runs[1]}, nil
	})
	s.work(child, parent)
	var out object
	s.output(s.start(s.name("parent"), object{}), s.name("parent"), &out)
	require.Equal(t, object{"same": true, "other": true}, out)
}

func TestChildrenInheritMetadata(t *testing.T) {
	s := begin(t)
	type seen struct {
		metadata map[string]string
		parent   *string
	}
	heard := make(chan seen, 1)
	child := s.sdk.NewStandaloneTask(s.name("child"), func(ctx hatchet.Context, _ object) (object, error) {
		heard <- seen{ctx.AdditionalMetadata(), ctx.ParentWorkflowRunId()}
		return object{}, nil
	})
	parent := s.sdk.NewStandaloneTask(s.name("parent"), func(ctx hatchet.Context, _ object) (object, error) {
		_, err := child.RunNoWait(ctx, object{}, hatchet.WithRunMetadata(map[string]string{"own": "c", "both": "c"}))
		return object{}, err
	})
	s.work(child, parent)
	ref := s.start(s.name("parent"), object{}, hatchet.WithRunMetadata(map[string]string{"of": "p", "both": "p"}))
	got := took(s, heard)
	require.Equal(t, "p", got.metadata["of"])
	require.Equal(t, "c", got.metadata["own"])
	require.Equal(t, "c", got.metadata["both"])
	require.NotNil(t, got.parent)
	require.Equal(t, ref.RunId, *got.parent)
}

func TestAFailingChildIsItsParentsMatter(t *testing.T) {
	s := begin(t)
	child := s.sdk.NewStandaloneTask(s.name("child"), breaks("no luck"))
	parent := s.sdk.NewStandaloneTask(s.name("parent"), func(ctx hatchet.Context, _ object) (object, error) {
		_, err := child.Run(ctx, object{})
		return object{"heard": err != nil}, nil
	})
	s.work(child, parent)
	var out object
	s.output(s.start(s.name("parent"), object{}), s.name("parent"), &out)
	require.Equal(t, object{"heard": true}, out)
}

func TestAChildMayBeAGraph(t *testing.T) {
	s := begin(t)
	child := s.sdk.NewWorkflow(s.name("child"))
	top := child.NewTask("top", gives(3))
	child.NewTask("bottom", sum(top), hatchet.WithParents(top))
	parent := s.sdk.NewStandaloneTask(s.name("parent"), func(ctx hatchet.Context, _ object) (out number, err error) {
		result, err := child.Run(ctx, object{})
		if err != nil {
			return out, err
		}
		return out, result.TaskOutput("bottom").Into(&out)
	})
	s.work(child, parent)
	var out number
	s.output(s.start(s.name("parent"), object{}), s.name("parent"), &out)
	require.Equal(t, 3, out.N)
}
