package hatchet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/core"
	"github.com/adzehq/adze/internal/edge/auth"
	"github.com/adzehq/adze/internal/edge/hatchet/view"
	"github.com/adzehq/adze/internal/wire/hatchetrest"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// models makes models of runs.
type models struct {
	caller   auth.Caller
	payloads bool
	children map[id.ID]int64 // how many runs a task spawned
}

// emptyObject is what stands for no JSON object: these SDKs take no null.
var emptyObject = hatchetrest.JSONObject("{}")

// objectOf is a payload if it is an object, and is wanted.
func (m *models) objectOf(payload []byte) hatchetrest.JSONObject {
	if !m.payloads || !isObject(payload) {
		return emptyObject
	}
	return payload
}

func isObject(payload []byte) bool {
	trimmed := bytes.TrimLeft(payload, " \t\r\n")
	return len(trimmed) > 0 && trimmed[0] == '{'
}

// instant is a time as models have it; zero if it is none.
func instant(at core.Time) time.Time {
	if at == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(at)).UTC()
}

// displayName is what a run or a task is called in lists.
func displayName(name string, created id.ID) string {
	return fmt.Sprintf("%s-%d", name, created.UnixMilli())
}

// took is how long something took, in milliseconds: 1 at least, as 0 means that nobody knows.
func took(started, finished core.Time) int64 {
	if started == 0 || finished < started {
		return 0
	}
	return max(int64(finished-started), 1)
}

// startOf is when a task was begun. A worker whose word of it came after the result gave
// none in time: then it is when the task was given out.
func startOf(t *view.Task) core.Time {
	if t.Started == 0 && t.Finished != 0 {
		return t.Assigned
	}
	return t.Started
}

// extent is when the tasks of a run were first begun, and which error tells of a failure.
func extent(run *view.Run) (started core.Time, failure string) {
	for i := range run.Tasks {
		t := &run.Tasks[i]
		if begun := startOf(t); begun != 0 && (started == 0 || begun < started) {
			started = begun
		}
		if t.Status == wire.RunStatus_RUN_STATUS_FAILED && failure == "" {
			failure = *t.Error()
		}
	}
	return started, failure
}

// output is what a run gave: a run of one task what that gave, another one an object with
// what each did.
func (m *models) output(run *view.Run) hatchetrest.JSONObject {
	if !run.Graph {
		return m.objectOf(run.Tasks[0].Output())
	}
	outputs := map[string]json.RawMessage{}
	for i := range run.Tasks {
		if output := run.Tasks[i].Output(); output != nil {
			outputs[run.Tasks[i].Name] = output
		}
	}
	encoded, err := json.Marshal(outputs)
	if err != nil {
		return emptyObject // an output is JSON: it was admitted
	}
	return m.objectOf(encoded)
}

// parentOf is the id that the task goes by that spawned a run.
func parentOf(run *view.Run) string {
	if run.Parent == 0 {
		return ""
	}
	var named struct {
		Parent string `json:"hatchet__parent_step_run_id"`
	}
	if json.Unmarshal(run.Metadata, &named) == nil && named.Parent != "" {
		return named.Parent
	}
	return run.Parent.String()
}

func (m *models) run(run *view.Run) hatchetrest.V1WorkflowRun {
	started, failure := extent(run)
	return hatchetrest.V1WorkflowRun{
		Metadata:             metaOf(run.External, instant(run.Finished)),
		TenantId:             m.caller.UUID.String(),
		Status:               hatchetrest.V1TaskStatus(view.StatusName(run.Status)),
		DisplayName:          displayName(run.Workflow, run.External),
		WorkflowId:           run.Version.WorkflowID.String(),
		WorkflowVersionId:    run.Version.ID.String(),
		Input:                m.objectOf(run.Input),
		Output:               m.output(run),
		AdditionalMetadata:   run.ToldMetadata(),
		ErrorMessage:         failure,
		CreatedAt:            run.External.Time().UTC(),
		StartedAt:            instant(started),
		FinishedAt:           instant(run.Finished),
		Duration:             took(started, run.Finished),
		ParentTaskExternalId: parentOf(run),
	}
}

// row is a run in a list, with its tasks if it has several.
func (m *models) row(run *view.Run) hatchetrest.V1TaskSummary {
	if !run.Graph {
		row := m.task(run, &run.Tasks[0])
		row.DisplayName = displayName(run.Workflow, run.External)
		return row
	}
	started, failure := extent(run)
	row := hatchetrest.V1TaskSummary{
		Type: "DAG", IsEvicted: run.Evicted,
		DisplayName:  displayName(run.Workflow, run.External),
		Output:       m.output(run),
		ErrorMessage: failure,
		StartedAt:    instant(started), FinishedAt: instant(run.Finished), Duration: took(started, run.Finished),
		Children: m.tasks(run),
	}
	for i := range row.Children {
		row.NumSpawnedChildren += row.Children[i].NumSpawnedChildren
	}
	m.common(&row, run, run.External, run.Status, run.Finished)
	return row
}

// tasks are those of a run.
func (m *models) tasks(run *view.Run) []hatchetrest.V1TaskSummary {
	list := make([]hatchetrest.V1TaskSummary, len(run.Tasks))
	for i := range run.Tasks {
		list[i] = m.task(run, &run.Tasks[i])
	}
	return list
}

func (m *models) task(run *view.Run, t *view.Task) hatchetrest.V1TaskSummary {
	row := hatchetrest.V1TaskSummary{
		Type:        "TASK",
		DisplayName: displayName(t.Name, t.External),
		StepId:      view.StepID(run.Version.ID, t.Name).String(),
		RetryCount:  int64(t.Retries), Attempt: int64(t.Retries) + 1,
		IsEvicted: t.Evicted,
		Output:    m.objectOf(t.Output()),
		StartedAt: instant(startOf(t)), FinishedAt: instant(t.Finished), Duration: took(startOf(t), t.Finished),
		NumSpawnedChildren: m.children[t.ID],
	}
	if d := run.Version.Task(t.Name); d != nil {
		row.ActionId, row.IsDurable = d.Action, d.Durable
	}
	if text := t.Error(); text != nil {
		row.ErrorMessage = *text
	}
	m.common(&row, run, t.External, t.Status, t.Finished)
	return row
}

// common fills in what rows of runs and of tasks share.
func (m *models) common(row *hatchetrest.V1TaskSummary, run *view.Run, number id.ID, status wire.RunStatus, updated core.Time) {
	row.Metadata = metaOf(number, instant(updated))
	row.TaskExternalId, row.WorkflowRunExternalId = number.String(), run.External.String()
	row.CreatedAt, row.TaskInsertedAt = number.Time().UTC(), number.Time().UTC()
	row.Status = hatchetrest.V1TaskStatus(view.StatusName(status))
	row.TenantId = m.caller.UUID.String()
	row.WorkflowId, row.WorkflowVersionId = run.Version.WorkflowID.String(), run.Version.ID.String()
	row.WorkflowName = run.Workflow
	row.Input = m.objectOf(run.Input)
	row.AdditionalMetadata = run.ToldMetadata()
	row.ParentTaskExternalId = parentOf(run)
	row.IdempotencyKey = run.OnceKey()
	row.TaskId = int64(number) & idMask
}

// idMask keeps a number within what JavaScript counts exactly. Nothing is found by it.
const idMask = 1<<53 - 1

// events are what happened to the tasks of a run, in the order of time.
func (m *models) events(_ *view.Run, from []view.Event) []hatchetrest.V1TaskEvent {
	list := make([]hatchetrest.V1TaskEvent, len(from))
	for i := range from {
		e := &from[i]
		list[i] = hatchetrest.V1TaskEvent{
			Id: int64(i) + 1, TaskId: e.Task.External.String(), TaskDisplayName: displayName(e.Task.Name, e.Task.External),
			Timestamp: instant(e.At), EventType: hatchetrest.V1TaskEventType(e.Kind),
			RetryCount: int64(e.Retries), Attempt: int64(e.Retries) + 1, Message: e.Text,
		}
		switch e.Kind {
		case view.EventFailed, view.EventTimedOut:
			list[i].ErrorMessage = e.Text
		case view.EventFinished:
			list[i].Output = string(e.Task.Output())
		}
		if e.Worker != 0 {
			list[i].WorkerId = e.Worker.String()
		}
	}
	return list
}
