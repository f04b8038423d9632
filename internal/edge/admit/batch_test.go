package admit_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/adzehq/adze/internal/base/expr"
	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/shard"
)

func TestABatchIsRefusedWithThePlaceOfItsFault(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*shard.Task)
		field  string // of the batch; "" = it is fine
		says   string
	}{
		"a batch":            {func(*shard.Task) {}, "", ""},
		"of the most":        {func(t *shard.Task) { t.Batch.SizeMax = admit.BatchSizeMax }, "", ""},
		"of too many":        {func(t *shard.Task) { t.Batch.SizeMax = admit.BatchSizeMax + 1 }, ".size_max", "1 to 100,000"},
		"of none":            {func(t *shard.Task) { t.Batch.SizeMax = 0 }, ".size_max", "is 0"},
		"of the most bytes":  {func(t *shard.Task) { t.Batch.BytesMax = admit.BatchBytesMax }, "", ""},
		"of too many bytes":  {func(t *shard.Task) { t.Batch.BytesMax = admit.BatchBytesMax + 1 }, ".bytes_max", "33,554,432"},
		"of negative bytes":  {func(t *shard.Task) { t.Batch.BytesMax = -1 }, ".bytes_max", "is -1"},
		"of ten years":       {func(t *shard.Task) { t.Batch.IntervalMS = 10 * 365 * 24 * time.Hour.Milliseconds() }, "", ""},
		"of eleven years":    {func(t *shard.Task) { t.Batch.IntervalMS = 11 * 365 * 24 * time.Hour.Milliseconds() }, ".interval_ms", ""},
		"as many as can run": {func(t *shard.Task) { t.Batch.RunningMax = admit.BatchRunningMax }, "", ""},
		"too many that run":  {func(t *shard.Task) { t.Batch.RunningMax = admit.BatchRunningMax + 1 }, ".running_max", "100,000"},
		"with a key":         {func(t *shard.Task) { t.Batch.Key = "input.tenant" }, "", ""},
		"with a bad key":     {func(t *shard.Task) { t.Batch.Key = "input." }, ".key", "column"},
		"with a long key":    {func(t *shard.Task) { t.Batch.Key = strings.Repeat("1", expr.BytesMax+1) }, ".key", "at most"},
		"of a durable task":  {func(t *shard.Task) { t.Durable = true }, "", "durable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			task := shard.Task{Name: "a", Batch: &shard.Batch{SizeMax: 10}}
			c.change(&task)
			_, err := admitted(task)
			if c.field == "" && c.says == "" {
				require.NoError(t, err)
				return
			}
			refused(t, err, fault.Invalid, "workflows[0].tasks[0].batch"+c.field)
			require.ErrorContains(t, err, c.says)
		})
	}
}

func TestABatchThatSaysItsSizeOnlyHasTheDefaults(t *testing.T) {
	t.Parallel()
	definition, err := admitted(shard.Task{Name: "a", Batch: &shard.Batch{SizeMax: 10}})
	require.NoError(t, err)
	rule := definition.Core.Batch
	require.EqualValues(t, admit.BatchIntervalMSDefault, rule.IntervalMS)
	require.EqualValues(t, admit.BatchBytesDefault, rule.BytesMax)
	require.Zero(t, rule.RunningMax)
}
