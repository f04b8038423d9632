package crash_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"github.com/adzehq/adze"
)

const (
	// talkChunks at talkPerSecond last longer than the faults of the short form.
	talkChunks    = 3_000
	talkPerSecond = 300
	// flushEvery so many chunks the task waits until all are stored.
	flushEvery = 100
)

// heard is what a reader got of a stream.
type heard struct {
	cursor    string
	data      string
	restarted bool
}

// listen reads a stream to its end.
func listen(ctx context.Context, c *adze.Client, run adze.ID) (all []heard, err error) {
	for chunk, err := range c.ReadStream(ctx, run, adze.StreamFrom{}) {
		if err != nil {
			return all, err
		}
		all = append(all, heard{chunk.Cursor, string(chunk.Data), chunk.Restarted})
	}
	return all, nil
}

func TestStreamsAreReadWholeWhateverDies(t *testing.T) {
	t.Parallel()
	s := newStack(t, 1)
	var mu sync.Mutex
	flushed := map[int]bool{} // chunks that were stored by the word of Flush, in any attempt
	talk := adze.NewTask("talk", func(ctx context.Context, _ string) (int, error) {
		pace := rate.NewLimiter(talkPerSecond, 1)
		for i := range talkChunks {
			if err := pace.Wait(ctx); err != nil {
				return 0, err
			}
			if _, err := fmt.Fprintf(adze.Stream(ctx), "%d", i); err != nil {
				return 0, err
			}
			adze.Log(ctx).Info("said", "n", i)
			if i%flushEvery == 0 {
				if err := adze.Stream(ctx).Flush(); err != nil {
					return 0, err
				}
				mu.Lock()
				flushed[i] = true
				mu.Unlock()
			}
		}
		return talkChunks, nil
	}, adze.Retries(1))
	worker, stop := context.WithCancel(s.ctx)
	var ended sync.WaitGroup
	ended.Go(func() { _ = s.client.Work(worker, talk) })
	defer ended.Wait()
	defer stop()
	run, err := talk.Run(s.ctx, s.client, "")
	require.NoError(t, err)

	var live []heard
	var listening error
	ended.Go(func() { live, listening = listen(s.ctx, s.client, run.ID) })
	begin := time.Now()
	for _, one := range []trouble{engineDies, commitIsCut, engineDiesUnheard, postgresDies, engineDies} {
		s.pass(pauseMin + time.Duration(s.random.Int64N(int64(pauseMax-pauseMin))))
		s.logf("trouble after %v: %s", time.Since(begin), one.name)
		one.do(s)
	}
	_, err = run.Result(s.ctx)
	require.NoError(t, err)
	stored, err := listen(s.ctx, s.client, run.ID)
	require.NoError(t, err)
	stop()
	ended.Wait()

	require.NoError(t, listening)
	require.Equal(t, stored, live, "who follows hears what is stored, each chunk once, in order")
	attempts := checkWhole(t, stored)
	for i := range flushed {
		require.Contains(t, attempts, i, "what was flushed is stored")
	}
	lines := 0
	for _, err := range s.client.Logs(s.ctx, run.ID, adze.LogFilter{Contains: fmt.Sprintf(`{"n":%d}`, talkChunks-1)}) {
		require.NoError(t, err)
		lines++
	}
	require.Equal(t, 1, lines, "the last line came before the end")
	s.logf("%d chunks of %d written, in one attempt: %v", len(stored), talkChunks, len(stored) == talkChunks)
}

// checkWhole: each attempt is there from its first chunk on without a gap, and the
// last one to its end. It returns the chunks there are.
func checkWhole(t *testing.T, all []heard) map[int]bool {
	t.Helper()
	there := map[int]bool{}
	next := 0
	for _, h := range all {
		if h.restarted {
			next = 0
		}
		require.Equal(t, fmt.Sprint(next), h.data)
		there[next] = true
		next++
	}
	require.Equal(t, talkChunks, next)
	return there
}

// checkEndsHaveWhatWasWritten: with each end of an attempt, what the attempt wrote
// before is stored: its line and its chunk.
func (s *stack) checkEndsHaveWhatWasWritten() {
	s.t.Helper()
	for _, table := range []string{"log_line", "stream_chunk"} {
		missing := s.count(`
			select count(*) from adze.task_result as r
			where r.status = 'succeeded' and not exists (
				select from adze.` + table + ` as w where w.task_id = r.id and w.attempt = r.attempt
			)`)
		if missing > 0 {
			s.t.Errorf("%d tasks succeeded without the row of %s that they wrote before", missing, table)
		}
	}
}
