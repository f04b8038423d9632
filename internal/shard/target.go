package shard

import (
	"context"
	"fmt"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
)

// findTargets refuses events that are addressed to a run which is not there, or has ended:
// nobody would ever hear of them. A run that ends at the same time is not noticed.
func (r *Runtime) findTargets(ctx context.Context, tenant id.ID, events []NewEvent) error {
	var targets []id.ID
	for i := range events {
		if events[i].Target != 0 {
			targets = append(targets, events[i].Target)
		}
	}
	if len(targets) == 0 {
		return nil
	}
	known, err := r.known(ctx, tenant, targets)
	if err != nil {
		return err
	}
	for i := range events {
		switch target := events[i].Target; {
		case target == 0 || known[target] == targetOpen:
		case known[target] == targetEnded:
			return fault.New(fault.Conflict, fmt.Sprintf("events[%d].target_id", i), "run %s has ended", target)
		default:
			return fault.New(fault.NotFound, fmt.Sprintf("events[%d].target_id", i), "no run %s", target)
		}
	}
	return nil
}

// What a target is; 0 = no run.
const (
	targetOpen = iota + 1
	targetEnded
)

// known tells what targets are. Postgres is asked about those that are not in memory.
func (r *Runtime) known(ctx context.Context, tenant id.ID, targets []id.ID) (map[id.ID]int, error) {
	known := make(map[id.ID]int, len(targets))
	live, err := r.Live(ctx, tenant, targets)
	if err != nil {
		return nil, err
	}
	var elsewhere []id.ID
	for i, target := range targets {
		if live[i].State != 0 {
			known[target] = targetOpen
		} else {
			elsewhere = append(elsewhere, target)
		}
	}
	if len(elsewhere) == 0 {
		return known, nil
	}
	stored, err := r.stored(ctx, elsewhere)
	if err != nil {
		return nil, err
	}
	for run, row := range stored {
		if row.Tenant == tenant {
			known[run] = targetOpen
		}
	}
	ended, err := r.hasEnded(ctx, tenant, elsewhere)
	for run := range ended {
		known[run] = targetEnded
	}
	return known, err
}
