package guest

import (
	"cmp"
	"context"
	"strings"

	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// What a program says of a task when its author says nothing.
const (
	timeoutDefault         = "60s"
	scheduleTimeoutDefault = "5m"
)

// Define registers a workflow. What programs always say is filled in where it is not.
func (c *Client) Define(ctx context.Context, w *wire.CreateWorkflowVersionRequest) (*wire.CreateWorkflowVersionResponse, error) {
	for _, task := range w.Tasks {
		complete(w.Name, task)
	}
	if w.OnFailureTask != nil {
		complete(w.Name, w.OnFailureTask)
	}
	return c.Admin.PutWorkflow(ctx, w)
}

func complete(workflow string, t *wire.CreateTaskOpts) {
	t.Action = cmp.Or(t.Action, ActionID(workflow, t.ReadableId))
	t.Timeout = cmp.Or(t.Timeout, timeoutDefault)
	t.Inputs = "{}"
	if t.ScheduleTimeout == nil {
		t.ScheduleTimeout = new(scheduleTimeoutDefault)
	}
	if t.SlotRequests == nil {
		slot := "default"
		if t.IsDurable {
			slot = "durable"
		}
		t.SlotRequests = map[string]int32{slot: 1}
	}
}

// ActionID names a task of a workflow to workers.
func ActionID(workflow, task string) string { return strings.ToLower(workflow + ":" + task) }
