package sim

import (
	"cmp"
	"reflect"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// drawLogs are the logs that durable tasks of a replay go on from: what is committed of
// those of the run that it repeats, of all nodes that it does not keep.
func (h *history) drawLogs(g *core.Graph, run *core.NewRun) (logs []core.NodeLog) {
	for i := range g.Nodes {
		node := int32(i)
		if slices.ContainsFunc(run.Kept, func(k core.KeptNode) bool { return k.Node == node }) {
			continue
		}
		old, again := run.Task.ReplayOf+1+id.ID(node), run.Task.ID+1+id.ID(node)
		if log := h.settledLog(old); len(log.Entries) > 0 {
			log.Node = node
			logs = append(logs, log)
			h.origins[again] = cmp.Or(h.origins[old], old) // it does what that one did
		}
	}
	return logs
}

// settledLog is the log of a task up to the first wait that is not over, or less.
func (h *history) settledLog(of id.ID) (log core.NodeLog) {
	own := slices.DeleteFunc(slices.Clone(h.committed.mets[of]), func(m core.Met) bool { return m.Index == 0 })
	entries := h.committed.logs[of]
	if h.rand.IntN(3) == 0 {
		entries = entries[:h.rand.IntN(len(entries)+1)]
	}
	for i := range entries {
		if entries[i].Kind == core.EntryWait && !core.Fulfilled(&entries[i], own) {
			break
		}
		log.Entries = append(log.Entries, entries[i])
	}
	for _, met := range own {
		if int(met.Index) <= len(log.Entries) {
			met.Worker, met.Token = 0, 0
			log.Mets = append(log.Mets, met)
		}
	}
	return log
}

// logged is the row of a run: it says how long the logs are that its tasks begin with.
func logged(in *core.NewRun) core.NewTask {
	row := in.Task
	if len(in.Logs) == 0 {
		return row
	}
	flow := core.Flow{Share: row.Key}
	if row.Flow != nil {
		flow = *row.Flow
	}
	flow.Logs = nil
	for i := range in.Logs {
		flow.Logs = append(flow.Logs, core.LogLength{Node: in.Logs[i].Node, Entries: int32(len(in.Logs[i].Entries))})
	}
	row.Flow = &flow
	return row
}

// takeLogs expects the rows of the logs that tasks of a new run begin with, under the ids
// that these tasks have or will have.
func (m *model) takeLogs(st *step, in *core.NewRun) *Violation {
	if len(in.Logs) == 0 {
		return nil
	}
	if v := m.takeMets(st); v != nil { // of what came before it
		return v
	}
	for i := range in.Logs {
		log := &in.Logs[i]
		if v := st.takeLog(in.Task.ID+1+id.ID(log.Node), log.Entries, log.Mets); v != nil {
			return v
		}
	}
	return nil
}

// takeLog expects the rows of a log that a task begins with.
func (st *step) takeLog(task id.ID, entries []core.Entry, mets []core.Met) *Violation {
	for _, e := range entries {
		e.Task = task
		if st.entriesTaken == len(st.out.Entries) || !reflect.DeepEqual(st.out.Entries[st.entriesTaken], e) {
			return broken(recordedOnce, "entry %d that task %d begins with is not written", e.Index, task)
		}
		st.entriesTaken++
	}
	for _, met := range mets {
		met.Task = task
		if st.metsTaken == len(st.out.Mets) || !reflect.DeepEqual(st.out.Mets[st.metsTaken], met) {
			return broken(metRightly, "%s that task %d begins with is not written", show(met), task)
		}
		st.metsTaken++
	}
	return nil
}

// logOf is how many entries the log of a node has before its task begins.
func (r *graphRun) logOf(node int32) int32 {
	if r.row.Flow == nil {
		return 0
	}
	at := slices.IndexFunc(r.row.Flow.Logs, func(l core.LogLength) bool { return l.Node == node })
	if at < 0 {
		return 0
	}
	return r.row.Flow.Logs[at].Entries
}
