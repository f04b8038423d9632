package adze

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/adzehq/adze/internal/shard"
)

// NodeCondition is what a task of a [Workflow] can wait for, or be skipped or cancelled
// by: [Passed], [Happened], [Holds], or [AnyOf] and [AllOf] of several.
type NodeCondition interface {
	// condition is for a task t, which runs After the parents that it names.
	condition(t *shard.Task) shard.TaskCondition
}

// WaitFor lets the task begin once all conditions are met. It waits for times and events
// from when its parents have ended; what came before does not count. A task whose
// conditions can never be met, because what is said of a parent does not hold, is
// cancelled.
//
//	adze.AddTask(w, "upgrade", sendUpgrade, adze.After(hi), adze.WaitFor(adze.Passed(7*24*time.Hour)))
func WaitFor(conditions ...NodeCondition) NodeOption {
	return nodeOption(func(t *shard.Task) { t.WaitFor = append(t.WaitFor, conditionsFor(t, conditions)...) })
}

// SkipWhen skips the task as [SkipIf] does if one of the conditions is met before what it
// waits for is: without a [WaitFor] over a time or an event, only [Holds] can be.
func SkipWhen(conditions ...NodeCondition) NodeOption {
	return nodeOption(func(t *shard.Task) { t.SkipIf = append(t.SkipIf, conditionsFor(t, conditions)...) })
}

// CancelWhen is SkipWhen, but it cancels the task as [CancelIf] does. Of what is met at
// the same time, skipping counts.
func CancelWhen(conditions ...NodeCondition) NodeOption {
	return nodeOption(func(t *shard.Task) { t.CancelIf = append(t.CancelIf, conditionsFor(t, conditions)...) })
}

type nodeCondition func(*shard.Task) shard.TaskCondition

func (c nodeCondition) condition(t *shard.Task) shard.TaskCondition { return c(t) }

func conditionsFor(t *shard.Task, conditions []NodeCondition) []shard.TaskCondition {
	list := make([]shard.TaskCondition, len(conditions))
	for i, c := range conditions {
		list[i] = c.condition(t)
	}
	return list
}

// Passed is met d after the parents of the task have ended, 1 ms to ten years.
func Passed(d time.Duration) NodeCondition {
	return nodeCondition(func(*shard.Task) shard.TaskCondition { return shard.TaskCondition{SleepMS: wholeMS(d)} })
}

// Happened is met by an event of that key that is pushed while the task waits. [If] and
// [ScopeFrom] say which; [EventFor] gives it to the task.
func Happened(key string, options ...HappenedOption) NodeCondition {
	return nodeCondition(func(*shard.Task) shard.TaskCondition {
		c := shard.TaskCondition{Event: key}
		for _, o := range options {
			o.applyHappened(&c)
		}
		return c
	})
}

// HappenedOption is an option of [Happened]: [If] or [ScopeFrom].
type HappenedOption interface{ applyHappened(*shard.TaskCondition) }

func (e Expression) applyHappened(c *shard.TaskCondition) { c.If = string(e) }

// ScopeFrom takes only events that were pushed with a scope that the input of the run
// says: a CEL expression that gives a text, like `input.user`. A run whose input gives
// none is refused.
func ScopeFrom(expression string) HappenedOption { return scopeFrom(expression) }

type scopeFrom string

func (s scopeFrom) applyHappened(c *shard.TaskCondition) { c.Scope = string(s) }

// Holds is met if a condition over the output of parent holds, as in [SkipIf]. The task
// runs After parent. If parent gave no output it is not met.
func Holds(parent Parent, condition string) NodeCondition {
	return nodeCondition(func(t *shard.Task) shard.TaskCondition { return watch(t, parent, condition) })
}

// AnyOf is met if one of the conditions is.
func AnyOf(conditions ...NodeCondition) NodeCondition {
	return nodeCondition(func(t *shard.Task) shard.TaskCondition {
		return shard.TaskCondition{Any: conditionsFor(t, conditions)}
	})
}

// AllOf is met if all of the conditions are.
func AllOf(conditions ...NodeCondition) NodeCondition {
	return nodeCondition(func(t *shard.Task) shard.TaskCondition {
		return shard.TaskCondition{All: conditionsFor(t, conditions)}
	})
}

// ErrNoEvent says that no such event came while the task waited.
var ErrNoEvent = errors.New("no such event came")

// EventFor is the payload of the event that the task that runs with ctx waited for:
// the first of that key, see [Happened]. It is ErrNoEvent if none came.
func EventFor[T any](ctx context.Context, key string) (payload T, err error) {
	g := givenTo(ctx)
	if g == nil {
		return payload, errNoTask
	}
	for _, e := range g.came {
		if e.Key != key {
			continue
		}
		if err := json.Unmarshal(e.Payload, &payload); err != nil {
			return payload, fmt.Errorf("decode event %s: %w", ID(e.ID), err)
		}
		return payload, nil
	}
	return payload, fmt.Errorf("event %s: %w", key, ErrNoEvent)
}
