package sim

import (
	"flag"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	seedFlag      = flag.Uint64("sim.seed", 1, "the first seed")
	historiesFlag = flag.Uint64("sim.histories", 2_500, "how many histories to play, from the first seed on")
	stepsFlag     = flag.Int("sim.steps", StepsUsual, "how many things happen in a history before its quiet end")
	durationFlag  = flag.Duration("sim.duration", 0, "play for this long instead of a number of histories")
)

// determinismShare is how many histories are played once for each that is played
// twice.
const determinismShare = 16

func TestSimulation(t *testing.T) {
	t.Parallel()
	var (
		next     atomic.Uint64
		failures atomic.Uint64
		workers  sync.WaitGroup
		began    = time.Now()
	)
	histories := *historiesFlag
	if testing.Short() {
		histories /= 10
	}
	more := func(n uint64) bool {
		if *durationFlag > 0 {
			return time.Since(began) < *durationFlag
		}
		return n < histories
	}
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for n := next.Add(1) - 1; more(n) && failures.Load() == 0; n = next.Add(1) - 1 {
				if err := playChecked(*seedFlag+n, n%determinismShare == 0); err != nil {
					failures.Add(1)
					t.Error(err)
				}
			}
		})
	}
	workers.Wait()
	t.Logf("played %d histories in %v", next.Load(), time.Since(began).Round(time.Millisecond))
}

// playChecked plays a history, and now and then a second time to compare.
func playChecked(seed uint64, twice bool) error {
	digest, failure := Play(seed, *stepsFlag, twice)
	if failure != nil {
		return failure
	}
	if !twice {
		return nil
	}
	if again, _ := Play(seed, *stepsFlag, true); again != digest {
		return &Failure{Seed: seed, Violation: broken(deterministic, "two runs of a seed differ")}
	}
	return nil
}
