package adze

import (
	"context"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/outline"
	"github.com/adzehq/adze/internal/history"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

func (t *grpcTransport) failures(ctx context.Context, f history.FailureFilter) ([]FailureGroup, id.ID, error) {
	response, err := t.engine.ListFailures(ctx, outline.FailuresToWire(f))
	if err != nil {
		return nil, 0, received(err)
	}
	return failurePage(response), id.ID(response.NextBefore), nil
}

func failurePage(response *wire.ListFailuresResponse) []FailureGroup {
	page := make([]FailureGroup, len(response.Groups))
	for i, g := range response.Groups {
		page[i] = FailureGroup{
			Task: g.Workflow, Node: g.Task, Fingerprint: Fingerprint(g.Fingerprint), Runs: int(g.Runs),
			First: timeOf(g.FirstMs), Last: timeOf(g.LastMs), Sample: ID(g.SampleRunId), Error: g.Error,
		}
	}
	return page
}

func (t *grpcTransport) redrive(ctx context.Context, want shard.Redrive) (shard.Redriven, error) {
	response, err := t.engine.Redrive(ctx, outline.RedriveToWire(&want))
	if err != nil {
		return shard.Redriven{}, storedOrNot(received(err))
	}
	done := shard.Redriven{
		Runs: make([]shard.RedrivenRun, len(response.Runs)), Skipped: int(response.Skipped), Next: id.ID(response.NextBefore),
	}
	for i, run := range response.Runs {
		done.Runs[i] = shard.RedrivenRun{Of: id.ID(run.ReplayOf), Run: id.ID(run.RunId)}
		if run.Error != nil {
			done.Runs[i].Err = fieldError(run.Error)
		}
	}
	return done, nil
}
