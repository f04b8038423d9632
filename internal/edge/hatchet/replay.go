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

// replayTriesMax is how often a replay begins again because others replay the same runs in
// other parts.
const replayTriesMax = 20

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
// those of the tasks. What is open is cancelled before. Those who ask at the same moment
// share a replay.
func (s *Server) Replay(ctx context.Context, what Selection) (replayed []string, err error) {
	tenant := auth.Tenant(ctx)
	for range replayTriesMax {
		targets, err := s.selected(ctx, tenant, what)
		if err != nil {
			return nil, err
		}
		missed, err := s.repeat(ctx, tenant, targets)
		if err != nil {
			return nil, err
		}
		what = Selection{}
		for i := range targets {
			if t := &targets[i]; missed[t.Run] {
				what.IDs = append(what.IDs, t.external.String())
			} else {
				replayed = append(replayed, t.tasks...)
			}
		}
		if len(what.IDs) == 0 {
			return replayed, nil
		}
	}
	return nil, fault.New(fault.Conflict, "external_ids", "%d of the runs are being replayed by others; try again", len(what.IDs))
}

// repeat replays targets that are not about to run again anyway. It tells the runs of which
// somebody else began something else meanwhile.
func (s *Server) repeat(ctx context.Context, tenant id.ID, targets []target) (missed map[id.ID]bool, err error) {
	targets = slices.Clone(targets)
	targets = slices.DeleteFunc(targets, func(t target) bool { return t.ahead })
	if err := s.endAll(ctx, tenant, targets); err != nil {
		return nil, err
	}
	wanted := repeats(targets)
	missed = map[id.ID]bool{}
	for some := range slices.Chunk(wanted, admit.RunsMax) {
		answers, err := s.Shards.Repeat(ctx, tenant, some)
		if err != nil {
			return nil, err
		}
		for i, answer := range answers {
			if answer == 0 {
				missed[some[i].Run] = true
			}
		}
	}
	return missed, nil
}

// repeats are the replays that targets ask for: of each run one.
func repeats(targets []target) []shard.Repeat {
	var wanted []shard.Repeat
	of := map[id.ID]int{}
	for i := range targets {
		t := &targets[i]
		at, there := of[t.Run]
		part := t.Task != 0 && t.Task != t.Run
		switch {
		case !there:
			of[t.Run] = len(wanted)
			wanted = append(wanted, shard.Repeat{Run: t.Run, Log: t.durable})
			if part {
				wanted[len(wanted)-1].Tasks = []id.ID{t.Task}
			}
		case !part:
			wanted[at].Tasks = nil
		case wanted[at].Tasks != nil:
			wanted[at].Tasks = append(wanted[at].Tasks, t.Task)
		}
	}
	return wanted
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
