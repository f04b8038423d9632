package adzetest

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/adzehq/adze/internal/base/fingerprint"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/edge/outline"
	"github.com/adzehq/adze/internal/history"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// Failed implements shard.Store.
func (m *memory) Failed(_ context.Context, _ id.ID, f history.FailureFilter, limit int) ([]id.ID, id.ID, error) {
	found, err := m.failures(f)
	runs, cut := history.FailedRuns(found, limit)
	if !cut {
		return runs, 0, err
	}
	return runs, runs[len(runs)-1], err
}

// Replayed implements shard.Store.
func (m *memory) Replayed(_ context.Context, ids []id.ID) (map[id.ID]id.ID, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	newest := map[id.ID]id.ID{}
	for _, run := range m.order {
		row, isTask := m.tasks[run]
		if !isTask {
			row = m.runs[run]
		}
		if slices.Contains(ids, row.ReplayOf) {
			newest[row.ReplayOf] = max(newest[row.ReplayOf], run)
		}
	}
	return newest, nil
}

// ListFailures implements embed.Reader.
func (r *reader) ListFailures(_ context.Context, _ id.ID, request *wire.ListFailuresRequest) (*wire.ListFailuresResponse, error) {
	filter := outline.FailuresFromWire(request)
	if err := admit.Failures(&filter); err != nil {
		return nil, err
	}
	found, err := r.memory.failures(filter)
	if err != nil {
		return nil, err
	}
	groups, grouped := history.GroupFailures(found)
	page := history.FailurePage{Groups: groups}
	if grouped < len(found) {
		page.Next = found[grouped-1].ID
	}
	for i := range page.Groups {
		g := &page.Groups[i]
		text := []rune(pick(r.memory, r.memory.results, []id.ID{g.Sample.ID})[0].Error)
		g.Text = string(text[:min(len(text), history.FailureTextMax)])
	}
	return outline.GroupsToWire(page), nil
}

// failures are those that a filter asks for, newest first.
func (m *memory) failures(f history.FailureFilter) (found []history.Failure, err error) {
	from, below := id.First(time.UnixMilli(int64(f.Since))), id.ID(math.MaxInt64)
	if f.Until != 0 {
		below = id.First(time.UnixMilli(int64(f.Until)))
	}
	if f.Before != 0 {
		below = min(below, f.Before)
	}
	for _, run := range m.newest(0) {
		all, err := m.failuresOf(run)
		if err != nil {
			return nil, err
		}
		for _, one := range all {
			if one.ID >= from && one.ID < below &&
				(f.Workflow == "" || f.Workflow == one.Workflow) && (f.Task == "" || f.Task == one.Task) &&
				(f.Fingerprint == 0 || f.Fingerprint == one.Fingerprint) {
				found = append(found, one)
			}
		}
	}
	return found, nil
}

// failuresOf are the tasks of a failed run that failed, the last first; none if it has not.
func (m *memory) failuresOf(run id.ID) (found []history.Failure, err error) {
	stored, err := m.stored(run)
	if err != nil {
		return nil, err
	}
	results := []*core.Result{stored.result}
	if stored.graph() {
		if results = stored.tasks; stored.ended == nil || stored.ended.Status != core.Failed {
			return nil, nil
		}
	}
	for i := len(results) - 1; i >= 0; i-- {
		if r := results[i]; r != nil && r.Status == core.Failed {
			found = append(found, history.Failure{
				ID: r.Task, Run: run, Finished: r.Finished, Fingerprint: fingerprint.Of(r.Error),
				Workflow: stored.workflow.Name, Task: stored.workflow.Tasks[i].Name,
			})
		}
	}
	return found, nil
}
