package shard

import (
	"context"

	"github.com/adzehq/adze/internal/base/id"
)

// Given implements Client. Of a run that is open it is in memory, as a rule.
func (r *Runtime) Given(ctx context.Context, tenant, run id.ID) (Given, error) {
	if p, here := r.payloads.one(run); here && p.tenant == tenant {
		return Given{Run: run, ReplayOf: p.replayOf, Input: p.input, Metadata: p.metadata}, nil
	}
	stored, err := r.stored(ctx, []id.ID{run})
	row := stored[run]
	if err != nil || row == nil || row.Tenant != tenant {
		return Given{}, err
	}
	return Given{Run: run, ReplayOf: row.ReplayOf, Input: row.Input, Metadata: row.Metadata}, nil
}
