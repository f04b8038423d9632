package admit

import (
	"fmt"
	"slices"

	"github.com/adzehq/adze/internal/base/expr"
	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/shard"
)

// Bounds of the conditions of tasks.
const (
	ConditionsMax     = 1_000              // of all tasks of a workflow, as the core takes them: each is compiled when it is registered
	TaskConditionsMax = core.ConditionsMax // of a task, but for those that end it by one parent alone; as the core takes them
	ConditionDepthMax = 4                  // of any and all in each other
)

func (g *topology) conditions() error {
	left := ConditionsMax
	for i := range g.tasks {
		t := &g.tasks[i]
		if err := taskConditions(t); err != nil {
			return fault.At(taskPlace(i), err)
		}
		n, err := countConditions(t)
		if err != nil {
			return invalid(taskPlace(i), "%s", err)
		}
		if left -= n; left < 0 {
			return invalid(taskPlace(i), "has too many conditions: a workflow may have %s in all", thousands(ConditionsMax))
		}
	}
	return nil
}

// countConditions is how many conditions t has for the core and the shard.
func countConditions(t *shard.Task) (int, error) {
	placed, err := t.Placed()
	return len(placed) + len(shard.Outright(t.SkipIf)) + len(shard.Outright(t.CancelIf)), err
}

// taskConditions checks all conditions of t.
func taskConditions(t *shard.Task) error {
	lists := []struct {
		field string
		list  []shard.TaskCondition
	}{{"wait_for", t.WaitFor}, {"skip_if", t.SkipIf}, {"cancel_if", t.CancelIf}}
	for _, l := range lists {
		if t.Role != "" && len(l.list) > 0 {
			return invalid(l.field, "is not for an %s task, which begins when all others have ended; leave it empty", t.Role)
		}
		if err := conditions(t, l.field, l.list, 0); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(t.WaitFor, func(c shard.TaskCondition) bool { return c.Later() }) {
		return nil
	}
	for _, l := range lists[1:] {
		for j := range l.list {
			if l.list[j].Later() {
				return invalid(fmt.Sprintf("%s[%d]", l.field, j), "looks at a time or an event, but the task would not wait for that: "+
					"give it a wait_for with a sleep_ms or an event; what comes until then decides")
			}
		}
	}
	return nil
}

// conditions checks a list of the conditions of t, depth any and all deep.
func conditions(t *shard.Task, field string, list []shard.TaskCondition, depth int) error {
	for j := range list {
		if err := taskCondition(t, &list[j], depth); err != nil {
			return fault.At(fmt.Sprintf("%s[%d]", field, j), err)
		}
	}
	return nil
}

func taskCondition(t *shard.Task, c *shard.TaskCondition, depth int) error {
	if err := oneKind(c); err != nil {
		return err
	}
	if err := label("name", c.Name, NameBytesMax); err != nil {
		return err
	}
	switch {
	case c.Parent != "":
		return overParent(t, c)
	case c.Event != "":
		return overEvent(c)
	case c.SleepMS != 0:
		return between("sleep_ms", c.SleepMS, 1, DurationMSMax)
	case depth == ConditionDepthMax:
		return invalid("", "is the %dth any or all inside of others, at most %d are allowed; say it with fewer", depth+1, ConditionDepthMax)
	case c.Any != nil:
		return parts(t, "any", c.Any, depth)
	}
	return parts(t, "all", c.All, depth)
}

// oneKind checks that c is about one thing, and says nothing of another.
func oneKind(c *shard.TaskCondition) error {
	kinds := 0
	for _, is := range []bool{c.Parent != "", c.SleepMS != 0, c.Event != "", c.Any != nil, c.All != nil} {
		if is {
			kinds++
		}
	}
	switch {
	case kinds == 0:
		return invalid("", "says nothing; give a parent with an expression, sleep_ms of 1 at least, an event, any or all")
	case kinds > 1:
		return invalid("", "is about several things; give one of parent, sleep_ms, event, any and all, and join several by any or all")
	case c.Parent == "" && c.Expression != "":
		return invalid("expression", "is for a condition over a parent; that of an event is its if")
	case c.Event == "" && c.Scope != "":
		return invalid("scope", "is for a condition over an event; leave it empty")
	case c.Parent == "" && c.Lenient:
		return invalid("lenient", "is for a condition over a parent; leave it out")
	case c.Event == "" && c.SleepMS == 0 && c.Name != "":
		return invalid("name", "is for a time or an event that a task waits for; leave it empty")
	case c.Event == "" && c.If != "":
		return invalid("if", "is for a condition over an event; that of a parent is its expression")
	}
	return nil
}

func parts(t *shard.Task, field string, list []shard.TaskCondition, depth int) error {
	if len(list) == 0 {
		return invalid(field, "is empty; put one condition into it at least")
	}
	return conditions(t, field, list, depth+1)
}

func overParent(t *shard.Task, c *shard.TaskCondition) error {
	if !slices.Contains(t.Parents, c.Parent) {
		return invalid("parent", "%q is not a parent of task %q; name it among the parents", c.Parent, t.Name)
	}
	if err := text("expression", c.Expression, expr.BytesMax); err != nil {
		return err
	}
	if _, err := expr.Output.Compile(c.Expression); err != nil {
		return invalid("expression", "%s", err)
	}
	return nil
}

func overEvent(c *shard.TaskCondition) error {
	if err := EventKey("event", c.Event); err != nil {
		return err
	}
	if err := eventCondition("if", c.If); err != nil {
		return err
	}
	if c.Scope == "" {
		return nil
	}
	if err := text("scope", c.Scope, expr.BytesMax); err != nil {
		return err
	}
	if _, err := expr.Input.CompileText(c.Scope); err != nil {
		return invalid("scope", "%s", err)
	}
	return nil
}
