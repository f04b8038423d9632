package signup_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/adzetest"
	"github.com/adzehq/adze/examples/signup"
	"github.com/adzehq/adze/internal/guidetest"
)

func TestTheGuideShowsCodeThatIsTested(t *testing.T) {
	t.Parallel()
	guidetest.ShowsCode(t, "events.md", "signup.go", "signup_test.go")
}

// started are the names of what an event started.
func started(t *testing.T, c *adze.Client, event adze.ID) (names []string) {
	t.Helper()
	info, err := c.GetEvent(t.Context(), event)
	require.NoError(t, err)
	for _, run := range info.Runs {
		names = append(names, run.Task)
	}
	return names
}

func TestWhoSignsUpIsGreeted(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		env.Work(signup.Greet, signup.Guide, signup.Audit)
		event, err := signup.SignUp(t.Context(), env.Client, signup.User{Name: "Ada", Plan: "free"}, "eu")
		require.NoError(t, err)
		require.ElementsMatch(t, []string{"greet", "audit"}, started(t, env.Client, event))
	})
}

func TestFiltersGiveEachRegionItsOffice(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		env.Work(signup.Greet, signup.Guide, signup.Audit)
		ctx, client := t.Context(), env.Client
		filter, err := client.PutFilter(ctx, adze.EventFilter{
			Task: "guide", Scope: "eu",
			If:      `event.name != filter.except`,
			Payload: map[string]string{"city": "the Berlin", "except": "Root"},
		})
		require.NoError(t, err)

		pushed, err := client.Push(ctx, "user.upgraded", signup.User{Name: "Ada"}, adze.Scope("eu"))
		require.NoError(t, err)
		require.Len(t, pushed.Runs, 2)
		letter, err := signup.Guide.Lookup(client, guided(t, client, pushed.ID)).Result(ctx)
		require.NoError(t, err)
		require.Equal(t, "You have a guide at the Berlin office", letter.Text)

		event, err := signup.SignUp(ctx, client, signup.User{Name: "Bob", Plan: "pro"}, "us")
		require.NoError(t, err)
		require.ElementsMatch(t, []string{"greet", "audit"}, started(t, client, event), "no filter of that scope")
		require.NoError(t, client.DeleteFilter(ctx, filter))
		event, err = signup.SignUp(ctx, client, signup.User{Name: "Bob", Plan: "pro"}, "us")
		require.NoError(t, err)
		letter, err = signup.Guide.Lookup(client, guided(t, client, event)).Result(ctx)
		require.NoError(t, err)
		require.Equal(t, "You have a guide at our office", letter.Text)
	})
}

// guided is the run of Guide that an event started.
func guided(t *testing.T, c *adze.Client, event adze.ID) adze.ID {
	t.Helper()
	info, err := c.GetEvent(t.Context(), event)
	require.NoError(t, err)
	for _, run := range info.Runs {
		if run.Task == "guide" {
			return run.ID
		}
	}
	t.Fatal("it started no guide")
	return 0
}

func TestEventsOfADayAreReplayed(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		ctx, client := t.Context(), env.Client
		_, err := signup.Import(ctx, client, []signup.User{{Name: "Ada"}, {Name: "Bob"}})
		require.NoError(t, err)
		env.Work(signup.Audit) // too late for them
		again, err := replayDay(ctx, client)
		require.NoError(t, err)
		require.Len(t, again, 2)
		text, err := signup.Audit.Lookup(client, again[0].Runs[0]).Result(ctx)
		require.NoError(t, err)
		require.Equal(t, "Bob user.created ("+again[0].ID.String()+")", text)
	})
}

// replayDay pushes the events of the last day again that started nothing.
func replayDay(ctx context.Context, client *adze.Client) ([]adze.Pushed, error) {
	var missed []adze.ID
	for event, err := range client.Events(ctx, adze.EventQuery{
		Key: "user.created", Since: time.Now().Add(-24 * time.Hour),
	}) {
		if err != nil {
			return nil, err
		}
		if len(event.Runs) == 0 {
			missed = append(missed, event.ID)
		}
	}
	return client.ReplayEvents(ctx, missed...)
}
