// Package assistant answers questions word by word: a task that streams while it runs
// and logs what it does, and a reader that shows it as it comes. It is the code of
// docs/guides/logs-and-streams.md.
package assistant

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/adzehq/adze"
)

// Model gives the words of an answer one after the other.
type Model interface {
	Words(ctx context.Context, question string) ([]string, error)
}

// wordPause is how long the model takes for a word.
const wordPause = 200 * time.Millisecond

// New is the task that answers with a model.
func New(model Model) *adze.Task[string, string] {
	return adze.NewTask("answer", func(ctx context.Context, question string) (string, error) {
		log := adze.Log(ctx).With("question", question)
		words, err := model.Words(ctx, question)
		if err != nil {
			return "", fmt.Errorf("ask model: %w", err)
		}
		log.Info("begins to answer", "words", len(words))

		out := adze.Stream(ctx)
		for _, word := range words {
			if _, err := io.WriteString(out, word+" "); err != nil {
				return "", err
			}
			pause(ctx, wordPause)
		}
		log.Info("answered")
		return strings.Join(words, " "), nil
	}, adze.Retries(2))
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Show writes the answer of a run as it comes, and says where a retry begins anew.
func Show(ctx context.Context, client *adze.Client, run adze.ID, to io.Writer) error {
	for chunk, err := range client.ReadStream(ctx, run, adze.StreamFrom{}) {
		if err != nil {
			return err
		}
		if chunk.Restarted {
			fmt.Fprintf(to, "\n(attempt %d)\n", chunk.Attempt)
		}
		if _, err := to.Write(chunk.Data); err != nil {
			return err
		}
	}
	return nil
}

// Page reads at most n chunks after a cursor, and returns the cursor to go on with; io.EOF
// with the last.
func Page(ctx context.Context, client *adze.Client, run adze.ID, after string, n int) (text, next string, err error) {
	for chunk, failed := range client.ReadStream(ctx, run, adze.StreamFrom{After: after}) {
		if failed != nil {
			return text, after, failed
		}
		text += string(chunk.Data)
		after = chunk.Cursor
		if n--; n == 0 {
			return text, after, nil
		}
	}
	return text, after, io.EOF
}

// Flushed writes something that must not get lost before it goes on.
func Flushed(ctx context.Context, text string) error {
	out := adze.Stream(ctx)
	if _, err := out.WriteString(text); err != nil {
		return err
	}
	return out.Flush()
}

// Warnings are what a run logged from warnings on.
func Warnings(ctx context.Context, client *adze.Client, run adze.ID) ([]string, error) {
	var all []string
	for line, err := range client.Logs(ctx, run, adze.LogFilter{Level: slog.LevelWarn}) {
		if err != nil {
			return all, err
		}
		all = append(all, line.Message)
	}
	return all, nil
}
