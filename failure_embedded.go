package adze

import (
	"context"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/edge/outline"
	"github.com/adzehq/adze/internal/history"
	"github.com/adzehq/adze/internal/shard"
)

func (t *embeddedTransport) failures(ctx context.Context, f history.FailureFilter) ([]FailureGroup, id.ID, error) {
	response, err := t.Reader.ListFailures(ctx, t.Tenant, outline.FailuresToWire(f))
	if err != nil {
		return nil, 0, publicError(err)
	}
	return failurePage(response), id.ID(response.NextBefore), nil
}

func (t *embeddedTransport) redrive(ctx context.Context, want shard.Redrive) (shard.Redriven, error) {
	if err := admit.Redrive(&want); err != nil {
		return shard.Redriven{}, publicError(err)
	}
	done, err := t.Shards.Redrive(ctx, t.Tenant, want)
	for i := range done.Runs {
		done.Runs[i].Err = publicError(done.Runs[i].Err)
	}
	return done, storedOrNot(publicError(err))
}
