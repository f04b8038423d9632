package crash_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
)

const (
	limitMax    = 3
	limitedRuns = 300
	// limitedFor is how long each of them takes: some run whenever an engine dies.
	limitedFor = 150 * time.Millisecond
)

// ledger counts who runs at a time, outside of the engine.
type ledger struct {
	mu        sync.Mutex
	now, most map[string]int
}

func (l *ledger) enter(key string) (leave func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now[key]++
	l.most[key] = max(l.most[key], l.now[key])
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.now[key]--
	}
}

// The workers outlive every engine, and what they run goes on meanwhile: the engine that
// takes over must count it before it gives out a place.
func TestLimitsHoldWhateverEngineDies(t *testing.T) {
	t.Parallel()
	s := newStack(t, 1)
	inside := &ledger{now: map[string]int{}, most: map[string]int{}}
	limited := adze.NewTask("limited", func(ctx context.Context, key string) (string, error) {
		defer inside.enter(key)()
		timer := time.NewTimer(limitedFor)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
		return key, nil
	}, adze.Retries(3), adze.Limit(adze.ConcurrencyLimit{Key: "input", Max: limitMax}))
	life, stop := context.WithCancel(s.ctx)
	var ended sync.WaitGroup
	for range 2 {
		ended.Go(func() { _ = s.client.Work(life, limited, adze.Slots(slots)) })
	}
	defer ended.Wait()
	defer stop()
	var runs []*adze.Run[string]
	for range limitedRuns / 2 {
		for _, key := range []string{"a", "b"} {
			run, err := limited.Run(s.ctx, s.client, key)
			require.NoError(t, err)
			runs = append(runs, run)
		}
	}
	for _, one := range []trouble{engineDies, engineDiesUnheard, commitIsCut, engineDies} {
		s.pass(time.Second)
		s.logf("trouble: %s", one.name)
		one.do(s)
	}
	for _, run := range runs {
		_, err := run.Result(s.ctx)
		require.NoError(t, err)
	}
	inside.mu.Lock()
	defer inside.mu.Unlock()
	require.Equal(t, map[string]int{"a": limitMax, "b": limitMax}, inside.most)
}
