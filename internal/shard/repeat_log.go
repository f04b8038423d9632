package shard

import (
	"context"
	"fmt"
	"slices"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// nodeLogs are the logs of the durable tasks of a run of a graph that run again.
func (r *Runtime) nodeLogs(ctx context.Context, was *core.NewTask, again *submission, wanted *Repeat) ([]core.NodeLog, error) {
	g := again.version.graph
	if g == nil || again.version.Version != was.Version {
		if len(wanted.More) > 0 {
			return nil, fault.New(fault.Conflict, "", "the workflow of run %s was changed since: it can only be replayed as a whole", was.ID)
		}
		return nil, nil
	}
	nodes := map[id.ID]int32{} // by task, in the run that is replayed
	var tasks []id.ID
	for i := range g.Nodes {
		node := int32(i)
		if g.Nodes[i].Durable && !slices.ContainsFunc(again.kept, func(k core.KeptNode) bool { return k.Node == node }) {
			task := was.ID + 1 + id.ID(node)
			nodes[task], tasks = node, append(tasks, task)
		}
	}
	if len(tasks) == 0 {
		return nil, nil
	}
	entries, mets, err := r.config.Store.Logs(ctx, tasks)
	if err != nil {
		return nil, fmt.Errorf("read logs of run %s: %w", was.ID, err)
	}
	var logs []core.NodeLog
	for _, task := range tasks {
		log := core.NodeLog{Node: nodes[task]}
		log.Entries, log.Mets = settledLog(task, entries, mets)
		if slices.Equal(wanted.Tasks, []id.ID{task}) {
			log.Entries = r.follow(was.Tenant, log.Entries, wanted.More)
		}
		if len(log.Entries) > 0 {
			logs = append(logs, log)
		}
	}
	return logs, nil
}

// settledLog is the log of a task without the waits that are not over: it waits for those
// anew. A task of a graph has no waits before it begins.
func settledLog(task id.ID, entries []core.Entry, mets []core.Met) (kept []core.Entry, met []core.Met) {
	own := slices.DeleteFunc(slices.Clone(mets), func(m core.Met) bool { return m.Task != task || m.Index == 0 })
	places := map[int32]int32{}
	for _, e := range entries {
		if e.Task != task || e.Kind == core.EntryWait && !core.Fulfilled(&e, own) {
			continue
		}
		places[e.Index] = int32(len(kept)) + 1
		e.Index = places[e.Index]
		kept = append(kept, e)
	}
	for _, m := range own {
		if place, there := places[m.Index]; there {
			m.Index = place
			met = append(met, m)
		}
	}
	return kept, met
}

// follow adds entries to a log.
func (r *Runtime) follow(tenant id.ID, log, more []core.Entry) []core.Entry {
	for _, e := range more {
		e.Tenant, e.At, e.Index = tenant, r.now(), int32(len(log))+1
		log = append(log, e)
	}
	return log
}
