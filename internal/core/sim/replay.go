package sim

import (
	"cmp"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// replay has a run repeated, mostly one of late: one that is open is cancelled before, and
// repeated when its end is committed. Whoever waits for that is gone with a crash.
func (h *history) replay() *Violation {
	for i, target := range h.toReplay {
		if h.committed.ended(target) {
			h.toReplay = slices.Delete(h.toReplay, i, i+1)
			return h.runAgain(target)
		}
	}
	target := h.someRun()
	switch {
	case target == 0 || slices.Contains(h.toReplay, target):
		return nil
	case h.committed.ended(target):
		return h.runAgain(target)
	case h.model.tasks[target] == nil && h.model.runs[target] == nil:
		return nil // it was refused, or a crash has lost it
	}
	h.toReplay = append(h.toReplay, target)
	h.lastRef++
	h.asked[h.lastRef] = 1
	return h.apply(&core.Cancel{Ref: h.lastRef, Tenant: h.tenantOf(target), Tasks: []id.ID{target}, Reason: "replayed"})
}

// someRun is a run of one task or of several, mostly of late; 0 if there is none.
func (h *history) someRun() id.ID {
	of := h.own
	if len(h.runs) > 0 && h.rand.IntN(2) == 0 {
		of = h.runs
	}
	if h.rand.IntN(2) == 0 {
		if rare := h.lastRare(of); rare != 0 {
			return rare
		}
	}
	if len(of) == 0 {
		return 0
	}
	return of[max(0, len(of)-1-h.rand.IntN(8))]
}

// lastRare is the last run of a kind of which there are few: those of a schedule, of another
// task, or of a graph with tasks that keep logs; 0 if there is none.
func (h *history) lastRare(of []id.ID) id.ID {
	kinds := []func(row *core.NewTask) bool{
		func(row *core.NewTask) bool { return row.Schedule != 0 },
		func(row *core.NewTask) bool { return row.Parent != 0 },
		func(row *core.NewTask) bool { return h.keepsLogs(row.ID) },
	}
	first := h.rand.IntN(len(kinds))
	for _, is := range slices.Concat(kinds[first:], kinds[:first]) {
		for _, run := range slices.Backward(of) {
			row := h.committed.tasks[run]
			if graph, isGraph := h.committed.runs[run]; isGraph {
				row = graph
			}
			if is(&row) {
				return run
			}
		}
	}
	return 0
}

// keepsLogs tells whether a task of a run of a graph has a log.
func (h *history) keepsLogs(run id.ID) bool {
	g := h.places[run+1].graph
	if g == nil || h.places[run+1].run != run {
		return false
	}
	for node := range g.Nodes {
		if len(h.committed.logs[run+1+id.ID(node)]) > 0 {
			return true
		}
	}
	return false
}

// runAgain submits a run that ended as a new one: for whatever it was started, and under
// whatever event, parent and schedule its row names.
func (h *history) runAgain(target id.ID) *Violation {
	in := &core.Submit{}
	if old, graph := h.committed.runs[target]; graph {
		run := h.newReplay(h.model.graphs[old.Version], target)
		repeat(&run.Task, &old)
		in.Runs = append(in.Runs, run)
		return h.apply(in)
	}
	old := h.committed.tasks[target]
	row := h.newTask(h.model.definitions[old.Version])
	repeat(&row, &old)
	h.origins[row.ID] = cmp.Or(h.origins[target], target) // it does what that one did
	in.Tasks = append(in.Tasks, row)
	return h.apply(in)
}

// repeat has a row be of a replay of an old one's run.
func repeat(row, old *core.NewTask) {
	row.ReplayOf, row.RunAt = old.ID, 0
	row.Event, row.Given, row.Parent, row.Schedule = old.Event, old.Given, old.Parent, old.Schedule
}
