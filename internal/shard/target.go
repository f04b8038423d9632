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
	rows, err := r.config.Store.Inputs(ctx, elsewhere)
	if err != nil {
		return nil, err
	}
	graphs, err := r.config.Store.Runs(ctx, elsewhere)
	if err != nil {
		return nil, err
	}
	for _, row := range append(rows, graphs...) {
		if row.Tenant == tenant && row.Run == 0 {
			known[row.ID] = targetOpen
		}
	}
	ended, err := r.ended(ctx, tenant, elsewhere)
	for i := range ended {
		known[ended[i].ID] = targetEnded
	}
	return known, err
}
