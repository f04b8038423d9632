package sim

import (
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// progress is how far a run of a graph has come: how its nodes ended. It is all that
// the rules of graphs look at.
type progress struct {
	graph     *core.Graph
	ended     map[int32]ending
	cancelled bool
}

// ending is how a node ended, and what conditions said of its output.
type ending struct {
	status   core.Status
	verdicts []core.Verdict
	worker   id.ID // who had it last
}

// fate is what must become of a node that has neither begun nor ended.
type fate uint8

const (
	waits fate = iota
	begins
	pauses // its task is open and waits for what its conditions say
	isSkipped
	isCancelled
)

// fateOf is the rules of a node, from the strongest to the weakest.
func (p *progress) fateOf(node int32) fate {
	n := &p.graph.Nodes[node]
	switch {
	case p.cancelled:
		return isCancelled
	case n.Role != core.NodeTask:
		return p.fateOfHandler(n.Role)
	case p.count(n.Parents, isNotEnded) > 0:
		return waits
	case p.count(n.Parents, core.Failed, core.Cancelled) > 0:
		return isCancelled
	case p.said(n.Parents, func(v core.Verdict) bool { return v.Node == node && v.Skip }):
		return isSkipped
	case len(n.Parents) > 0 && p.count(n.Parents, core.Skipped) == len(n.Parents):
		return isSkipped
	}
	byConditions := p.fateByConditions(node)
	if byConditions != isSkipped && p.said(n.Parents, func(v core.Verdict) bool { return v.Node == node && v.Cancel }) {
		return isCancelled
	}
	return byConditions
}

func (p *progress) fateOfHandler(role core.NodeRole) fate {
	tasks := p.tasks()
	failed := p.count(tasks, core.Failed)
	switch {
	case p.count(tasks, isNotEnded) > 0:
		return waits
	case role == core.NodeOnFailure && failed > 0:
		return begins
	case role == core.NodeOnSuccess && failed+p.count(tasks, core.Cancelled) == 0:
		return begins
	}
	return isSkipped
}

// tasks are the nodes that are no handlers.
func (p *progress) tasks() []int32 {
	var tasks []int32
	for i := range p.graph.Nodes {
		if p.graph.Nodes[i].Role == core.NodeTask {
			tasks = append(tasks, int32(i))
		}
	}
	return tasks
}

// isNotEnded is the status of a node that has not.
const isNotEnded = core.Status(0)

// count tells how many of nodes have one of the statuses.
func (p *progress) count(nodes []int32, statuses ...core.Status) int {
	n := 0
	for _, node := range nodes {
		for _, s := range statuses {
			if p.ended[node].status == s {
				n++
			}
		}
	}
	return n
}

func (p *progress) said(parents []int32, what func(core.Verdict) bool) bool {
	for _, parent := range parents {
		for _, v := range p.ended[parent].verdicts {
			if what(v) {
				return true
			}
		}
	}
	return false
}

// status is how the run ended; 0 while a node has not.
func (p *progress) status() core.Status {
	all := make([]int32, len(p.graph.Nodes))
	for i := range all {
		all[i] = int32(i)
	}
	switch {
	case p.count(all, isNotEnded) > 0:
		return 0
	case p.cancelled:
		return core.Cancelled
	case p.count(all, core.Failed) > 0:
		return core.Failed
	case p.count(all, core.Cancelled) > 0:
		return core.Cancelled
	}
	return core.Succeeded
}
