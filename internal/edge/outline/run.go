package outline

import (
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// RunsToWire gives runs as they are submitted; parent is that of all of them, if it is
// one.
func RunsToWire(from []shard.NewRun, parent shard.Parent) []*wire.NewRun {
	room := make([]wire.NewRun, len(from))
	list := make([]*wire.NewRun, len(from))
	for i := range from {
		r, to := &from[i], &room[i]
		to.Workflow, to.Input, to.Metadata = r.Workflow, r.Input, r.Metadata
		to.Priority, to.DelayMs, to.RunAtMs = r.Priority, r.DelayMS, int64(r.RunAt)
		to.ParentId, to.ParentToken = uint64(parent.Task), uint64(parent.Token)
		to.FairKey = r.FairKey
		to.Labels, to.WorkerId = labelsToWire(r.Labels), uint64(r.Worker)
		to.Key, to.OnClose = r.Key, wire.ClosePolicy(r.Policy)
		to.Idempotency = onceToWire(r.Once)
		list[i] = to
	}
	return list
}

// RunsFromWire is the inverse of RunsToWire. A policy that is not known passes: edge/admit
// refuses it.
func RunsFromWire(from []*wire.NewRun) []shard.NewRun {
	runs := make([]shard.NewRun, len(from))
	for i, r := range from {
		runs[i] = shard.NewRun{
			Workflow: r.GetWorkflow(),
			Input:    r.GetInput(),
			Metadata: r.GetMetadata(),
			Priority: r.GetPriority(),
			DelayMS:  r.GetDelayMs(),
			RunAt:    core.Time(r.GetRunAtMs()),
			FairKey:  r.GetFairKey(),
			Labels:   labelsFromWire(r.GetLabels()),
			Worker:   id.ID(r.GetWorkerId()),
			Key:      r.GetKey(),
			Policy:   policy(r.GetOnClose()),
			Once:     onceFromWire(r.GetIdempotency()),
		}
	}
	return runs
}

// unknownPolicy is what a policy becomes that does not exist.
const unknownPolicy core.ClosePolicy = 255

func policy(p wire.ClosePolicy) core.ClosePolicy {
	if p < 0 || p > wire.ClosePolicy(core.CloseCancel) {
		return unknownPolicy
	}
	return core.ClosePolicy(p)
}
