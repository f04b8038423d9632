package hatchet

import (
	"context"

	"github.com/adzehq/adze/internal/base/id"
	"github.com/adzehq/adze/internal/edge/auth"
	record "github.com/adzehq/adze/internal/record/workflow"
	"github.com/adzehq/adze/internal/wire/hatchetrest"
)

// tellWork adds to workers which workflows they serve and what they have now.
func (c Config) tellWork(ctx context.Context, caller auth.Caller, workers []hatchetrest.Worker) error {
	if err := c.tellWorkflows(ctx, caller, workers); err != nil {
		return err
	}
	for i := range workers {
		number, err := id.Parse(workers[i].Metadata.Id)
		if err != nil {
			return err
		}
		if workers[i].Slots, err = c.slots(ctx, caller, number); err != nil {
			return err
		}
	}
	return nil
}

// tellWorkflows adds to workers which workflows they serve: on this wire an action begins
// with the name of its own.
func (c Config) tellWorkflows(ctx context.Context, caller auth.Caller, workers []hatchetrest.Worker) error {
	var names []string
	for i := range workers {
		names = append(names, served(&workers[i])...)
	}
	if len(names) == 0 {
		return nil
	}
	ids, err := record.IDs(ctx, c.DB, caller.Tenant, names)
	if err != nil {
		return err
	}
	for i := range workers {
		for _, name := range served(&workers[i]) {
			if number, there := ids[name]; there {
				workers[i].RegisteredWorkflows = append(workers[i].RegisteredWorkflows,
					hatchetrest.RegisteredWorkflow{Id: number.String(), Name: name})
			}
		}
	}
	return nil
}

// served are the names that a worker's actions begin with, each once.
func served(w *hatchetrest.Worker) (names []string) {
	seen := map[string]bool{}
	for _, action := range w.Actions {
		if name, _ := split(action); !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	return names
}

// slots are the attempts that a worker has.
func (c Config) slots(ctx context.Context, caller auth.Caller, worker id.ID) ([]hatchetrest.SemaphoreSlots, error) {
	held, err := c.Wire.Holds(ctx, caller.Tenant, worker)
	if err != nil {
		return nil, err
	}
	slots := make([]hatchetrest.SemaphoreSlots, len(held))
	for i := range held {
		h := &held[i]
		slots[i] = hatchetrest.SemaphoreSlots{
			StepRunId: h.Task.String(), WorkflowRunId: h.Run.String(), ActionId: h.Action,
			Status: hatchetrest.StepRunStatusASSIGNED, StartedAt: instant(h.Started), TimeoutAt: instant(h.Deadline),
		}
		if h.Started != 0 {
			slots[i].Status = hatchetrest.StepRunStatusRUNNING
		}
	}
	return slots, nil
}
