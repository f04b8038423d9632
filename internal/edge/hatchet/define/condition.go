package define

import (
	"fmt"
	"strings"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// group is conditions of one action of which one suffices.
type group struct {
	id    string
	later bool // they are over times and events, and looked at once the parents have ended
	any   []shard.TaskCondition
}

// groups are those of an action, in the order in which they come. Each must have a
// condition that holds.
type groups []*group

func (g *groups) add(id string, later bool, c shard.TaskCondition) {
	for _, one := range *g {
		if one.id == id && one.later == later {
			one.any = append(one.any, c)
			return
		}
	}
	*g = append(*g, &group{id, later, []shard.TaskCondition{c}})
}

// conditions are those of a task. What holds without any is the same here and there: it
// begins when its parents have succeeded, is skipped when all were skipped, and cancelled
// when one failed or was cancelled.
func conditions(t *shard.Task, from *wire.TaskConditions) error {
	byAction := map[wire.Action]*groups{}
	for _, a := range []wire.Action{wire.Action_ACTION_QUEUE, wire.Action_ACTION_SKIP, wire.Action_ACTION_CANCEL} {
		byAction[a] = &groups{}
	}
	byAction[wire.Action_ACTION_CREATE] = byAction[wire.Action_ACTION_QUEUE] // both begin the task
	add := func(base *wire.BaseMatchCondition, later bool, c shard.TaskCondition) error {
		of := byAction[base.GetAction()]
		if of == nil {
			return invalid("base.action", "is %d, allowed is CREATE (0) to SKIP (3)", base.GetAction())
		}
		// An alternative between a parent and a time or an event is one: whichever comes.
		later = later && of != byAction[wire.Action_ACTION_QUEUE]
		of.add(base.GetOrGroupId(), later, c)
		return nil
	}
	for i, p := range from.GetParentOverrideConditions() {
		c, err := parent(p)
		if err == nil {
			err = add(p.GetBase(), false, c)
		}
		if err != nil {
			return fault.At(fmt.Sprintf("parent_override_conditions[%d]", i), err)
		}
	}
	for i, s := range from.GetSleepConditions() {
		c, err := sleep(s)
		if err == nil {
			err = add(s.GetBase(), true, c)
		}
		if err != nil {
			return fault.At(fmt.Sprintf("sleep_conditions[%d]", i), err)
		}
	}
	for i, e := range from.GetUserEventConditions() {
		c, err := event(e)
		if err == nil {
			err = add(e.GetBase(), true, c)
		}
		if err != nil {
			return fault.At(fmt.Sprintf("user_event_conditions[%d]", i), err)
		}
	}
	t.WaitFor = byAction[wire.Action_ACTION_QUEUE].all()
	t.SkipIf = byAction[wire.Action_ACTION_SKIP].stages()
	t.CancelIf = byAction[wire.Action_ACTION_CANCEL].stages()
	return nil
}

// all are the groups as conditions that have to hold together.
func (g *groups) all() (list []shard.TaskCondition) {
	for _, one := range *g {
		if len(one.any) == 1 {
			list = append(list, one.any[0])
			continue
		}
		list = append(list, shard.TaskCondition{Any: one.any})
	}
	return list
}

// stages are the groups as conditions of which one suffices: that all hold that are over
// parents, which decides when these have ended, or all others, which decides later.
func (g *groups) stages() (list []shard.TaskCondition) {
	for _, later := range []bool{false, true} {
		var stage groups
		for _, one := range *g {
			if one.later == later {
				stage = append(stage, one)
			}
		}
		switch all := stage.all(); len(all) {
		case 0:
		case 1:
			list = append(list, all[0])
		default:
			list = append(list, shard.TaskCondition{All: all})
		}
	}
	return list
}

// parent is a condition over the output of one. What cannot be evaluated does not hold.
func parent(from *wire.ParentOverrideMatchCondition) (c shard.TaskCondition, err error) {
	c = shard.TaskCondition{Parent: from.GetParentReadableId(), Lenient: true}
	if c.Parent == "" {
		return c, invalid("parent_readable_id", "is empty; name a parent")
	}
	c.Expression, err = parentCondition(from.GetBase().GetExpression())
	return c, fault.At("base.expression", err)
}

func sleep(from *wire.SleepMatchCondition) (c shard.TaskCondition, err error) {
	d, ok := Duration(from.GetSleepFor())
	if !ok || d.Milliseconds() < 1 {
		return c, invalid("sleep_for", "%q is no duration of a millisecond at least; write one like 10s or 1h30m", from.GetSleepFor())
	}
	c.SleepMS, c.Name = d.Milliseconds(), sleepName(from.GetBase().GetReadableDataKey(), from.GetSleepFor())
	return c, nil
}

func event(from *wire.UserEventMatchCondition) (c shard.TaskCondition, err error) {
	c = shard.TaskCondition{Event: from.GetUserEventKey(), Name: from.GetBase().GetReadableDataKey()}
	if from.GetConsiderEventsSince() != nil {
		return c, invalid("consider_events_since", "is for what a durable task waits for while it runs; leave it out: what counts is what comes when the parents have ended")
	}
	if from.GetEventScope() != "" {
		c.Scope = Quote(from.GetEventScope())
	}
	c.If, err = WaitCondition(from.GetBase().GetExpression())
	return c, fault.At("base.expression", err)
}

// named says how long in the name of a time that passed: a task is told of it in the words
// that it was asked for with.
const named = " for "

func sleepName(key, text string) string { return key + named + strings.TrimSpace(text) }

// CutSleepName is the key under which a task finds a time that passed, and how long it
// was, as the request had them.
func CutSleepName(name string) (key, text string) {
	at := strings.LastIndex(name, named)
	if at < 0 {
		return name, ""
	}
	return name[:at], name[at+len(named):]
}
