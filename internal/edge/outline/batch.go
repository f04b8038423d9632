package outline

import (
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

func batchFromWire(b *wire.Batch) *shard.Batch {
	if b == nil {
		return nil
	}
	return &shard.Batch{
		SizeMax: b.GetSizeMax(), IntervalMS: b.GetIntervalMs(), BytesMax: b.GetBytesMax(),
		Key: b.GetKey(), RunningMax: b.GetRunningMax(),
	}
}

func batchToWire(b *shard.Batch) *wire.Batch {
	if b == nil {
		return nil
	}
	return &wire.Batch{SizeMax: b.SizeMax, IntervalMs: b.IntervalMS, BytesMax: b.BytesMax, Key: b.Key, RunningMax: b.RunningMax}
}
