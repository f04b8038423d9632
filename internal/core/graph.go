package core

import (
	"slices"

	"github.com/adzehq/adze/internal/base/id"
)

// Graph is one version of a workflow of several tasks.
type Graph struct {
	Version  id.ID
	Tenant   id.ID
	Workflow string
	Nodes    []Node   // at most NodesMax
	Limits   []string // names of the concurrency limits that a run must have a place in before its tasks begin, taken in this order

	ticket *Definition // of the task that waits for a run's places
	sticky bool        // a node is
}

// NodesMax is how many tasks a workflow may have. A run takes one id more than its
// workflow has tasks, in one row: a node's task is run + 1 + its place, so that all
// rows of a run lie together and are found without an index.
const NodesMax = 1_000

// Node is a task of a workflow.
type Node struct {
	Definition         // Version, Tenant and Workflow are the graph's
	Name       string  // unique in the workflow
	Parents    []int32 // places of the nodes that end before it begins; without a cycle
	Role       NodeRole
	// Conditions are judged once the parents have ended: those over parents at once,
	// for the others the task waits. Of a Scoped one, the run has the scope (NewTask.Scopes).
	Conditions []Condition
}

// NodeRole is when a node runs.
type NodeRole uint8

// The roles. Handlers have no parents and are nobody's: they come after all others.
const (
	NodeTask      NodeRole = iota // after its parents
	NodeOnFailure                 // after all tasks, if one of them failed
	NodeOnSuccess                 // after all tasks, if none failed and none was cancelled
)

// NewRun is a run of a graph as it is submitted. Its Task is the row of the run;
// Task.ID is followed by one free id for each node.
type NewRun struct {
	Task NewTask
	// Kept are nodes that succeeded in the run that this one replays: they do not run
	// again, their outputs are stored again as this run's. Handlers among them are not
	// kept: what they handle may end otherwise.
	Kept []KeptNode
	// Logs are of durable tasks that run again and go on from their logs. All waits in them
	// are over.
	Logs []NodeLog
}

// KeptNode is a node with the output that it had, and what conditions said of it:
// nobody evaluates them again.
type KeptNode struct {
	Node     int32
	Output   Payload
	Verdicts []Verdict
}

// Verdict is what a node's conditions say once the parent that they look at has
// succeeded. They are evaluated outside, on the parent's output.
type Verdict struct {
	Node   int32
	Skip   bool   // whatever else the node waits for
	Cancel bool   // likewise
	Holds  uint32 // those of Node.Conditions, by place, that are over this parent and hold
}

// OpenRun is the checkpoint row of a run, with how its nodes ended as their results
// say.
type OpenRun struct {
	ID       id.ID
	Tenant   id.ID
	Version  id.ID
	RunAt    Time
	Priority int32
	Passed   int32 // as OpenTask.Passed
	Key      string
	Flow     *Flow       // as of NewTask
	Cancel   string      // it was cancelled: the error of its result; empty otherwise
	Scopes   []string    // as of NewTask; not stored again: with Restore, its row of run has them
	Saved    bool        // with Restore: it has a row
	Ended    []EndedNode // with Restore
}

// EndedNode is how a node of an open run ended.
type EndedNode struct {
	Node     int32
	Status   Status
	Verdicts []Verdict
	Worker   id.ID // who ran it; of a graph with sticky nodes
}

// RunResult is the one terminal result of a run of a graph.
type RunResult struct {
	Run      id.ID
	Tenant   id.ID
	Version  id.ID
	Status   Status
	Finished Time
	Error    string // for people; empty when it succeeded
}

// nodeState is where a node of an open run stands.
type nodeState uint8

const (
	nodeWaits nodeState = iota // for parents
	nodeOpen                   // its task is open
	nodeSucceeded
	nodeFailed
	nodeCancelled
	nodeSkipped
)

func (n nodeState) ended() bool { return n > nodeOpen }

// The end states are in the order of the statuses.
func stateOf(status Status) nodeState { return nodeOpen + nodeState(status) }

func statusOf(state nodeState) Status { return Status(state - nodeOpen) }

// run is an open run of a graph.
type run struct {
	id        id.ID
	graph     *Graph
	key       string
	cancelled string // as OpenRun.Cancel
	runAt     Time
	priority  int32
	left      int32 // nodes that have not ended
	saved     bool  // it has a checkpoint row, and so has each of its open tasks
	nodes     []nodeState
	verdicts  []Verdict // of all parents that ended, by node, ored
	scopes    []string
	flow      *Flow
	passed    int32   // as OpenRun.Passed
	ranAt     []id.ID // by node: who ran it; nil if nobody asks
}

// flowOf is what is said of the task of a node.
func (r *run) flowOf(node int32) *Flow {
	if r.flow == nil {
		return nil
	}
	if r.flow.Failed != "" && r.graph.Nodes[node].Role == NodeTask {
		return &Flow{Share: r.flow.Share, Failed: r.flow.Failed}
	}
	for i := range r.flow.Nodes {
		if n := &r.flow.Nodes[i]; n.Node == node {
			return &n.Flow
		}
	}
	return nil
}

func (r *run) task(node int32) id.ID { return r.id + 1 + id.ID(node) }

func (r *run) node(task id.ID) int32 { return int32(task - r.id - 1) }

func (r *run) row() OpenRun {
	return OpenRun{
		ID: r.id, Tenant: r.graph.Tenant, Version: r.graph.Version, RunAt: r.runAt,
		Priority: r.priority, Key: r.key, Flow: r.flow, Passed: r.passed, Cancel: r.cancelled,
	}
}

func (s *Shard) defineGraph(in *DefineGraph) {
	if _, known := s.graphs[in.Graph.Version]; !known {
		graph := in.Graph
		graph.Nodes = slices.Clone(graph.Nodes) // each has its class
		graph.sticky = slices.ContainsFunc(graph.Nodes, func(n Node) bool { return n.Sticky != StickyNone })
		graph.ticket = &Definition{Version: graph.Version, Tenant: graph.Tenant, Workflow: graph.Workflow, Limits: graph.Limits}
		s.graphs[graph.Version] = &graph
		for i := range graph.Nodes {
			s.enlist(&graph.Nodes[i].Definition)
		}
	}
}

// start opens a new run of a graph and the tasks that wait for nobody.
func (s *Shard) start(in *NewRun) {
	row := in.Task // as it is stored: an input stays as it came
	s.carryLogs(&row, in.Logs)
	if len(s.graphs[row.Version].Limits) > 0 && !row.Flow.doomed() {
		s.issue(&row, in.Kept)
		return
	}
	s.out.Runs = append(s.out.Runs, row)
	r := s.openRun(&OpenRun{
		ID: row.ID, Version: row.Version, RunAt: row.RunAt, Priority: row.Priority, Key: row.Key,
		Flow: row.Flow, Scopes: row.Scopes,
	})
	s.ledger.enter(r.id, s.now)
	for _, kept := range in.Kept {
		if r.graph.Nodes[kept.Node].Role == NodeTask {
			s.keep(r, kept)
		}
	}
	s.advance(r)
}

// keep has a node of r have ended as in the run that r replays.
func (s *Shard) keep(r *run, kept KeptNode) {
	s.endKept(r.graph, r.id, kept)
	r.nodes[kept.Node] = nodeSucceeded
	r.left--
	r.hear(kept.Verdicts)
}

// endKept stores again how a node ended in the run that another one replays.
func (s *Shard) endKept(graph *Graph, run id.ID, kept KeptNode) {
	s.out.Results = append(s.out.Results, Result{
		Task: run + 1 + id.ID(kept.Node), Tenant: graph.Tenant, Version: graph.Version, Run: run, Node: kept.Node,
		Status: Succeeded, Finished: s.now, Output: kept.Output, Verdicts: kept.Verdicts,
	})
}

// openRun brings a run to memory.
func (s *Shard) openRun(row *OpenRun) *run {
	graph := s.graphs[row.Version]
	r := &run{
		id: row.ID, graph: graph, key: row.Key, cancelled: row.Cancel, runAt: row.RunAt, priority: row.Priority, scopes: row.Scopes,
		flow: row.Flow, passed: row.Passed,
		left: int32(len(graph.Nodes)), nodes: make([]nodeState, len(graph.Nodes)),
	}
	for _, ended := range row.Ended {
		r.nodes[ended.Node] = stateOf(ended.Status)
		r.ran(ended.Node, ended.Worker)
		r.left--
		r.hear(ended.Verdicts)
	}
	s.runs[r.id] = r
	s.last = max(s.last, r.task(int32(len(graph.Nodes))-1))
	return r
}

// hear adds what conditions say.
func (r *run) hear(verdicts []Verdict) {
	if len(verdicts) == 0 {
		return
	}
	if r.verdicts == nil {
		r.verdicts = make([]Verdict, len(r.nodes))
	}
	for _, v := range verdicts {
		sum := &r.verdicts[v.Node]
		sum.Skip, sum.Cancel, sum.Holds = sum.Skip || v.Skip, sum.Cancel || v.Cancel, sum.Holds|v.Holds
	}
}

func (r *run) verdict(node int32) Verdict {
	if r.verdicts == nil {
		return Verdict{}
	}
	return r.verdicts[node]
}

// nodeEnded notes how the task of a node ended, and goes on with the run.
func (s *Shard) nodeEnded(r *run, node int32, status Status) {
	r.nodes[node] = stateOf(status)
	r.left--
	s.advance(r)
}

// advance begins, skips and cancels the nodes whose time has come, until none is
// left to decide, and ends the run when all have ended.
func (s *Shard) advance(r *run) {
	for progress := true; progress; {
		progress = false
		for i := range r.graph.Nodes {
			if r.nodes[i] == nodeWaits && s.decide(r, int32(i)) {
				progress = true
			}
		}
	}
	if r.left == 0 && s.runs[r.id] == r { // or the end of a node has ended it
		s.endRun(r)
	}
}

// Why a node ended without a task.
const (
	textParent    = "a parent did not succeed"
	textCondition = "its condition to cancel holds"
	textNever     = "its conditions can never be met"
)

// decide settles one waiting node if it can be settled by now.
func (s *Shard) decide(r *run, i int32) bool {
	switch state, text := r.judge(i); state {
	case nodeWaits:
		return false
	case nodeOpen:
		s.begin(r, i)
	default:
		s.endNodeHere(r, i, statusOf(state), text)
	}
	return true
}

// judge is what a node that has not begun should be by now, and why. It is judged
// once all its parents have ended, so that their order does not matter.
func (r *run) judge(i int32) (nodeState, string) {
	if r.cancelled != "" {
		return nodeCancelled, r.cancelled
	}
	node := &r.graph.Nodes[i]
	if node.Role != NodeTask {
		return r.judgeHandler(node.Role), ""
	}
	succeeded, skipped := 0, 0
	for _, parent := range node.Parents {
		switch state := r.nodes[parent]; {
		case !state.ended():
			return nodeWaits, ""
		case state == nodeSucceeded:
			succeeded++
		case state == nodeSkipped:
			skipped++
		}
	}
	verdict := r.verdict(i)
	switch {
	case succeeded+skipped < len(node.Parents):
		return nodeCancelled, textParent
	case verdict.Skip || skipped > 0 && succeeded == 0:
		return nodeSkipped, ""
	}
	state, text := r.judgeConditions(i)
	if verdict.Cancel && state != nodeSkipped {
		return nodeCancelled, textCondition
	}
	return state, text
}

// judgeConditions is judge by those conditions that are over parents, which have ended.
func (r *run) judgeConditions(i int32) (nodeState, string) {
	switch action, over, never := r.weigh(i); {
	case over && action != WaitGo:
		return stateOf(waitStatus(action)), waitText(action)
	case never:
		return nodeCancelled, textNever
	}
	return nodeOpen, ""
}

// weigh tells what follows from the conditions of a node as they stand when its parents
// have ended: over with an action, or never for one that can never go.
func (r *run) weigh(i int32) (action WaitAction, over, never bool) {
	conditions := r.graph.Nodes[i].Conditions
	if len(conditions) == 0 {
		return WaitGo, true, false
	}
	var may [WaitSkip + 1]uint64
	w := wait{parts: make([]part, len(conditions))}
	for at := range conditions {
		c := &conditions[at]
		met := r.verdict(i).Holds&(1<<at) != 0
		w.parts[at] = part{Condition: *c, met: met}
		if met || c.Kind != OnParent {
			may[c.Action] |= 1 << c.Group
		}
	}
	action, over = w.outcome()
	for at := range conditions {
		c := &conditions[at]
		never = never || c.Action == WaitGo && may[WaitGo]&(1<<c.Group) == 0
	}
	return action, over, never
}

// conditionsOf are what the task of a node waits for before it begins, with their times
// and scopes; nil if it may begin at once. What parents have decided is left out.
func (s *Shard) conditionsOf(r *run, i int32) []Condition {
	goes := slices.ContainsFunc(r.graph.Nodes[i].Conditions, func(c Condition) bool { return c.Action == WaitGo })
	if _, over, _ := r.weigh(i); over || !goes {
		return nil
	}
	holds := r.verdict(i).Holds
	var met, lost [WaitSkip + 1]uint64 // groups
	conditions := r.graph.Nodes[i].Conditions
	for at, c := range conditions {
		if c.Kind == OnParent && holds&(1<<at) != 0 {
			met[c.Action] |= 1 << c.Group
		}
	}
	for _, c := range conditions {
		if c.Kind == OnParent && met[c.Action]&(1<<c.Group) == 0 && !hasLater(conditions, c) {
			lost[c.Action] = 1 // a group that nothing can meet any more
		}
	}
	var left []Condition
	scope := r.firstScope(i)
	for _, c := range conditions {
		if c.Scoped {
			c.Scope = r.scopes[scope]
			scope++
		}
		if c.Kind == OnParent || lost[c.Action] != 0 || met[c.Action]&(1<<c.Group) != 0 {
			continue
		}
		if c.Kind == OnSleep {
			c.Due = max(s.now, r.runAt) + Time(c.ForMS)
		}
		left = append(left, c)
	}
	return left
}

// hasLater tells whether a group has a condition that is not over a parent.
func hasLater(conditions []Condition, of Condition) bool {
	return slices.ContainsFunc(conditions, func(c Condition) bool {
		return c.Action == of.Action && c.Group == of.Group && c.Kind != OnParent
	})
}

// firstScope is the place in the run's scopes of the first that is of node i.
func (r *run) firstScope(i int32) int {
	n := 0
	for at := range r.graph.Nodes[:i] {
		for _, c := range r.graph.Nodes[at].Conditions {
			if c.Scoped {
				n++
			}
		}
	}
	return n
}

// judgeHandler is judge for a handler: it waits for all tasks.
func (r *run) judgeHandler(role NodeRole) nodeState {
	failed, cancelled := false, false
	for j := range r.graph.Nodes {
		if r.graph.Nodes[j].Role != NodeTask {
			continue
		}
		switch state := r.nodes[j]; {
		case !state.ended():
			return nodeWaits
		case state == nodeFailed:
			failed = true
		case state == nodeCancelled:
			cancelled = true
		}
	}
	if role == NodeOnFailure && failed || role == NodeOnSuccess && !failed && !cancelled {
		return nodeOpen
	}
	return nodeSkipped
}

// endNodeHere gives a node a result without a task.
func (s *Shard) endNodeHere(r *run, node int32, status Status, text string) {
	r.nodes[node] = stateOf(status)
	r.left--
	s.out.Results = append(s.out.Results, Result{
		Task: r.task(node), Tenant: r.graph.Tenant, Version: r.graph.Version, Run: r.id, Node: node,
		Status: status, Finished: s.now, Error: text,
	})
}

// begin opens the task of a node.
func (s *Shard) begin(r *run, node int32) {
	r.nodes[node] = nodeOpen
	row := NewTask{
		ID: r.task(node), Tenant: r.graph.Tenant, Version: r.graph.Version, Run: r.id, Node: node,
		RunAt: r.runAt, Key: r.key, Priority: r.priority,
	}
	s.out.Tasks = append(s.out.Tasks, row)
	if conditions := s.conditionsOf(r, node); len(conditions) > 0 {
		s.enterWaiting(&row, conditions)
		return
	}
	s.enter(&row, s.seq, 0)
}

// endRun gives r its one result and forgets it.
func (s *Shard) endRun(r *run) {
	status, text := r.outcome()
	s.out.RunResults = append(s.out.RunResults, RunResult{
		Run: r.id, Tenant: r.graph.Tenant, Version: r.graph.Version, Status: status, Finished: s.now, Error: text,
	})
	if r.saved {
		s.out.ClosedRuns = append(s.out.ClosedRuns, r.id)
	}
	s.left(r.id, closed)
	delete(s.runs, r.id)
	s.letGo(r.id, r.graph.Tenant, r.graph.Limits, r.flow, r.passed)
	s.ended(r.id)
}

// outcome is how a run ended whose nodes have.
func (r *run) outcome() (Status, string) {
	if r.cancelled != "" {
		return Cancelled, r.cancelled
	}
	for _, state := range []nodeState{nodeFailed, nodeCancelled} {
		for i := range r.nodes {
			if r.nodes[i] != state {
				continue
			}
			name := r.graph.Nodes[i].Name
			if state == nodeFailed {
				return Failed, "task " + name + " failed"
			}
			return Cancelled, "task " + name + " was cancelled"
		}
	}
	return Succeeded, ""
}

// saveRun writes the checkpoint row of r, and of each of its open tasks with it: a
// run is in the checkpoint whole, because the ids of its later tasks lie below those
// of other runs, and the low-water mark may pass them.
func (s *Shard) saveRun(r *run) {
	s.out.OpenRuns = append(s.out.OpenRuns, r.row())
	r.saved = true
	for i, state := range r.nodes {
		if state != nodeOpen {
			continue
		}
		if t := s.tasks[r.task(int32(i))]; t != nil {
			s.save(t)
		}
	}
}

// cancelRun ends what waits of a run and stops what runs.
func (s *Shard) cancelRun(r *run, ref uint64, text string) {
	if r.cancelled == "" {
		r.cancelled = text
		s.saveRun(r) // whoever asked is told that it is stopping: that must survive a crash
		s.cancelOpen(r)
		if s.runs[r.id] == r { // it may have ended with the last of its tasks
			s.advance(r)
		}
		s.resting = append(s.resting, r.id) // it may have come for this only
	}
	kind := AnswerStarted
	if s.runs[r.id] == nil {
		kind = AnswerDone
	}
	s.answer(ref, r.id, kind)
}

// cancelOpen cancels the open tasks of a cancelled run, wherever they are.
func (s *Shard) cancelOpen(r *run) {
	var elsewhere []id.ID
	for i, state := range slices.Clone(r.nodes) {
		if state != nodeOpen {
			continue
		}
		task := r.task(int32(i))
		if t := s.tasks[task]; t != nil {
			s.cancelQuietly(t, r.cancelled)
		} else {
			elsewhere = append(elsewhere, task)
		}
	}
	if len(elsewhere) > 0 {
		s.request(Load{Kind: LoadTasks, Tenant: r.graph.Tenant, Tasks: elsewhere, Text: r.cancelled})
	}
}

// resumeRun goes on with a run of the owner before. What could be decided was: a
// node without a result either waits or has an open task.
func (s *Shard) resumeRun(row *OpenRun) {
	r := s.openRun(row)
	if len(r.graph.Limits) > 0 && !r.flow.doomed() {
		r.runAt = 0 // it had its places, and so its time had come, whatever the clock says now
	}
	r.saved = row.Saved
	if !r.saved {
		s.ledger.enter(r.id, s.now)
	}
	for i, state := range r.nodes {
		if state != nodeWaits {
			continue
		}
		if judged, _ := r.judge(int32(i)); judged != nodeWaits {
			r.nodes[i] = nodeOpen
		}
	}
}
