package shard

import (
	"fmt"

	"github.com/adzehq/adze/internal/core"
)

// TaskCondition is one condition of a task. It is about one thing: the output of a
// parent, a time, an event, or several conditions of which any or all must hold.
type TaskCondition struct {
	Name       string          `json:"name,omitempty"`       // of a time or an event: what the task knows it by
	Parent     string          `json:"parent,omitempty"`     // the name of one
	Expression string          `json:"expression,omitempty"` // of a parent: a condition over its output (expr.Output)
	Lenient    bool            `json:"lenient,omitempty"`    // of a parent: what cannot be evaluated does not hold; else it cancels, or keeps from going on
	SleepMS    int64           `json:"sleep_ms,omitempty"`   // so long since all parents have ended
	Event      string          `json:"event,omitempty"`      // a key
	Scope      string          `json:"scope,omitempty"`      // of an event: its scope is what this gives of the run's input (expr.Input); "" = it may have any
	If         string          `json:"if,omitempty"`         // of an event: a condition over it (expr.Event); "" = always
	Any        []TaskCondition `json:"any,omitempty"`
	All        []TaskCondition `json:"all,omitempty"`
}

// Later tells whether the condition, or a part of it, may be met by something that
// happens after the parents have ended.
func (c *TaskCondition) Later() bool {
	return c.SleepMS != 0 || c.Event != "" || anyLater(c.Any) || anyLater(c.All)
}

func anyLater(list []TaskCondition) bool {
	for i := range list {
		if list[i].Later() {
			return true
		}
	}
	return false
}

// Placed is a condition without parts where the core knows it: one of each Group of an
// Action has to be met, for the action to follow.
type Placed struct {
	*TaskCondition
	Action core.WaitAction
	Group  int32
}

// Placed are the conditions of t as the core takes them: at most core.ConditionsMax. One
// may stand in several groups. Those of Outright are not among them.
func (t *Task) Placed() ([]Placed, error) {
	var placed []Placed
	add := func(action core.WaitAction, groups clauses) {
		for i, group := range groups {
			for _, c := range group {
				placed = append(placed, Placed{c, action, int32(i)})
			}
		}
	}
	groups, err := conjunction(references(t.WaitFor))
	if err != nil {
		return nil, fmt.Errorf("wait_for: %w", err)
	}
	add(core.WaitGo, groups)
	if _, rest := alternatives(t.SkipIf); len(rest) > 0 {
		if groups, err = disjunction(rest); err != nil {
			return nil, fmt.Errorf("skip_if: %w", err)
		}
		add(core.WaitSkip, groups)
	}
	if _, rest := alternatives(t.CancelIf); len(rest) > 0 {
		if groups, err = disjunction(rest); err != nil {
			return nil, fmt.Errorf("cancel_if: %w", err)
		}
		add(core.WaitCancel, groups)
	}
	if len(placed) > core.ConditionsMax {
		return nil, fmt.Errorf("wait_for, skip_if and cancel_if: %w", errConditions)
	}
	return placed, nil
}

// Outright are the conditions of skip_if or cancel_if that decide as soon as their
// parent has succeeded, whatever becomes of the others.
func Outright(list []TaskCondition) []*TaskCondition {
	outright, _ := alternatives(list)
	return outright
}

// alternatives are conditions of which one suffices: those over a parent alone, and the
// rest.
func alternatives(list []TaskCondition) (outright, rest []*TaskCondition) {
	for i := range list {
		c := &list[i]
		switch {
		case c.Parent != "":
			outright = append(outright, c)
		case len(c.Any) > 0:
			o, r := alternatives(c.Any)
			outright, rest = append(outright, o...), append(rest, r...)
		default:
			rest = append(rest, c)
		}
	}
	return outright, rest
}

func references(list []TaskCondition) []*TaskCondition {
	all := make([]*TaskCondition, len(list))
	for i := range list {
		all[i] = &list[i]
	}
	return all
}

// clauses are conditions without parts, in groups: one of each group has to be met.
type clauses [][]*TaskCondition

var errConditions = fmt.Errorf("are more than %d conditions, once it is written as groups of alternatives: "+
	"an any over several all repeats each of them; use fewer, or put them into two tasks", core.ConditionsMax)

func (c *TaskCondition) clauses() (clauses, error) {
	switch {
	case len(c.Any) > 0:
		return disjunction(references(c.Any))
	case len(c.All) > 0:
		return conjunction(references(c.All))
	}
	return clauses{{c}}, nil
}

// conjunction has the groups of all parts.
func conjunction(parts []*TaskCondition) (clauses, error) {
	var all clauses
	for _, part := range parts {
		groups, err := part.clauses()
		if err != nil {
			return nil, err
		}
		if all = append(all, groups...); all.size() > core.ConditionsMax {
			return nil, errConditions
		}
	}
	return all, nil
}

// disjunction joins each group of one part with each of the others: a or (b and c) is
// (a or b) and (a or c).
func disjunction(parts []*TaskCondition) (clauses, error) {
	joined := clauses{nil}
	for _, part := range parts {
		groups, err := part.clauses()
		if err != nil {
			return nil, err
		}
		var next clauses
		for _, left := range joined {
			for _, right := range groups {
				next = append(next, append(left[:len(left):len(left)], right...))
			}
		}
		if joined = next; joined.size() > core.ConditionsMax {
			return nil, errConditions
		}
	}
	return joined, nil
}

func (c clauses) size() int {
	n := 0
	for _, group := range c {
		n += len(group)
	}
	return n
}

// placed adds the conditions of the task t to its node at place i.
func (g *Graph) placed(i int32, t *Task, places map[string]int32) error {
	placed, err := t.Placed()
	if err != nil {
		return fmt.Errorf("task %q: %w", t.Name, err)
	}
	for at, p := range placed {
		c := core.Condition{Action: p.Action, Group: p.Group}
		switch {
		case p.Parent != "":
			parent, known := places[p.Parent]
			if !known {
				return fmt.Errorf("task %q has a condition on the unknown task %q", t.Name, p.Parent)
			}
			c.Kind, c.Parent = core.OnParent, parent
			g.Conditions = append(g.Conditions, Condition{
				Node: i, Parent: parent, Action: p.Action, Part: true, Place: int32(at), Expression: p.Expression, Lenient: p.Lenient,
			})
		case p.SleepMS != 0:
			c.Kind, c.ForMS = core.OnSleep, p.SleepMS
		case p.Event != "":
			c.Kind, c.Key, c.Filter, c.Scoped = core.OnEvent, p.Event, p.If, p.Scope != ""
			if c.Scoped {
				g.Scopes = append(g.Scopes, Scope{Node: i, Expression: p.Scope})
			}
		default:
			return fmt.Errorf("task %q has a condition that says nothing", t.Name)
		}
		if p.Name != "" {
			g.Names = append(g.Names, ConditionName{Node: i, Place: int32(at), Name: p.Name})
		}
		g.Nodes[i].Conditions = append(g.Nodes[i].Conditions, c)
	}
	return g.outright(i, t, places)
}

// outright adds those that the core need not know.
func (g *Graph) outright(i int32, t *Task, places map[string]int32) error {
	for _, list := range []struct {
		conditions []TaskCondition
		action     core.WaitAction
	}{{t.SkipIf, core.WaitSkip}, {t.CancelIf, core.WaitCancel}} {
		for _, c := range Outright(list.conditions) {
			parent, known := places[c.Parent]
			if !known {
				return fmt.Errorf("task %q has a condition on the unknown task %q", t.Name, c.Parent)
			}
			g.Conditions = append(g.Conditions, Condition{
				Node: i, Parent: parent, Action: list.action, Expression: c.Expression, Lenient: c.Lenient,
			})
		}
	}
	return nil
}
