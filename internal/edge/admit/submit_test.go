package admit_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/shard"
)

// known stores runs of the workflows it names, and refuses a batch as a shard does.
type known map[string]bool

func (k known) Submit(_ context.Context, _ id.ID, runs []shard.NewRun, _ shard.Wait) ([]shard.Submitted, error) {
	ids := make([]shard.Submitted, len(runs))
	for i, run := range runs {
		if !k[run.Workflow] {
			return nil, fault.New(fault.NotFound, fmt.Sprintf("runs[%d].workflow", i), "no workflow %q", run.Workflow)
		}
		ids[i].ID = id.ID(i + 1)
	}
	return ids, nil
}

func TestOneBadRunDoesNotRefuseTheOthers(t *testing.T) {
	t.Parallel()
	runs := []shard.NewRun{
		{Workflow: "a"}, {Workflow: "lost"}, {Workflow: "a", Priority: 5_000}, {Workflow: "gone"}, {Workflow: "lost"}, {Workflow: "a"},
	}
	answers, err := admit.Limits{}.Submit(t.Context(), known{"a": true}, 1, runs, false, shard.WaitForRoom)
	require.NoError(t, err)
	require.EqualValues(t, []id.ID{1, 0, 0, 0, 0, 2},
		[]id.ID{answers[0].ID, answers[1].ID, answers[2].ID, answers[3].ID, answers[4].ID, answers[5].ID})
	refused(t, answers[1].Err, fault.NotFound, "workflow")
	refused(t, answers[2].Err, fault.Invalid, "priority")
	refused(t, answers[3].Err, fault.NotFound, "workflow")
	refused(t, answers[4].Err, fault.NotFound, "workflow")
	require.NoError(t, answers[5].Err)
}

func TestOneBadRunRefusesTheWholeWhenAskedSo(t *testing.T) {
	t.Parallel()
	runs := []shard.NewRun{{Workflow: "a"}, {Workflow: "a", Priority: 5_000}}
	_, err := admit.Limits{}.Submit(t.Context(), known{"a": true}, 1, runs, true, shard.WaitForRoom)
	refused(t, err, fault.Invalid, "runs[1].priority")

	runs = []shard.NewRun{{Workflow: "a"}, {Workflow: "lost"}}
	_, err = admit.Limits{}.Submit(t.Context(), known{"a": true}, 1, runs, true, shard.WaitForRoom)
	refused(t, err, fault.NotFound, "runs[1].workflow")
}

func TestAThousandUnknownWorkflowsAreAnsweredEach(t *testing.T) {
	t.Parallel()
	runs := make([]shard.NewRun, admit.RunsMax)
	for i := range runs {
		runs[i].Workflow = fmt.Sprint("w", i)
	}
	answers, err := admit.Limits{}.Submit(t.Context(), known{}, 1, runs, false, shard.WaitForRoom)
	require.NoError(t, err)
	for i := range answers {
		refused(t, answers[i].Err, fault.NotFound, "workflow")
	}
}
