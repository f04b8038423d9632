package adzetest_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/adzetest"
	"github.com/adzehq/adze/internal/shard"
)

func TestEventsWorkInMemory(t *testing.T) {
	t.Parallel()
	greet := adze.NewTask("greet", func(ctx context.Context, name string) (string, error) {
		e := adze.EventOf(ctx)
		team := ""
		_, err := e.FilterPayload(&team)
		return e.Key + " " + e.Scope + " " + name + " " + team, err
	}, adze.On("user.*"))
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		env.Work(greet)
		c, ctx := env.Client, t.Context()
		pushed, err := c.Push(ctx, "user.created", "Ada")
		require.NoError(t, err)
		require.Len(t, pushed.Runs, 1)
		out, err := greet.Lookup(c, pushed.Runs[0]).Result(ctx)
		require.NoError(t, err)
		require.Equal(t, "user.created  Ada ", out)

		blue, err := c.PutFilter(ctx, adze.EventFilter{Task: "greet", Scope: "eu", Payload: "blue"})
		require.NoError(t, err)
		env.Advance(time.Hour)
		again, err := c.ReplayEvents(ctx, pushed.ID)
		require.NoError(t, err)
		require.Empty(t, again[0].Runs, "it has no scope")
		scoped, err := c.Push(ctx, "user.created", "Bob", adze.Scope("eu"))
		require.NoError(t, err)
		out, err = greet.Lookup(c, scoped.Runs[0]).Result(ctx)
		require.NoError(t, err)
		require.Equal(t, "user.created eu Bob blue", out)

		var listed []adze.EventInfo
		for e, err := range c.Events(ctx, adze.EventQuery{}) {
			require.NoError(t, err)
			listed = append(listed, e)
		}
		require.Len(t, listed, 3)
		require.Equal(t, []adze.EventRun{{ID: scoped.Runs[0], Task: "greet", Status: adze.Succeeded, Filter: blue}}, listed[0].Runs)
		require.Equal(t, pushed.ID, listed[1].ReplayOf)
		require.Equal(t, adzetest.Start.Add(time.Hour), listed[1].PushedAt.UTC())
		require.NoError(t, c.DeleteFilter(ctx, blue))
		for range c.Filters(ctx, "") {
			t.Error("it was deleted")
		}
	})
}

func TestFiltersOfATenantAreBounded(t *testing.T) {
	t.Parallel()
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		env.Work(adze.NewTask("greet", func(context.Context, int) (int, error) { return 0, nil }))
		filter := adze.EventFilter{Task: "greet", Scope: "eu"}
		for range shard.FiltersMax {
			_, err := env.Client.PutFilter(t.Context(), filter)
			require.NoError(t, err)
		}
		_, err := env.Client.PutFilter(t.Context(), filter)
		require.ErrorIs(t, err, adze.ErrExhausted)
		for f, err := range env.Client.Filters(t.Context(), "greet") {
			require.NoError(t, err)
			require.NoError(t, env.Client.DeleteFilter(t.Context(), f.ID))
			break
		}
		_, err = env.Client.PutFilter(t.Context(), filter)
		require.NoError(t, err)
	})
}
