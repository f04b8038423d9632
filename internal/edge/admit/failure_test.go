package admit_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/history"
	"github.com/adzehq/adze/internal/shard"
)

func TestFailuresAreChosenWithinTheBounds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		filter history.FailureFilter
		field  string // "" = admitted
	}{
		"all":                  {history.FailureFilter{}, ""},
		"workflow of 255":      {history.FailureFilter{Workflow: strings.Repeat("n", 255)}, ""},
		"workflow of 256":      {history.FailureFilter{Workflow: strings.Repeat("n", 256)}, "workflow"},
		"task of 255":          {history.FailureFilter{Task: strings.Repeat("n", 255)}, ""},
		"task of 256":          {history.FailureFilter{Task: strings.Repeat("n", 256)}, "task"},
		"largest fingerprint":  {history.FailureFilter{Fingerprint: 1<<63 - 1}, ""},
		"no fingerprint":       {history.FailureFilter{Fingerprint: -1}, "fingerprint"},
		"times":                {history.FailureFilter{Since: 1, Until: core.Time(admit.RunAtMSMax)}, ""},
		"since before 1970":    {history.FailureFilter{Since: -1}, "since_ms"},
		"until before 1970":    {history.FailureFilter{Until: -1}, "until_ms"},
		"until after the last": {history.FailureFilter{Until: core.Time(admit.RunAtMSMax) + 1}, "until_ms"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, admit.Failures(&c.filter), c.field)
		})
	}
}

func TestARedriveNamesWhatItIsAboutAndKeepsItsBound(t *testing.T) {
	t.Parallel()
	one := history.FailureFilter{Fingerprint: 1}
	for name, c := range map[string]struct {
		redrive shard.Redrive
		field   string // "" = admitted
		limit   int
	}{
		"by fingerprint": {shard.Redrive{FailureFilter: one}, "", admit.RedriveRunsMax},
		"by workflow":    {shard.Redrive{FailureFilter: history.FailureFilter{Workflow: "w"}, Limit: 1}, "", 1},
		"of everything":  {shard.Redrive{FailureFilter: history.FailureFilter{Since: 5}}, "fingerprint", 0},
		"bad filter":     {shard.Redrive{FailureFilter: history.FailureFilter{Workflow: " "}}, "workflow", 0},
		"limit at most":  {shard.Redrive{FailureFilter: one, Limit: 1_000}, "", 1_000},
		"limit too high": {shard.Redrive{FailureFilter: one, Limit: 1_001}, "limit", 0},
		"limit below":    {shard.Redrive{FailureFilter: one, Limit: -1}, "limit", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, admit.Redrive(&c.redrive), c.field)
			if c.field == "" {
				require.Equal(t, c.limit, c.redrive.Limit)
			}
		})
	}
}
