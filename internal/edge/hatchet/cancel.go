package hatchet

import (
	"context"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// CancelTasks implements the AdminService.
func (s *Server) CancelTasks(ctx context.Context, req *wire.CancelTasksRequest) (*wire.CancelTasksResponse, error) {
	filter, err := filterOf(req.Filter)
	if err != nil {
		return nil, s.Status(err)
	}
	cancelled, err := s.Cancel(ctx, Selection{IDs: req.ExternalIds, Filter: filter})
	if err != nil {
		return nil, s.Status(err)
	}
	return &wire.CancelTasksResponse{CancelledTasks: cancelled}, nil
}

// Cancel ends what is selected of the caller's tenant, and tasks of guests that its workers
// have and that are named: these may end themselves. It tells the ids of the tasks that were
// open. What these spawned goes on.
func (s *Server) Cancel(ctx context.Context, what Selection) (cancelled []string, err error) {
	home := auth.Tenant(ctx)
	own, lodged := s.sorted(home, what.IDs)
	for guest, ids := range lodged {
		more, err := s.cancel(ctx, guest, Selection{IDs: ids})
		if err != nil {
			return nil, err
		}
		cancelled = append(cancelled, more...)
	}
	if len(lodged) > 0 && len(own) == 0 {
		return cancelled, nil
	}
	more, err := s.cancel(ctx, home, Selection{IDs: own, Filter: what.Filter})
	return append(cancelled, more...), err
}

func (s *Server) cancel(ctx context.Context, tenant id.ID, what Selection) (cancelled []string, err error) {
	targets, err := s.selected(ctx, tenant, what)
	if err != nil {
		return nil, err
	}
	for part := range slices.Chunk(targets, admit.RunsMax) {
		ids := make([]id.ID, len(part))
		for i := range part {
			if ids[i] = part[i].Task; ids[i] == 0 {
				ids[i] = part[i].Run
			}
		}
		outcomes, err := s.Shards.Cancel(ctx, tenant, ids, "", false)
		if err != nil {
			return nil, err
		}
		for i, outcome := range outcomes {
			if outcome == shard.CancelDone || outcome == shard.CancelStopping {
				cancelled = append(cancelled, part[i].open...)
			}
		}
	}
	return cancelled, nil
}
