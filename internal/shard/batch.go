package shard

import "github.com/adzehq/adze/internal/core"

// Batch has a worker given several tasks together, in one slot.
type Batch struct {
	SizeMax    int32  `json:"size_max"`
	IntervalMS int64  `json:"interval_ms"`
	BytesMax   int64  `json:"bytes_max"`             // of their inputs
	Key        string `json:"key,omitempty"`         // CEL over the run (expr.Run); "" = one key for all
	RunningMax int32  `json:"running_max,omitempty"` // batches of a key at a time; 0 = no bound
}

// rule is b as the core knows it.
func (b *Batch) rule() *core.BatchRule {
	if b == nil {
		return nil
	}
	return &core.BatchRule{SizeMax: b.SizeMax, BytesMax: b.BytesMax, IntervalMS: b.IntervalMS, RunningMax: b.RunningMax}
}
