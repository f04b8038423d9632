package adze

import (
	"slices"

	"github.com/adzehq/adze/internal/shard"
)

// NodeOption is an option of [AddTask]: what the task waits for, or a [TaskOption].
type NodeOption interface{ applyNode(*workflow) }

func (o TaskOption) applyNode(w *workflow) { o(w) }

type nodeOption func(*shard.Task)

func (o nodeOption) applyNode(w *workflow) { o(&w.Tasks[0]) }

// Parent is a task that others wait for: a [Node] of the same workflow.
type Parent interface{ parent() string }

// After lets the task begin once all parents have ended. If one of them failed or was
// cancelled it is cancelled, and if all of them were skipped it is skipped.
func After(parents ...Parent) NodeOption {
	return nodeOption(func(t *shard.Task) {
		for _, p := range parents {
			after(t, p)
		}
	})
}

// SkipIf skips the task if the condition holds: what runs After it goes on without its
// output, unless it waits for skipped tasks only. The condition is a CEL expression
// over the output of parent, like `output.total == 0`; the task runs After parent. Of
// several, one that holds is enough. [SkipWhen] looks at times and events, too.
func SkipIf(parent Parent, condition string) NodeOption {
	return nodeOption(func(t *shard.Task) {
		t.SkipIf = append(t.SkipIf, watch(t, parent, condition))
	})
}

// CancelIf is SkipIf, but it cancels the task and all that run After it, and so the
// run. A condition that cannot be evaluated cancels too.
func CancelIf(parent Parent, condition string) NodeOption {
	return nodeOption(func(t *shard.Task) {
		t.CancelIf = append(t.CancelIf, watch(t, parent, condition))
	})
}

func watch(t *shard.Task, parent Parent, condition string) shard.TaskCondition {
	return shard.TaskCondition{Parent: after(t, parent), Expression: condition}
}

// after makes parent one of t's, and gives its name.
func after(t *shard.Task, parent Parent) string {
	name := parent.parent()
	if !slices.Contains(t.Parents, name) {
		t.Parents = append(t.Parents, name)
	}
	return name
}
