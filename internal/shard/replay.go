package shard

import (
	"context"
	"fmt"
	"slices"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// Replay implements Client.
func (r *Runtime) Replay(ctx context.Context, tenant id.ID, ids []id.ID, fromFailed bool) ([]id.ID, error) {
	stored, err := r.endedRuns(ctx, tenant, ids)
	if err != nil {
		return nil, err
	}
	rows := make([]submission, len(ids))
	for i, run := range ids {
		keep := keepNone
		if fromFailed {
			keep = keepAll
		}
		if rows[i], err = r.again(ctx, stored[run], keep); err != nil {
			return nil, fault.At(fmt.Sprintf("run_ids[%d]", i), err)
		}
	}
	submitted, err := r.submit(ctx, rows, WaitForRoom) // none has a key: who asks for a run again wants it
	fresh := make([]id.ID, len(submitted))
	for i := range submitted {
		fresh[i] = submitted[i].ID
	}
	return fresh, err
}

// endedRuns are the rows of runs that have ended, as all of them must have.
func (r *Runtime) endedRuns(ctx context.Context, tenant id.ID, ids []id.ID) (map[id.ID]*core.NewTask, error) {
	stored, err := r.stored(ctx, ids)
	if err != nil {
		return nil, err
	}
	ended, err := r.hasEnded(ctx, tenant, ids)
	if err != nil {
		return nil, err
	}
	for i, run := range ids {
		if row := stored[run]; row == nil || row.Tenant != tenant {
			return nil, fault.New(fault.NotFound, fmt.Sprintf("run_ids[%d]", i), "no run %s", run)
		}
		if !ended[run] {
			return nil, fault.New(fault.Conflict, fmt.Sprintf("run_ids[%d]", i), "run %s has not ended; cancel it first, or wait for its result", run)
		}
	}
	return stored, nil
}

// stored are the rows of runs, of one task or of several. A task of a graph is no run.
func (r *Runtime) stored(ctx context.Context, ids []id.ID) (map[id.ID]*core.NewTask, error) {
	tasks, err := r.config.Store.Inputs(ctx, ids)
	if err != nil {
		return nil, err
	}
	runs, err := r.config.Store.Runs(ctx, ids)
	if err != nil {
		return nil, err
	}
	of := make(map[id.ID]*core.NewTask, len(ids))
	for i := range tasks {
		if tasks[i].Run == 0 {
			of[tasks[i].ID] = &tasks[i]
		}
	}
	for i := range runs {
		of[runs[i].ID] = &runs[i]
	}
	return of, nil
}

// keeping tells which nodes of a graph need not run again that succeeded.
type keeping func(g *graph) func(node int32) bool

func keepAll(*graph) func(int32) bool { return func(int32) bool { return true } }

// keepNone is that of a replay from the start.
var keepNone keeping

// keepBut is that of a replay of some tasks, and of all that follow from them.
func keepBut(run id.ID, tasks []id.ID) keeping {
	return func(g *graph) func(int32) bool {
		again := map[int32]bool{}
		for _, task := range tasks {
			again[int32(task-run-1)] = true
		}
		for more := true; more; { // nodes may stand before their parents
			more = false
			for i := range g.Nodes {
				node := int32(i)
				if !again[node] && slices.ContainsFunc(g.Nodes[i].Parents, func(p int32) bool { return again[p] }) {
					again[node], more = true, true
				}
			}
		}
		return func(node int32) bool { return !again[node] }
	}
}

// again is a run as a new one, under the current version of its workflow.
func (r *Runtime) again(ctx context.Context, row *core.NewTask, keep keeping) (submission, error) {
	was := r.catalog.version(row.Version)
	if was == nil {
		return submission{}, fmt.Errorf("replay run %s: no version %s", row.ID, row.Version)
	}
	s := submission{version: r.catalog.workflow(was.Tenant, was.Workflow), row: *row}
	s.row.ID, s.row.RunAt, s.row.ReplayOf, s.row.Version = 0, 0, row.ID, s.version.Version
	if s.version != was && s.version.rules != nil && s.version.rules.key != nil {
		s.row.Key = "" // else what it was given, or what would be given again
	}
	s.row.Flow = askedAgain(s.row.Flow)
	if err := s.version.complete(&s.row); err != nil {
		return s, err
	}
	if keep == nil || was.graph == nil || s.version != was { // a changed graph runs whole
		return s, nil
	}
	outputs, err := r.outputs(ctx, was.graph, row.ID)
	if err != nil {
		return s, err
	}
	kept := keep(was.graph)
	for i := range was.graph.Nodes {
		if output, ok := outputs[int32(i)]; ok && kept(int32(i)) {
			s.kept = append(s.kept, core.KeptNode{Node: int32(i), Output: output, Verdicts: was.graph.judge(int32(i), output)})
		}
	}
	return s, nil
}
