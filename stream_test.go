package adze_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/internal/pgtest"
)

// text is n bytes that do not repeat themselves.
func text(n int) []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "%d ", i)
	}
	return b.Bytes()[:n]
}

// inPieces streams all in pieces of any size up to max, and calls after with how much
// was written.
func inPieces(ctx context.Context, all []byte, pieceMax int, after func(written int)) error {
	for at := 0; at < len(all); {
		piece := all[at:min(len(all), at+1+rand.IntN(pieceMax))]
		if _, err := adze.Stream(ctx).Write(piece); err != nil {
			return err
		}
		at += len(piece)
		after(at)
	}
	return nil
}

// readAll reads a run's stream to its end.
func readAll(ctx context.Context, c *adze.Client, run adze.ID, from adze.StreamFrom) ([]byte, error) {
	var got []byte
	for chunk, err := range c.ReadStream(ctx, run, from) {
		if err != nil {
			return got, err
		}
		got = append(got, chunk.Data...)
	}
	return got, nil
}

func TestEveryReaderGetsEveryByteOnce(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		all := text(300_000)
		half := make(chan struct{})
		begun := make(chan struct{})
		task := adze.NewTask("pieces", func(ctx context.Context, _ string) (string, error) {
			close(begun)
			return "", inPieces(ctx, all, 300, func(written int) {
				if written > len(all)/2 && half != nil {
					close(half)
					half = nil
				}
			})
		})
		joined := half
		work(t, c, task)
		run, err := task.Run(ctx, c, "")
		require.NoError(t, err)

		var readers sync.WaitGroup
		defer readers.Wait()
		read := func(when <-chan struct{}) {
			readers.Go(func() {
				<-when
				got, err := readAll(ctx, c, run.ID, adze.StreamFrom{})
				if err != nil || !bytes.Equal(all, got) {
					t.Errorf("read %d of %d bytes: %v", len(got), len(all), err)
				}
			})
		}
		now := make(chan struct{})
		close(now)
		read(now)
		read(begun)
		read(joined)

		var got []byte
		for from := (adze.StreamFrom{}); len(got) < len(all); { // comes back time and again
			left := 1 + rand.IntN(50)
			for chunk, err := range c.ReadStream(ctx, run.ID, from) {
				require.NoError(t, err)
				got = append(got, chunk.Data...)
				from.After = chunk.Cursor
				if left--; left == 0 {
					break
				}
			}
		}
		require.True(t, bytes.Equal(all, got))
	})
}

func TestSlowReaderHoldsUpNobodyAndMissesNothing(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		all := text(8 << 20)
		task := adze.NewTask("fast", func(ctx context.Context, _ string) (string, error) {
			return "", inPieces(ctx, all, 64<<10, func(int) {})
		})
		work(t, c, task)
		run, err := task.Run(ctx, c, "")
		require.NoError(t, err)
		var got []byte
		for chunk, err := range c.ReadStream(ctx, run.ID, adze.StreamFrom{}) {
			require.NoError(t, err)
			if got == nil {
				_, err := run.Result(ctx) // the task ends while its reader sleeps
				require.NoError(t, err)
			}
			got = append(got, chunk.Data...)
		}
		require.True(t, bytes.Equal(all, got))
	})
}

func TestStreamAndLogGoOnOverARestartOfTheEngine(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	database := pgtest.URL(t)
	e := serve(t, database)
	c := dial(t, e)
	all := text(200_000)
	quarter, restarted := make(chan struct{}), make(chan struct{})
	task := adze.NewTask("long", func(ctx context.Context, _ string) (string, error) {
		waited := false
		return "", inPieces(ctx, all, 2_000, func(written int) {
			adze.Log(ctx).Info("wrote", "bytes", written)
			if written > len(all)/4 && !waited {
				waited = true
				close(quarter)
			}
			if written > len(all)/2 {
				<-restarted
			}
		})
	})
	work(t, c, task)
	run, err := task.Run(ctx, c, "")
	require.NoError(t, err)

	var reader sync.WaitGroup
	defer reader.Wait()
	reader.Go(func() {
		got, err := readAll(ctx, c, run.ID, adze.StreamFrom{})
		if err != nil || !bytes.Equal(all, got) {
			t.Errorf("read %d of %d bytes: %v", len(got), len(all), err)
		}
	})
	<-quarter
	e.stop()
	serveAt(t, database, e.address)
	close(restarted)
	_, err = run.Result(ctx)
	require.NoError(t, err)
	got, err := readAll(ctx, c, run.ID, adze.StreamFrom{})
	require.NoError(t, err)
	require.True(t, bytes.Equal(all, got))
	last := 0
	for line, err := range c.Logs(ctx, run.ID, adze.LogFilter{}) {
		require.NoError(t, err)
		var written int
		_, err := fmt.Sscanf(string(line.Fields), `{"bytes":%d}`, &written)
		require.NoError(t, err)
		require.Greater(t, written, last)
		last = written
	}
	require.Equal(t, len(all), last)
}

func TestStreamsAndLogsOfStrangersAreNotFound(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, c *adze.Client) {
		for _, err := range c.ReadStream(ctx, 12345, adze.StreamFrom{}) {
			require.ErrorIs(t, err, adze.ErrNotFound)
		}
		for _, err := range c.Logs(ctx, 12345, adze.LogFilter{Follow: true}) {
			require.ErrorIs(t, err, adze.ErrNotFound)
		}
		for _, err := range c.Logs(ctx, 12345, adze.LogFilter{Limit: 100_001}) {
			require.ErrorIs(t, err, adze.ErrInvalid)
			require.ErrorContains(t, err, "limit")
		}
		for _, err := range c.Logs(ctx, 12345, adze.LogFilter{Contains: string(text(1_025)), Level: slog.LevelInfo}) {
			require.ErrorIs(t, err, adze.ErrInvalid)
			require.ErrorContains(t, err, "contains")
		}
	})
}
