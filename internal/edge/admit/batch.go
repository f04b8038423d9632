package admit

import "github.com/adzehq/adze/internal/shard"

// Bounds of batches. What a batch brings to its worker is held in memory at once, there
// and here: its bytes are bounded, and then its size may be large.
const (
	BatchSizeMax           = 100_000
	BatchRunningMax        = 100_000
	BatchBytesMax          = 32 << 20
	BatchBytesDefault      = 4 << 20
	BatchIntervalMSDefault = 1_000
)

// batch is b, of the task t, with its defaults.
func batch(t *shard.Task, b *shard.Batch) (*shard.Batch, error) {
	if b == nil {
		return nil, nil
	}
	filled := *b
	for _, check := range []error{
		between("size_max", int64(b.SizeMax), 1, BatchSizeMax),
		duration("interval_ms", b.IntervalMS),
		between("bytes_max", b.BytesMax, 0, BatchBytesMax),
		between("running_max", int64(b.RunningMax), 0, BatchRunningMax),
	} {
		if check != nil {
			return nil, check
		}
	}
	if t.Durable {
		return nil, invalid("", "is not for a durable task, which has a log of its own; give one of the two up")
	}
	if err := key("key", b.Key); err != nil {
		return nil, err
	}
	filled.IntervalMS = orDefault(b.IntervalMS, BatchIntervalMSDefault)
	filled.BytesMax = orDefault(b.BytesMax, BatchBytesDefault)
	return &filled, nil
}
