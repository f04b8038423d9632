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

// coverageHistoriesMin is how many histories bring about all that they are to.
const coverageHistoriesMin = 2_500

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
	all := newCoverage(inputs, enumerations(sourceOfCore(t)))
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for n := next.Add(1) - 1; more(n) && failures.Load() == 0; n = next.Add(1) - 1 {
				if err := playChecked(*seedFlag+n, n%determinismShare == 0, all); err != nil {
					failures.Add(1)
					t.Error(err)
				}
			}
		})
	}
	workers.Wait()
	if n := next.Load(); n >= coverageHistoriesMin && failures.Load() == 0 {
		checkCoverage(t, all)
	}
	t.Logf("played %d histories in %v", next.Load(), time.Since(began).Round(time.Millisecond))
}

// playSmall plays a history of one kind for so many of all kinds.
func playSmall(t *testing.T, oneIn uint64, play func(seed uint64, steps int) *Failure) {
	t.Helper()
	histories := *historiesFlag / oneIn
	if testing.Short() {
		histories /= 10
	}
	for n := range histories {
		if failure := play(*seedFlag+n, *stepsFlag); failure != nil {
			t.Fatal(failure)
		}
	}
}

// playChecked plays a history, and now and then a second time to compare.
func playChecked(seed uint64, twice bool, all *coverage) error {
	h := newHistory(seed)
	h.watch = all.watch
	if twice {
		h.digest = newDigest()
	}
	if failure := h.play(*stepsFlag); failure != nil {
		return failure
	}
	if !twice {
		return nil
	}
	digest := h.digest.Sum64()
	if again, _ := Play(seed, *stepsFlag, true); again != digest {
		return &Failure{Seed: seed, Violation: broken(deterministic, "two runs of a seed differ")}
	}
	return nil
}
