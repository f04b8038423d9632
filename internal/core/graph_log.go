package core

import "github.com/adzehq/adze/internal/base/id"

// NodeLog is the log that the task of a node begins with. Whose it is need not be said.
type NodeLog struct {
	Node    int32
	Entries []Entry // by index
	Mets    []Met
}

// carryLogs stores the logs that tasks of a new run begin with, and has its row say so.
func (s *Shard) carryLogs(in *NewRun) {
	if len(in.Logs) == 0 {
		return
	}
	flow := Flow{Share: in.Task.Key}
	if in.Task.Flow != nil {
		flow = *in.Task.Flow
	}
	for i := range in.Logs {
		log := &in.Logs[i]
		task := in.Task.ID + 1 + id.ID(log.Node)
		for _, e := range log.Entries {
			e.Task = task
			s.out.Entries = append(s.out.Entries, e)
		}
		for _, m := range log.Mets {
			m.Task = task
			s.out.Mets = append(s.out.Mets, m)
		}
		flow.Logs = append(flow.Logs, LogLength{Node: log.Node, Entries: int32(len(log.Entries))})
	}
	in.Task.Flow = &flow
}

// logOf is how many entries the log of a node has before its task begins.
func (r *run) logOf(node int32) int32 {
	if r.flow != nil {
		for _, log := range r.flow.Logs {
			if log.Node == node {
				return log.Entries
			}
		}
	}
	return 0
}
