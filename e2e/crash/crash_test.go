package crash_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/e2e/crash/proxy"
)

func TestNothingIsLostWhenEnginesDie(t *testing.T) {
	t.Parallel()
	s := newStack(t, 2)
	l := s.startLoad()
	s.play(engineDies, engineDiesUnheard)
	s.finish(l)
}

func TestNothingIsLostWhenWorkersDie(t *testing.T) {
	t.Parallel()
	s := newStack(t, 3)
	l := s.startLoad()
	s.play(workerDies)
	s.finish(l)
}

func TestNothingIsLostWhenPostgresDies(t *testing.T) {
	t.Parallel()
	s := newStack(t, 2)
	l := s.startLoad()
	s.play(postgresDies)
	s.finish(l)
}

func TestNothingIsLostWhenEverythingDies(t *testing.T) {
	t.Parallel()
	s := newStack(t, 3)
	l := s.startLoad()
	troubles := []trouble{engineDies, engineDiesUnheard, workerDies, postgresDies, commitIsCut, wiresAreCut}
	if soaking() {
		troubles = append(troubles, postgresFreezes, workerFreezes)
	}
	s.play(troubles...)
	s.finish(l)
}

func TestACommitThatIsCutIsNeitherLostNorRepeated(t *testing.T) {
	t.Parallel()
	s := newStack(t, 2)
	l := s.startLoad()
	s.play(commitIsCut)
	for at := range proxy.Moment(proxy.Moments) {
		for s.cuts[at] == 0 {
			<-s.wire.CutCommit(flushMarker, at)
			s.cuts[at]++
		}
	}
	retries, err := s.scrape(s.engine, "adze_journal_retries_total")
	require.NoError(t, err)
	require.NotZero(t, retries)
	s.t.Logf("cuts before, during and after the commit: %v; the journal tried again %v times", s.cuts, retries)
	s.finish(l)
}
