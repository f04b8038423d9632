package main

import (
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/adzetest"
	"github.com/adzehq/adze/examples/order"
	"github.com/adzehq/adze/internal/shard"
)

func TestGuideShowsWhatTheCommandDraws(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../../docs/guides/workflows.md")
	require.NoError(t, err)
	adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
		env.Work(order.New(nil))
		definition, err := env.Client.Export(t.Context(), "order")
		require.NoError(t, err)
		var w shard.Workflow
		require.NoError(t, json.Unmarshal(definition, &w))
		drawing := drawWorkflow(&w, newScreen(io.Discard))
		_, shown, _ := strings.Cut(string(guide), "```text\n")
		shown, _, _ = strings.Cut(shown, "```")
		require.Equal(t, drawing, shown)
	})
}
