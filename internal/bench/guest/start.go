package guest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// RunOption says more of a run than its workflow and input.
type RunOption func(*wire.TriggerWorkflowRequest)

// Metadata is put on the run.
func Metadata(of map[string]any) RunOption {
	return func(r *wire.TriggerWorkflowRequest) { r.AdditionalMetadata = proto.String(text(of)) }
}

// Priority is 1 to 3; the highest goes first.
func Priority(p int32) RunOption {
	return func(r *wire.TriggerWorkflowRequest) { r.Priority = proto.Int32(p) }
}

// Start starts a run of a workflow and returns its id.
func (c *Client) Start(ctx context.Context, workflow string, input any, options ...RunOption) (string, error) {
	response, err := c.Workflows.TriggerWorkflow(ctx, trigger(workflow, input, options))
	if err != nil {
		return "", err
	}
	return response.WorkflowRunId, nil
}

// StartMany starts a run for each input, in one call.
func (c *Client) StartMany(ctx context.Context, workflow string, inputs []any, options ...RunOption) ([]string, error) {
	request := &wire.BulkTriggerWorkflowRequest{Workflows: make([]*wire.TriggerWorkflowRequest, len(inputs))}
	for i, input := range inputs {
		request.Workflows[i] = trigger(workflow, input, options)
	}
	response, err := c.Workflows.BulkTriggerWorkflow(ctx, request)
	if err != nil {
		return nil, err
	}
	return response.WorkflowRunIds, nil
}

func trigger(workflow string, input any, options []RunOption) *wire.TriggerWorkflowRequest {
	request := &wire.TriggerWorkflowRequest{Name: workflow, Input: text(input)}
	for _, option := range options {
		option(request)
	}
	return request
}

// Result is how a run ended: an output or an error for each task that ran.
type Result struct {
	Outputs   map[string]json.RawMessage
	Errors    map[string]string
	Cancelled []string // tasks that have neither
}

// Into decodes the output of a task.
func (r Result) Into(task string, out any) error {
	if err := r.Err(); err != nil {
		return err
	}
	return json.Unmarshal(r.Outputs[task], out)
}

// Err is what went wrong: nil if no task failed and none was cancelled.
func (r Result) Err() error {
	var failures []error
	for task, said := range r.Errors {
		failures = append(failures, fmt.Errorf("task %s: %s", task, said))
	}
	if len(r.Cancelled) > 0 {
		failures = append(failures, fmt.Errorf("cancelled: %s", strings.Join(r.Cancelled, ", ")))
	}
	return errors.Join(failures...)
}

// Await waits for the end of a run.
func (c *Client) Await(ctx context.Context, run string) (Result, error) {
	event, err := c.results.await(ctx, run)
	if err != nil {
		return Result{}, fmt.Errorf("await run %s: %w", run, err)
	}
	return resultOf(event), nil
}

// Call starts a run and waits for its end.
func (c *Client) Call(ctx context.Context, workflow string, input any, options ...RunOption) (Result, error) {
	run, err := c.Start(ctx, workflow, input, options...)
	if err != nil {
		return Result{}, err
	}
	return c.Await(ctx, run)
}

func resultOf(event *wire.WorkflowRunEvent) Result {
	r := Result{Outputs: map[string]json.RawMessage{}, Errors: map[string]string{}}
	for _, one := range event.Results {
		switch {
		case one.Output != nil:
			r.Outputs[one.TaskName] = json.RawMessage(*one.Output)
		case one.GetError() != "":
			r.Errors[one.TaskName] = one.GetError()
		default:
			r.Cancelled = append(r.Cancelled, one.TaskName)
		}
	}
	return r
}

// text is v as JSON; nil is the empty object. Inputs and outputs are our own: one that
// does not encode is a fault of the program.
func text(v any) string {
	if v == nil {
		return "{}"
	}
	encoded, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("encode %T: %v", v, err))
	}
	return string(encoded)
}
