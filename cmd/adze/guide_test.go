package main

import (
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze"
	"github.com/adzehq/adze/adzetest"
	"github.com/adzehq/adze/examples/order"
	"github.com/adzehq/adze/examples/upgrade"
	"github.com/adzehq/adze/internal/shard"
)

func TestGuidesShowWhatTheCommandDraws(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		guide    string
		workflow adze.WorkerOption
	}{
		"order":   {"workflows.md", order.New(nil)},
		"upgrade": {"conditions.md", upgrade.New(nil)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			guide, err := os.ReadFile("../../docs/guides/" + c.guide)
			require.NoError(t, err)
			adzetest.Run(t, func(t *testing.T, env *adzetest.Env) {
				env.Work(c.workflow)
				definition, err := env.Client.Export(t.Context(), name)
				require.NoError(t, err)
				var w shard.Workflow
				require.NoError(t, json.Unmarshal(definition, &w))
				drawing := drawWorkflow(&w, newScreen(io.Discard))
				_, shown, _ := strings.Cut(string(guide), "```text\n")
				shown, _, _ = strings.Cut(shown, "```")
				require.Equal(t, drawing, shown)
			})
		})
	}
}
