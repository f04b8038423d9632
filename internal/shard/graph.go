package shard

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/adzehq/adze/internal/base/expr"
	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// graph is a workflow of several tasks with its expressions compiled.
type graph struct {
	core.Graph
	watched map[int32][]condition // by the parent whose output they look at
	scopes  []scope               // as Graph.Scopes
	names   []ConditionName
}

// condition is a Condition that can be evaluated.
type condition struct {
	Condition
	program *expr.Program
}

func newGraph(d core.Definition, from *Graph) (*graph, error) {
	g := &graph{Graph: from.Graph, names: from.Names, watched: map[int32][]condition{}}
	g.Version, g.Tenant, g.Workflow = d.Version, d.Tenant, d.Workflow
	g.Nodes = make([]core.Node, len(from.Nodes))
	for i, node := range from.Nodes {
		node.Version, node.Tenant, node.Workflow = d.Version, d.Tenant, d.Workflow
		g.Nodes[i] = node
	}
	for _, c := range from.Conditions {
		program, err := expr.Output.Compile(c.Expression)
		if err != nil {
			return nil, fmt.Errorf("compile condition of task %s: %w", g.Nodes[c.Node].Name, err)
		}
		g.watched[c.Parent] = append(g.watched[c.Parent], condition{c, program})
	}
	var err error
	g.scopes, err = newScopes(g, from.Scopes)
	return g, err
}

// judge evaluates the conditions that look at the output of node. To skip or cancel, one
// that cannot be evaluated cancels, unless it is lenient: better a clear end than a task
// that runs by mistake.
func (g *graph) judge(node int32, output []byte) (verdicts []core.Verdict) {
	watching := g.watched[node]
	if len(watching) == 0 {
		return nil
	}
	value, unreadable := expr.Parse(output)
	for _, c := range watching {
		holds, err := c.program.Holds(value)
		switch failed := unreadable != nil || err != nil; {
		case failed && (c.Lenient || c.Action == core.WaitGo): // it does not hold
		case failed:
			verdicts = append(verdicts, core.Verdict{Node: c.Node, Cancel: true})
		case holds:
			verdicts = append(verdicts, c.verdict())
		}
	}
	return verdicts
}

// verdict is what follows if c holds.
func (c *Condition) verdict() core.Verdict {
	if c.Part {
		return core.Verdict{Node: c.Node, Holds: 1 << c.Place}
	}
	return core.Verdict{Node: c.Node, Skip: c.Action == core.WaitSkip, Cancel: c.Action == core.WaitCancel}
}

// ids are the first and the last id of the tasks of a run.
func (g *graph) ids(run id.ID) (first, last id.ID) { return run + 1, run + id.ID(len(g.Nodes)) }

// judge has the conditions evaluated that look at what a worker reports. It runs in
// the loop, just before the report is applied: which task a report is about is the
// core's to say.
func (r *Runtime) judge(mind *core.Shard, report *core.Report) {
	for i := range report.Items {
		item := &report.Items[i]
		if item.Kind != core.ReportCompleted {
			continue
		}
		live := mind.Live(item.Task)
		if live.Run == 0 {
			continue
		}
		if v := r.catalog.version(live.Version); v != nil && v.graph != nil {
			item.Verdicts = v.graph.judge(live.Node, item.Output)
		}
	}
}

// outputs are what the tasks of a run gave that succeeded, by their place.
func (r *Runtime) outputs(ctx context.Context, g *graph, run id.ID) (map[int32][]byte, error) {
	first, last := g.ids(run)
	results, err := r.config.Store.Results(ctx, g.Tenant, first, last)
	if err != nil {
		return nil, fmt.Errorf("read outputs of run %s: %w", run, err)
	}
	outputs := make(map[int32][]byte, len(results))
	for i := range results {
		if results[i].Status == core.Succeeded {
			outputs[int32(results[i].ID-first)] = results[i].Output
		}
	}
	return outputs, nil
}

// outcome is how a run of a graph ended: its output is an object with the output of
// each task that succeeded.
func (r *Runtime) outcome(ctx context.Context, ended *core.RunResult) (Outcome, error) {
	outcome := Outcome{ID: ended.Run, Status: ended.Status, Attempt: 1, Error: ended.Error}
	v := r.catalog.version(ended.Version)
	if v == nil || v.graph == nil {
		return outcome, fmt.Errorf("read outcome of run %s: no version %s", ended.Run, ended.Version)
	}
	outputs, err := r.outputs(ctx, v.graph, ended.Run)
	if err != nil {
		return outcome, err
	}
	outcome.Output = object(v.graph, outputs)
	return outcome, nil
}

// object joins outputs, which are JSON, in the order of the definition.
func object(g *graph, outputs map[int32][]byte) []byte {
	var b bytes.Buffer
	b.WriteByte('{')
	for i := range g.Nodes {
		output, ok := outputs[int32(i)]
		if !ok {
			continue
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		name, _ := json.Marshal(g.Nodes[i].Name) // a string never fails
		b.Write(name)
		b.WriteByte(':')
		b.Write(output)
	}
	b.WriteByte('}')
	return b.Bytes()
}

// completeNode gives the assignment of a task of a graph what its worker needs: the
// input of the run, and what its parents gave.
func (r *Runtime) completeNode(ctx context.Context, a *Assignment, g *graph) error {
	node := &g.Nodes[a.Node]
	input, ok := r.payloads.one(a.Run)
	if !ok {
		rows, err := r.config.Store.Runs(ctx, []id.ID{a.Run})
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return fmt.Errorf("read run %s: it has no row", a.Run)
		}
		of, err := r.payloadsOf(ctx, rows)
		if err != nil {
			return err
		}
		input = of[a.Run]
	}
	a.give(input)
	if err := r.addCame(ctx, a, g); err != nil {
		return err
	}
	if node.Role != core.NodeTask {
		return r.addAll(ctx, a, g)
	}
	return r.addParents(ctx, a, g)
}

func (r *Runtime) addParents(ctx context.Context, a *Assignment, g *graph) error {
	var stored []Outcome
	for _, parent := range g.Nodes[a.Node].Parents {
		name, own := g.Nodes[parent].Name, a.Run+1+id.ID(parent)
		if output, ok := r.payloads.one(own); ok {
			a.Parents = append(a.Parents, ParentOutput{name, output.input})
			continue
		}
		if stored == nil { // it was skipped, or made way for others
			var err error
			first, last := g.ids(a.Run)
			if stored, err = r.config.Store.Results(ctx, g.Tenant, first, last); err != nil {
				return fmt.Errorf("read outputs of run %s: %w", a.Run, err)
			}
		}
		switch at := slices.IndexFunc(stored, func(o Outcome) bool { return o.ID == own }); {
		case at < 0:
		case stored[at].Status == core.Succeeded:
			a.Parents = append(a.Parents, ParentOutput{name, stored[at].Output})
		case stored[at].Status == core.Skipped:
			a.Skipped = append(a.Skipped, name)
		}
	}
	return nil
}

// addAll gives a handler what all tasks of the run gave, and which of them failed.
func (r *Runtime) addAll(ctx context.Context, a *Assignment, g *graph) error {
	first, last := g.ids(a.Run)
	results, err := r.config.Store.Results(ctx, g.Tenant, first, last)
	if err != nil {
		return fmt.Errorf("read results of run %s: %w", a.Run, err)
	}
	for i := range results {
		name := g.Nodes[results[i].ID-first].Name
		switch results[i].Status {
		case core.Succeeded:
			a.Parents = append(a.Parents, ParentOutput{name, results[i].Output})
		case core.Failed:
			a.Failures = append(a.Failures, TaskFailure{name, results[i].Error})
		}
	}
	return nil
}

// tellRun tells the outcome of a run of a graph to whoever waits for it. While it
// cannot be read they go on waiting, and so does this.
func (r *Runtime) tellRun(ctx context.Context, ended *core.RunResult) {
	outcome, err := r.outcome(ctx, ended)
	for err != nil {
		r.log.WarnContext(ctx, "could not read the outcome of a run, trying again", "run", ended.Run, "error", err)
		if !r.pause(ctx) {
			return
		}
		outcome, err = r.outcome(ctx, ended)
	}
	for _, waiting := range r.waiters.claim(ended.Run) {
		if waiting.tenant == ended.Tenant {
			waiting.tell(outcome)
		} else {
			waiting.tell(Outcome{ID: ended.Run})
		}
	}
}
