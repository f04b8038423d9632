package arch

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// owners are the packages that write each table. A table that is missing here
// has no owner yet, and nobody may write it.
var owners = map[string]string{
	"attempt":          "internal/record/task",
	"moment":           "internal/record/moment",
	"child":            "internal/record/child",
	"closing":          "internal/record/child",
	"condition_met":    "internal/record/durable",
	"durable_entry":    "internal/record/durable",
	"durable_value":    "internal/record/durable",
	"event":            "internal/record/event",
	"event_filter":     "internal/record/event",
	"idempotency":      "internal/record/idempotency",
	"setting":          "internal/record/flow",
	"rate_state":       "internal/record/flow",
	"schedule":         "internal/record/schedule",
	"schedule_state":   "internal/record/schedule",
	"event_run":        "internal/record/event",
	"log_line":         "internal/record/stream",
	"low_water":        "internal/record/open",
	"migration":        "internal/record/migrations",
	"open_run":         "internal/record/run",
	"open_task":        "internal/record/open",
	"reply":            "internal/record/durable",
	"run":              "internal/record/run",
	"run_result":       "internal/record/run",
	"shard_lease":      "internal/base/lease",
	"signing_key":      "internal/record/tenant",
	"span":             "internal/record/span",
	"stream_chunk":     "internal/record/stream",
	"task":             "internal/record/task",
	"task_result":      "internal/record/task",
	"tenant":           "internal/record/tenant",
	"token":            "internal/record/tenant",
	"wait":             "internal/record/durable",
	"webhook":          "internal/record/webhook",
	"worker":           "internal/record/worker",
	"workflow":         "internal/record/workflow",
	"workflow_version": "internal/record/workflow",
}

// writers by trade: they fill tables to test or to measure.
var writers = []string{"internal/record/rowtest", "internal/bench", "e2e"}

var write = regexp.MustCompile(`(?i)\b(?:insert\s+into|update|delete\s+from|merge\s+into|truncate|copy)\s+(?:only\s+)?adze\.(\w+)`)

func TestATableHasOneWriter(t *testing.T) {
	t.Parallel()
	require.NoError(t, walk(func(name string, text []byte) error {
		dir := path.Dir(name)
		if strings.HasSuffix(name, "_test.go") || dir == "internal/record/migrations" && path.Ext(name) == ".sql" {
			return nil
		}
		for _, match := range write.FindAllSubmatch(text, -1) {
			table := string(match[1])
			if owners[table] != dir && !slices.ContainsFunc(writers, func(part string) bool { return under(dir, part) }) {
				t.Errorf("%s writes adze.%s, which is %q's: one who writes is one who can break it", name, table, owners[table])
			}
		}
		return nil
	}))
}
