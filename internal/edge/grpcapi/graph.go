package grpcapi

import (
	"context"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/outline"
	"github.com/adzehq/adze/internal/history"
	"github.com/adzehq/adze/internal/record/durable"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// graph tells of a run of a graph with its tasks. Which tasks an open one has is known
// only now: the shard is asked for them, and Postgres again after it.
func (r *Reader) graph(ctx context.Context, tenant id.ID, stored history.Run, payloads bool) (*wire.GetRunResponse, error) {
	live := map[id.ID]core.Live{}
	if stored.Open() {
		asked := []id.ID{stored.ID}
		for i := range stored.Tasks {
			asked = append(asked, stored.Tasks[i].ID)
		}
		answers, err := r.Shards.Live(ctx, tenant, asked)
		if err != nil {
			return nil, err
		}
		for i, one := range asked {
			live[one] = answers[i]
		}
		if stored, err = history.Get(ctx, r.DB, tenant, stored.ID, payloads); err != nil {
			return nil, err
		}
	}
	response := &wire.GetRunResponse{Run: runOf(&stored), Tasks: make([]*wire.TaskRun, len(stored.Tasks))}
	// An open task stands where a run of one task would.
	open := []*wire.Run{response.Run}
	for i := range stored.Tasks {
		t := &stored.Tasks[i]
		response.Tasks[i] = taskRunOf(t)
		if t.Begun && t.Status == 0 {
			open = append(open, &wire.Run{RunId: uint64(t.ID)})
		}
	}
	if err := r.overlay(ctx, open, live); err != nil {
		return nil, err
	}
	var waiting []id.ID
	for _, stands := range open[1:] {
		place(response.Tasks[stands.RunId-response.Run.RunId-1], stands)
		if stands.Status == wire.Status_STATUS_WAITING {
			waiting = append(waiting, id.ID(stands.RunId))
		}
	}
	return response, r.addWaits(ctx, response, waiting)
}

// addWaits says what tasks wait for before they begin. A durable one that has begun has
// it in its log.
func (r *Reader) addWaits(ctx context.Context, response *wire.GetRunResponse, waiting []id.ID) error {
	if len(waiting) == 0 {
		return nil
	}
	waits, err := durable.Waits(ctx, r.DB, waiting)
	if err != nil {
		return err
	}
	for i := range waits {
		if w := &waits[i]; w.Index == 0 {
			t := response.Tasks[uint64(w.Task)-response.Run.RunId-1]
			t.Waits, t.Attempt = outline.LeftToWire(w), 0
		}
	}
	return nil
}

// place writes where an open task stands.
func place(t *wire.TaskRun, stands *wire.Run) {
	t.Status, t.Attempt = stands.Status, stands.Attempt
	t.AssignedMs, t.StartedMs = stands.AssignedMs, stands.StartedMs
}

// taskRunOf is t as it is committed; a task that has not ended has no status.
func taskRunOf(t *history.TaskRun) *wire.TaskRun {
	return &wire.TaskRun{
		Name: t.Name, TaskId: uint64(t.ID), Status: endStatuses[t.Status], Attempt: t.Attempt,
		AssignedMs: int64(t.Assigned), StartedMs: int64(t.Started), FinishedMs: int64(t.Finished),
		Error: t.Error, Output: t.Output, Parents: t.Parents,
		Role: outline.RoleToWire(shard.Role(t.Role)),
	}
}
