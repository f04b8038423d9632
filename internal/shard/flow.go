package shard

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/adzehq/adze/internal/base/expr"
	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/core"
)

// KeyBytesMax is how long the key of a queue or of a limit may be.
const KeyBytesMax = 255

// LimitMax is the most that a concurrency limit may allow at a time.
const LimitMax = 1_000_000

// Limit is a concurrency limit as a workflow or a task declares it: so many runs of the
// workflow, or of the task, have a place at a time, of each key.
type Limit struct {
	Name          string `json:"name,omitempty"`           // shared by all that declare it; "" = this one's own
	Key           string `json:"key,omitempty"`            // CEL over the run (expr.Run); "" = one key for all
	Max           int32  `json:"max,omitempty"`            // 0 with a name: as others say
	MaxExpression string `json:"max_expression,omitempty"` // CEL that gives a number; instead of Max, for the key of the run
	Strategy      string `json:"strategy,omitempty"`       // core.Strategy by name; "" = queue
	AgeMS         int64  `json:"age_ms,omitempty"`         // as of Queue; with strategy queue only
}

// Queue is how a queue works that tasks of the workflow wait in.
type Queue struct {
	Name   string `json:"name"`
	ByCost bool   `json:"by_cost,omitempty"`
	AgeMS  int64  `json:"age_ms,omitempty"`
}

// Flow is what a workflow says of when and where its runs run.
type Flow struct {
	FailInvalid bool   // a run of which something cannot be worked out fails; else it is refused
	Key         string // CEL over the run: whose share of the queue it counts for
	Priority    int32  // of runs that have none of their own
	Run         TaskFlow
	Nodes       []NodeFlow     // of a graph: those of which something is said
	Declared    []core.Setting // without tenant
}

// TaskFlow is what is said of a task, or of the run of a graph. What stands in one of its
// lists has the place of its result in the list of core.Flow.
type TaskFlow struct {
	Limits []Limit // each has its name
	Rates  []Rate  // likewise
	Batch  *Batch
}

// NodeFlow is what is said of a task of a graph.
type NodeFlow struct {
	Node int32
	TaskFlow
}

func (t *TaskFlow) empty() bool { return len(t.Limits)+len(t.Rates) == 0 && t.Batch == nil }

// flow is what w says, nil if nothing. Its lists are in the order of the names that the
// core's definitions have.
func (w *Workflow) flow() *Flow {
	f := &Flow{Key: w.Key, Priority: w.Priority, FailInvalid: w.FailInvalid}
	f.Run.Limits = named(w.Name, w.Limits)
	for i := range w.Tasks {
		t := &w.Tasks[i]
		task := TaskFlow{Limits: named(w.Name+":"+t.Name, t.Limits), Rates: w.ratesOf(t), Batch: t.Batch}
		switch {
		case !w.IsGraph():
			f.Run.Limits = taken(append(f.Run.Limits, task.Limits...))
			f.Run.Rates, f.Run.Batch = task.Rates, task.Batch
		case !task.empty():
			f.Nodes = append(f.Nodes, NodeFlow{int32(i), task})
		}
	}
	f.Declared = w.declared(f)
	if f.Key == "" && f.Priority == 0 && f.Run.empty() && len(f.Nodes)+len(f.Declared) == 0 {
		return nil
	}
	return f
}

// named gives limits without a name one that no other has: names that are given have no #.
// They are in the order in which places in them are taken.
func named(owner string, limits []Limit) []Limit {
	list := make([]Limit, len(limits))
	for i, l := range limits {
		if l.Name == "" {
			l.Name = ownName(owner, i)
		}
		list[i] = l
	}
	return taken(list)
}

// taken puts limits in the order in which places in them are taken: first those of nobody
// else, as they are declared, then shared ones by their names. So nobody has a place that
// another one waits for who has the one that the first waits for.
func taken(limits []Limit) []Limit {
	shared := func(l Limit) string {
		if strings.Contains(l.Name, "#") {
			return ""
		}
		return l.Name
	}
	slices.SortStableFunc(limits, func(a, b Limit) int { return cmp.Compare(shared(a), shared(b)) })
	return limits
}

// ownName is that of the i-th of something that belongs to its owner alone.
func ownName(owner string, i int) string { return owner + "#" + strconv.Itoa(i+1) }

func namesOf(limits []Limit) (names []string) {
	for i := range limits {
		names = append(names, limits[i].Name)
	}
	return names
}

// rules are a Flow that can be evaluated.
type rules struct {
	failInvalid bool
	priority    int32
	key         *expr.KeyProgram // nil: it has none
	run         taskRules
	nodes       []nodeRules
	declared    []core.Setting
}

type taskRules struct {
	limits []limitRule
	rates  []rateRule
	batch  *batchRule // nil: its tasks are given one by one
}

type nodeRules struct {
	node int32
	taskRules
}

type limitRule struct {
	name string
	key  *expr.KeyProgram // nil: one key for all
	max  *expr.IntProgram // nil: as the limit says
}

// newRules compiles what a definition says; nil of nil.
func newRules(from *Flow) (*rules, error) {
	if from == nil {
		return nil, nil
	}
	f := &rules{failInvalid: from.FailInvalid, priority: from.Priority, declared: from.Declared}
	var err error
	if from.Key != "" {
		if f.key, err = expr.Run.CompileKey(from.Key); err != nil {
			return nil, fmt.Errorf("compile key: %w", err)
		}
	}
	if f.run, err = newTaskRules(&from.Run); err != nil {
		return nil, err
	}
	for i := range from.Nodes {
		node := nodeRules{node: from.Nodes[i].Node}
		if node.taskRules, err = newTaskRules(&from.Nodes[i].TaskFlow); err != nil {
			return nil, err
		}
		f.nodes = append(f.nodes, node)
	}
	return f, nil
}

func newTaskRules(from *TaskFlow) (to taskRules, err error) {
	for i := range from.Limits {
		l := &from.Limits[i]
		rule := limitRule{name: l.Name}
		if l.Key != "" {
			if rule.key, err = expr.Run.CompileKey(l.Key); err != nil {
				return to, fmt.Errorf("compile key of limit %s: %w", l.Name, err)
			}
		}
		if l.MaxExpression != "" {
			if rule.max, err = expr.Run.CompileInt(l.MaxExpression); err != nil {
				return to, fmt.Errorf("compile maximum of limit %s: %w", l.Name, err)
			}
		}
		to.limits = append(to.limits, rule)
	}
	for i := range from.Rates {
		rule, err := newRateRule(&from.Rates[i])
		if err != nil {
			return to, err
		}
		to.rates = append(to.rates, rule)
	}
	to.batch, err = newBatchRule(from.Batch)
	return to, err
}

// evaluation is a run while what is said of it is worked out.
type evaluation struct {
	input, metadata expr.Value
	bytes           int // of the input
	share           string
}

// complete adds to a new run of v what its definition's expressions give for its input and
// metadata: they are evaluated here, once. A run of which one cannot be evaluated must not
// begin: nobody could say what it waits for, or what limits it.
func (v *version) complete(row *core.NewTask) (err error) {
	asked := row.Flow // by the run itself
	row.Flow = routed(nil, asked, row.Key)
	if row.Scopes, err = v.scopesOf(row.Input); err != nil || v.rules == nil {
		return err
	}
	if row.Priority == 0 {
		row.Priority = v.rules.priority
	}
	if row.Key, row.Flow, err = v.rules.of(row); err != nil {
		return err
	}
	row.Flow = routed(row.Flow, asked, row.Key)
	return nil
}

// of is what is said of a run: its key, and the rest; nil if nothing is. A key that was
// given goes before the expression.
func (r *rules) of(row *core.NewTask) (key string, said *core.Flow, err error) {
	e, err := r.parse(row)
	if err != nil {
		return "", nil, err
	}
	e.share = row.Key
	if e.share == "" && r.key != nil {
		if e.share, err = keyOf(r.key, e); err != nil {
			return r.failed(e, unworkable("key for the queue", r.key.Source(), err))
		}
	}
	if said, err = r.run.of(e); err != nil {
		return r.failed(e, err)
	}
	for i := range r.nodes {
		node, err := r.nodes[i].of(e)
		if err != nil {
			if _, node, err = r.failed(e, err); err != nil {
				return "", nil, err
			}
		}
		if node == nil {
			continue
		}
		if said == nil {
			said = &core.Flow{Share: e.share}
		}
		said.Nodes = append(said.Nodes, core.NodeFlow{Node: r.nodes[i].node, Flow: *node})
	}
	return e.share, said, nil
}

// unworkable says which expression gives nothing for a run, and why.
func unworkable(what, expression string, err error) error {
	return fault.New(fault.Invalid, "input", "gives no %s (of %s): %s", what, expression, err)
}

// CutUnworkable takes the error of a run apart of which an expression gave nothing: what
// that should have been, the expression, and why.
func CutUnworkable(text string) (what, expression, why string, is bool) {
	text, said := strings.CutPrefix(text, "input: gives no ")
	what, text, named := strings.Cut(text, " (of ")
	at := strings.LastIndex(text, "): ")
	if !said || !named || at < 0 {
		return "", "", "", false
	}
	return what, text[:at], text[at+len("): "):], true
}

// failed is what is said of a run, or of a task of one, of which something cannot be
// worked out: that it fails, if its workflow wants that.
func (r *rules) failed(e *evaluation, err error) (string, *core.Flow, error) {
	if !r.failInvalid {
		return "", nil, err
	}
	return e.share, &core.Flow{Share: e.share, Failed: err.Error()}, nil
}

// parse reads what the expressions look at, if there is one.
func (r *rules) parse(row *core.NewTask) (*evaluation, error) {
	e := &evaluation{bytes: len(row.Input)}
	if !r.looks() {
		return e, nil
	}
	var err error
	if e.input, err = expr.Parse(row.Input); err != nil {
		return nil, fault.New(fault.Invalid, "input", "%s", err)
	}
	if row.Metadata != nil {
		if e.metadata, err = expr.Parse(row.Metadata); err != nil {
			return nil, fault.New(fault.Invalid, "metadata", "%s", err)
		}
	}
	return e, nil
}

// looks tells whether there is an expression at all.
func (r *rules) looks() bool {
	if r.key != nil || r.run.looks() {
		return true
	}
	for i := range r.nodes {
		if r.nodes[i].looks() {
			return true
		}
	}
	return false
}

func (t *taskRules) looks() bool {
	for i := range t.limits {
		if t.limits[i].key != nil || t.limits[i].max != nil {
			return true
		}
	}
	for i := range t.rates {
		if t.rates[i].looks() {
			return true
		}
	}
	return t.batch.looks()
}

// of is what is said of one task; nil if nothing is, or nothing but what its definition
// says of all.
func (t *taskRules) of(e *evaluation) (*core.Flow, error) {
	if t.batch == nil && len(t.rates) == 0 && (len(t.limits) == 0 || e.share == "" && !t.looks()) {
		return nil, nil
	}
	f := &core.Flow{Share: e.share, Limits: make([]core.LimitKey, len(t.limits))}
	for i := range t.limits {
		var err error
		if f.Limits[i], err = t.limits[i].of(e); err != nil {
			return nil, err
		}
	}
	if err := t.batch.add(f, e); err != nil {
		return nil, err
	}
	return f, t.draw(e, f)
}

func (l *limitRule) of(e *evaluation) (key core.LimitKey, err error) {
	if l.key != nil {
		if key.Key, err = keyOf(l.key, e); err != nil {
			return key, unworkable("key for the limit "+l.name, l.key.Source(), err)
		}
	}
	if l.max != nil {
		most, err := l.max.Int(1, LimitMax, e.input, e.metadata)
		if err != nil {
			return key, unworkable("maximum for the limit "+l.name, l.max.Source(), err)
		}
		key.Max = int32(most)
	}
	return key, nil
}

// keyOf is what an expression gives, if a key may be so.
func keyOf(p *expr.KeyProgram, e *evaluation) (string, error) {
	key, err := p.Key(e.input, e.metadata)
	if err != nil {
		return "", err
	}
	switch {
	case len(key) > KeyBytesMax:
		return "", fmt.Errorf("it is %d bytes long, at most %d are allowed", len(key), KeyBytesMax)
	case !utf8.ValidString(key) || strings.IndexByte(key, 0) >= 0:
		return "", fmt.Errorf("it has a character that cannot be stored")
	}
	return key, nil
}
