package hatchet

import (
	"context"
	"slices"
	"time"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// endPatience is how long a replay waits for the end of a run that is open: a worker has
// that long to stop, and a second more.
const endPatience = 6 * time.Second

// ReplayTasks implements the AdminService.
func (s *Server) ReplayTasks(ctx context.Context, req *wire.ReplayTasksRequest) (*wire.ReplayTasksResponse, error) {
	filter, err := filterOf(req.Filter)
	if err != nil {
		return nil, s.Status(err)
	}
	replayed, err := s.Replay(ctx, Selection{IDs: req.ExternalIds, Filter: filter})
	if err != nil {
		return nil, s.Status(err)
	}
	return &wire.ReplayTasksResponse{ReplayedTasks: replayed}, nil
}

// Replay runs again what is selected of the caller's tenant, under the same ids, and tells
// those of the tasks. What is open is cancelled before.
func (s *Server) Replay(ctx context.Context, what Selection) (replayed []string, err error) {
	tenant := auth.Tenant(ctx)
	targets, err := s.selected(ctx, tenant, what)
	if err != nil {
		return nil, err
	}
	if err := s.endAll(ctx, tenant, targets); err != nil {
		return nil, err
	}
	var whole []id.ID
	parts := map[id.ID][]id.ID{} // of graphs, tasks by run
	for i := range targets {
		t := &targets[i]
		switch {
		case t.durable:
			_, err = s.Shards.Fork(ctx, tenant, t.Run, 0, nil) // with its log
		case t.Task != 0 && t.Task != t.Run:
			parts[t.Run] = append(parts[t.Run], t.Task)
		default:
			whole = append(whole, t.Run)
		}
		if err != nil {
			return nil, err
		}
		replayed = append(replayed, t.tasks...)
	}
	return replayed, s.replayAll(ctx, tenant, whole, parts)
}

// replayAll replays whole runs, and parts of others.
func (s *Server) replayAll(ctx context.Context, tenant id.ID, whole []id.ID, parts map[id.ID][]id.ID) error {
	for _, run := range whole {
		delete(parts, run)
	}
	for some := range slices.Chunk(whole, admit.RunsMax) {
		if _, err := s.Shards.Replay(ctx, tenant, some, false); err != nil {
			return err
		}
	}
	for run, tasks := range parts {
		if _, err := s.Shards.ReplayTasks(ctx, tenant, run, tasks); err != nil {
			return err
		}
	}
	return nil
}

// endAll cancels those of the targets' runs that are open, and waits until all have ended.
func (s *Server) endAll(ctx context.Context, tenant id.ID, targets []target) error {
	var open []id.ID
	for i := range targets {
		if len(targets[i].open) > 0 || targets[i].Task != targets[i].Run {
			open = append(open, targets[i].Run)
		}
	}
	slices.Sort(open)
	open = slices.Compact(open)
	if len(open) == 0 {
		return nil
	}
	for part := range slices.Chunk(open, admit.RunsMax) {
		if _, err := s.Shards.Cancel(ctx, tenant, part, "replayed", false); err != nil {
			return err
		}
	}
	return s.awaitEnds(ctx, tenant, open)
}

// awaitEnds waits until runs have ended.
func (s *Server) awaitEnds(ctx context.Context, tenant id.ID, runs []id.ID) error {
	ctx, cancel := context.WithTimeoutCause(ctx, endPatience,
		fault.New(fault.Unavailable, "external_ids", "a run did not end in time to be replayed; try again"))
	defer cancel()
	ended := make(chan struct{}, len(runs))
	if err := s.Shards.Await(ctx, tenant, runs, func(shard.Outcome) { ended <- struct{}{} }); err != nil {
		return err
	}
	for range runs {
		select {
		case <-ended:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}
