package view

import (
	"context"
	"fmt"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/hatchetv1"
)

// messageBytesMax is what the results of a run may weigh: clients take messages of 4 MiB
// and end the whole stream at a larger one.
const messageBytesMax = 3 << 20

// Results are how the tasks of a run ended, of which external is the id.
func (r *Reader) Results(ctx context.Context, tenant, external id.ID, o *shard.Outcome) ([]*wire.StepRunResult, error) {
	if o.Task != "" {
		return fitting([]*wire.StepRunResult{resultOf(external, o)}), nil
	}
	run, err := r.run(ctx, tenant, o.ID, true)
	if err != nil {
		return nil, err
	}
	results := make([]*wire.StepRunResult, len(run.Tasks))
	for i := range run.Tasks {
		t := &run.Tasks[i]
		results[i] = newResult(t.External, t.Name, t.Error(), t.Output())
	}
	return fitting(results), nil
}

// resultOf is the result of a run of one task as it is told.
func resultOf(external id.ID, o *shard.Outcome) *wire.StepRunResult {
	t := Task{Status: endStatus(o.Status, o.Error)}
	t.TaskRun.Status, t.TaskRun.Error, t.TaskRun.Output = o.Status, o.Error, o.Output
	return newResult(external, o.Task, t.Error(), t.Output())
}

// Ended is a task of the run of which no more is known than how it ended.
func (r *Run) Ended(o *shard.Outcome) *Task {
	name := r.Version.Tasks[0].Name
	if r.Graph {
		name = r.Version.Tasks[o.ID-r.ID-1].Name
	}
	t := &Task{External: r.TaskOf(o.ID), Status: endStatus(o.Status, o.Error), Retries: r.chain.Retries(name, o.Attempt)}
	t.TaskRun.ID, t.TaskRun.Name = o.ID, name
	t.TaskRun.Status, t.TaskRun.Error, t.TaskRun.Output = o.Status, o.Error, o.Output
	return t
}

func newResult(task id.ID, name string, text *string, output []byte) *wire.StepRunResult {
	number := task.String()
	result := &wire.StepRunResult{TaskRunExternalId: number, JobRunId: number, TaskName: name, Error: text}
	if text == nil {
		given := string(output)
		result.Output = &given
	}
	return result
}

// fitting makes results fit into a message: what is too large for it becomes an error,
// for without the message nobody would learn of any.
func fitting(results []*wire.StepRunResult) []*wire.StepRunResult {
	left := messageBytesMax
	for _, r := range results {
		size := len(r.GetOutput()) + len(r.GetError())
		if left -= size; left >= 0 {
			continue
		}
		left += size
		text := "Error is too large to send over the Hatchet stream."
		if r.Error == nil {
			text = fmt.Sprintf("Output of %d bytes is too large to send over the Hatchet stream: the results of a run have %d MiB. Read it over REST.",
				size, messageBytesMax>>20)
		}
		r.Output, r.Error = nil, &text
	}
	return results
}
