package admit_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/shard"
)

func TestMapIsRefusedWithThePlaceOfItsFault(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*shard.Task)
		field  string // of the task; "" = it is fine
		says   string
	}{
		"a map":                {func(*shard.Task) {}, "", ""},
		"one at a time":        {func(t *shard.Task) { t.Map.Concurrency = 1 }, "", ""},
		"the most at a time":   {func(t *shard.Task) { t.Map.Concurrency = admit.MapConcurrencyMax }, "", ""},
		"too many at a time":   {func(t *shard.Task) { t.Map.Concurrency = admit.MapConcurrencyMax + 1 }, "map.concurrency", "1 to 1,000"},
		"fewer than one":       {func(t *shard.Task) { t.Map.Concurrency = -1 }, "map.concurrency", "-1"},
		"over nothing":         {func(t *shard.Task) { t.Map.Over = "" }, "map.over", "is empty"},
		"over a stranger":      {func(t *shard.Task) { t.Map.Over = "z" }, "map.over", `"z" is not a parent`},
		"over itself":          {func(t *shard.Task) { t.Map.Over = "b" }, "map.over", `"b" is not a parent`},
		"without a workflow":   {func(t *shard.Task) { t.Map.Workflow = "" }, "map.workflow", "is empty"},
		"a bad workflow":       {func(t *shard.Task) { t.Map.Workflow = "a b" }, "map.workflow", "position 2"},
		"not durable":          {func(t *shard.Task) { t.Durable = false }, "durable", "keeps a log"},
		"a handler that maps":  {func(t *shard.Task) { t.Role, t.Parents = shard.RoleOnSuccess, nil }, "map.over", "not a parent"},
		"parents of its own":   {func(t *shard.Task) { t.Parents = append(t.Parents, "c") }, "", ""},
		"that goes on anyhow":  {func(t *shard.Task) { t.Map.KeepGoing = true }, "", ""},
		"a parent, not mapped": {func(t *shard.Task) { t.Parents = []string{"c"} }, "map.over", `"a"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			task := shard.Task{Name: "b", Parents: []string{"a"}, Durable: true, Map: &shard.Map{Over: "a", Workflow: "w:b.each"}}
			c.change(&task)
			_, err := admitted(named("a"), task, named("c"))
			if c.field == "" {
				require.NoError(t, err)
				return
			}
			refused(t, err, fault.Invalid, "workflows[0].tasks[1]."+c.field)
			require.ErrorContains(t, err, c.says)
		})
	}
}

func TestMapWithoutAConcurrencyHasTheDefault(t *testing.T) {
	t.Parallel()
	task := shard.Task{Name: "b", Parents: []string{"a"}, Durable: true, Map: &shard.Map{Over: "a", Workflow: "each"}}
	d, err := admitted(named("a"), task)
	require.NoError(t, err)
	require.Contains(t, string(d.JSON), `"map":{"over":"a","workflow":"each","concurrency":100}`)
	require.Zero(t, task.Map.Concurrency, "what was given is not changed")
}
