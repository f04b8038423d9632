package admit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/adzehq/adze/internal/base/fault"
	"github.com/adzehq/adze/internal/shard"
)

// The back-off of a task that names none.
const (
	BackoffInitialMSDefault = 1_000
	BackoffFactorDefault    = 2
	BackoffMaxMSDefault     = 60_000
)

// Definitions checks workflows, fills in what was left out and gives each name's
// definition once. place[i] is where the definition of workflows[i] stands.
//
// A name that comes twice with the same content is one definition; with different
// content it is a conflict.
func Definitions(workflows []shard.Workflow) (definitions []shard.Definition, place []int, err error) {
	if err := Count("workflows", len(workflows), WorkflowsMax); err != nil {
		return nil, nil, err
	}
	place = make([]int, len(workflows))
	seen := make(map[string]int, len(workflows))
	for i := range workflows {
		d, err := definition(workflows[i])
		if err != nil {
			return nil, nil, fault.At(fmt.Sprintf("workflows[%d]", i), err)
		}
		at, known := seen[d.Name]
		if !known {
			at = len(definitions)
			seen[d.Name] = at
			definitions = append(definitions, d)
		}
		if !bytes.Equal(definitions[at].JSON, d.JSON) {
			return nil, nil, fault.New(fault.Conflict, fmt.Sprintf("workflows[%d].name", i),
				"%q is defined twice in this call, with different content; rename one of them", d.Name)
		}
		place[i] = at
	}
	return definitions, place, nil
}

// definition changes neither w nor what it refers to.
func definition(w shard.Workflow) (shard.Definition, error) {
	w.Tasks = slices.Clone(w.Tasks)
	if err := name("name", w.Name); err != nil {
		return shard.Definition{}, err
	}
	if err := text("description", w.Description, DescriptionBytesMax); err != nil {
		return shard.Definition{}, err
	}
	if err := label("label", w.Label, LabelBytesMax); err != nil {
		return shard.Definition{}, err
	}
	if err := tasks(w.Name, w.Tasks); err != nil {
		return shard.Definition{}, err
	}
	if err := graph(w.Tasks); err != nil {
		return shard.Definition{}, err
	}
	if err := triggers(w.Triggers); err != nil {
		return shard.Definition{}, err
	}
	var err error
	if w.Filters, err = declaredFilters(w.Name, w.Filters); err != nil {
		return shard.Definition{}, err
	}
	if w.Crons, err = crons(w.Name, w.Crons); err != nil {
		return shard.Definition{}, err
	}
	if w.InputSchema, err = schema(w.InputSchema); err != nil {
		return shard.Definition{}, err
	}
	if w.Keyed, err = declaredKeys(w.Name, w.Keyed); err != nil {
		return shard.Definition{}, err
	}
	if err = flow(&w); err != nil {
		return shard.Definition{}, err
	}
	if err = route(&w); err != nil {
		return shard.Definition{}, err
	}
	return w.Definition()
}

// schema checks a JSON Schema: that it is JSON, and an object.
func schema(given json.RawMessage) (json.RawMessage, error) {
	if len(given) == 0 {
		return nil, nil
	}
	checked, err := metadata("input_schema", given)
	return compact(checked), err
}

// tasks checks each task for itself and fills in its defaults.
func tasks(workflow string, list []shard.Task) (err error) {
	switch n := len(list); {
	case n == 0:
		return invalid("tasks", "is empty; a workflow has one task at least")
	case n > TasksMax:
		return invalid("tasks", "has %s entries, at most %s are allowed", thousands(int64(n)), thousands(TasksMax))
	}
	for i := range list {
		if list[i], err = task(workflow, list[i], len(list) == 1); err != nil {
			return fault.At(taskPlace(i), err)
		}
	}
	return nil
}

func taskPlace(i int) string { return fmt.Sprintf("tasks[%d]", i) }

// task is t with its defaults, for the workflow of that name; sole if it has no other.
func task(workflow string, t shard.Task, sole bool) (shard.Task, error) {
	t.Name = orDefault(t.Name, workflow)
	action := workflow
	if !sole || t.Name != workflow {
		action = workflow + ":" + t.Name
	}
	t.Action = orDefault(t.Action, action)

	for _, check := range []error{
		name("name", t.Name),
		name("action", t.Action),
		between("retries", int64(t.Retries), 0, RetriesMax),
		duration("schedule_timeout_ms", t.ScheduleTimeoutMS),
		duration("execution_timeout_ms", t.ExecutionTimeoutMS),
		text("description", t.Description, DescriptionBytesMax),
	} {
		if check != nil {
			return t, check
		}
	}
	var err error
	if t.Backoff, err = backoff(t.Backoff); err != nil {
		return t, fault.At("backoff", err)
	}
	if t.Map, err = mapping(t.Map); err != nil {
		return t, fault.At("map", err)
	}
	t.Batch, err = batch(&t, t.Batch)
	return t, fault.At("batch", err)
}

// backoff is b with a default for each field that is zero.
func backoff(b shard.Backoff) (shard.Backoff, error) {
	if err := duration("initial_ms", b.InitialMS); err != nil {
		return b, err
	}
	if err := duration("max_ms", b.MaxMS); err != nil {
		return b, err
	}
	b.InitialMS = orDefault(b.InitialMS, BackoffInitialMSDefault)
	b.Factor = orDefault(b.Factor, BackoffFactorDefault)
	b.MaxMS = orDefault(b.MaxMS, max(BackoffMaxMSDefault, b.InitialMS))
	switch {
	case math.IsNaN(b.Factor) || b.Factor < 1 || b.Factor > BackoffFactorMax:
		return b, invalid("factor", "is %g, allowed is 1 to %s", b.Factor, thousands(BackoffFactorMax))
	case b.MaxMS < b.InitialMS:
		return b, invalid("max_ms", "is %d, less than the first pause of %d ms", b.MaxMS, b.InitialMS)
	}
	return b, nil
}
