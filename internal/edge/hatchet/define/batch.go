package define

import (
	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// Defaults of batches.
const (
	batchIntervalMSDefault = 1_000
	batchRunningDefault    = 100
)

// batch is how tasks are gathered. That one result is to stand for all is the worker's
// business: it sends each of them.
func batch(from *wire.TaskBatchConfig) (*shard.Batch, error) {
	if from == nil {
		return nil, nil
	}
	b := &shard.Batch{SizeMax: from.GetBatchMaxSize(), IntervalMS: batchIntervalMSDefault, RunningMax: batchRunningDefault}
	if from.BatchMaxIntervalMs != nil {
		b.IntervalMS = int64(from.GetBatchMaxIntervalMs())
	}
	if b.IntervalMS < 1 {
		return nil, invalid("batch_max_interval_ms", "is %d, it must be 1 at least", b.IntervalMS)
	}
	if from.BatchGroupMaxRuns != nil {
		b.RunningMax = from.GetBatchGroupMaxRuns()
	}
	if b.RunningMax < 1 {
		return nil, invalid("batch_group_max_runs", "is %d, it must be 1 at least", b.RunningMax)
	}
	if from.GetBatchGroupKey() == "" {
		return b, nil
	}
	var err error
	b.Key, err = runExpression(from.GetBatchGroupKey())
	return b, fault.At("batch_group_key", err)
}
