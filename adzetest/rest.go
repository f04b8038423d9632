package adzetest

import (
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// runsOf are the open runs of what was loaded, and those that a task load may be about,
// as far as they have a checkpoint row.
func (m *memory) runsOf(loaded *core.Loaded) []core.OpenRun {
	var ids []id.ID
	for i := range loaded.Rows {
		ids = append(ids, loaded.Rows[i].Run)
	}
	switch loaded.Load.Kind {
	case core.LoadTasks, core.LoadWhy:
		ids = append(ids, loaded.Load.Tasks...)
	case core.LoadChildren:
		for i := range loaded.Children {
			ids = append(ids, loaded.Children[i].Run)
		}
	}
	slices.Sort(ids)
	var runs []core.OpenRun
	for _, run := range slices.Compact(ids) {
		if row, open := m.openRuns[run]; open {
			row.Saved, row.Ended, row.Scopes = true, m.endedOf(run), m.runs[run].Scopes
			runs = append(runs, row)
		}
	}
	return runs
}

// endedOf is how tasks of a run ended.
func (m *memory) endedOf(run id.ID) []core.EndedNode {
	var ended []core.EndedNode
	for task := run + 1; task <= run+core.NodesMax; task++ {
		if r, has := m.results[task]; has && r.Run == run {
			ended = append(ended, core.EndedNode{Node: r.Node, Status: r.Status, Verdicts: r.Verdicts})
		}
	}
	return ended
}
