package durable

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
)

// condition is a core.Condition as wait.conditions and durable_entry.conditions have it.
// A field that is absent is its zero. Names are for ever: rows of weeks ago are read,
// and a task's log goes from engine to engine.
type condition struct {
	On     string    `json:"on"`               // sleep, event, runs, parent
	Do     string    `json:"do,omitempty"`     // cancel, skip; absent: go on
	Group  int32     `json:"group,omitempty"`  // one of each group suffices
	Due    core.Time `json:"due,omitempty"`    // sleep: ms since the Unix epoch
	ForMS  int64     `json:"for_ms,omitempty"` // sleep of a task of a graph
	Key    string    `json:"key,omitempty"`    // event
	Scope  *string   `json:"scope,omitempty"`  // event: only of this scope; absent: of any
	Signal bool      `json:"signal,omitempty"` // event: only one that is addressed to the run
	Filter string    `json:"filter,omitempty"` // event: CEL
	After  id.ID     `json:"after,omitempty"`  // event: look back to this id
	Newest bool      `json:"newest,omitempty"` // event, with after: the newest counts
	// Runs are the first id, and of each other one the difference to the one before:
	// children that were spawned together have ids in a row.
	Runs   []int64 `json:"runs,omitempty"`
	Parent int32   `json:"parent,omitempty"` // parent: its place in the graph
}

// Names of what is waited for and of what follows, by their numbers.
var (
	kindNames   = [...]string{core.OnSleep: "sleep", core.OnEvent: "event", core.OnRuns: "runs", core.OnParent: "parent"}
	actionNames = [...]string{core.WaitGo: "", core.WaitCancel: "cancel", core.WaitSkip: "skip"}
)

// encodeConditions writes a list of JSON objects, in their order.
func encodeConditions(conditions []core.Condition) []byte {
	list := make([]condition, len(conditions))
	for i := range conditions {
		list[i] = conditionOf(&conditions[i])
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // filters compare a lot
	_ = encoder.Encode(list)     // numbers and strings: nothing that could fail
	return bytes.TrimSuffix(text.Bytes(), []byte("\n"))
}

func conditionOf(c *core.Condition) condition {
	written := condition{
		On: kindNames[c.Kind], Do: actionNames[c.Action], Group: c.Group,
		Due: c.Due, ForMS: c.ForMS,
		Key: c.Key, Signal: c.Signal, Filter: c.Filter, After: c.After, Newest: c.Newest,
		Runs: differences(c.Runs), Parent: c.Parent,
	}
	if c.Scoped {
		written.Scope = &c.Scope
	}
	return written
}

// decodeConditions is the inverse of encodeConditions; nil if text is.
func decodeConditions(text []byte) ([]core.Condition, error) {
	if text == nil {
		return nil, nil
	}
	var list []condition
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("decode conditions: %w", err)
	}
	conditions := make([]core.Condition, len(list))
	for i := range list {
		var err error
		if conditions[i], err = list[i].core(); err != nil {
			return nil, fmt.Errorf("decode condition %d: %w", i, err)
		}
	}
	return conditions, nil
}

func (c *condition) core() (core.Condition, error) {
	kind, known := place(kindNames[:], c.On)
	if !known {
		return core.Condition{}, fmt.Errorf("unknown kind %q", c.On)
	}
	action, known := place(actionNames[:], c.Do)
	if !known {
		return core.Condition{}, fmt.Errorf("unknown action %q", c.Do)
	}
	read := core.Condition{
		Kind: core.ConditionKind(kind), Action: core.WaitAction(action), Group: c.Group,
		Due: c.Due, ForMS: c.ForMS,
		Key: c.Key, Signal: c.Signal, Filter: c.Filter, After: c.After, Newest: c.Newest,
		Runs: sums(c.Runs), Parent: c.Parent,
	}
	if c.Scope != nil {
		read.Scoped, read.Scope = true, *c.Scope
	}
	return read, nil
}

func place(names []string, name string) (int, bool) {
	for i := range names {
		if names[i] == name {
			return i, true
		}
	}
	return 0, false
}

func differences(ids []id.ID) []int64 {
	if len(ids) == 0 {
		return nil
	}
	steps := make([]int64, len(ids))
	before := id.ID(0)
	for i, next := range ids {
		steps[i] = int64(next - before)
		before = next
	}
	return steps
}

// sums is the inverse of differences.
func sums(steps []int64) []id.ID {
	if len(steps) == 0 {
		return nil
	}
	ids := make([]id.ID, len(steps))
	sum := id.ID(0)
	for i, step := range steps {
		sum += id.ID(step)
		ids[i] = sum
	}
	return ids
}
