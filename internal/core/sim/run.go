package sim

import (
	"cmp"
	"reflect"
	"slices"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// graphRun is an open run of a graph.
type graphRun struct {
	progress
	row    core.NewTask
	since  core.Time // open, or restored
	limits []limitKey
	passed int32 // of them, those that it has a place in
}

func newGraphRun(row core.NewTask, graph *core.Graph, now core.Time) *graphRun {
	row.Input, row.Metadata = nil, nil
	return &graphRun{progress: progress{graph: graph, ended: map[int32]ending{}}, row: row, since: now, limits: limitsOf(row.Tenant, graph.Limits, row.Flow)}
}

func (r *graphRun) task(node int32) id.ID { return r.row.ID + 1 + id.ID(node) }

// nodes are the tasks of all nodes, begun or not.
func (r *graphRun) nodes() []id.ID {
	nodes := make([]id.ID, 0, nodesMax)
	for i := range r.graph.Nodes {
		nodes = append(nodes, r.task(int32(i)))
	}
	return nodes
}

// openTasks are the tasks of r that are open, in ascending order.
func (m *model) openTasks(r *graphRun) []*task {
	var tasks []*task
	for _, target := range r.nodes() {
		if t := m.tasks[target]; t != nil {
			tasks = append(tasks, t)
		}
	}
	return tasks
}

// definition is how the task of row is run.
func (m *model) definition(row *core.NewTask) core.Definition {
	if row.Run != 0 {
		return m.graphs[row.Version].Nodes[row.Node].Definition
	}
	return m.definitions[row.Version]
}

// takeRuns starts the new runs of a submit.
func (m *model) takeRuns(st *step, runs []core.NewRun) *Violation {
	for i := range runs {
		in := &runs[i]
		if v := m.takeLogs(st, in); v != nil {
			return v
		}
		if st.runsTaken >= len(st.out.Runs) || !reflect.DeepEqual(m.ticketed(in), st.out.Runs[st.runsTaken]) {
			return broken(nothingLost, "the row of run %d differs from what was submitted", in.Task.ID)
		}
		st.runsTaken++
		if v := m.startRun(st, st.out.Runs[st.runsTaken-1], in.Kept); v != nil {
			return v
		}
	}
	return nil
}

// ticketed is the row of a run: that of one of a limited graph has what it needs when it
// begins.
func (m *model) ticketed(in *core.NewRun) core.NewTask {
	row, graph := logged(in), m.graphs[in.Task.Version]
	if len(graph.Limits) == 0 || doomed(row.Flow) {
		return row
	}
	flow := core.Flow{Share: row.Key}
	if row.Flow != nil {
		flow = *row.Flow
	}
	flow.Scopes, flow.Kept = row.Scopes, nil
	for _, kept := range in.Kept {
		if graph.Nodes[kept.Node].Role == core.NodeTask {
			flow.Kept = append(flow.Kept, core.EndedNode{Node: kept.Node, Status: core.Succeeded, Verdicts: kept.Verdicts})
		}
	}
	row.Flow = &flow
	return row
}

// startRun begins a run, or has it wait for its places.
func (m *model) startRun(st *step, row core.NewTask, keep []core.KeptNode) *Violation {
	r := newGraphRun(row, m.graphs[row.Version], st.now)
	m.hearMax(r.limits, row.Flow)
	for _, kept := range keep {
		if v := m.keep(st, r, kept); v != nil {
			return v
		}
	}
	if len(r.limits) > 0 && !doomed(row.Flow) {
		m.issue(r, st.now, st.seq)
		return nil
	}
	m.runs[row.ID] = r
	return m.settle(st, r)
}

// keep has a node stand as it ended in the run that r replays.
func (m *model) keep(st *step, r *graphRun, kept core.KeptNode) *Violation {
	if r.graph.Nodes[kept.Node].Role != core.NodeTask {
		return nil
	}
	want := r.resultWithoutTask(st, kept.Node, core.Succeeded)
	want.Output, want.Verdicts = kept.Output, kept.Verdicts
	if have := st.takeResult(want.Task); have == nil || !reflect.DeepEqual(*have, want) {
		return broken(keptStands, "result of the kept node %d is %+v, want %+v", want.Task, have, want)
	}
	r.ended[kept.Node] = ending{status: core.Succeeded, verdicts: kept.Verdicts}
	return nil
}

// nodeEnds goes on with the run of a task that ended.
func (m *model) nodeEnds(st *step, result *core.Result) *Violation {
	r := m.runs[result.Run]
	r.ended[result.Node] = ending{result.Status, result.Verdicts, result.Worker}
	return m.settle(st, r)
}

// settle has each node that waits meet its fate, until none has one, and the run end
// if that was its last node.
func (m *model) settle(st *step, r *graphRun) *Violation {
	for again := true; again; {
		again = false
		for i := range r.graph.Nodes {
			node := int32(i)
			if !m.undecided(r, node) || r.fateOf(node) == waits {
				continue
			}
			if v := m.meet(st, r, node, r.fateOf(node)); v != nil {
				return v
			}
			again = true
		}
	}
	if status := r.status(); status != 0 {
		return m.endRun(st, r, status)
	}
	return nil
}

// undecided tells whether a node has neither begun nor ended.
func (m *model) undecided(r *graphRun, node int32) bool {
	_, ended := r.ended[node]
	return !ended && m.tasks[r.task(node)] == nil
}

// meet expects the fate of a node among the effects.
func (m *model) meet(st *step, r *graphRun, node int32, f fate) *Violation {
	p := spreads
	if r.graph.Nodes[node].Role != core.NodeTask && !r.cancelled {
		p = handlersRight
	}
	switch f {
	case begins, pauses:
		if r.graph.Nodes[node].Role == core.NodeTask {
			p = nodesInOrder
		}
		return m.begin(st, r, node, p, f == pauses)
	case isSkipped:
		return endWithoutTask(st, r, node, core.Skipped, p)
	default:
		return endWithoutTask(st, r, node, core.Cancelled, p)
	}
}

// begin expects the row of a node's task, and that of what it waits for if it pauses.
func (m *model) begin(st *step, r *graphRun, node int32, p promise, pauses bool) *Violation {
	target := r.task(node)
	row := st.begun[target]
	if row == nil {
		return broken(p, "node %d of run %d does not begin, though its time has come", node, r.row.ID)
	}
	delete(st.begun, target)
	want := core.NewTask{
		ID: target, Tenant: r.row.Tenant, Version: r.row.Version, Run: r.row.ID, Node: node,
		RunAt: r.row.RunAt, Key: r.row.Key, Priority: r.row.Priority,
	}
	if len(r.limits) > 0 && !doomed(r.row.Flow) { // its time has come
		want.RunAt = row.RunAt
	}
	if !reflect.DeepEqual(*row, want) {
		return broken(nodesNamed, "row %+v of a node, want %+v", *row, want)
	}
	m.submit(want, st.now, st.seq)
	if pauses {
		return m.pause(st, r, m.tasks[target])
	}
	return nil
}

// endWithoutTask expects the result of a node that never began.
func endWithoutTask(st *step, r *graphRun, node int32, status core.Status, p promise) *Violation {
	want := r.resultWithoutTask(st, node, status)
	have := st.takeResult(want.Task)
	if have == nil || have.Status != status {
		return broken(p, "node %d of run %d has %+v, and must be %v by now", node, r.row.ID, have, status)
	}
	if (have.Error == "") != (status == core.Skipped) {
		return broken(p, "node %d of run %d is %v with error %q", node, r.row.ID, status, have.Error)
	}
	want.Error = have.Error
	if !reflect.DeepEqual(*have, want) {
		return broken(nodesNamed, "result %+v of a node, want %+v", *have, want)
	}
	r.ended[node] = ending{status: status}
	return nil
}

func (r *graphRun) resultWithoutTask(st *step, node int32, status core.Status) core.Result {
	return core.Result{
		Task: r.task(node), Tenant: r.row.Tenant, Version: r.row.Version, Run: r.row.ID, Node: node,
		Status: status, Finished: st.now,
	}
}

// endRun expects the one result of a run.
func (m *model) endRun(st *step, r *graphRun, status core.Status) *Violation {
	have := st.runResults[r.row.ID]
	want := core.RunResult{
		Run: r.row.ID, Tenant: r.row.Tenant, Version: r.row.Version, Status: status, Finished: st.now,
	}
	if have == nil {
		return broken(runsEnd, "run %d does not end with its last node", r.row.ID)
	}
	want.Error = have.Error
	if *have != want || (have.Error == "") != (status == core.Succeeded) {
		return broken(runsEnd, "run ends with %+v, want %+v", *have, want)
	}
	st.leave(r.limits, have.Error)
	delete(st.runResults, r.row.ID)
	delete(m.runs, r.row.ID)
	m.scheduledEnds(r.row.ID)
	m.onceEnds(r.row.ID)
	m.ended[r.row.ID] = status
	return m.takeMets(st)
}

// cancelRun stops what runs of a run, and ends all else.
func (m *model) cancelRun(st *step, r *graphRun) (core.AnswerKind, *Violation) {
	if !r.cancelled {
		r.cancelled = true
		if v := m.cancelOpen(st, r); v != nil {
			return 0, v
		}
		if m.runs[r.row.ID] != nil { // not ended with the last of its tasks
			if v := m.settle(st, r); v != nil {
				return 0, v
			}
		}
	}
	if m.runs[r.row.ID] != nil {
		return core.AnswerStarted, nil
	}
	return core.AnswerDone, nil
}

// cancelOpen cancels the open tasks of a cancelled run. The core puts off those that
// are not in memory.
func (m *model) cancelOpen(st *step, r *graphRun) *Violation {
	later := st.putOff(0)
	for _, t := range m.openTasks(r) {
		target := t.row.ID
		switch putOff := slices.Contains(later, target); {
		case putOff && st.stayed(target):
			return broken(cancelWhole, "the cancel of task %d is put off, though it is in memory", target)
		case putOff:
			continue
		case t.state != core.OpenRunning && st.results[target] == nil:
			return broken(cancelWhole, "task %d of the cancelled run %d stays", target, r.row.ID)
		}
		if _, v := m.cancel(st, t); v != nil {
			return v
		}
	}
	return nil
}

// takeRestore: the owner before may have cancelled a run, and not all its tasks.
func (m *model) takeRestore(st *step) *Violation {
	m.muster(st.seq)
	for _, r := range m.sortedRuns() {
		if r.cancelled {
			if v := m.cancelOpen(st, r); v != nil {
				return v
			}
		}
	}
	return nil
}

// recoverRuns is what a crash leaves of the runs.
func (m *model) recoverRuns(s *store, now core.Time) {
	for run, row := range s.runs {
		if result, ended := s.runResults[run]; ended {
			m.ended[run] = result.Status
			continue
		}
		graph := m.graphs[row.Version]
		r := newGraphRun(row, graph, now)
		m.hearMax(r.limits, row.Flow)
		r.cancelled = s.openRuns[run].Cancel != ""
		for i, target := range r.nodes() {
			if result, ok := s.results[target]; ok {
				r.ended[int32(i)] = ending{result.Status, result.Verdicts, result.Worker}
			}
		}
		if !s.hasBegunRun(run, graph) {
			m.issue(r, now, 0)
			if o, ok := s.open[run]; ok {
				m.resume(m.tasks[run], o, now)
			}
			continue
		}
		if !doomed(row.Flow) {
			r.passed = int32(len(r.limits))
		}
		m.runs[run] = r
	}
}

func (m *model) sortedRuns() []*graphRun {
	all := make([]*graphRun, 0, len(m.runs))
	for _, r := range m.runs {
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b *graphRun) int { return cmp.Compare(a.row.ID, b.row.ID) })
	return all
}
