package outline

import (
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/history"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// FailuresFromWire reads which failures are asked for.
func FailuresFromWire(req *wire.ListFailuresRequest) history.FailureFilter {
	return history.FailureFilter{
		Workflow: req.Workflow, Task: req.Task, Fingerprint: int64(req.Fingerprint),
		Since: core.Time(req.SinceMs), Until: core.Time(req.UntilMs), Before: id.ID(req.Before),
	}
}

// FailuresToWire is the inverse of FailuresFromWire.
func FailuresToWire(f history.FailureFilter) *wire.ListFailuresRequest {
	return &wire.ListFailuresRequest{
		Workflow: f.Workflow, Task: f.Task, Fingerprint: uint64(f.Fingerprint),
		SinceMs: int64(f.Since), UntilMs: int64(f.Until), Before: uint64(f.Before),
	}
}

// GroupsToWire is a page of failures as it is told.
func GroupsToWire(page history.FailurePage) *wire.ListFailuresResponse {
	response := &wire.ListFailuresResponse{
		Groups: make([]*wire.FailureGroup, len(page.Groups)), NextBefore: uint64(page.Next),
	}
	for i := range page.Groups {
		g := &page.Groups[i]
		response.Groups[i] = &wire.FailureGroup{
			Workflow: g.Workflow, Task: g.Task, Fingerprint: uint64(g.Fingerprint), Runs: g.Runs,
			FirstMs: int64(g.First), LastMs: int64(g.Last), SampleRunId: uint64(g.Sample.Run), Error: g.Text,
		}
	}
	return response
}

// RedriveFromWire reads what is to be replayed.
func RedriveFromWire(req *wire.RedriveRequest) shard.Redrive {
	return shard.Redrive{
		FailureFilter: history.FailureFilter{
			Workflow: req.Workflow, Task: req.Task, Fingerprint: int64(req.Fingerprint),
			Since: core.Time(req.SinceMs), Until: core.Time(req.UntilMs), Before: id.ID(req.Before),
		},
		Limit: int(req.Limit), FromFailed: req.FromFailed, Again: req.Again, DryRun: req.DryRun,
	}
}

// RedriveToWire is the inverse of RedriveFromWire.
func RedriveToWire(r *shard.Redrive) *wire.RedriveRequest {
	return &wire.RedriveRequest{
		Workflow: r.Workflow, Task: r.Task, Fingerprint: uint64(r.Fingerprint),
		SinceMs: int64(r.Since), UntilMs: int64(r.Until), Before: uint64(r.Before),
		Limit: int32(r.Limit), FromFailed: r.FromFailed, Again: r.Again, DryRun: r.DryRun,
	}
}
