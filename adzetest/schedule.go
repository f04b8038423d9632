package adzetest

import (
	"cmp"
	"context"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/outline"
	"github.com/adzehq/adze/internal/record/schedule"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// scheduleRows are the tables of schedules.
type scheduleRows struct {
	of     map[id.ID]core.Schedule
	states map[id.ID]core.ScheduleState
}

func newScheduleRows() scheduleRows {
	return scheduleRows{of: map[id.ID]core.Schedule{}, states: map[id.ID]core.ScheduleState{}}
}

func (r *scheduleRows) write(e *core.Effects) {
	for _, s := range e.Schedules {
		r.of[s.ID] = s
	}
	for _, s := range e.ScheduleStates {
		r.states[s.ID] = s
	}
	for _, closed := range e.ClosedSchedules {
		delete(r.of, closed)
		delete(r.states, closed)
	}
}

// Schedules implements shard.Store.
func (m *memory) Schedules(_ context.Context, ids []id.ID) ([]core.Schedule, error) {
	return pick(m, m.schedules.of, ids), nil
}

// SchedulesNamed implements shard.Store.
func (m *memory) SchedulesNamed(_ context.Context, _ id.ID, names []string) ([]core.Schedule, error) {
	return m.schedulesWhere(func(s core.Schedule) bool { return s.Name != "" && slices.Contains(names, s.Name) }), nil
}

// SchedulesDeclared implements shard.Store.
func (m *memory) SchedulesDeclared(_ context.Context, _ id.ID, workflows []string) ([]core.Schedule, error) {
	return m.schedulesWhere(func(s core.Schedule) bool { return s.Declared && slices.Contains(workflows, s.Workflow) }), nil
}

// SchedulesOf implements shard.Store.
func (m *memory) SchedulesOf(_ context.Context, _ id.ID, workflow string) (ids []id.ID, err error) {
	for _, s := range m.schedulesWhere(func(s core.Schedule) bool { return s.Workflow == workflow }) {
		ids = append(ids, s.ID)
	}
	return ids, nil
}

// schedulesWhere are some of the schedules, ids ascending.
func (m *memory) schedulesWhere(wanted func(core.Schedule) bool) (found []core.Schedule) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.schedules.of {
		if wanted(s) {
			found = append(found, s)
		}
	}
	slices.SortFunc(found, func(a, b core.Schedule) int { return cmp.Compare(a.ID, b.ID) })
	return found
}

// ListSchedules implements embed.Reader.
func (r *reader) ListSchedules(_ context.Context, _ id.ID, request *wire.ListSchedulesRequest) (*wire.ListSchedulesResponse, error) {
	found := r.memory.schedulesWhere(func(s core.Schedule) bool {
		return uint64(s.ID) > request.After &&
			(request.Workflow == "" || s.Workflow == request.Workflow) && (request.Name == "" || s.Name == request.Name)
	})
	response := &wire.ListSchedulesResponse{}
	if limit := int(request.Limit); len(found) > limit {
		found = found[:limit]
		response.NextAfter = uint64(found[limit-1].ID)
	}
	r.memory.mu.Lock()
	defer r.memory.mu.Unlock()
	for _, s := range found {
		listed := schedule.Listed{Schedule: s, State: r.memory.schedules.states[s.ID]}
		response.Schedules = append(response.Schedules, outline.ListedToWire(&listed))
	}
	return response, nil
}
