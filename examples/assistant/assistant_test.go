package assistant_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/adzetest"
	"github.com/adzehq/adze/examples/assistant"
	"github.com/adzehq/adze/internal/guidetest"
)

// parrot knows one answer, and forgets the rest of it the first time.
type parrot struct{ asked int }

func (p *parrot) Words(context.Context, string) ([]string, error) {
	if p.asked++; p.asked == 1 {
		return nil, errors.New("the model is asleep")
	}
	return []string{"To", "get", "to", "the", "other", "side."}, nil
}

func TestAnswerIsShownWordByWord(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		answer := assistant.New(&parrot{})
		env.Work(answer)
		run, err := answer.Run(t.Context(), env.Client, "Why?")
		require.NoError(t, err)
		var shown strings.Builder
		require.NoError(t, assistant.Show(t.Context(), env.Client, run.ID, &shown))
		require.Equal(t, "To get to the other side. ", shown.String())

		for line, err := range env.Client.Logs(t.Context(), run.ID, adze.LogFilter{Attempt: 2, Contains: "begins"}) {
			require.NoError(t, err)
			require.JSONEq(t, `{"question":"Why?","words":6}`, string(line.Fields))
		}
		warnings, err := assistant.Warnings(t.Context(), env.Client, run.ID)
		require.NoError(t, err)
		require.Empty(t, warnings)
	})
}

func TestPagesFollowEachOther(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		answer := assistant.New(&parrot{asked: 1})
		env.Work(answer)
		run, err := answer.Run(t.Context(), env.Client, "Why?")
		require.NoError(t, err)
		var pages []string
		for after := ""; ; {
			text, next, err := assistant.Page(t.Context(), env.Client, run.ID, after, 4)
			pages, after = append(pages, text), next
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
		}
		require.Equal(t, []string{"To get to the ", "other side. "}, pages)
	})
}

func TestWhatIsFlushedIsThereAtOnce(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		task := adze.NewTask("save", func(ctx context.Context, text string) (string, error) {
			err := assistant.Flushed(ctx, text)
			<-ctx.Done() // it has more to do
			return "", err
		})
		env.Work(task)
		run, err := task.Run(t.Context(), env.Client, "kept")
		require.NoError(t, err)
		env.Settle()
		text, _, err := assistant.Page(t.Context(), env.Client, run.ID, "", 1)
		require.NoError(t, err)
		require.Equal(t, "kept", text)
		require.Equal(t, adzetest.Start, env.Now())
	})
}

func TestTheGuideShowsCodeThatIsTested(t *testing.T) {
	t.Parallel()
	guidetest.ShowsCode(t, "logs-and-streams.md", "assistant.go")
}
