package adzetest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/adzetest"
)

// streamed reads a run's stream to its end, as text with a mark where a task began anew.
func streamed(t *testing.T, c *adze.Client, run adze.ID, from adze.StreamFrom) string {
	t.Helper()
	var text strings.Builder
	for chunk, err := range c.ReadStream(t.Context(), run, from) {
		require.NoError(t, err)
		if chunk.Restarted {
			fmt.Fprintf(&text, "<%d>", chunk.Attempt)
		}
		text.Write(chunk.Data)
	}
	return text.String()
}

func TestReaderFollowsATaskAndReadsItAgain(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		count := adze.NewTask("count", func(ctx context.Context, n int) (string, error) {
			for i := range n {
				fmt.Fprintf(adze.Stream(ctx), "%d ", i)
				time.Sleep(time.Second)
			}
			return "done", nil
		})
		env.Work(count)
		run, err := count.Run(t.Context(), env.Client, 5)
		require.NoError(t, err)

		began := env.Now()
		at := map[string]time.Duration{}
		var cursors []string
		for chunk, err := range env.Client.ReadStream(t.Context(), run.ID, adze.StreamFrom{}) {
			require.NoError(t, err)
			at[string(chunk.Data)] = env.Now().Sub(began)
			cursors = append(cursors, chunk.Cursor)
			require.Equal(t, "count", chunk.Name)
			require.Equal(t, 1, chunk.Attempt)
		}
		require.Equal(t, map[string]time.Duration{
			"0 ": 0, "1 ": time.Second, "2 ": 2 * time.Second, "3 ": 3 * time.Second, "4 ": 4 * time.Second,
		}, at)
		require.Equal(t, adze.Succeeded, env.Status(run.ID))
		require.Equal(t, "0 1 2 3 4 ", streamed(t, env.Client, run.ID, adze.StreamFrom{}))
		require.Equal(t, "3 4 ", streamed(t, env.Client, run.ID, adze.StreamFrom{After: cursors[2]}))
		require.Empty(t, streamed(t, env.Client, run.ID, adze.StreamFrom{After: cursors[4]}))
	})
}

func TestReaderWhoJoinsLateMissesNothing(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		slow := adze.NewTask("slow", func(ctx context.Context, _ string) (string, error) {
			for i := range 300 {
				fmt.Fprintf(adze.Stream(ctx), "%d ", i)
				time.Sleep(time.Second)
			}
			return "", nil
		})
		env.Work(slow)
		run, err := slow.Run(t.Context(), env.Client, "")
		require.NoError(t, err)
		env.Advance(200 * time.Second)
		var want strings.Builder
		for i := range 300 {
			fmt.Fprintf(&want, "%d ", i)
		}
		require.Equal(t, want.String(), streamed(t, env.Client, run.ID, adze.StreamFrom{}))
	})
}

func TestRetryStreamsAnewAfterAMark(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		flaky := adze.NewTask("flaky", func(ctx context.Context, _ string) (string, error) {
			fmt.Fprint(adze.Stream(ctx), "a")
			fmt.Fprint(adze.Stream(ctx), "b")
			if adze.Attempt(ctx) < 3 {
				return "", errors.New("no")
			}
			return "", nil
		}, adze.Retries(2))
		env.Work(flaky)
		run, err := flaky.Run(t.Context(), env.Client, "")
		require.NoError(t, err)
		require.Equal(t, "ab<2>ab<3>ab", streamed(t, env.Client, run.ID, adze.StreamFrom{}))
	})
}

func TestTasksOfAWorkflowStreamSideBySide(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		w := adze.NewWorkflow[string]("pair")
		one := adze.AddTask(w, "one", writeLetters("abc"))
		adze.AddTask(w, "two", writeLetters("xyz"), adze.After(one))
		env.Work(w)
		run, err := w.Run(t.Context(), env.Client, "")
		require.NoError(t, err)
		require.Equal(t, "abcxyz", streamed(t, env.Client, run.ID, adze.StreamFrom{}))
		require.Equal(t, "xyz", streamed(t, env.Client, run.ID, adze.StreamFrom{Task: "two"}))

		var after string
		for chunk, err := range env.Client.ReadStream(t.Context(), run.ID, adze.StreamFrom{}) {
			require.NoError(t, err)
			after = chunk.Cursor
			if string(chunk.Data) == "x" {
				break
			}
		}
		require.Equal(t, "yz", streamed(t, env.Client, run.ID, adze.StreamFrom{After: after}))

		for _, err := range env.Client.ReadStream(t.Context(), run.ID, adze.StreamFrom{Task: "three"}) {
			require.ErrorIs(t, err, adze.ErrNotFound)
			require.ErrorContains(t, err, `no task "three"`)
		}
	})
}

func writeLetters(letters string) func(context.Context, string) (string, error) {
	return func(ctx context.Context, _ string) (string, error) {
		for _, l := range letters {
			if _, err := io.WriteString(adze.Stream(ctx), string(l)); err != nil {
				return "", err
			}
		}
		return letters, nil
	}
}

func TestWriteIsSplitIntoChunksAndBounded(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		var wrote int
		big := adze.NewTask("big", func(ctx context.Context, _ string) (string, error) {
			n, err := adze.Stream(ctx).Write(make([]byte, 16<<20+1))
			wrote = n
			return "", adze.NonRetryable(err)
		})
		env.Work(big)
		run, err := big.Run(t.Context(), env.Client, "")
		require.NoError(t, err)
		_, err = run.Result(t.Context())
		require.ErrorContains(t, err, "at most 16 MiB are kept of an attempt")
		require.Equal(t, 16<<20, wrote)
		chunks := 0
		for chunk, err := range env.Client.ReadStream(t.Context(), run.ID, adze.StreamFrom{}) {
			require.NoError(t, err)
			require.Len(t, chunk.Data, 64<<10)
			chunks++
		}
		require.Equal(t, 256, chunks)
	})
}

func TestWriteAfterTheEndIsRefused(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		late := make(chan error, 2)
		task := adze.NewTask("late", func(ctx context.Context, _ string) (string, error) {
			go func() {
				time.Sleep(time.Second)
				_, err := io.WriteString(adze.Stream(ctx), "x")
				late <- err
				adze.Log(ctx).Info("nobody hears this")
				late <- adze.Stream(ctx).Flush()
			}()
			return "", nil
		})
		env.Work(task)
		_, err := task.Call(t.Context(), env.Client, "")
		require.NoError(t, err)
		require.ErrorIs(t, <-late, adze.ErrConflict)
		require.NoError(t, <-late, "there is nothing that is not stored")
		_, err = adze.Stream(t.Context()).Write(nil)
		require.ErrorIs(t, err, adze.ErrInvalid)
	})
}

func TestFlushedChunkIsStored(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		flushed := make(chan struct{})
		task := adze.NewTask("flush", func(ctx context.Context, _ string) (string, error) {
			fmt.Fprint(adze.Stream(ctx), "x")
			err := adze.Stream(ctx).Flush()
			close(flushed)
			<-ctx.Done()
			return "", err
		})
		env.Work(task)
		run, err := task.Run(t.Context(), env.Client, "")
		require.NoError(t, err)
		<-flushed
		for chunk, err := range env.Client.ReadStream(t.Context(), run.ID, adze.StreamFrom{}) {
			require.NoError(t, err)
			require.Equal(t, "x", string(chunk.Data))
			break
		}
	})
}

// logged reads a run's log as text.
func logged(t *testing.T, c *adze.Client, run adze.ID, filter adze.LogFilter) (lines []string) {
	t.Helper()
	for l, err := range c.Logs(t.Context(), run, filter) {
		require.NoError(t, err)
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s", l.Level, l.Message, l.Fields)))
	}
	return lines
}

func TestLinesAreStoredWithTheirFields(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		var besides strings.Builder
		task := adze.NewTask("chatty", func(ctx context.Context, _ string) (string, error) {
			log := adze.Log(ctx)
			log.Debug("too low")
			log.Info("plain")
			log.Warn("with", "n", 1, "msg", "a field of that name", slog.Group("g", "a", true))
			log.With("order", "o-7").WithGroup("step").Error("nested", "name", "pay")
			if adze.Attempt(ctx) == 1 {
				return "", errors.New("no")
			}
			return "", nil
		}, adze.Retries(1))
		env.Work(task, adze.LogTo(slog.NewTextHandler(&besides, nil)))
		run, err := task.Run(t.Context(), env.Client, "")
		require.NoError(t, err)
		_, err = run.Result(t.Context())
		require.NoError(t, err)

		once := []string{
			`INFO plain`,
			`WARN with {"n":1,"msg":"a field of that name","g":{"a":true}}`,
			`ERROR nested {"order":"o-7","step":{"name":"pay"}}`,
		}
		read := func(f adze.LogFilter) []string { return logged(t, env.Client, run.ID, f) }
		require.Equal(t, append(once, once...), read(adze.LogFilter{}))
		require.Equal(t, once, read(adze.LogFilter{Attempt: 2}))
		require.Equal(t, once[1:], read(adze.LogFilter{Attempt: 1, Level: slog.LevelWarn}))
		require.Equal(t, once[2:], read(adze.LogFilter{Attempt: 1, Contains: "o-7"}))
		require.Equal(t, once[:2], read(adze.LogFilter{Limit: 2}))
		for l, err := range env.Client.Logs(t.Context(), run.ID, adze.LogFilter{Limit: 1, Attempt: 1, Level: slog.LevelError}) {
			require.NoError(t, err)
			require.Equal(t, adzetest.Start, l.Time.UTC())
			require.Equal(t, once, read(adze.LogFilter{After: l.Cursor}))
		}
		require.Contains(t, besides.String(), "level=INFO msg=plain run="+run.ID.String()+" task=chatty attempt=1")
	})
}

func TestFollowerOfALogHearsLinesAsTheyCome(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		task := adze.NewTask("slow", func(ctx context.Context, _ string) (string, error) {
			for i := range 3 {
				adze.Log(ctx).Info("tick", "n", i)
				time.Sleep(time.Minute)
			}
			return "", nil
		})
		env.Work(task)
		run, err := task.Run(t.Context(), env.Client, "")
		require.NoError(t, err)
		var at []time.Duration
		for l, err := range env.Client.Logs(t.Context(), run.ID, adze.LogFilter{Follow: true}) {
			require.NoError(t, err)
			require.Equal(t, l.Time.UTC(), env.Now())
			at = append(at, env.Now().Sub(adzetest.Start))
		}
		require.Equal(t, []time.Duration{0, time.Minute, 2 * time.Minute}, at)
	})
}

func TestLogIsBoundedAndSaysSo(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		task := adze.NewTask("endless", func(ctx context.Context, lines int) (string, error) {
			for i := range lines {
				adze.Log(ctx).Info("counted", "n", i)
				if i%1_000 == 999 {
					time.Sleep(time.Second) // lets the engine take them
				}
			}
			return "", nil
		})
		env.Work(task)
		for _, lines := range []int{10_000, 10_001, 12_000} {
			run, err := task.Run(t.Context(), env.Client, lines)
			require.NoError(t, err)
			_, err = run.Result(t.Context())
			require.NoError(t, err)
			got := logged(t, env.Client, run.ID, adze.LogFilter{})
			require.Equal(t, `INFO counted {"n":9999}`, got[9_999])
			if lines == 10_000 {
				require.Len(t, got, 10_000)
				continue
			}
			require.Len(t, got, 10_001)
			require.Equal(t, "WARN no more lines are kept of this attempt: 10000 are the most", got[10_000])
		}
	})
}

func TestBadCursorIsRefused(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		task := adze.NewTask("t", writeLetters("a"))
		env.Work(task)
		run, err := task.Run(t.Context(), env.Client, "")
		require.NoError(t, err)
		for _, bad := range []string{"x", "0.1", "1.1.1", "0.0.0", "0.1.-1", "0.1.1,0.1.2", "0.1.1,", "0.zzzzzzzzzzzzzzzzz.1"} {
			for _, err := range env.Client.ReadStream(t.Context(), run.ID, adze.StreamFrom{After: bad}) {
				require.ErrorIs(t, err, adze.ErrInvalid, bad)
				require.ErrorContains(t, err, "after: is no cursor of this run")
			}
		}
		for _, err := range env.Client.ReadStream(t.Context(), 12345, adze.StreamFrom{}) {
			require.ErrorIs(t, err, adze.ErrNotFound)
		}
	})
}

func TestLinesThatFindNoRoomAreCounted(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		const lines = 9_000
		task := adze.NewTask("burst", func(ctx context.Context, _ string) (string, error) {
			for i := range lines {
				adze.Log(ctx).Info("counted", "n", i)
			}
			return "", nil
		})
		env.Work(task)
		run, err := task.Run(t.Context(), env.Client, "")
		require.NoError(t, err)
		_, err = run.Result(t.Context())
		require.NoError(t, err)
		next := 0
		for l, err := range env.Client.Logs(t.Context(), run.ID, adze.LogFilter{}) {
			require.NoError(t, err)
			if l.Level == slog.LevelInfo {
				require.JSONEq(t, fmt.Sprintf(`{"n":%d}`, next), string(l.Fields))
				next++
				continue
			}
			var missing int
			_, err := fmt.Sscanf(l.Message, "%d lines are missing here", &missing)
			require.NoError(t, err)
			next += missing
		}
		require.Equal(t, lines, next)
	})
}

func TestDurableTaskStreamsOnAfterItWasSuspended(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		patient := adze.NewDurable("patient", func(ctx context.Context, _ string) (string, error) {
			fmt.Fprint(adze.Stream(ctx), "a")
			adze.Log(ctx).Info("waits")
			if err := adze.Sleep(ctx, 24*time.Hour); err != nil {
				return "", err
			}
			_, err := fmt.Fprint(adze.Stream(ctx), "b")
			return "", err
		})
		env.Work(patient)
		run, err := patient.Run(t.Context(), env.Client, "")
		require.NoError(t, err)
		require.Equal(t, "a<1>ab", streamed(t, env.Client, run.ID, adze.StreamFrom{}), "its code before the sleep ran again")
		require.Equal(t, []string{"INFO waits", "INFO waits"}, logged(t, env.Client, run.ID, adze.LogFilter{}))
	})
}
