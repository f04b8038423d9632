package core

import "github.com/adzehq/adze/internal/base/id"

// NodeLog is the log that the task of a node begins with. Whose it is need not be said.
type NodeLog struct {
	Node    int32
	Entries []Entry // by index
	Mets    []Met
}

// carryLogs stores the logs that tasks of a new run begin with, and has its row say so.
func (s *Shard) carryLogs(row *NewTask, logs []NodeLog) {
	if len(logs) == 0 {
		return
	}
	flow := row.ownFlow()
	for i := range logs {
		log := &logs[i]
		s.carryLog(row.ID+1+id.ID(log.Node), log.Entries, log.Mets)
		flow.Logs = append(flow.Logs, LogLength{Node: log.Node, Entries: int32(len(log.Entries))})
	}
	row.Flow = flow
}

// carryLog stores the log that a new task begins with.
func (s *Shard) carryLog(task id.ID, entries []Entry, mets []Met) {
	for _, e := range entries {
		e.Task = task
		s.out.Entries = append(s.out.Entries, e)
	}
	for _, m := range mets {
		m.Task = task
		s.out.Mets = append(s.out.Mets, m)
	}
}

// ownFlow is a copy of what is said of row, to be added to.
func (row *NewTask) ownFlow() *Flow {
	if row.Flow == nil {
		return &Flow{Share: row.Key}
	}
	flow := *row.Flow
	return &flow
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
