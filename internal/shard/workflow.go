package shard

import (
	"encoding/json"
	"fmt"

	"github.com/adzehq/adze/internal/core"
)

// Workflow is a definition as it is stored and exported: Definition.JSON is its
// encoding, and the fields stand in the order of that encoding. Defaults are filled
// in before (edge/admit), so that equal workflows have equal bytes.
//
// docs/guides/workflow-json.md describes it for people.
type Workflow struct {
	Name        string           `json:"name"`
	Description string           `json:"description,omitempty"`
	Tasks       []Task           `json:"tasks"`
	Triggers    []Trigger        `json:"triggers,omitempty"`
	Filters     []DeclaredFilter `json:"filters,omitempty"`
	Crons       []Cron           `json:"crons,omitempty"`
	Key         string           `json:"key,omitempty"`      // CEL over a run (expr.Run): whose share of its queue it counts for
	Priority    int32            `json:"priority,omitempty"` // of runs that have none of their own
	Limits      []Limit          `json:"limits,omitempty"`   // of whole runs
	Queues      []Queue          `json:"queues,omitempty"`
	Sticky      string           `json:"sticky,omitempty"` // of its tasks that say nothing themselves, of Stickies
	Label       string           `json:"label,omitempty"`  // what its authors call this version
	// InputSchema is a JSON Schema of the input of its runs, for whoever shows it.
	InputSchema json.RawMessage `json:"input_schema,omitempty"`
	FailInvalid bool            `json:"fail_invalid,omitempty"` // a run of which an expression cannot be evaluated fails at once; else it is refused
	Keyed
}

// Trigger starts a run of its workflow for each event that fits.
type Trigger struct {
	Event      string `json:"event"`                // a key; * stands for any characters, and for none
	Expression string `json:"expression,omitempty"` // a condition over the event (expr.Event); "" = always
}

// DeclaredFilter is a Filter that comes with its workflow. Those of a version take the
// place of those that were declared before; others stay.
type DeclaredFilter struct {
	Scope      string          `json:"scope"`
	Expression string          `json:"expression,omitempty"`
	Payload    json.RawMessage `json:"payload,omitempty"`
}

// Task is one task of a Workflow.
type Task struct {
	Name               string          `json:"name"`
	Action             string          `json:"action"`
	Retries            int32           `json:"retries"`
	Backoff            Backoff         `json:"backoff"`
	ScheduleTimeoutMS  int64           `json:"schedule_timeout_ms"`
	ExecutionTimeoutMS int64           `json:"execution_timeout_ms"`
	Parents            []string        `json:"parents,omitempty"`
	WaitFor            []TaskCondition `json:"wait_for,omitempty"`  // all of them
	SkipIf             []TaskCondition `json:"skip_if,omitempty"`   // one of them suffices
	CancelIf           []TaskCondition `json:"cancel_if,omitempty"` // likewise
	Role               Role            `json:"role,omitempty"`
	Durable            bool            `json:"durable,omitempty"`
	Map                *Map            `json:"map,omitempty"`
	Batch              *Batch          `json:"batch,omitempty"`
	Description        string          `json:"description,omitempty"` // of a task of a graph
	Queue              string          `json:"queue,omitempty"`       // that it waits in; "" = that of its action
	Limits             []Limit         `json:"limits,omitempty"`      // besides those of the run
	Rates              []Rate          `json:"rates,omitempty"`       // drawn from all at once
	Slots              []SlotUse       `json:"slots,omitempty"`       // what it takes up of its worker, by type; none = one of the default type
	Labels             []Label         `json:"labels,omitempty"`      // what its worker should be, by key
	Sticky             string          `json:"sticky,omitempty"`      // of Stickies
}

// Map makes a task run a workflow for each element of a list. The task is durable and its
// worker does that: to the engine, the runs are children like others.
type Map struct {
	Over        string `json:"over"`                 // a parent, which gives the list
	Workflow    string `json:"workflow"`             // what is run
	Concurrency int32  `json:"concurrency"`          // so many runs are open at most
	KeepGoing   bool   `json:"keep_going,omitempty"` // past runs that fail
}

// Backoff is the pause before a retry, see core.Definition.
type Backoff struct {
	InitialMS int64   `json:"initial_ms"`
	Factor    float64 `json:"factor"`
	MaxMS     int64   `json:"max_ms"`
	Exact     bool    `json:"exact,omitempty"` // without jitter
}

// Role is when a task runs: "" after its parents.
type Role string

// The roles of handlers.
const (
	RoleOnFailure Role = "on_failure"
	RoleOnSuccess Role = "on_success"
)

// nodeRoles are the roles as the core knows them.
var nodeRoles = map[Role]core.NodeRole{
	"":            core.NodeTask,
	RoleOnFailure: core.NodeOnFailure,
	RoleOnSuccess: core.NodeOnSuccess,
}

// Definition is w with its encoding, ready for Client.Define. Its parts refer to each
// other as edge/admit has checked.
func (w *Workflow) Definition() (Definition, error) {
	d := Definition{Name: w.Name, Triggers: w.Triggers, Crons: w.Crons, Filters: w.Filters, Keyed: w.Keyed, Flow: w.flow()}
	var err error
	if d.Core, d.Graph, err = w.parts(); err != nil {
		return Definition{}, err
	}
	if d.JSON, err = json.Marshal(w); err != nil {
		return Definition{}, fmt.Errorf("encode workflow %s: %w", w.Name, err)
	}
	return d, nil
}

// DecodeDefinition reads back what Workflow.Definition encoded. Version and Tenant
// stand in columns of their own and are left zero.
func DecodeDefinition(encoded []byte) (Definition, error) {
	var w Workflow
	if err := json.Unmarshal(encoded, &w); err != nil {
		return Definition{}, fmt.Errorf("decode workflow: %w", err)
	}
	d := Definition{Name: w.Name, JSON: encoded, Triggers: w.Triggers, Keyed: w.Keyed, Flow: w.flow()}
	var err error
	if d.Core, d.Graph, err = w.parts(); err != nil {
		return Definition{}, fmt.Errorf("decode workflow %s: %w", w.Name, err)
	}
	return d, nil
}

// IsGraph tells whether runs of w are those of a graph: of several tasks, or of one that
// waits for something.
func (w *Workflow) IsGraph() bool {
	return len(w.Tasks) > 1 || len(w.Tasks) == 1 && len(w.Tasks[0].WaitFor) > 0
}

// parts are w as the core knows it: one task, or a graph. Of a graph, the definition has
// its name only.
func (w *Workflow) parts() (core.Definition, *Graph, error) {
	if len(w.Tasks) == 0 {
		return core.Definition{}, nil, fmt.Errorf("workflow %q has no task", w.Name)
	}
	if t := &w.Tasks[0]; !w.IsGraph() {
		if t.Role != "" || len(t.Parents)+len(t.SkipIf)+len(t.CancelIf) > 0 {
			return core.Definition{}, nil, fmt.Errorf("workflow %q has one task, which has neither role nor parents, and no conditions without wait_for", w.Name)
		}
		d := w.core(t)
		d.Limits = namesOf(taken(append(named(w.Name, w.Limits), named(w.Name+":"+t.Name, t.Limits)...)))
		return d, nil, nil
	}
	graph, err := w.graph()
	return core.Definition{Workflow: w.Name}, graph, err
}

func (w *Workflow) core(t *Task) core.Definition {
	return core.Definition{
		Workflow:           w.Name,
		Task:               t.Name,
		Action:             t.Action,
		Retries:            t.Retries,
		BackoffMS:          t.Backoff.InitialMS,
		BackoffMaxMS:       t.Backoff.MaxMS,
		BackoffFactor:      t.Backoff.Factor,
		BackoffExact:       t.Backoff.Exact,
		ScheduleTimeoutMS:  t.ScheduleTimeoutMS,
		ExecutionTimeoutMS: t.ExecutionTimeoutMS,
		Durable:            t.Durable,
		Queue:              t.Queue,
		Slots:              slotUses(t.Slots),
		Labels:             coreLabels(t.Labels),
		Sticky:             w.sticky(t),
		Limits:             namesOf(named(w.Name+":"+t.Name, t.Limits)),
		Batch:              t.Batch.rule(),
		Rates:              usesOf(w.ratesOf(t)),
	}
}

// graph replaces names by places.
func (w *Workflow) graph() (*Graph, error) {
	places := make(map[string]int32, len(w.Tasks))
	for i := range w.Tasks {
		places[w.Tasks[i].Name] = int32(i)
	}
	g := &Graph{Graph: core.Graph{Workflow: w.Name, Nodes: make([]core.Node, len(w.Tasks)), Limits: namesOf(named(w.Name, w.Limits))}}
	for i := range w.Tasks {
		t := &w.Tasks[i]
		node := core.Node{Definition: w.core(t), Name: t.Name, Role: nodeRoles[t.Role]}
		for _, name := range t.Parents {
			parent, known := places[name]
			if !known {
				return nil, fmt.Errorf("task %q has the unknown parent %q", t.Name, name)
			}
			node.Parents = append(node.Parents, parent)
		}
		g.Nodes[i] = node
		if err := g.placed(int32(i), t, places); err != nil {
			return nil, err
		}
	}
	return g, nil
}
