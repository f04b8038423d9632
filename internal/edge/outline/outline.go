// Package outline translates workflows, runs and logs between the wire and the shard.
//
// It owns the tables of roles and kinds and nothing else. It promises that what is
// translated there and back is the same, and that what makes no sense is passed on as
// nonsense: edge/admit refuses it with its place.
package outline

import (
	"github.com/adzehq/adze/internal/shard"
	wire "github.com/adzehq/adze/internal/wire/adzev1"
)

// FromWire gives workflows as the shard takes them.
func FromWire(from []*wire.Workflow) []shard.Workflow {
	list := make([]shard.Workflow, len(from))
	for i, w := range from {
		list[i] = shard.Workflow{
			Name: w.GetName(), Description: w.GetDescription(), Key: w.GetKey(), Priority: w.GetPriority(),
			Limits: limitsFromWire(w.GetLimits()), Queues: queuesFromWire(w.GetQueues()),
			Sticky: StickyFromWire(w.GetSticky()),
			Label:  w.GetLabel(), InputSchema: w.GetInputSchema(), FailInvalid: w.GetFailInvalid(),
		}
		for _, t := range w.GetTasks() {
			list[i].Tasks = append(list[i].Tasks, taskFromWire(t))
		}
		for _, c := range w.GetCrons() {
			list[i].Crons = append(list[i].Crons, cronFromWire(c))
		}
		for _, f := range w.GetFilters() {
			list[i].Filters = append(list[i].Filters, shard.DeclaredFilter{Scope: f.GetScope(), Expression: f.GetExpression(), Payload: f.GetPayload()})
		}
		list[i].Keyed = keyedFromWire(w)
		for _, t := range w.GetTriggers() {
			list[i].Triggers = append(list[i].Triggers, shard.Trigger{Event: t.GetEvent(), Expression: t.GetExpression()})
		}
	}
	return list
}

func taskFromWire(t *wire.Task) shard.Task {
	return shard.Task{
		Name:    t.GetName(),
		Action:  t.GetAction(),
		Retries: t.GetRetries(),
		Backoff: shard.Backoff{
			InitialMS: t.GetBackoff().GetInitialMs(),
			Factor:    t.GetBackoff().GetFactor(),
			MaxMS:     t.GetBackoff().GetMaxMs(),
			Exact:     t.GetBackoff().GetExact(),
		},
		ScheduleTimeoutMS:  t.GetScheduleTimeoutMs(),
		ExecutionTimeoutMS: t.GetExecutionTimeoutMs(),
		Parents:            t.GetParents(),
		WaitFor:            conditionsFromWire(t.GetWaitFor()),
		SkipIf:             conditionsFromWire(t.GetSkipIf()),
		CancelIf:           conditionsFromWire(t.GetCancelIf()),
		Role:               RoleFromWire(t.GetRole()),
		Durable:            t.GetDurable(),
		Description:        t.GetDescription(),
		Map:                mapFromWire(t.GetMap()),
		Queue:              t.GetQueue(),
		Limits:             limitsFromWire(t.GetLimits()),
		Batch:              batchFromWire(t.GetBatch()),
		Rates:              ratesFromWire(t.GetRates()),
		Slots:              SlotsFromWire(t.GetSlots()),
		Labels:             labelsFromWire(t.GetLabels()),
		Sticky:             StickyFromWire(t.GetSticky()),
	}
}

func mapFromWire(m *wire.Map) *shard.Map {
	if m == nil {
		return nil
	}
	return &shard.Map{Over: m.GetOver(), Workflow: m.GetWorkflow(), Concurrency: m.GetConcurrency(), KeepGoing: m.GetKeepGoing()}
}

func conditionsFromWire(from []*wire.Condition) []shard.TaskCondition {
	var list []shard.TaskCondition
	for _, c := range from {
		list = append(list, shard.TaskCondition{
			Parent: c.GetParent(), Expression: c.GetExpression(), SleepMS: c.GetSleepMs(),
			Event: c.GetEvent(), Scope: c.GetScope(), If: c.GetFilter(), Name: c.GetName(), Lenient: c.GetLenient(),
			Any: conditionsFromWire(c.GetAny()), All: conditionsFromWire(c.GetAll()),
		})
	}
	return list
}

var roles = map[shard.Role]wire.Task_Role{
	"":                  wire.Task_ROLE_TASK,
	shard.RoleOnFailure: wire.Task_ROLE_ON_FAILURE,
	shard.RoleOnSuccess: wire.Task_ROLE_ON_SUCCESS,
}

// RoleFromWire is the number's name if it is no role.
func RoleFromWire(number wire.Task_Role) shard.Role {
	for role, n := range roles {
		if n == number {
			return role
		}
	}
	return shard.Role(number.String())
}

// unknownRole is what a role that does not exist becomes on the wire.
const unknownRole wire.Task_Role = -1

// RoleToWire gives a role as it travels.
func RoleToWire(role shard.Role) wire.Task_Role {
	if number, known := roles[role]; known {
		return number
	}
	return unknownRole
}

// ToWire gives w as it travels.
func ToWire(w *shard.Workflow) *wire.Workflow {
	to := &wire.Workflow{
		Name: w.Name, Description: w.Description, Key: w.Key, Priority: w.Priority,
		Limits: limitsToWire(w.Limits), Queues: queuesToWire(w.Queues),
		Sticky: stickyToWire(w.Sticky),
		Label:  w.Label, InputSchema: w.InputSchema, FailInvalid: w.FailInvalid,
	}
	for i := range w.Tasks {
		to.Tasks = append(to.Tasks, taskToWire(&w.Tasks[i]))
	}
	for i := range w.Crons {
		to.Crons = append(to.Crons, cronToWire(&w.Crons[i]))
	}
	for _, f := range w.Filters {
		to.Filters = append(to.Filters, &wire.DeclaredFilter{Scope: f.Scope, Expression: f.Expression, Payload: f.Payload})
	}
	keyedToWire(to, &w.Keyed)
	for _, t := range w.Triggers {
		to.Triggers = append(to.Triggers, &wire.Trigger{Event: t.Event, Expression: t.Expression})
	}
	return to
}

func taskToWire(t *shard.Task) *wire.Task {
	return &wire.Task{
		Name: t.Name, Action: t.Action, Retries: t.Retries,
		Backoff: &wire.Backoff{
			InitialMs: t.Backoff.InitialMS, Factor: t.Backoff.Factor, MaxMs: t.Backoff.MaxMS, Exact: t.Backoff.Exact,
		},
		ScheduleTimeoutMs: t.ScheduleTimeoutMS, ExecutionTimeoutMs: t.ExecutionTimeoutMS,
		Parents: t.Parents, WaitFor: conditionsToWire(t.WaitFor), SkipIf: conditionsToWire(t.SkipIf), CancelIf: conditionsToWire(t.CancelIf),
		Role: RoleToWire(t.Role), Durable: t.Durable, Description: t.Description,
		Map: mapToWire(t.Map), Queue: t.Queue, Limits: limitsToWire(t.Limits),
		Batch: batchToWire(t.Batch),
		Rates: ratesToWire(t.Rates),
		Slots: SlotsToWire(t.Slots), Labels: labelsToWire(t.Labels), Sticky: stickyToWire(t.Sticky),
	}
}

func mapToWire(m *shard.Map) *wire.Map {
	if m == nil {
		return nil
	}
	return &wire.Map{Over: m.Over, Workflow: m.Workflow, Concurrency: m.Concurrency, KeepGoing: m.KeepGoing}
}

func conditionsToWire(from []shard.TaskCondition) []*wire.Condition {
	var list []*wire.Condition
	for _, c := range from {
		list = append(list, &wire.Condition{
			Parent: c.Parent, Expression: c.Expression, SleepMs: c.SleepMS,
			Event: c.Event, Scope: c.Scope, Filter: c.If, Name: c.Name, Lenient: c.Lenient,
			Any: conditionsToWire(c.Any), All: conditionsToWire(c.All),
		})
	}
	return list
}
