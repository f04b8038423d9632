package sim

import (
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

const (
	graphsMax = 6
	nodesMax  = 8
)

// place is where a task of a graph stands.
type place struct {
	run   id.ID
	node  int32
	graph *core.Graph
}

// newGraph draws a graph: any order of its nodes, any parents, handlers now and then.
func (h *history) newGraph() *core.Graph {
	tenant := firstTenant + id.ID(h.rand.IntN(tenants))
	g := &core.Graph{Version: firstGraph + id.ID(len(h.graphs)), Tenant: tenant, Workflow: pick(h, workflows), Limits: h.drawLimits(runLimits)}
	n := 1 + min(h.rand.IntN(nodesMax), h.rand.IntN(nodesMax)) // small ones are many
	order := h.rand.Perm(n)                                    // parents come before their children in it, not by place
	density := h.rand.IntN(4)
	g.Nodes = make([]core.Node, n)
	for i, at := range order {
		node := &g.Nodes[at]
		node.Definition, node.Name = h.drawDefinition(g.Version, tenant), string(rune('a'+at))
		node.Workflow = g.Workflow
		if h.rand.IntN(4) > 0 && node.Sticky != core.StickyOnly { // or hardly a graph would come to its end
			node.ScheduleTimeoutMS = 0
		}
		node.Retries = max(0, node.Retries-1)
		for _, before := range order[:i] {
			if h.rand.IntN(4) < density {
				node.Parents = append(node.Parents, int32(before))
			}
		}
		if h.rand.IntN(3) == 0 {
			node.Conditions = h.drawNodeConditions(node.Parents)
		}
	}
	h.drawHandlers(g)
	h.graphs = append(h.graphs, g)
	return g
}

// drawHandlers makes handlers of some nodes that are nobody's parents.
func (h *history) drawHandlers(g *core.Graph) {
	for _, role := range []core.NodeRole{core.NodeOnFailure, core.NodeOnSuccess} {
		at := int32(h.rand.IntN(len(g.Nodes)))
		node := &g.Nodes[at]
		parent := slices.ContainsFunc(g.Nodes, func(n core.Node) bool { return slices.Contains(n.Parents, at) })
		if len(g.Nodes) > 1 && !parent && node.Role == core.NodeTask {
			node.Role, node.Parents, node.Conditions = role, nil, nil
		}
	}
}

// newRun draws a run of a graph, and gives its nodes their ids.
func (h *history) newRun() core.NewRun {
	return h.newRunOf(pick(h, h.graphs))
}

func (h *history) newRunOf(g *core.Graph) core.NewRun {
	run := core.NewRun{}
	h.lastTask++
	run.Task.ID, run.Task.Tenant, run.Task.Version = h.lastTask, g.Tenant, g.Version
	h.drawRow(&run.Task)
	run.Task.Scopes, run.Task.Flow = h.drawScopes(g), h.drawRunFlow(g, &run.Task)
	h.doom(&run.Task)
	h.runs = append(h.runs, run.Task.ID)
	for i := range g.Nodes {
		h.lastTask++
		h.places[h.lastTask] = place{run.Task.ID, int32(i), g}
	}
	return run
}

// newSubmit draws a run that is submitted: the replay of one that ended, now and then.
func (h *history) newSubmit() core.NewRun {
	g := pick(h, h.graphs)
	if ended := h.endedRuns(g); len(ended) > 0 && h.rand.IntN(2) == 0 {
		old := pick(h, ended)
		if logged := slices.IndexFunc(ended, h.keepsLogs); logged >= 0 && h.rand.IntN(2) == 0 {
			old = ended[logged]
		}
		return h.newReplay(g, old)
	}
	return h.newRunOf(g)
}

// newReplay draws a replay of a run.
func (h *history) newReplay(g *core.Graph, old id.ID) core.NewRun {
	run := h.newRunOf(g)
	run.Task.ReplayOf = old
	if h.rand.IntN(3) > 0 {
		run.Kept = h.drawKept(g, old)
	}
	if h.rand.IntN(4) > 0 {
		run.Logs = h.drawLogs(g, &run)
	}
	return run
}

// endedRuns are the runs of a graph that can be replayed.
func (h *history) endedRuns(g *core.Graph) []id.ID {
	var ended []id.ID
	for _, run := range h.runs {
		if _, ok := h.committed.runResults[run]; ok && h.places[run+1].graph == g {
			ended = append(ended, run)
		}
	}
	return ended
}

// drawKept is what a replay of a run keeps: all that succeeded, or less.
func (h *history) drawKept(g *core.Graph, run id.ID) []core.KeptNode {
	var kept []core.KeptNode
	whole := h.rand.IntN(2) == 0
	for i := range g.Nodes {
		result := h.committed.results[run+1+id.ID(i)]
		if result.Status == core.Succeeded && (whole || h.rand.IntN(2) == 0) {
			kept = append(kept, core.KeptNode{Node: int32(i), Output: result.Output, Verdicts: result.Verdicts})
		}
	}
	return kept
}

// drawVerdicts is what conditions say of the output of a task: each time that it runs
// anew, for outputs differ.
func (h *history) drawVerdicts(target id.ID) []core.Verdict {
	at, ok := h.places[target]
	if !ok {
		return nil
	}
	var verdicts []core.Verdict
	for i := range at.graph.Nodes {
		if !slices.Contains(at.graph.Nodes[i].Parents, at.node) {
			continue
		}
		v := core.Verdict{Node: int32(i), Holds: h.drawHolds(&at.graph.Nodes[i], at.node)}
		switch h.rand.IntN(12) {
		case 0, 1:
			v.Skip = true
		case 2:
			v.Cancel = true
		case 3:
			v.Skip, v.Cancel = true, true
		}
		if v.Skip || v.Cancel || v.Holds != 0 {
			verdicts = append(verdicts, v)
		}
	}
	return verdicts
}

// isSticky tells whether a task of a graph wants a certain worker.
func isSticky(g *core.Graph) bool {
	return slices.ContainsFunc(g.Nodes, func(n core.Node) bool { return n.Sticky != core.StickyNone })
}
