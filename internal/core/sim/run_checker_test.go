package sim

import (
	"slices"

	"github.com/adzehq/adze/internal/core"
)

// runSabotages are ways to break each promise of runs of graphs.
var runSabotages = map[string]attack{
	"a run is not stored":                  {nothingLost, dropRun},
	"a node begins too early":              {nodesInOrder, hurryNode},
	"a node begins twice":                  {nodesInOrder, repeatNode},
	"a node never begins":                  {nodesInOrder, dropNode(core.NodeTask)},
	"a handler of failures does not run":   {handlersRight, dropNode(core.NodeOnFailure)},
	"a handler of successes does not run":  {handlersRight, dropNode(core.NodeOnSuccess)},
	"a handler is not skipped":             {handlersRight, cancelHandler},
	"a skip is not passed on":              {spreads, dropSkip},
	"a cancel becomes a skip":              {spreads, skipCancelled},
	"a cancel says not why":                {spreads, silenceCancelled},
	"a kept node has no result":            {keptStands, dropKept},
	"a kept node has lost its verdicts":    {keptStands, forgetKept},
	"a node's row is of another place":     {nodesNamed, moveNode},
	"a node's result is of no run":         {nodesNamed, orphanResult},
	"a node's checkpoint row is of no run": {nodesNamed, orphanOpen},
	"a verdict is not stored":              {nodesNamed, dropVerdicts},
	"a run does not end":                   {runsEnd, dropRunResult},
	"a run ends otherwise":                 {runsEnd, changeRunResult},
	"a run ends again":                     {runsEnd, repeatRunResult},
	"a run is in memory that nobody knows": {runsForgotten, openPhantom},
	"a run's checkpoint row is missing":    {runsWhole, dropOpenRun},
	"a run's checkpoint row stays":         {runsWhole, dropClosedRun},
	"a run is in the checkpoint by half":   {runsWhole, dropOpenOfRun},
	"the cancel of a run is not stored":    {runsWhole, dropCancelOfRun},
	"a cancelled run leaves a task":        {cancelWhole, dropLoadOfRun},
}

func dropRun(_ *history, st *step) bool { return dropFirst(&st.out.Runs) }

func dropRunResult(_ *history, st *step) bool { return dropFirst(&st.out.RunResults) }

func dropOpenRun(_ *history, st *step) bool { return dropFirst(&st.out.OpenRuns) }

func dropClosedRun(_ *history, st *step) bool { return dropFirst(&st.out.ClosedRuns) }

// dropWhere drops the first that fits.
func dropWhere[T any](list *[]T, fits func(T) bool) bool {
	at := slices.IndexFunc(*list, fits)
	if at < 0 {
		return false
	}
	*list = slices.Delete(slices.Clone(*list), at, at+1)
	return true
}

// changeWhere changes the first that fits.
func changeWhere[T any](list []T, fits func(T) bool, change func(*T)) bool {
	at := slices.IndexFunc(list, fits)
	if at < 0 {
		return false
	}
	change(&list[at])
	return true
}

func hurryNode(h *history, st *step) bool {
	for _, r := range h.model.sortedRuns() {
		for i := range r.graph.Nodes {
			if node := int32(i); h.model.undecided(r, node) && len(st.out.Results) == 0 {
				st.out.Tasks = append(st.out.Tasks, core.NewTask{
					ID: r.task(node), Tenant: r.row.Tenant, Version: r.row.Version, Run: r.row.ID, Node: node,
				})
				return true
			}
		}
	}
	return false
}

func repeatNode(h *history, st *step) bool {
	for _, t := range h.written.tasks {
		if t.Run != 0 {
			st.out.Tasks = append(st.out.Tasks, t)
			return true
		}
	}
	return false
}

func dropNode(role core.NodeRole) sabotage {
	return func(h *history, st *step) bool {
		return dropWhere(&st.out.Tasks, func(t core.NewTask) bool {
			return t.Run != 0 && h.places[t.ID].graph.Nodes[t.Node].Role == role
		})
	}
}

func cancelHandler(h *history, st *step) bool {
	skippedHandler := func(r core.Result) bool {
		return r.Status == core.Skipped && h.places[r.Task].graph.Nodes[r.Node].Role != core.NodeTask
	}
	return changeWhere(st.out.Results, skippedHandler, func(r *core.Result) { r.Status, r.Error = core.Cancelled, "no" })
}

func dropSkip(_ *history, st *step) bool {
	return dropWhere(&st.out.Results, func(r core.Result) bool { return r.Status == core.Skipped })
}

func neverBegun(r core.Result) bool {
	return r.Status == core.Cancelled && r.Run != 0 && r.Attempt == 0
}

func skipCancelled(_ *history, st *step) bool {
	return changeWhere(st.out.Results, neverBegun, func(r *core.Result) { r.Status, r.Error = core.Skipped, "" })
}

func silenceCancelled(_ *history, st *step) bool {
	return changeWhere(st.out.Results, neverBegun, func(r *core.Result) { r.Error = "" })
}

func keptResult(r core.Result) bool { return r.Status == core.Succeeded && r.Attempt == 0 }

func dropKept(_ *history, st *step) bool { return dropWhere(&st.out.Results, keptResult) }

func forgetKept(_ *history, st *step) bool {
	judged := func(r core.Result) bool { return keptResult(r) && r.Verdicts != nil }
	return changeWhere(st.out.Results, judged, func(r *core.Result) { r.Verdicts = nil })
}

func moveNode(_ *history, st *step) bool {
	return changeWhere(st.out.Tasks, func(t core.NewTask) bool { return t.Run != 0 }, func(t *core.NewTask) { t.Node++ })
}

func orphanResult(_ *history, st *step) bool {
	begun := func(r core.Result) bool { return r.Run != 0 && r.Attempt > 0 }
	return changeWhere(st.out.Results, begun, func(r *core.Result) { r.Run = 0 })
}

func orphanOpen(_ *history, st *step) bool {
	return changeWhere(st.out.Open, func(o core.OpenTask) bool { return o.Run != 0 }, func(o *core.OpenTask) { o.Run = 0 })
}

func dropVerdicts(_ *history, st *step) bool {
	judged := func(r core.Result) bool { return r.Attempt > 0 && r.Verdicts != nil }
	return changeWhere(st.out.Results, judged, func(r *core.Result) { r.Verdicts = nil })
}

func changeRunResult(_ *history, st *step) bool {
	all := func(core.RunResult) bool { return true }
	return changeWhere(st.out.RunResults, all, func(r *core.RunResult) { r.Status = r.Status%core.Cancelled + 1 })
}

func repeatRunResult(h *history, st *step) bool {
	for _, r := range h.written.runResults {
		st.out.RunResults = append(st.out.RunResults, r)
		return true
	}
	return false
}

// openPhantom has the core open a run behind everybody's back.
func openPhantom(h *history, _ *step) bool {
	run := core.NewRun{Task: core.NewTask{
		ID: h.lastTask + 1_000, Version: h.graphs[0].Version, Scopes: h.drawScopes(h.graphs[0]),
	}}
	h.shard.Apply(h.now, &core.Submit{Runs: []core.NewRun{run}}, &core.Effects{})
	return true
}

// dropOpenOfRun leaves out the row of a task that came with the one of its run.
func dropOpenOfRun(h *history, st *step) bool {
	return dropWhere(&st.out.Open, func(o core.OpenTask) bool {
		_, saved := h.written.open[o.ID]
		return !saved && !slices.Contains(st.out.Closed, o.ID) &&
			slices.ContainsFunc(st.out.OpenRuns, func(r core.OpenRun) bool { return r.ID == o.Run })
	})
}

func dropCancelOfRun(_ *history, st *step) bool {
	return changeWhere(st.out.OpenRuns, func(r core.OpenRun) bool { return r.Cancel != "" }, func(r *core.OpenRun) { r.Cancel = "" })
}

func dropLoadOfRun(_ *history, st *step) bool {
	return dropWhere(&st.out.Loads, func(l core.Load) bool { return l.Kind == core.LoadTasks && l.Ref == 0 })
}
