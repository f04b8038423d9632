package admit

import (
	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/shard"
)

// Run checks a run and fills in what was left out. The fields it names are those
// of the wire's NewRun.
func (l Limits) Run(r *shard.NewRun) (err error) {
	if err = name("workflow", r.Workflow); err != nil {
		return err
	}
	if r.Input, err = payload("input", r.Input, l.inputBytesMax()); err != nil {
		return err
	}
	if r.Metadata, err = metadata("metadata", r.Metadata); err != nil {
		return err
	}
	if err = between("priority", int64(r.Priority), core.PriorityMin, core.PriorityMax); err != nil {
		return err
	}
	if err = once(r.Once); err != nil {
		return fault.At("idempotency", err)
	}
	if r.Labels, err = wanted(r.Labels); err != nil {
		return err
	}
	if err = text("fair_key", r.FairKey, shard.KeyBytesMax); err != nil {
		return err
	}
	return start(r)
}

// start checks when a run may start.
func start(r *shard.NewRun) error {
	if err := duration("delay_ms", r.DelayMS); err != nil {
		return err
	}
	if err := between("run_at_ms", int64(r.RunAt), 0, RunAtMSMax); err != nil {
		return err
	}
	if r.DelayMS > 0 && r.RunAt > 0 {
		return invalid("delay_ms", "stands beside run_at_ms; give one of them")
	}
	return nil
}
