package admit

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/adzehq/adze/internal/base/expr"
	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/shard"
)

// Bounds of flow control.
const (
	LimitsMax = 10  // of a workflow, and of each of its tasks
	QueuesMax = 100 // that a workflow declares
)

// flow checks what w, whose tasks are checked, says of when its runs run, and fills in
// what was left out.
func flow(w *shard.Workflow) (err error) {
	if err = key("key", w.Key); err != nil {
		return err
	}
	if err = between("priority", int64(w.Priority), core.PriorityMin, core.PriorityMax); err != nil {
		return err
	}
	if w.Limits, err = limits(w.Limits); err != nil {
		return err
	}
	for i := range w.Tasks {
		if err = taskFlow(&w.Tasks[i]); err != nil {
			return fault.At(taskPlace(i), err)
		}
	}
	if err = clashes(w); err != nil {
		return err
	}
	if err = rateClashes(w); err != nil {
		return err
	}
	w.Queues, err = queues(w)
	return err
}

func taskFlow(t *shard.Task) (err error) {
	if t.Queue != "" {
		if err = name("queue", t.Queue); err != nil {
			return err
		}
	}
	if t.Limits, err = limits(t.Limits); err != nil {
		return err
	}
	t.Rates, err = rates(t.Rates)
	return err
}

// key checks an expression that gives a key; empty is none.
func key(field, expression string) error {
	if expression == "" {
		return nil
	}
	if _, err := expr.Run.CompileKey(expression); err != nil {
		return invalid(field, "%s", err)
	}
	return nil
}

// limits checks those of a workflow or a task, and gives them with what was left out.
func limits(list []shard.Limit) ([]shard.Limit, error) {
	if len(list) > LimitsMax {
		return nil, invalid("limits", "has %d entries, at most %d are allowed", len(list), LimitsMax)
	}
	list = slices.Clone(list)
	for i := range list {
		if err := limit(&list[i]); err != nil {
			return nil, fault.At(limitPlace(i), err)
		}
	}
	return list, nil
}

func limitPlace(i int) string { return fmt.Sprintf("limits[%d]", i) }

// limit checks l. One with a name and without a maximum is declared by others.
func limit(l *shard.Limit) error {
	if l.Name != "" {
		if err := name("name", l.Name); err != nil {
			return err
		}
	}
	if err := key("key", l.Key); err != nil {
		return err
	}
	if l.MaxExpression != "" {
		if _, err := expr.Run.CompileInt(l.MaxExpression); err != nil {
			return invalid("max_expression", "%s", err)
		}
	}
	if l.Name == "" || l.MaxExpression != "" {
		l.Max = orDefault(l.Max, 1)
	}
	if err := between("max", int64(l.Max), 0, shard.LimitMax); err != nil {
		return err
	}
	if l.Max == 0 {
		const alone = "is given without a max; give both, or none for a limit that is declared elsewhere"
		switch {
		case l.Strategy != "":
			return invalid("strategy", alone)
		case l.AgeMS != 0:
			return invalid("age_ms", alone)
		}
		return nil
	}
	l.Strategy = orDefault(l.Strategy, core.LimitQueue.String())
	if err := strategy("strategy", l.Strategy); err != nil {
		return err
	}
	if l.AgeMS != 0 && l.Strategy != core.LimitQueue.String() {
		return invalid("age_ms", "is given with strategy %s, where priority does not count; leave it out, or give strategy queue", l.Strategy)
	}
	return duration("age_ms", l.AgeMS)
}

func strategy(field, s string) error {
	if _, known := core.ParseStrategy(s); !known {
		return invalid(field, "is no strategy; there are queue, fifo, cancel_running, cancel_newest, keep_newest and keep_oldest")
	}
	return nil
}

// clashes refuses a workflow that declares a limit twice, and not alike. A task, or the
// run, has one place in it at most.
func clashes(w *shard.Workflow) error {
	declared := map[string]shard.Limit{}
	check := func(place string, list []shard.Limit, held []shard.Limit) error {
		for i, l := range list {
			if l.Name == "" {
				continue
			}
			same := func(other shard.Limit) bool { return other.Name == l.Name }
			if slices.ContainsFunc(list[:i], same) || slices.ContainsFunc(held, same) {
				return invalid(place+limitPlace(i)+".name", "%q is taken a second time, and whoever has its place would wait for itself; name it once", l.Name)
			}
			other, known := declared[l.Name]
			if known && l.Max > 0 && (other.Max != l.Max || other.Strategy != l.Strategy || other.AgeMS != l.AgeMS) {
				return invalid(place+limitPlace(i)+".max", "strategy and age_ms of %q are other ones than this workflow gives elsewhere; give them once", l.Name)
			}
			if l.Max > 0 {
				declared[l.Name] = l
			}
		}
		return nil
	}
	if err := check("", w.Limits, nil); err != nil {
		return err
	}
	for i := range w.Tasks {
		if err := check(taskPlace(i)+".", w.Tasks[i].Limits, w.Limits); err != nil {
			return err
		}
	}
	return nil
}

// queues checks those that w declares: tasks of it wait in them.
func queues(w *shard.Workflow) ([]shard.Queue, error) {
	if len(w.Queues) > QueuesMax {
		return nil, invalid("queues", "has %d entries, at most %d are allowed", len(w.Queues), QueuesMax)
	}
	var used []string
	for i := range w.Tasks {
		if q := cmp.Or(w.Tasks[i].Queue, w.Tasks[i].Action); !slices.Contains(used, q) {
			used = append(used, q)
		}
	}
	list := slices.Clone(w.Queues)
	for i := range list {
		q, place := &list[i], fmt.Sprintf("queues[%d]", i)
		if q.Name == "" && len(used) == 1 {
			q.Name = used[0]
		}
		switch {
		case q.Name == "":
			return nil, invalid(place+".name", "is empty, and the tasks wait in %d queues; name one of them", len(used))
		case !slices.Contains(used, q.Name):
			return nil, invalid(place+".name", "%q is no queue that a task of this workflow waits in", q.Name)
		case slices.ContainsFunc(list[:i], func(other shard.Queue) bool { return other.Name == q.Name }):
			return nil, invalid(place+".name", "%q comes twice", q.Name)
		}
		if err := duration(place+".age_ms", q.AgeMS); err != nil {
			return nil, err
		}
	}
	return list, nil
}
