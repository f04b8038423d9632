package admit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/shard"
)

// graph checks how the tasks of a workflow refer to each other: the core relies on
// it, and so does whoever draws one.
func graph(list []shard.Task) error {
	g := topology{tasks: list, places: make(map[string]int, len(list))}
	for _, check := range []func() error{g.names, g.roles, g.parents, g.cycle, g.conditions, g.maps} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// topology is a graph while it is checked. Each check relies on those before.
type topology struct {
	tasks  []shard.Task
	places map[string]int // by name
}

func (g *topology) names() error {
	for i := range g.tasks {
		name := g.tasks[i].Name
		if other, taken := g.places[name]; taken {
			return invalid(taskPlace(i)+".name", "%q is the name of tasks[%d] too; rename one of them", name, other)
		}
		g.places[name] = i
	}
	return nil
}

// roles checks that there is something to handle, and one handler for it.
func (g *topology) roles() error {
	handlers := map[shard.Role]int{}
	for i := range g.tasks {
		role, field := g.tasks[i].Role, taskPlace(i)+".role"
		switch role {
		case "":
			continue
		case shard.RoleOnFailure, shard.RoleOnSuccess:
		default:
			return invalid(field, "is unknown; allowed are %s and %s, or none", shard.RoleOnFailure, shard.RoleOnSuccess)
		}
		if other, taken := handlers[role]; taken {
			return invalid(field, "is that of tasks[%d] too; a workflow has one %s task at most", other, role)
		}
		handlers[role] = i
	}
	if len(handlers) == len(g.tasks) {
		return invalid("tasks", "has handlers only; add a task for them to come after")
	}
	return nil
}

func (g *topology) parents() error {
	for i := range g.tasks {
		t := &g.tasks[i]
		if t.Role != "" && len(t.Parents) > 0 {
			return invalid(taskPlace(i)+".parents", "is not for an %s task, which comes after all others; leave it empty", t.Role)
		}
		seen := make(map[string]bool, len(t.Parents))
		for j, parent := range t.Parents {
			if err := g.parent(i, parent, seen[parent]); err != nil {
				return fault.At(fmt.Sprintf("%s.parents[%d]", taskPlace(i), j), err)
			}
			seen[parent] = true
		}
	}
	return nil
}

// parent checks one parent of the task at place i.
func (g *topology) parent(i int, parent string, again bool) error {
	at, known := g.places[parent]
	switch {
	case !known:
		return invalid("", "names %q, and this workflow has no such task", parent)
	case at == i:
		return invalid("", "names the task itself; a task cannot wait for its own end")
	case again:
		return invalid("", "names %q a second time; name each parent once", parent)
	case g.tasks[at].Role != "":
		return invalid("", "names the %s task %q, which comes after all others", g.tasks[at].Role, parent)
	}
	return nil
}

// How far the search for a cycle has come with a task.
const (
	unseen = iota
	onPath
	clearOfCycles
)

// cycle looks for tasks that wait for each other.
func (g *topology) cycle() error {
	state := make([]int, len(g.tasks))
	for i := range g.tasks {
		if path := g.search(i, state, nil); path != nil {
			return invalid(fmt.Sprintf("%s.parents", taskPlace(path[0])),
				"close a cycle: %s; tasks that wait for each other never begin", g.describe(path))
		}
	}
	return nil
}

// search follows the parents of the task at place i, which are at most TasksMax deep,
// and gives the tasks of a cycle.
func (g *topology) search(i int, state []int, path []int) []int {
	switch state[i] {
	case clearOfCycles:
		return nil
	case onPath:
		return path[slices.Index(path, i):]
	}
	state[i] = onPath
	path = append(path, i)
	for _, parent := range g.tasks[i].Parents {
		if found := g.search(g.places[parent], state, path); found != nil {
			return found
		}
	}
	state[i] = clearOfCycles
	return nil
}

// cycleNamesMax is how many tasks of a cycle are named.
const cycleNamesMax = 10

// describe names the tasks of a cycle, each before the one that it waits for.
func (g *topology) describe(path []int) string {
	names := make([]string, 0, len(path)+1)
	for _, i := range path[:min(len(path), cycleNamesMax)] {
		names = append(names, g.tasks[i].Name)
	}
	if more := len(path) - cycleNamesMax; more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return strings.Join(append(names, g.tasks[path[0]].Name), " waits for ")
}
