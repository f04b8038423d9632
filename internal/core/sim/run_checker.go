package sim

import (
	"slices"

	"github.com/adzehq/adze/internal/core"
)

// checkRuns looks at everything that must hold of runs after each step.
func (h *history) checkRuns(st *step) *Violation {
	return first(
		h.checkRunsForgotten(),
		h.checkNodesStand(),
		h.checkRunsRecoverable(st),
		h.checkRunsCheckpointed(st),
	)
}

// checkRunsForgotten: the core has each open run in memory that has a task there, and
// no other; of the others there is a row.
func (h *history) checkRunsForgotten() *Violation {
	resident := 0
	for run, r := range h.model.runs {
		want := core.Live{State: core.OpenRunning, Tenant: r.row.Tenant, Version: r.row.Version, Passed: r.passed}
		live := h.shard.Live(run)
		if live == want {
			resident++
			continue
		}
		if live.State != 0 {
			return broken(runsForgotten, "run %d stands at %+v, want %+v", run, live, want)
		}
		if _, saved := h.written.openRuns[run]; !saved {
			return broken(runsForgotten, "run %d is neither in memory nor in a row", run)
		}
	}
	if have := h.shard.Stats().Runs; have != resident {
		return broken(runsForgotten, "%d runs in memory, of %d open ones", have, resident)
	}
	return h.checkRunsRest()
}

// checkRunsRest: a run is in memory if and only if one of its tasks is, or waits for
// what something in memory has to find.
func (h *history) checkRunsRest() *Violation {
	for run, r := range h.model.runs {
		needed := slices.ContainsFunc(h.model.openTasks(r), func(t *task) bool {
			return h.shard.Live(t.row.ID).State != 0 ||
				slices.ContainsFunc(h.model.awaitedBy(t), func(a *awaited) bool { return watched(a.Wait) })
		})
		if here := h.shard.Live(run).State != 0; needed && !here {
			return broken(runsForgotten, "run %d is not in memory, and has a task that is", run)
		}
	}
	return nil
}

// checkNodesStand: each node of an open run waits for others, is open, or ended: after
// a crash as before it.
func (h *history) checkNodesStand() *Violation {
	for run, r := range h.model.runs {
		if r.status() != 0 {
			return broken(runsEnd, "run %d is open, and all its nodes ended", run)
		}
		for i := range r.graph.Nodes {
			node := int32(i)
			if h.model.undecided(r, node) && r.fateOf(node) != waits {
				return broken(nothingLost, "node %d of run %d is neither open nor ended, and waits for nobody", node, run)
			}
		}
	}
	return nil
}

// checkRunsRecoverable: a run is above the low-water mark, or in the checkpoint with
// all its open tasks; one that ended is not.
func (h *history) checkRunsRecoverable(st *step) *Violation {
	for run, r := range h.model.runs {
		if _, stored := h.written.runs[run]; !stored {
			return broken(nothingLost, "open run %d is not stored", run)
		}
		row, saved := h.written.openRuns[run]
		if !saved {
			if run < h.written.lowWater || r.cancelled {
				return broken(runsWhole, "run %d is open, has no row, and is below the low-water mark %d or cancelled", run, h.written.lowWater)
			}
			continue
		}
		if v := r.checkRow(row); v != nil {
			return v
		}
		for _, t := range h.model.openTasks(r) {
			if _, ok := h.written.open[t.row.ID]; !ok {
				return broken(runsWhole, "run %d has a checkpoint row, its open task %d has none", run, t.row.ID)
			}
		}
	}
	for _, ended := range st.out.RunResults {
		if _, saved := h.written.openRuns[ended.Run]; saved {
			return broken(runsWhole, "run %d ended and keeps its checkpoint row", ended.Run)
		}
	}
	return nil
}

func (r *graphRun) checkRow(o core.OpenRun) *Violation {
	same := o.ID == r.row.ID && o.Tenant == r.row.Tenant && o.Version == r.row.Version &&
		(o.RunAt == r.row.RunAt || len(r.limits) > 0) && o.Priority == r.row.Priority && o.Key == r.row.Key && o.Flow == r.row.Flow && o.Passed == r.passed
	if !same || (o.Cancel != "") != r.cancelled {
		return broken(runsWhole, "row %+v of run %+v, cancelled: %v", o, r.row, r.cancelled)
	}
	return nil
}

// checkRunsCheckpointed: after a tick, what has been open for long has a row.
func (h *history) checkRunsCheckpointed(st *step) *Violation {
	if _, ok := st.in.(*core.Tick); !ok {
		return nil
	}
	for run, r := range h.model.runs {
		if _, saved := h.written.openRuns[run]; !saved && st.now-r.since > checkpointLate {
			return broken(checkpointed, "run %d is open since %d ms and has no row", run, st.now-r.since)
		}
	}
	return nil
}

// checkRunsEnded: after the quiet phase each accepted run has a result, and so has
// each of its nodes.
func (h *history) checkRunsEnded() *Violation {
	for run, row := range h.committed.runs {
		if _, ok := h.committed.runResults[run]; !ok {
			return broken(everythingEnd, "run %d has no result", run)
		}
		for _, target := range newGraphRun(row, h.model.graphs[row.Version], 0).nodes() {
			if _, ok := h.committed.results[target]; !ok {
				return broken(everythingEnd, "run %d ended, its node %d has no result", run, target)
			}
		}
	}
	if len(h.committed.openRuns) > 0 {
		return broken(runsWhole, "%d checkpoint rows of runs are left", len(h.committed.openRuns))
	}
	return nil
}
