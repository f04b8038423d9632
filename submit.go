package adze

import (
	"context"
	"fmt"

	"github.com/adzehq/adze/internal/shard"
)

// submitter stores runs: those of concurrent callers together, and many of one caller
// in few transactions.
type submitter struct {
	transport transport
	calls     *batcher[shard.NewRun, submitted]
}

func newSubmitter(t transport, own *background) *submitter {
	return &submitter{t, newBatcher(own, runWeight, func(ctx context.Context, runs []shard.NewRun) ([]submitted, error) {
		return t.submit(ctx, runs, false)
	})}
}

// submit returns once the run is stored, refused, or ctx ends.
func (s *submitter) submit(ctx context.Context, run shard.NewRun) (submitted, error) {
	answer, err := s.calls.do(ctx, run)
	if err == nil {
		err = answer.err
	}
	return answer, ofOneRun(err)
}

// submitMany stores runs in transactions of as many as fit, in order. With an
// error, the answers are those of the transactions before.
func (s *submitter) submitMany(ctx context.Context, runs []shard.NewRun) ([]submitted, error) {
	all := make([]submitted, 0, len(runs))
	for len(runs) > 0 {
		n := fitting(runs)
		answers, err := s.transport.submit(ctx, runs[:n], true)
		if at, err := placed(err); at >= 0 {
			return all, fmt.Errorf("input %d: %w", len(all)+at, err)
		}
		if err != nil {
			return all, err
		}
		all, runs = append(all, answers...), runs[n:]
	}
	return all, nil
}

// fitting is how many of runs go in one call; one at least.
func fitting(runs []shard.NewRun) int {
	bytes := 0
	for n := range min(len(runs), batchItemsMax) {
		if bytes += runWeight(&runs[n]); n > 0 && bytes > batchBytesMax {
			return n
		}
	}
	return min(len(runs), batchItemsMax)
}

func runWeight(r *shard.NewRun) int {
	weight := len(r.Input) + len(r.Metadata) + len(r.Workflow) + itemOverheadBytes
	if r.Once != nil {
		weight += len(r.Once.Key) + itemOverheadBytes
	}
	return weight
}
