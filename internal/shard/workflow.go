package shard

import (
	"encoding/json"
	"fmt"

	"github.com/adzehq/adze/internal/core"
)

// Workflow is a definition as it is stored: Definition.JSON is its encoding, and
// the fields stand in the order of that encoding. Defaults are filled in before
// (edge/admit), so that equal workflows have equal bytes.
type Workflow struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Tasks       []Task `json:"tasks"`
}

// Task is one task of a Workflow.
type Task struct {
	Name               string  `json:"name"`
	Action             string  `json:"action"`
	Queue              string  `json:"queue,omitempty"` // the action; a queue of its own comes with a later version
	Retries            int32   `json:"retries"`
	Backoff            Backoff `json:"backoff"`
	ScheduleTimeoutMS  int64   `json:"schedule_timeout_ms"`
	ExecutionTimeoutMS int64   `json:"execution_timeout_ms"`
}

// Backoff is the pause before a retry, see core.Definition.
type Backoff struct {
	InitialMS int64   `json:"initial_ms"`
	Factor    float64 `json:"factor"`
	MaxMS     int64   `json:"max_ms"`
}

// Definition is w with its encoding, ready for Client.Define. It has one task.
func (w *Workflow) Definition() (Definition, error) {
	encoded, err := json.Marshal(w)
	if err != nil {
		return Definition{}, fmt.Errorf("encode workflow %s: %w", w.Name, err)
	}
	return Definition{Name: w.Name, JSON: encoded, Core: w.core()}, nil
}

// DecodeDefinition reads back what Workflow.Definition encoded. Version and
// Tenant stand in columns of their own and are left zero.
func DecodeDefinition(encoded []byte) (core.Definition, error) {
	var w Workflow
	if err := json.Unmarshal(encoded, &w); err != nil {
		return core.Definition{}, fmt.Errorf("decode workflow: %w", err)
	}
	if len(w.Tasks) != 1 {
		return core.Definition{}, fmt.Errorf("decode workflow %s: %d tasks, want 1", w.Name, len(w.Tasks))
	}
	return w.core(), nil
}

func (w *Workflow) core() core.Definition {
	t := &w.Tasks[0]
	return core.Definition{
		Workflow:           w.Name,
		Action:             t.Action,
		Retries:            t.Retries,
		BackoffMS:          t.Backoff.InitialMS,
		BackoffMaxMS:       t.Backoff.MaxMS,
		BackoffFactor:      t.Backoff.Factor,
		ScheduleTimeoutMS:  t.ScheduleTimeoutMS,
		ExecutionTimeoutMS: t.ExecutionTimeoutMS,
	}
}
