package admit

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/shard"
)

// Submitted is what came of one run of a Submit: an id, or why it was refused.
type Submitted = shard.Submitted

// Submitter stores runs (shard.Client).
type Submitter interface {
	Submit(ctx context.Context, tenant id.ID, runs []shard.NewRun, wait shard.Wait) ([]shard.Submitted, error)
}

// Submit checks runs and has the good ones stored, in one transaction. With whole,
// one that is refused refuses all, but for one whose idempotency key is held; else each
// stands for itself. The answers are in the order of runs. An error says that nothing was stored. It changes runs.
func (l Limits) Submit(
	ctx context.Context, to Submitter, tenant id.ID, runs []shard.NewRun, whole bool, wait shard.Wait,
) ([]Submitted, error) {
	if err := Count("runs", len(runs), RunsMax); err != nil {
		return nil, err
	}
	answers := make([]Submitted, len(runs))
	for i := range runs {
		err := l.Run(&runs[i])
		if err != nil && whole {
			return nil, fault.At(place(i), err)
		}
		answers[i].Err = err
	}
	if whole {
		return answers, store(ctx, to, tenant, runs, answers, wait)
	}
	return answers, storeEach(ctx, to, tenant, runs, answers, wait)
}

// store submits all runs and notes what came of them.
func store(
	ctx context.Context, to Submitter, tenant id.ID, runs []shard.NewRun, answers []Submitted, wait shard.Wait,
) error {
	stored, err := to.Submit(ctx, tenant, runs, wait)
	copy(answers, stored)
	return err
}

// storeEach submits the runs that have no error yet. The shard refuses a whole batch
// for one run; that run is left out then, with all of its workflow if there is none, and
// the rest is tried again. Each round loses a run.
func storeEach(
	ctx context.Context, to Submitter, tenant id.ID, runs []shard.NewRun, answers []Submitted, wait shard.Wait,
) error {
	for range len(runs) + 1 {
		good, origin := remaining(runs, answers)
		if len(good) == 0 {
			return nil
		}
		stored, err := to.Submit(ctx, tenant, good, wait)
		if err == nil {
			for i := range stored {
				answers[origin(i)] = stored[i]
			}
			return nil
		}
		at, inRun := refusedRun(err, len(good))
		if inRun == nil {
			return err
		}
		for i := range runs {
			same := inRun.Field == "workflow" && runs[i].Workflow == good[at].Workflow
			if (same || i == origin(at)) && answers[i].Err == nil {
				answers[i].Err = inRun
			}
		}
	}
	return fault.New(fault.Internal, "", "submitting runs came to no end")
}

// remaining are the runs without an error, and where each stood.
func remaining(runs []shard.NewRun, answers []Submitted) (good []shard.NewRun, origin func(int) int) {
	refused := 0
	for i := range answers {
		if answers[i].Err != nil {
			refused++
		}
	}
	if refused == 0 {
		return runs, func(i int) int { return i }
	}
	good = make([]shard.NewRun, 0, len(runs)-refused)
	places := make([]int, 0, len(runs)-refused)
	for i := range runs {
		if answers[i].Err == nil {
			good = append(good, runs[i])
			places = append(places, i)
		}
	}
	return good, func(i int) int { return places[i] }
}

// refusedRun finds which of n runs err is about, and gives the error without that
// place: runs[3].workflow is 3 and workflow. The second value is nil if err is
// about no run.
func refusedRun(err error, n int) (int, *fault.Error) {
	var e *fault.Error
	if !errors.As(err, &e) {
		return 0, nil
	}
	var at int
	if _, scanErr := fmt.Sscanf(e.Field, "runs[%d]", &at); scanErr != nil || at < 0 || at >= n {
		return 0, nil
	}
	own := *e
	own.Field = strings.TrimPrefix(strings.TrimPrefix(e.Field, place(at)), ".")
	return at, &own
}

func place(i int) string { return fmt.Sprintf("runs[%d]", i) }
