package shard

import (
	"fmt"
	"math"

	"github.com/adzehq/adze/internal/base/expr"
	"github.com/adzehq/adze/internal/core"
)

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

// BatchKey is what a batch's key is called in what is told of an expression that gives
// nothing.
const BatchKey = "key for its batch"

// batchRule is a Batch that can be evaluated; nil is none.
type batchRule struct {
	key *expr.KeyProgram // nil: one key for all
}

func newBatchRule(from *Batch) (*batchRule, error) {
	if from == nil {
		return nil, nil
	}
	if from.Key == "" {
		return &batchRule{}, nil
	}
	key, err := expr.Run.CompileKey(from.Key)
	if err != nil {
		return nil, fmt.Errorf("compile key of batch: %w", err)
	}
	return &batchRule{key}, nil
}

func (b *batchRule) looks() bool { return b != nil && b.key != nil }

// add says of a task which batches it may be in, and what it counts there.
func (b *batchRule) add(f *core.Flow, e *evaluation) (err error) {
	if b == nil {
		return nil
	}
	f.Size = int32(min(e.bytes, math.MaxInt32))
	if b.key == nil {
		return nil
	}
	if f.Batch, err = keyOf(b.key, e); err != nil {
		return unworkable(BatchKey, b.key.Source(), err)
	}
	return nil
}
