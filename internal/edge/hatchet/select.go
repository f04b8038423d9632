package hatchet

import (
	"context"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/admit"
	"github.com/adzehq/adze/internal/edge/hatchet/view"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// Selection is which runs and tasks something is to be done to: those with these ids, or
// those of runs that a filter chooses.
type Selection struct {
	IDs    []string
	Filter *view.Filter
}

// Runs reads runs as this wire shows them.
func (s *Server) Runs() *view.Reader { return s.runs }

// target is a selected run, or a task of it.
type target struct {
	view.Place
	external id.ID    // what it goes by
	durable  bool     // it is a run of one task, which keeps a log
	ahead    bool     // it is a replay of which nothing has begun: to replay it changes nothing
	tasks    []string // the ids that its tasks go by
	open     []string // of those that have not ended
}

// selected are the targets of a selection, each once. What is unknown is left out.
func (s *Server) selected(ctx context.Context, tenant id.ID, from Selection) ([]target, error) {
	switch {
	case from.Filter != nil && len(from.IDs) > 0:
		return nil, fault.New(fault.Invalid, "filter", "stands beside external_ids; give one of them")
	case from.Filter != nil:
		return s.chosen(ctx, tenant, *from.Filter)
	}
	if err := admit.Count("external_ids", len(from.IDs), admit.RunsMax); err != nil {
		return nil, err
	}
	var targets []target
	seen := map[view.Place]bool{}
	for _, text := range from.IDs {
		external, err := view.ParseID("external_ids", text)
		if err != nil {
			return nil, err
		}
		place, err := s.runs.Locate(ctx, tenant, external)
		if fault.KindOf(err) == fault.NotFound || seen[place] {
			continue
		}
		if err != nil {
			return nil, err
		}
		seen[place] = true
		run, err := s.runs.At(ctx, tenant, place, false)
		if err != nil {
			return nil, err
		}
		targets = append(targets, targetOf(place, run))
	}
	return targets, nil
}

// chosen are the runs of a filter.
func (s *Server) chosen(ctx context.Context, tenant id.ID, f view.Filter) ([]target, error) {
	runs, err := s.runs.All(ctx, tenant, f)
	if err != nil {
		return nil, err
	}
	targets := make([]target, len(runs))
	for i, run := range runs {
		place := view.Place{Run: run.ID}
		if !run.Graph {
			place.Task = run.ID
		}
		targets[i] = targetOf(place, run)
	}
	return targets, nil
}

func targetOf(place view.Place, run *view.Run) target {
	t := target{
		Place: place, external: run.External, durable: !run.Graph && run.Version.Tasks[0].Durable,
		ahead: run.ReplayOf != 0 && !run.Done(),
	}
	if place.Task != 0 {
		t.external = run.TaskOf(place.Task)
	}
	for i := range run.Tasks {
		task := &run.Tasks[i]
		if place.Task != 0 && place.Task != task.ID {
			continue
		}
		t.ahead = t.ahead && !task.HasBegun()
		t.tasks = append(t.tasks, task.External.String())
		if !view.Final(task.Status) {
			t.open = append(t.open, task.External.String())
		}
	}
	return t
}

// filterOf reads the filter of a request; nil if it has none.
func filterOf(from *wire.TasksFilter) (*view.Filter, error) {
	if from == nil {
		return nil, nil
	}
	f := &view.Filter{}
	if from.Since != nil {
		f.Since = core.Time(from.Since.AsTime().UnixMilli())
	}
	if from.Until != nil {
		f.By(core.Time(max(from.Until.AsTime().UnixMilli(), 1)))
	}
	var err error
	if f.Metadata, err = view.Labels("filter.additional_metadata", from.AdditionalMetadata); err != nil {
		return nil, err
	}
	f.AnyLabel = true
	for _, name := range from.Statuses {
		status, err := view.ParseStatus("filter.statuses", name)
		if err != nil {
			return nil, err
		}
		f.Statuses = append(f.Statuses, status)
	}
	for _, text := range from.WorkflowIds {
		workflow, err := view.ParseID("filter.workflow_ids", text)
		if err != nil {
			return nil, err
		}
		f.IDs = append(f.IDs, workflow)
	}
	return f, nil
}
